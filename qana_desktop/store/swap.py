"""Puts a finished store folder in the place of another; a crash half-way is finished at the next opening."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from qana_desktop.store.files import PARTIAL, flush_folder

INCOMING: Final = ".incoming"
OUTGOING: Final = ".outgoing"


def partial_of(folder: Path) -> Path:
    """Return the place where a new store for `folder` is built, emptied of an earlier attempt; raises OSError."""
    partial = folder.with_name(folder.name + PARTIAL)
    if partial.exists():
        shutil.rmtree(partial)
    return partial


def swap_in(partial: Path, folder: Path, *, keep_old_as: Path | None) -> None:
    """Make `partial`, complete and checked, the store of `folder`. The old one is kept under a name, or removed.

    Raises OSError. At every moment there is the old store or the new one, whole, under a name that `finish_swap` knows.
    """
    incoming, outgoing = _beside(folder, INCOMING), _beside(folder, OUTGOING)
    partial.rename(incoming)
    flush_folder(folder.parent)
    if folder.exists():
        folder.rename(keep_old_as or outgoing)
    incoming.rename(folder)
    flush_folder(folder.parent)
    finish_swap(folder)


def finish_swap(folder: Path) -> None:
    """Finish what a crash left of `swap_in`; raises OSError."""
    incoming, outgoing = _beside(folder, INCOMING), _beside(folder, OUTGOING)
    if incoming.exists() and folder.exists():
        shutil.rmtree(incoming)  # The exchange had not begun: whoever asked for it was not told that it was done.
    elif incoming.exists():
        incoming.rename(folder)
        flush_folder(folder.parent)
    if outgoing.exists() and folder.exists():
        shutil.rmtree(outgoing)


def _beside(folder: Path, ending: str) -> Path:
    return folder.with_name(folder.name + ending)
