"""The desk that knows the engines and the chosen one. No fallback is silent: only a person's choice changes it."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from qana_desktop.engines.contract import BoardStatus, Engine, EngineError, EngineInfo, EngineState, Inference
from qana_desktop.engines.machine import BoardPlace
from qana_desktop.engines.probing import unplugged
from qana_desktop.engines.watch import BoardsChanged
from qana_desktop.system.childprocess import ChildFailed
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_
from qana_desktop.triage.measured import MeasuredValue

log = logging.getLogger(__name__)

Listener = Callable[[EngineInfo], None]
BoardListener = Callable[[BoardsChanged], None]

NO_ENGINE: Final = Fault(
    code="engine-not-chosen",
    message=N_("No engine is running, so no image can be assessed."),
    remedy=N_("Choose an engine."),
)
RETURNS: Final = 3
"""How often a board that came back is taken into use again without a person: a loose cable must not go on for ever."""

_NOBODY: Final = EngineInfo("", N_("No engine"), "", "", EngineState.UNAVAILABLE, NO_ENGINE)


class RunningEngine(Engine, Protocol):
    """An engine in its own process, as `engines.host` keeps it: it knows its state and tells of changes."""

    def restart(self) -> object:
        """Clear what blocked it and start it again; raises EngineError."""
        ...

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` on every change of state but READY to BUSY and back; returns the unsubscriber."""
        ...

    def device_gone(self, fault: Fault) -> None:
        """End the engine at once: the system says that its device went."""
        ...

    def set_clock(self, mode: str) -> EngineInfo:
        """Set a board's clock mode; raises EngineError."""
        ...

    def status(self) -> BoardStatus:
        """What a board says of itself now; raises EngineError for other engines."""
        ...


class EngineShelf(Protocol):
    """All engines of this machine, as `engines.registry` keeps them."""

    def probe(self) -> list[EngineInfo]:
        """List the engines, broken ones with their fault."""
        ...

    def open(self, engine_id: str, bundle: Path) -> RunningEngine:
        """Start and self-test one engine; raises EngineError."""
        ...


@dataclass(frozen=True, eq=False)
class Answer:
    """What the chosen engine returned, and which engine that was."""

    inference: Inference
    engine: EngineInfo


