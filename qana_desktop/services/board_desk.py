"""The desk that window and command line hold: one engine, or several that share a batch, as a person chose."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from qana_desktop.engines.contract import (
    ALL_BOARDS,
    BoardStatus,
    EngineError,
    EngineInfo,
    EngineState,
    engine_error,
)
from qana_desktop.engines.watch import BoardsChanged
from qana_desktop.services.board_team import BoardTeam
from qana_desktop.services.device_desk import Answer, BoardListener, DeviceDesk, EngineShelf, Listener
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import _
from qana_desktop.triage.measured import MeasuredValue

_BOARD: Final = "akida-board"


class BoardDesk:
    """Keeps `DeviceDeskLike` for whatever a person chose: an engine's id, ids with commas between them, `all-boards`.

    Safe between threads. Fallback is never silent: only `choose` changes which engines are asked.
    """

    def __init__(self, shelf: EngineShelf, bundle: Path) -> None:
        self._shelf, self._bundle = shelf, bundle
        self._choosing = threading.Lock()
        """Held while the engines are changed."""
        self._lock = threading.Lock()
        """Guards the listeners, for moments only."""
        self._team = BoardTeam([DeviceDesk(shelf, bundle)])
        self._wanted = ""
        self._ends: list[Callable[[], None]] = []
        self._listeners: dict[object, Listener] = {}
        self._board_listeners: dict[object, BoardListener] = {}
        self._closed = False

    @property
    def width(self) -> int:
        """How many engines share the images."""
        return self._team.width

    def engines(self) -> list[EngineInfo]:
        """Probe and list all engines, and the choice of all boards where there are several. Takes up to seconds."""
        listed = self._shelf.probe()
        live = {info.engine_id: info for info in self._team.members()}
        listed = [live.get(info.engine_id, info) for info in listed]
        boards = _usable_boards(listed)
        if self._wanted == ALL_BOARDS:
            return [self.current(), *listed]
        if len(boards) > 1:
            return [_together(boards, ALL_BOARDS, EngineState.AVAILABLE), *listed]
        return listed

    def current(self) -> EngineInfo:
        """What was chosen, with its live state. Immediate."""
        members = self._team.members()
        if len(members) == 1 and self._wanted != ALL_BOARDS:
            return members[0]
        return _together(members, self._wanted, _state_of(members), _reservation(members))

    def choose(self, engine_id: str) -> EngineInfo:
        """Open and self-test what was chosen; raises EngineError and keeps the old choice, which goes on working."""
        with self._choosing:
            names = self._names(engine_id)
            mine = {desk.current().engine_id: desk for desk in self._team.desks}
            fresh: list[DeviceDesk] = []
            try:
                for name in names:
                    if name in mine and (len(names) > 1 or self._team.width > 1):
                        self._mend(mine[name])
                    elif name in mine:
                        mine[name].restart()
                    else:
                        fresh.append(DeviceDesk(self._shelf, self._bundle))
                        fresh[-1].choose(name)
            except BaseException:
                for desk in fresh:
                    desk.close()
                raise
            opened = iter(fresh)
            self._adopt([mine[name] if name in mine else next(opened) for name in names], engine_id)
        self._tell()
        return self.current()

    def restart(self) -> EngineInfo:
        """Start again what was lost, or all where nothing was; raises EngineError when nothing works then."""
        with self._choosing:
            desks = self._team.desks
            broken = [desk for desk in desks if desk.current().fault is not None] or list(desks)
            failed: EngineError | None = None
            for desk in broken:
                try:
                    desk.restart()
                except EngineError as error:
                    failed = error
            self._team.welcome()
            if failed is not None and all(desk.current().fault is not None for desk in desks):
                raise failed
        self._tell()
        return self.current()

    def infer(self, batch: npt.NDArray[np.uint8]) -> Answer:
        """Run a batch on the next free engine of the choice; raises EngineError when none is left."""
        return self._team.infer(batch)

    def measure_energy(self, batch: npt.NDArray[np.uint8]) -> MeasuredValue:
        """Measure one burst on the first engine of the choice; raises EngineError."""
        return self._team.desks[0].measure_energy(batch)

    def set_clock(self, mode: str) -> EngineInfo:
        """Set the clock mode of every board of the choice; raises EngineError for an engine that has none."""
        for desk in self._team.desks:
            desk.set_clock(mode)
        return self.current()

    def status(self) -> BoardStatus:
        """What the chosen board says of itself now; raises EngineError for other engines, and for several at once."""
        if self._team.width > 1:
            what = _("Several engines share the work: each has a clock and a meter of its own.")
            raise EngineError(Fault("no-status", what, _("Choose one of them to see its own.")))
        return self._team.desks[0].status()

    def boards_changed(self, change: BoardsChanged) -> None:
        """Take note of boards that came or went; slow when one of the choice came back."""
        self._team.boards_changed(change)
        with self._lock:
            listeners = tuple(self._board_listeners.values())
        for listener in listeners:
            listener(change)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` (from any thread) when the choice or its state changes; returns the unsubscriber."""
        return self._keep(self._listeners, listener)

    def subscribe_boards(self, listener: BoardListener) -> Callable[[], None]:
        """Call `listener` (from any thread) when boards came or went; returns the unsubscriber."""
        return self._keep(self._board_listeners, listener)

    def close(self) -> None:
        """Stop all engines at once. Safe to call twice."""
        with self._lock:
            self._closed = True
            self._listeners.clear()
            self._board_listeners.clear()
        for desk in self._team.desks:
            desk.close()

    def _names(self, wanted: str) -> list[str]:
        """The engines that a choice means; raises EngineError for one named twice, and where there is no board."""
        if wanted == ALL_BOARDS:
            listed = [info for info in self._shelf.probe() if info.engine_id.startswith(_BOARD)]
            if boards := _usable_boards(listed):
                return [info.engine_id for info in boards]
            raise engine_error(next(info.fault for info in listed if info.fault is not None))
        names = [name.strip() for name in wanted.split(",")]
        if len(set(names)) != len(names):
            what = _("An engine was named twice, so no image was assessed.")
            raise EngineError(Fault("engine-twice", what, _("Name each engine once.")))
        return names

    def _mend(self, desk: DeviceDesk) -> None:
        if desk.current().fault is not None:
            desk.restart()

    def _adopt(self, desks: Sequence[DeviceDesk], wanted: str) -> None:
        """Put the new engines in place, and close those that left when their last image is done."""
        with self._lock:
            ends, self._ends = self._ends, []
            closed = self._closed
        for end in ends:
            end()
        several = len(desks) > 1 or wanted == ALL_BOARDS
        self._wanted = wanted if wanted == ALL_BOARDS else ",".join(desk.current().engine_id for desk in desks)
        left = self._team.replace(desks)
        for desk in (*left, *(desks if closed else ())):
            desk.close()
        told = self._tell if several else None
        with self._lock:
            self._ends = [desk.subscribe(lambda info: told() if told else self._publish(info)) for desk in desks]
        self._team.welcome()

    def _tell(self) -> None:
        self._publish(self.current())

    def _publish(self, info: EngineInfo) -> None:
        with self._lock:
            listeners = tuple(self._listeners.values())
        for listener in listeners:
            listener(info)

    def _keep(self, where: dict[object, Callable[..., None]], listener: Callable[..., None]) -> Callable[[], None]:
        key = object()
        with self._lock:
            where[key] = listener

        def unsubscribe() -> None:
            with self._lock:
                where.pop(key, None)

        return unsubscribe


