"""Expands what a person names, files, folders and patterns, to the image files in them."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from qana_desktop.intake import refusals

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".bmp", ".dib", ".webp"})
"""Looked for in folders. A file that is named itself is read whatever it is called."""


def find_images(paths: Iterable[Path]) -> list[Path]:
    """Return the image files that `paths` name, each once: in the order of the paths, sorted within each.

    Folders are searched with their subfolders; hidden entries are left out; a folder that a link leads into twice is
    read once. Raises FileRefused for a path that is not there, and for a folder or pattern without an image.
    """
    found = (file for path in paths for file in _expand(path))
    return list(dict.fromkeys(found))


def _expand(path: Path) -> list[Path]:
    if path.is_dir():
        images = list(_walk(path, set()))
        if not images:
            raise refusals.folder_without_images()
        return images
    if path.exists() or not glob.has_magic(str(path)):
        if not os.path.lexists(path):
            raise refusals.missing()
        return [path]
    return _expand_pattern(str(path))


def _expand_pattern(pattern: str) -> list[Path]:
    matches = [Path(match) for match in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207 - absolute patterns
    images: list[Path] = []
    for match in matches:
        if match.is_dir():
            images += _walk(match, set())
        elif match.suffix.lower() in SUFFIXES:
            images.append(match)
    if not images:
        raise refusals.pattern_without_images()
    return images


def _walk(folder: Path, visited: set[tuple[int, int]]) -> Iterator[Path]:
    """Yield images below `folder`, sorted by name; `visited` holds (device, inode) and ends loops of links."""
    try:
        status = folder.stat()
        entries = sorted(folder.iterdir())
    except OSError:
        raise refusals.unreadable() from None
    if (status.st_dev, status.st_ino) in visited:
        return
    visited.add((status.st_dev, status.st_ino))
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(entry, visited)
        elif entry.suffix.lower() in SUFFIXES:
            yield entry
