"""A folder that is looked at again and again: what is new in it and no longer grows is taken in."""

from __future__ import annotations

import os
from pathlib import Path

from qana_desktop.services.find_images import SUFFIXES
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _

_State = tuple[int, int]


class FolderUnreachable(KnownError):
    """The watched folder cannot be looked at now."""


class WatchedFolder:
    """Images that come into a folder while it is watched. Files that are there at the first look are left alone.

    A file is given out once its size and time of change were the same in two looks: a camera may still write it. One
    that changes later is given out again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, _State] | None = None
        self._growing: dict[str, _State] = {}

    def look(self) -> list[Path]:
        """Return the images that have come since the look before, sorted; raises FolderUnreachable."""
        try:
            found = dict(self._files())
        except OSError as error:
            raise FolderUnreachable(_unreachable(self.folder, error.strerror or type(error).__name__)) from error
        if self._known is None:
            self._known = found
            return []
        fresh = {name: state for name, state in found.items() if self._known.get(name) != state}
        settled = sorted(name for name, state in fresh.items() if self._growing.get(name) == state and state[0] > 0)
        self._growing = {name: state for name, state in fresh.items() if name not in settled}
        self._known |= {name: fresh[name] for name in settled}
        return [self.folder / name for name in settled]

    def _files(self) -> list[tuple[str, _State]]:
        with os.scandir(self.folder) as entries:
            return [(entry.name, _state(entry)) for entry in entries if _is_image(entry)]


def _is_image(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".") and Path(entry.name).suffix.lower() in SUFFIXES and entry.is_file()


def _state(entry: os.DirEntry[str]) -> _State:
    try:
        status = entry.stat()
    except FileNotFoundError:  # gone between the two calls: as good as still growing
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _unreachable(folder: Path, why: str) -> Fault:
    return Fault(
        "watch-unreachable",
        _("The watched folder “{name}” cannot be looked at: {why}. New images in it are not taken in.").format(
            name=folder.name, why=why
        ),
        _("Connect the disk or the network drive again, or choose another folder in the settings."),
    )