class DeviceDesk:
    """Keeps `DeviceDeskLike`, and runs inference for the other desks. Safe between threads.

    One call reaches the engine at a time; `current` never waits for it. An engine that was lost in the middle of an
    image, and could not be had back, stays so until `choose` or `restart`: every `infer` until then raises.
    """

    def __init__(self, shelf: EngineShelf, bundle: Path) -> None:
        self._shelf, self._bundle = shelf, bundle
        self._turn = threading.Lock()
        """Held by whoever uses or changes the engine; taken before `_lock`, never after."""
        self._lock = threading.Lock()
        """Guards the fields below, for moments only."""
        self._engine: RunningEngine | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._listeners: dict[object, Listener] = {}
        self._board_listeners: dict[object, BoardListener] = {}
        self._gone: BoardPlace | None = None
        self._returned = 0
        self._closed = False

    def engines(self) -> list[EngineInfo]:
        """Probe and list all engines; the chosen one with its live state. Takes up to seconds."""
        listed = self._shelf.probe()
        chosen = self.current()
        return [chosen if info.engine_id == chosen.engine_id else info for info in listed]

    def current(self) -> EngineInfo:
        """The chosen engine with its live state. Immediate."""
        with self._lock:
            return _NOBODY if self._engine is None else self._engine.info

    def choose(self, engine_id: str) -> EngineInfo:
        """Open and self-test an engine and make it the chosen one.

        Raises EngineError and keeps the old choice, which goes on working. The chosen engine itself is restarted: a
        board cannot be open twice.
        """
        if engine_id == self.current().engine_id:
            return self.restart()
        opened = self._shelf.open(engine_id, self._bundle)
        self._forget_absence()
        with self._turn:
            self._replace(opened)
        return self.current()

    def restart(self) -> EngineInfo:
        """Start the chosen engine again; raises EngineError, and `current` says what became of it then."""
        self._forget_absence()
        with self._turn:
            self._chosen().restart()
        return self.current()

    def boards_changed(self, change: BoardsChanged) -> None:
        """Take note of boards that came or went, as `engines.watch` tells. Slow when the chosen board came back.

        When the chosen board goes, its engine is lost at once. When the same board (the same place) comes back, it is
        started and tested again, at most `RETURNS` times until a person chooses or restarts. Another board never takes
        its place.
        """
        for place in change.vanished:
            if _is_at(self.current(), place):
                self._lose(place)
        for place in change.appeared:
            if self._may_return(place):
                self._take_back(place)
        with self._lock:
            listeners = tuple(self._board_listeners.values())
        for listener in listeners:
            listener(change)

    def set_clock(self, mode: str) -> EngineInfo:
        """Set the chosen board's clock mode; raises EngineError for an engine that has none."""
        with self._turn:
            return self._chosen().set_clock(mode)

    def status(self) -> BoardStatus:
        """What the chosen board says of itself now; raises EngineError for other engines."""
        with self._turn:
            return self._chosen().status()

    def infer(self, batch: npt.NDArray[np.uint8]) -> Answer:
        """Run a batch on the chosen engine; raises EngineError, and `current` says what became of the engine then."""
        with self._turn:
            engine = self._chosen()
            return Answer(engine.infer(batch), engine.info)

    def measure_energy(self, batch: npt.NDArray[np.uint8]) -> MeasuredValue:
        """Measure the energy of one network input over a burst of a second or so; raises EngineError."""
        with self._turn:
            return self._chosen().measure_energy(batch)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` (from any thread) when another engine is chosen or the chosen one's state changes.

        READY to BUSY and back, as for every image, is not told: `current` knows. Returns the unsubscriber. A listener
        must not call the desk's slow methods.
        """
        key = object()
        with self._lock:
            self._listeners[key] = listener

        def unsubscribe() -> None:
            with self._lock:
                self._listeners.pop(key, None)

        return unsubscribe

    def subscribe_boards(self, listener: BoardListener) -> Callable[[], None]:
        """Call `listener` (from any thread) when boards came or went; returns the unsubscriber."""
        key = object()
        with self._lock:
            self._board_listeners[key] = listener

        def unsubscribe() -> None:
            with self._lock:
                self._board_listeners.pop(key, None)

        return unsubscribe

    def close(self) -> None:
        """Stop the engine at once, also in the middle of an inference (which then fails). Safe to call twice."""
        with self._lock:
            engine, self._engine, self._closed = self._engine, None, True
            self._listeners.clear()
            self._board_listeners.clear()
        if engine is not None:
            engine.close()

    def _lose(self, place: BoardPlace) -> None:
        with self._lock:
            engine, self._gone = self._engine, place
        log.info("the chosen board is gone")
        if engine is not None:
            engine.device_gone(unplugged(place.label))

    def _may_return(self, place: BoardPlace) -> bool:
        with self._lock:
            gone = self._gone
            same = gone is not None and place.label == gone.label
            if not same or self._closed or self._returned >= RETURNS:
                return False
            self._returned += 1
            return True

    def _take_back(self, place: BoardPlace) -> None:
        try:
            with self._turn:
                self._chosen().restart()
        except (EngineError, ChildFailed) as error:
            log.info("the board at %s came back and could not be started: %s", place.label, type(error).__name__)
            return
        with self._lock:
            self._gone = None

    def _forget_absence(self) -> None:
        with self._lock:
            self._gone, self._returned = None, 0

    def _chosen(self) -> RunningEngine:
        with self._lock:
            if self._engine is None:
                raise EngineError(NO_ENGINE)
            return self._engine

    def _replace(self, engine: RunningEngine) -> None:
        """Put another engine in place of the present one and close that; only with the turn."""
        with self._lock:
            closed, old, forget = self._closed, self._engine, self._unsubscribe
            if not closed:
                self._engine, self._unsubscribe = engine, engine.subscribe(self._tell)
        if closed:
            engine.close()
            return
        forget()
        if old is not None:
            old.close()
        self._tell(engine.info)

    def _tell(self, info: EngineInfo) -> None:
        with self._lock:
            listeners = tuple(self._listeners.values())
        for listener in listeners:
            listener(info)


def _is_at(info: EngineInfo, place: BoardPlace) -> bool:
    """Whether this engine is the board at that place; without a place, the board of that number."""
    kind, _, suffix = info.engine_id.partition(":")
    if kind != "akida-board":
        return False
    number = re.search(r"\d+$", place.node)
    return suffix == place.place if place.place else number is not None and suffix == number[0]
