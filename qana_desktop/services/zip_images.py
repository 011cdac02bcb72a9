"""Images in a ZIP file, unpacked into memory and nowhere else; limits are read before anything is unpacked."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Final

from qana_desktop.services.find_images import SUFFIXES
from qana_desktop.services.sources import ImageSource
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _

MOST_IMAGES: Final = 2000
MOST_BYTES: Final = 512 * 1024 * 1024
"""Of all images in one ZIP together, unpacked: they stay in memory until the program ends."""
_ENCRYPTED: Final = 0x1


class ZipRefused(KnownError):
    """A ZIP from which no image can be taken."""


def is_zip(path: Path) -> bool:
    """Whether a file is named like a ZIP."""
    return path.suffix.lower() == ".zip" and path.is_file()


def images_in(path: Path) -> list[ImageSource]:
    """Return the images in a ZIP, sorted by name, each with its bytes; raises ZipRefused.

    A member that promises fewer bytes than it has is refused with the whole ZIP. Folders, hidden files and other kinds
    are left aside.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = sorted(filter(_is_image, archive.infolist()), key=lambda member: member.filename)
            _check(path, members)
            return [_unpacked(path, archive, member) for member in members]
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ZipRefused(_damaged(path)) from error
    except OSError as error:
        raise ZipRefused(_not_read(path, error.strerror or type(error).__name__)) from error


def _is_image(member: zipfile.ZipInfo) -> bool:
    name = PurePosixPath(member.filename)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in name.parts)
    return not member.is_dir() and not hidden and name.suffix.lower() in SUFFIXES


def _check(path: Path, members: list[zipfile.ZipInfo]) -> None:
    if not members:
        raise ZipRefused(_empty(path))
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise ZipRefused(_encrypted(path))
    if len(members) > MOST_IMAGES or sum(member.file_size for member in members) > MOST_BYTES:
        raise ZipRefused(_too_large(path))


def _unpacked(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> ImageSource:
    with archive.open(member) as stream:
        data = stream.read(member.file_size + 1)
    if len(data) != member.file_size:
        raise ZipRefused(_damaged(path))
    return ImageSource(f"{path.name} > {member.filename}", data=data)


def _damaged(path: Path) -> Fault:
    return Fault(
        "zip-damaged",
        _("“{name}” is no ZIP file, or it is damaged, so no image was taken from it.").format(name=path.name),
        _("Copy or download it again, or unpack it and open the folder."),
    )


def _not_read(path: Path, why: str) -> Fault:
    return Fault(
        "zip-not-read",
        _("“{name}” could not be read: {why}.").format(name=path.name, why=why),
        _("Check the disk and the permissions, then open it again."),
    )


def _empty(path: Path) -> Fault:
    return Fault("zip-empty", _("“{name}” holds no image.").format(name=path.name), _("Choose another file."))


def _encrypted(path: Path) -> Fault:
    return Fault(
        "zip-encrypted",
        _("The images in “{name}” are protected by a password, so none was taken.").format(name=path.name),
        _("Unpack it with its password, then open the folder."),
    )


def _too_large(path: Path) -> Fault:
    return Fault(
        "zip-too-large",
        _("“{name}” holds more than {images} images or {megabytes} MB, so none was taken.").format(
            name=path.name, images=MOST_IMAGES, megabytes=MOST_BYTES // (1024 * 1024)
        ),
        _("Unpack it and open the folder."),
    )
