"""Wheels drawn by code: one of a small library called `akida`, and what hostile or damaged files would look like."""

from __future__ import annotations

import base64
import hashlib
import stat
import zipfile
from pathlib import Path

from qana_desktop.engines.akida_install import this_machine
from qana_desktop.engines.akida_wheel import Here

HERE = this_machine()
LIBRARY = '__version__ = "{version}"\n\n\ndef devices():\n    return []\n'


def platform_tag(here: Here = HERE) -> str:
    return "win_amd64" if here.system == "win32" else f"manylinux_2_28_{here.machine}"


def recorded(content: bytes) -> str:
    digest = hashlib.sha256(content).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def write_wheel(
    path: Path,
    *,
    name: str = "akida",
    version: str = "2.19.3",
    tag: str = "",
    library: str = LIBRARY,
    extra: dict[str, bytes] | None = None,
    spoil: str = "",
    unrecorded: dict[str, bytes] | None = None,
    link: str = "",
) -> Path:
    """Write a wheel. `extra` files are recorded; `spoil` names a file whose record is wrong; `link` is a symlink."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": library.replace("{version}", version).encode(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nTag: {tag or f'{HERE.tag}-{HERE.tag}-{platform_tag()}'}\n".encode(),
        **(extra or {}),
    }
    rows = [
        f"{file},{recorded(b'other' if file == spoil else content)},{len(content)}" for file, content in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, content in {**files, **(unrecorded or {})}.items():
            entry = zipfile.ZipInfo(file)
            entry.external_attr = (stat.S_IFLNK if file == link else stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, content)
    return path
