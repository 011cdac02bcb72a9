"""A vendor's wheel as a file that a person chose: what it is, whether it fits here, and unpacking it safely."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath
from typing import Final

from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import N_, _

NAME: Final = "akida"
MAJOR: Final = "2"
MOST_BYTES: Final = 1024 * 2**20
"""Unpacked. The wheels of 2.19 take about a twentieth."""
MOST_FILES: Final = 20_000
_CHUNK: Final = 2**20
_REMEDY: Final = N_("Choose the file that BrainChip offers for this system and for Python {python}, unchanged.")
_SAFE: Final = re.compile(r"[A-Za-z0-9_.+-]+")


class WheelRefused(KnownError):
    """The file is no wheel of the Akida library, or not one for this program."""


@dataclass(frozen=True)
class Here:
    """What a wheel must be for: `cp311` and a platform of which one of `platforms` is a part."""

    python: tuple[int, int]
    system: str
    machine: str

    @property
    def tag(self) -> str:
        """The wheel's tag for this Python."""
        return f"cp{self.python[0]}{self.python[1]}"

    def runs(self, platform_tag: str) -> bool:
        """Whether a platform tag of a wheel is for this system."""
        if self.system == "win32":
            return platform_tag == "win_amd64" and self.machine in {"AMD64", "x86_64"}
        return platform_tag.startswith(("manylinux", "linux")) and platform_tag.endswith(f"_{self.machine}")


@dataclass(frozen=True)
class WheelFacts:
    """What a person sees before it is unpacked. `sha256` is to be compared with the one that the vendor publishes."""

    version: str
    tags: tuple[str, ...]
    sha256: str
    size: int


def inspect_wheel(path: Path, here: Here) -> WheelFacts:
    """Read the facts of a wheel and check that it is `akida`, of our major version, for this Python and system.

    Raises WheelRefused. Nothing is unpacked.
    """
    try:
        digest, size = _sha256(path), path.stat().st_size
        with zipfile.ZipFile(path) as archive:
            folder = _info_folder(archive, here)
            metadata = _headers(archive, f"{folder}/METADATA")
            tags = tuple(_all(archive, f"{folder}/WHEEL", "Tag"))
    except (OSError, zipfile.BadZipFile, KeyError, UnicodeDecodeError, NotImplementedError, RuntimeError) as error:
        raise _refused(_("It is no wheel that can be read ({error})").format(error=error), here) from error
    name, version = metadata.get("name", ""), metadata.get("version", "")
    if name.lower() != NAME or not _SAFE.fullmatch(version):
        raise _refused(_("It is “{name} {version}”, not the Akida library").format(name=name, version=version), here)
    if version.partition(".")[0] != MAJOR:
        raise _refused(
            _("It is version {version}; this program knows version {major}").format(version=version, major=MAJOR), here
        )
    if not any(_fits(tag, here) for tag in tags):
        raise _refused(
            _("It is for {tags}, not for {tag} on {machine}").format(
                tags=", ".join(tags) or _("no known system"), tag=here.tag, machine=here.machine
            ),
            here,
        )
    return WheelFacts(version, tags, digest, size)


def unpack_wheel(path: Path, target: Path, here: Here, *, sha256: str) -> None:
    """Unpack a wheel that was looked at into the new folder `target`; each file is checked against the wheel's record.

    Raises WheelRefused when the file is another one than before, or holds what a wheel may not: a name that leads out
    of the folder, a link, a file that is not recorded or differs from its record, too much. OSError for a full disk.
    """
    if _sha256(path) != sha256:
        raise _refused(_("The file changed while it was looked at"), here)
    target.mkdir(parents=True, mode=0o700)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [entry for entry in archive.infolist() if not entry.is_dir()]
            record = _record(archive, _info_folder(archive, here))
            _check_members(members, record, here)
            for entry in members:
                _unpack(archive, entry, target, record[entry.filename], here)
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError, NotImplementedError, RuntimeError) as error:
        raise _refused(_("It cannot be unpacked ({error})").format(error=error), here) from error


