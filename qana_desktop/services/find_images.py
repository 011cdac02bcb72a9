"""From what a person names (files, folders, patterns) to the images to read, in an order that does not change."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from qana_desktop.services.sources import ImageSource
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".dcm"})
"""What is looked for in folders. A file that is named itself is read whatever it is called: its content decides."""


_LONGEST_NAME: Final = 200
"""Characters of a path in a sentence."""


class NothingToRead(KnownError):
    """A path names no image."""


def find_images(paths: Iterable[Path]) -> list[ImageSource]:
    """Return the images in order, each once. Folders are searched below, sorted by path; hidden files are left aside.

    Raises NothingToRead for a path that does not exist or cannot be looked at, a folder without images or
    with a folder below that may not be read, a pattern that fits nothing.
    """
    found: dict[Path, None] = {}
    for path in paths:
        try:
            found.update(dict.fromkeys(_expand(path)))
        except OSError as error:
            raise NothingToRead(_not_searched(Path(os.fsdecode(error.filename or path)), error)) from error
    return [ImageSource(label=str(path), path=path) for path in found]


def _expand(path: Path) -> list[Path]:
    if path.is_dir():
        return list(_in_folder(path)) or _refuse(path, "folder-empty", _("holds no image"))
    if path.exists() or path.is_symlink():
        return [path]
    if glob.has_magic(str(path)):
        return list(_matching(str(path))) or _refuse(path, "pattern-empty", _("fits no image"))
    return _refuse(path, "path-missing", _("does not exist"))


def _matching(pattern: str) -> Iterator[Path]:
    for name in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207 - Path.glob refuses absolute patterns
        match = Path(name)
        if match.is_dir():
            continue
        if match.suffix.lower() in SUFFIXES:
            yield match


def _in_folder(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder, onerror=_stop):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(place, name)


def _stop(error: OSError) -> None:
    """Leave no folder out in silence: the images in it would seem to have been read."""
    raise error


def _not_searched(path: Path, error: OSError) -> Fault:
    name = str(path) if len(str(path)) <= _LONGEST_NAME else f"{str(path)[:_LONGEST_NAME]}…"
    return Fault(
        code="path-unreadable",
        message=_("“{name}” cannot be looked at ({strerror}), so nothing was read.").format(
            name=name, strerror=error.strerror
        ),
        remedy=_("Check the name and its permissions, or name the folders and files beside it one by one."),
    )


def _refuse(path: Path, code: str, what: str) -> list[Path]:
    raise NothingToRead(
        Fault(
            code=code,
            message=_("“{path}” {what}, so nothing was read.").format(path=path, what=what),
            remedy=_("Name image files (JPEG, PNG, TIFF, BMP, WebP or DICOM), or folders that hold some."),
        )
    )
