"""The desk that knows the engines and the chosen one. No fallback is silent: only a person's choice changes it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from qana_desktop.engines.contract import (
    ERRORS,
    BadInput,
    DeviceLost,
    Engine,
    EngineAdapter,
    EngineError,
    EngineInfo,
    EngineState,
    EngineTimeout,
    Inference,
    ModelRefused,
)
from qana_desktop.system.faults import Fault

Listener = Callable[[EngineInfo], None]

NO_ENGINE: Final = Fault(
    code="engine-not-chosen",
    message="No engine is running, so no image can be assessed.",
    remedy="Choose an engine.",
)
_NOBODY: Final = EngineInfo("", "No engine", "", "", EngineState.UNAVAILABLE, NO_ENGINE)
_WORKING: Final = frozenset({EngineState.READY, EngineState.BUSY})


@dataclass(frozen=True, eq=False)
class Answer:
    """What the chosen engine returned, and which engine that was."""

    inference: Inference
    engine: EngineInfo


class DeviceDesk:
    """Keeps `DeviceDeskLike`, and runs inference for the other desks. Safe between threads.

    One call reaches the engine at a time. `current` never waits for it. An engine that was lost, stuck or refused stays
    so until `choose` or `restart`: every `infer` until then raises the same fault.
    """

    def __init__(self, engines: EngineAdapter, bundle: Path) -> None:
        self._engines, self._bundle = engines, bundle
        self._turn = threading.Lock()
        """Held by whoever uses or changes the engine; taken before `_lock`, never after."""
        self._lock = threading.Lock()
        """Guards the fields below, for moments only."""
        self._info = _NOBODY
        self._engine: Engine | None = None
        self._listeners: dict[int, Listener] = {}
        self._listener_ids = 0
        self._closed = False

    def engines(self) -> list[EngineInfo]:
        """Probe and list all engines; the chosen one with its live state. Takes up to seconds."""
        chosen = self.current()
        listed = self._engines.probe()
        return [
            replace(info, state=chosen.state, fault=chosen.fault) if _same(info, chosen) else info for info in listed
        ]

    def current(self) -> EngineInfo:
        """The chosen engine with its live state. Immediate."""
        with self._lock:
            return self._info

    def choose(self, engine_id: str) -> EngineInfo:
        """Open and self-test an engine and make it the chosen one.

        Raises EngineError and keeps the old choice, which goes on working. The chosen engine itself is restarted: a
        board cannot be open twice.
        """
        if engine_id == self.current().engine_id:
            return self.restart()
        info = self._listed(engine_id)
        opened = self._engines.open(engine_id, self._bundle)
        with self._turn:
            self._replace(opened, replace(info, state=EngineState.READY, fault=None))
        return self.current()

    def restart(self) -> EngineInfo:
        """Close the chosen engine and open it again; raises EngineError, and the engine is unavailable then."""
        with self._turn:
            chosen = self.current()
            if chosen.engine_id == "":
                raise EngineError(NO_ENGINE)
            self._replace(None, replace(chosen, state=EngineState.STARTING, fault=None))
            try:
                info = self._listed(chosen.engine_id)
                opened = self._engines.open(chosen.engine_id, self._bundle)
            except EngineError as error:
                self._show(replace(chosen, state=_state_after(error), fault=error.fault))
                raise
            self._replace(opened, replace(info, state=EngineState.READY, fault=None))
        return self.current()

    def infer(self, batch: npt.NDArray[np.uint8]) -> Answer:
        """Run a batch on the chosen engine; raises EngineError, and `current` says what became of the engine then."""
        with self._turn:
            with self._lock:
                engine, info = self._engine, self._info
            if engine is None or info.state not in _WORKING:
                raise _error_again(info)
            self._show(replace(info, state=EngineState.BUSY))
            try:
                inference = engine.infer(batch)
            except EngineError as error:
                self._show(replace(info, state=_state_after(error), fault=_fault_after(error)))
                raise
            self._show(replace(info, state=EngineState.READY, fault=None))
        return Answer(inference, info)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` (from any thread) whenever the chosen engine's info changes; returns the unsubscriber."""
        with self._lock:
            self._listener_ids += 1
            number = self._listener_ids
            self._listeners[number] = listener

        def unsubscribe() -> None:
            with self._lock:
                self._listeners.pop(number, None)

        return unsubscribe

    def close(self) -> None:
        """Stop the engine at once, also in the middle of an inference (which then fails). Safe to call twice."""
        with self._lock:
            engine, self._engine, self._closed = self._engine, None, True
            self._info = _NOBODY
            self._listeners.clear()
        if engine is not None:
            engine.close()

    def _listed(self, engine_id: str) -> EngineInfo:
        for info in self._engines.probe():
            if info.engine_id == engine_id:
                return info
        raise EngineError(
            Fault(
                code="engine-unknown",
                message=f"There is no engine “{engine_id}” on this machine, so no image can be assessed with it.",
                remedy="Choose one of the listed engines.",
            )
        )

    def _replace(self, engine: Engine | None, info: EngineInfo) -> None:
        """Put another engine (or none) in place of the present one and close that; only with the turn."""
        with self._lock:
            old, self._engine = self._engine, engine
            if self._closed:
                old, self._engine = engine, None
        if old is not None:
            old.close()
        self._show(info)

    def _show(self, info: EngineInfo) -> None:
        with self._lock:
            if self._closed or info == self._info:
                return
            self._info = info
            listeners = tuple(self._listeners.values())
        for listener in listeners:
            listener(info)


def _same(info: EngineInfo, chosen: EngineInfo) -> bool:
    return info.engine_id == chosen.engine_id


def _error_again(info: EngineInfo) -> EngineError:
    fault = info.fault or NO_ENGINE
    return ERRORS.get(fault.code, EngineError)(fault)


def _state_after(error: EngineError) -> EngineState:
    """What an error leaves behind: a batch that does not fit says nothing against the engine."""
    match error:
        case BadInput():
            return EngineState.READY
        case EngineTimeout():
            return EngineState.STUCK
        case DeviceLost():
            return EngineState.LOST
        case ModelRefused():
            return EngineState.REFUSED
        case _:
            return EngineState.UNAVAILABLE


def _fault_after(error: EngineError) -> Fault | None:
    return None if isinstance(error, BadInput) else error.fault