def _check_members(members: list[zipfile.ZipInfo], record: dict[str, str], here: Here) -> None:
    names = [entry.filename for entry in members]
    if len(names) != len({name.lower() for name in names}) or len(names) > MOST_FILES:
        raise _refused(_("It holds a file twice, or too many"), here)
    if sum(entry.file_size for entry in members) > MOST_BYTES:
        raise _refused(_("It would take more room than any version of the library"), here)
    for entry in members:
        if not _is_inside(entry.filename):
            raise _refused(
                _("It holds a name that leads elsewhere: {filename!r}").format(filename=entry.filename), here
            )
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise _refused(
                _("It holds something that is no plain file: {filename!r}").format(filename=entry.filename), here
            )
        if entry.filename not in record:
            raise _refused(
                _("It holds a file that its record does not know: {filename!r}").format(filename=entry.filename), here
            )


def _is_inside(name: str) -> bool:
    """Only names of the library's own folders; nothing absolute, nothing upwards, no drive, no other separator."""
    parts = PurePosixPath(name).parts
    if not parts or "\\" in name or ":" in name or "\0" in name or name.startswith("/") or ".." in parts:
        return False
    return parts[0] in {NAME, f"{NAME}.libs"} or re.fullmatch(rf"{NAME}-[^/]+\.(dist-info|data)", parts[0]) is not None


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, recorded: str, here: Here) -> None:
    place = target.joinpath(*PurePosixPath(entry.filename).parts)
    place.parent.mkdir(parents=True, exist_ok=True)
    digest, left = hashlib.sha256(), entry.file_size
    with archive.open(entry) as source, place.open("xb") as out:
        while block := source.read(_CHUNK):
            left -= len(block)
            if left < 0:
                raise _refused(_("It holds more than it says"), here)
            digest.update(block)
            out.write(block)
    given = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode("ascii")
    if recorded not in ("", f"sha256={given}"):
        raise _refused(_("It is damaged: {filename!r} differs from its record").format(filename=entry.filename), here)


def _record(archive: zipfile.ZipFile, folder: str) -> dict[str, str]:
    """Return the recorded hash of each file; only the record itself has none (PEP 376)."""
    rows = csv.reader(io.StringIO(archive.read(f"{folder}/RECORD").decode("utf-8")))
    found = {row[0]: row[1] for row in rows if len(row) == 3}
    unsigned = {f"{folder}/RECORD", f"{folder}/RECORD.jws", f"{folder}/RECORD.p7s"}
    return {name: value for name, value in found.items() if value.startswith("sha256=") or name in unsigned}


def _info_folder(archive: zipfile.ZipFile, here: Here) -> str:
    found = {name.partition("/")[0] for name in archive.namelist() if name.partition("/")[0].endswith(".dist-info")}
    if len(found) != 1:
        raise _refused(_("It is no wheel"), here)
    return found.pop()


def _headers(archive: zipfile.ZipFile, name: str) -> dict[str, str]:
    message = HeaderParser().parsestr(archive.read(name).decode("utf-8"))
    return {key.lower(): str(value) for key, value in message.items()}


def _all(archive: zipfile.ZipFile, name: str, key: str) -> Iterator[str]:
    message = HeaderParser().parsestr(archive.read(name).decode("utf-8"))
    return (str(value) for value in message.get_all(key, []))


def _fits(tag: str, here: Here) -> bool:
    python, _, rest = tag.partition("-")
    _, _, platforms = rest.partition("-")
    return here.tag in python.split(".") and any(here.runs(platform) for platform in platforms.split("."))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refused(why: str, here: Here) -> WheelRefused:
    python = f"{here.python[0]}.{here.python[1]}"
    return WheelRefused(
        Fault("wheel-refused", _("The file was not added. {why}.").format(why=why), _REMEDY.format(python=python)),
    )
