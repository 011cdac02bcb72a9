"""Undo and redo over a record that only grows: which change is next to be taken back, which to be done again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """One change of one user, ordered by `seq`. `undoes` is the change whose inverse this is; None for a new one."""

    seq: int
    what: str
    undoes: int | None = None


@dataclass(frozen=True)
class History:
    """Changes that can be taken back and done again, next one last. Redo is the inverse of an undo."""

    undo: tuple[Change, ...] = ()
    redo: tuple[Change, ...] = ()


def history_of(changes: Iterable[Change]) -> History:
    """Return what can be undone and redone after `changes` (oldest first). A new change ends what could be redone."""
    undo: list[Change] = []
    redo: list[Change] = []
    for change in changes:
        if change.undoes is None:
            undo.append(change)
            redo.clear()
        elif undo and change.undoes == undo[-1].seq:
            undo.pop()
            redo.append(change)
        elif redo and change.undoes == redo[-1].seq:
            redo.pop()
            undo.append(change)
    return History(tuple(undo), tuple(redo))