def _usable_boards(listed: Sequence[EngineInfo]) -> list[EngineInfo]:
    return [info for info in listed if info.engine_id.startswith(_BOARD) and info.fault is None]


def _together(members: Sequence[EngineInfo], wanted: str, state: EngineState, fault: Fault | None = None) -> EngineInfo:
    """Several engines as one line of the list."""
    name = _("All boards ({count})") if wanted == ALL_BOARDS else _("{count} engines")
    runtimes = dict.fromkeys(info.runtime for info in members if info.runtime)
    ids = ", ".join(info.engine_id for info in members)
    return EngineInfo(wanted, name.format(count=len(members)), ", ".join(runtimes), ids, state, fault)


def _state_of(members: Sequence[EngineInfo]) -> EngineState:
    """The best state of those that work; else that of the first that does not."""
    working = {info.state for info in members if info.fault is None}
    order = (EngineState.BUSY, EngineState.READY, EngineState.STARTING)
    return next((state for state in order if state in working), members[0].state)


def _reservation(members: Sequence[EngineInfo]) -> Fault | None:
    """What a person must know of the engines that are lost, also while others go on."""
    lost = [info for info in members if info.fault is not None]
    if not lost or lost[0].fault is None:
        return None
    first = lost[0].fault
    if len(lost) == len(members):
        return first
    what = _("{engine} does not answer; {count} of {all} go on. {why}")
    left = len(members) - len(lost)
    text = what.format(engine=lost[0].engine_id, count=left, all=len(members), why=first.message)
    return Fault(first.code, text, first.remedy)
