"""Lays out the frozen folder as Linux wants it: one tree, the same for the .deb and for the tarball."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from icons import png  # noqa: E402

COMMANDS = {
    "qana-desktop": "qana-desktop-cli",
    "qana-desktop-cli": "qana-desktop-cli",
    "qana-desktop-window": "qana-desktop-window",
}
"""Names in bin/, the same as those of the wheel, and the programs they start."""

ICON_SIZES = (48, 128, 256)


class NothingBuilt(Exception):
    """There is no frozen folder to pack; the text says how to make one."""


def frozen_folder(given: Path) -> Path:
    """Return the frozen folder; raises NothingBuilt."""
    if not (given / "qana-desktop-cli").is_file() or not (given / "sbom.cdx.json").is_file():
        raise NothingBuilt(f"{given} holds no frozen program. Make it first: python packaging/freeze.py")
    return given


def stage(frozen: Path, top: Path, *, version: str, epoch: int) -> None:
    """Write bin/, lib/ and share/ below `top`, with relative links: the tree runs wherever it lies."""
    program = top / "lib" / "qana-desktop"
    shutil.copytree(frozen, program, symlinks=True, ignore=shutil.ignore_patterns("licenses", "sbom.cdx.json"))
    for name, target in COMMANDS.items():
        _link(top / "bin" / name, f"../lib/qana-desktop/{target}")
    share, doc = top / "share", top / "share" / "doc" / "qana-desktop"
    shutil.copytree(frozen / "licenses", doc / "licenses")
    shutil.copyfile(frozen / "sbom.cdx.json", doc / "sbom.cdx.json")
    _link(program / "licenses", "../../share/doc/qana-desktop/licenses")
    _pictures(share / "icons" / "hicolor")
    date = datetime.fromtimestamp(epoch, UTC).date().isoformat()
    _write(share / "applications" / "qana-desktop.desktop", (HERE / "qana-desktop.desktop").read_text("utf-8"))
    facts = (HERE / "qana-desktop.metainfo.xml").read_text("utf-8").format(version=version, date=date)
    _write(share / "metainfo" / "qana-desktop.metainfo.xml", facts)
    manual = (HERE / "qana-desktop.1").read_text("utf-8").replace("{version}", version).replace("{date}", date)
    write_gzip(share / "man" / "man1" / "qana-desktop.1.gz", manual.encode())
    for alias in ("qana-desktop-cli", "qana-desktop-window"):
        _link(share / "man" / "man1" / f"{alias}.1.gz", "qana-desktop.1.gz")
    rule = top / "lib" / "udev" / "rules.d" / "70-qana-akida.rules"
    _write(rule, (ROOT / "packaging" / "udev" / rule.name).read_text("utf-8"))
    write_gzip(doc / "changelog.gz", (ROOT / "CHANGELOG.md").read_bytes())


def settle(top: Path, epoch: int) -> None:
    """Give everything one time and plain permissions, so that two builds are alike."""
    for path in sorted(top.rglob("*"), reverse=True):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if runs else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def write_gzip(target: Path, content: bytes) -> None:
    """Write a gzip file without a name or a time in it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(gzip.compress(content, 9, mtime=0))


def needed_glibc(folder: Path) -> str:
    """Return the newest version of glibc that any library inside asks for, such as "2.34"."""
    newest = (2, 17)
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_file() or not (".so" in path.name or path.parent == folder):
            continue
        asked = subprocess.run(["objdump", "-T", path], capture_output=True, text=True, check=False).stdout
        for word in asked.split():
            number = word.strip("()").removeprefix("GLIBC_")
            if "GLIBC_2." in word and number.replace(".", "").isdigit():
                newest = max(newest, tuple(int(part) for part in number.split("."))[:2])  # type: ignore[assignment]
    return ".".join(str(part) for part in newest)


def _pictures(folder: Path) -> None:
    drawing = ROOT / "assets" / "qana-desktop.svg"
    _write(folder / "scalable" / "apps" / "qana-desktop.svg", drawing.read_text("utf-8"))
    for size in ICON_SIZES:
        target = folder / f"{size}x{size}" / "apps" / "qana-desktop.png"
        target.parent.mkdir(parents=True)
        target.write_bytes(png(drawing, size))


def _write(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


def _link(place: Path, target: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)
