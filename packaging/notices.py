"""Collects the licence texts of everything inside a frozen folder and lists it as a CycloneDX SBOM.

Works from `inside.json`, which build.spec writes, so that what was left out is not listed. Fails on anything
proprietary and on any component without a licence text.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from forbidden import ForbiddenInside

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TEXTS = HERE / "licences"
SYSTEM_FOLDERS = ("/lib/", "/usr/lib/")
LEGAL_NAME = re.compile(r"(licen[cs]e|copying|notice|authors|3rd-?party|thirdparty)", re.IGNORECASE)
QT = ("pyside6-essentials", "shiboken6")
FONTS = (("dejavu-fonts", "2.37", "Bitstream-Vera", "DejaVu"), ("droid-sans-fallback", "6.0.1", "Apache-2.0", "Droid"))
"""Fonts of reports, in `assets/fonts` with the texts of their licences."""
LINK_TIME = ("pyinstaller",)
"""Not imported by the program, but part of it: PyInstaller's loader is the executable's first code."""


class NoLicenceText(Exception):
    """Something inside came without the text of its licence; the message names it."""


@dataclass
class Component:
    """One thing inside: its name, version, licence as its makers write it, and where its texts are."""

    name: str
    version: str
    licence: str
    purl: str
    texts: list[Path]
    files: list[str] = field(default_factory=list)
    """Native libraries of it, as paths inside the folder."""


def components(inside: Iterable[list[str]]) -> list[Component]:
    """Return everything that the entries [destination, source, kind] come from; raises NoLicenceText."""
    owners = {source: dist for dist in distributions() for source in _sources(dist)}
    found: dict[str, Component] = {}
    for destination, source, kind in inside:
        component = _owner(source, owners)
        if component is None:
            continue
        known = found.setdefault(component.purl, component)
        if kind in {"BINARY", "EXTENSION"}:
            known.files.append(destination)
    for dist in distributions():
        if _canonical(dist.name) in LINK_TIME:
            loader = _of_distribution(dist)
            found.setdefault(loader.purl, loader)
    ours = ROOT / "assets" / "fonts"
    result = sorted([_python(), *fonts(ours), *found.values()], key=lambda component: (component.name, component.purl))
    for component in result:
        if not component.texts:
            raise NoLicenceText(f"{component.name} {component.version} came without the text of its licence.")
    return result


def fonts(folder: Path) -> Iterator[Component]:
    """Return the fonts of a folder: LICENSE-Name.txt is of all Name*.ttf; raises NoLicenceText for one without."""
    licensed: set[Path] = set()
    for text in sorted(folder.glob("LICENSE-*.txt")):
        family = text.stem.removeprefix("LICENSE-")
        files = sorted(folder.glob(f"{family}*.ttf"))
        licensed |= set(files)
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
        name = f"font-{family.lower()}"
        names = [f"assets/fonts/{path.name}" for path in files]
        yield Component(name, digest, "see its text", f"pkg:generic/{name}@{digest}", [text], names)
    if bare := sorted(path.name for path in set(folder.glob("*.ttf")) - licensed):
        raise NoLicenceText(f"These fonts came without the text of their licence: {', '.join(bare)}")


def refuse_proprietary(found: Iterable[Component]) -> None:
    """Raise ForbiddenInside when a component's makers call it proprietary."""
    names = [f"{one.name} {one.version} ({one.licence})" for one in found if "proprietary" in one.licence.lower()]
    if names:
        raise ForbiddenInside(f"Proprietary, so it must not be passed on: {', '.join(names)}")


def write_notices(folder: Path, inside: Path, *, version: str, epoch: int) -> list[Component]:
    """Write `licenses/` and `sbom.cdx.json` into a frozen folder; returns what is inside."""
    found = components(json.loads(inside.read_text(encoding="utf-8")))
    refuse_proprietary(found)
    target = folder / "licenses"
    shutil.rmtree(target, ignore_errors=True)
    for component in found:
        _copy_texts(component, target / f"{component.name}-{component.version}".replace("/", "_").replace(":", "_"))
    for text in ("LGPL-3.txt", "GPL-3.txt"):
        shutil.copyfile(TEXTS / text, target / text)
    for name, number, _licence_id, text in FONTS:
        shutil.copyfile(ROOT / "assets" / "fonts" / f"LICENSE-{text}.txt", target / f"{name}-{number}.txt")
    qt = next(component for component in found if component.name == QT[0])
    offer = (TEXTS / "QT.md").read_text(encoding="utf-8").format(version=qt.version)
    (target / "QT.md").write_text(offer, encoding="utf-8")
    shutil.copyfile(ROOT / "LICENSE", target / "QANA-DESKTOP.txt")
    shutil.copyfile(ROOT / "models" / "LICENSE", target / "QANA-NETWORKS.txt")
    document = sbom(folder, found, version=version, epoch=epoch)
    (folder / "sbom.cdx.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return found


def sbom(folder: Path, found: Iterable[Component], *, version: str, epoch: int) -> dict[str, Any]:
    """Return the CycloneDX 1.5 document: same input, same document."""
    listed = [_entry(folder, component) for component in found]
    listed.append(_plain("qana-desktop-networks", version, "CC-BY-NC-4.0", "machine-learning-model"))
    listed += [_plain(name, number, licence, "library") for name, number, licence, _text in FONTS]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(listed, sort_keys=True))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, UTC).isoformat(),
            "component": _plain("qana-desktop", version, "Apache-2.0", "application"),
        },
        "components": listed,
    }


