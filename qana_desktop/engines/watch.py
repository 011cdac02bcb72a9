"""Notices Akida boards that come and go while the program runs: one `stat` a second, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from qana_desktop.engines.machine import BoardPlace, Machine

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True)
class BoardsChanged:
    """Which boards can be used that could not before, and which are gone."""

    appeared: tuple[BoardPlace, ...]
    vanished: tuple[BoardPlace, ...]


Listener = Callable[[BoardsChanged], None]


class BoardLook:
    """Compares what the system shows now with the look before. The driver makes and removes a node for each board.

    The folder of nodes is listed only when its time of change is another than before; else each known node is looked
    at alone, because a rule may open it to this user a moment after it was made.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._changed = self._folder_change()
        self._seen = machine.places()

    @property
    def seen(self) -> tuple[BoardPlace, ...]:
        """The boards of the last look."""
        return self._seen

    def look(self) -> BoardsChanged | None:
        """Return what changed since the last look, None for nothing."""
        changed = self._folder_change()
        if changed == self._changed and not self._seen:
            return None
        now, before, self._changed = self._machine.places(), self._seen, changed
        self._seen = now
        there = {(place.node, place.place) for place in now}
        appeared = tuple(place for place in now if place.usable and place not in before)
        vanished = tuple(place for place in before if place.usable and (place.node, place.place) not in there)
        return BoardsChanged(appeared, vanished) if appeared or vanished else None

    def _folder_change(self) -> int:
        try:
            return self._machine.dev.stat().st_mtime_ns
        except OSError:
            return 0


class BoardWatch:
    """Calls `listener`, from its own thread, when boards come or go. `close` ends it at once."""

    def __init__(self, listener: Listener, machine: Machine | None = None, *, every_s: float | None = None) -> None:
        self._look = BoardLook(machine or Machine())
        self._listener, self._every_s = listener, LOOK_EVERY_S if every_s is None else every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="board-watch", daemon=True)

    @property
    def seen(self) -> tuple[BoardPlace, ...]:
        """The boards of the last look."""
        return self._look.seen

    def start(self) -> BoardWatch:
        """Start looking; returns self."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop looking. Safe to call twice, and from the listener."""
        self._ended.set()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every_s):
            changed = self._look.look()
            if changed is not None:
                log.info("boards: %d appeared, %d vanished", len(changed.appeared), len(changed.vanished))
                self._listener(changed)