def _plain(name: str, version: str, licence: str, kind: str) -> dict[str, Any]:
    return {"type": kind, "bom-ref": name, "name": name, "version": version, "licenses": [{"license": {"id": licence}}]}


def _entry(folder: Path, component: Component) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "type": "library",
        "bom-ref": component.purl,
        "name": component.name,
        "version": component.version,
        "purl": component.purl,
        "licenses": [{"license": {"name": component.licence}}],
    }
    files = [folder / "_internal" / name for name in sorted(set(component.files))]
    if parts := [_file_entry(component, path, folder) for path in files if path.is_file()]:
        entry["components"] = parts
    return entry


def _file_entry(component: Component, path: Path, folder: Path) -> dict[str, Any]:
    name = path.relative_to(folder).as_posix()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    reference = f"{component.purl}#{name}"
    return {"type": "file", "bom-ref": reference, "name": name, "hashes": [{"alg": "SHA-256", "content": digest}]}


def _sources(dist: Distribution) -> Iterator[str]:
    for path in dist.files or ():
        yield str(Path(str(dist.locate_file(path))).resolve())


def _owner(source: str, owners: dict[str, Distribution]) -> Component | None:
    """Return what a file comes from: a package of Python, a package of the system, or None for our own and Python's."""
    path = str(Path(source).resolve())
    if path in owners:
        return _of_distribution(owners[path])
    return _of_system(source) if source.startswith(SYSTEM_FOLDERS) else None


_KNOWN: dict[str, Component] = {}


def _of_distribution(dist: Distribution) -> Component:
    name = _canonical(dist.name)
    if name not in _KNOWN:
        _KNOWN[name] = Component(
            name, dist.version, _licence(dist), f"pkg:pypi/{name}@{dist.version}", _texts_of(dist, name)
        )
    return _KNOWN[name]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _licence(dist: Distribution) -> str:
    """Return the licence as the metadata say it: expression, classifiers or the first line of the old field."""
    metadata = dist.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    prefix = "License :: "
    named = [line.removeprefix(prefix) for line in metadata.get_all("Classifier") or () if line.startswith(prefix)]
    old = metadata["License"].strip().splitlines() if "License" in metadata else []
    return "; ".join([*named, *old[:1]]) or "see its text"


def _texts_of(dist: Distribution, name: str) -> list[Path]:
    if name in QT:
        return [TEXTS / "LGPL-3.txt", TEXTS / "GPL-3.txt"]
    if (TEXTS / f"{name}.txt").is_file():
        return [TEXTS / f"{name}.txt"]
    paths = [Path(str(dist.locate_file(path))) for path in dist.files or () if _is_legal(str(path))]
    return sorted(path for path in paths if path.is_file())


def _is_legal(path: str) -> bool:
    parts = path.replace("\\", "/").split("/")
    folder = any(part in {"licenses", "sboms"} for part in parts[:-1])
    return folder or (bool(LEGAL_NAME.search(parts[-1])) and not parts[-1].endswith((".py", ".pyc", ".so")))


def _of_system(source: str) -> Component | None:
    """Return the Debian package that a library of the build machine belongs to."""
    real = Path(source).resolve()
    for path in (source, str(real), source.removeprefix("/usr"), str(real).removeprefix("/usr")):
        asked = subprocess.run(["dpkg-query", "--search", path], capture_output=True, text=True, check=False)
        if asked.returncode == 0:
            return _of_package(asked.stdout.splitlines()[0].partition(": ")[0])
    raise NoLicenceText(f"{source} belongs to no package of this system, so its licence is not known.")


def _of_package(package: str) -> Component:
    if package not in _KNOWN:
        show = ["dpkg-query", "--show", "--showformat=${Package}\t${Version}\t${Architecture}", package]
        name, version, machine = subprocess.run(show, capture_output=True, text=True, check=True).stdout.split("\t")
        text = Path("/usr/share/doc") / name / "copyright"
        _KNOWN[package] = Component(
            name,
            version,
            "see its copyright file",
            f"pkg:deb/debian/{name}@{version}?arch={machine}",
            [text] if text.is_file() else [],
        )
    return _KNOWN[package]


def _python() -> Component:
    version = ".".join(str(part) for part in sys.version_info[:3])
    home = Path(sysconfig.get_path("stdlib"))
    texts = [path for path in (home / "LICENSE.txt", Path(sys.base_prefix) / "LICENSE.txt") if path.is_file()]
    return Component("python", version, "PSF-2.0", f"pkg:generic/python@{version}", texts[:1])


def _copy_texts(component: Component, target: Path) -> None:
    """Copy the texts flat; a second file of the same name is numbered."""
    target.mkdir(parents=True)
    for text in component.texts:
        place, number = target / text.name, 1
        while place.exists():
            number += 1
            place = target / f"{text.stem}-{number}{text.suffix}"
        shutil.copyfile(text, place)


__all__ = ["Component", "NoLicenceText", "components", "refuse_proprietary", "write_notices"]
