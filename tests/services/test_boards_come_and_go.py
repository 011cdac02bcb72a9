"""The desk follows its board: lost when it goes, started again when the same one comes back, never replaced."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qana_desktop.engines.contract import BoardStatus, DeviceLost, EngineError, EngineInfo, EngineState, Inference
from qana_desktop.engines.machine import BoardPlace
from qana_desktop.engines.watch import BoardsChanged
from qana_desktop.services.device_desk import RETURNS, DeviceDesk
from qana_desktop.system.faults import Fault
from qana_desktop.triage.measured import MeasuredValue
from tests.support.fake_engines import ENERGY, potentials_of

HERE, THERE = (BoardPlace(f"akida{n}", f"pci-0000:0{n}:00.0", usable=True) for n in (3, 5))
IMAGE = np.zeros((1, 8, 8, 3), np.uint8)


class Board:
    """An engine on a board; counts its starts."""

    def __init__(self, engine_id: str) -> None:
        self.info = EngineInfo(engine_id, "Board", "fake 1", "", EngineState.READY)
        self.starts = 1
        self.refuses = False

    def infer(self, batch: np.ndarray) -> Inference:
        if self.info.fault is not None:
            raise DeviceLost(self.info.fault)
        return Inference(potentials_of(batch), 1.0, ENERGY)

    def device_gone(self, fault: Fault) -> None:
        self.info = EngineInfo(self.info.engine_id, "Board", "fake 1", "", EngineState.LOST, fault)

    def restart(self) -> None:
        if self.refuses:
            raise DeviceLost(Fault("device-lost", "It does not start.", "Look at it."))
        self.starts += 1
        self.info = EngineInfo(self.info.engine_id, "Board", "fake 1", "", EngineState.READY)

    def measure_energy(self, batch: np.ndarray) -> MeasuredValue:
        return ENERGY

    def set_clock(self, mode: str) -> EngineInfo:
        return self.info

    def status(self) -> BoardStatus:
        return BoardStatus("Performance", ("Performance",), 1000.0, 900.0, None)

    def subscribe(self, listener: object) -> object:
        return lambda: None

    def close(self) -> None:
        """Nothing is held."""


class Shelf:
    def __init__(self) -> None:
        self.boards: list[Board] = []

    def probe(self) -> list[EngineInfo]:
        return []

    def open(self, engine_id: str, bundle: Path) -> Board:
        self.boards.append(Board(engine_id))
        return self.boards[-1]


@pytest.fixture
def desk() -> DeviceDesk:
    made = DeviceDesk(Shelf(), Path("bundle"))
    made.choose(f"akida-board:{HERE.place}")
    return made


def gone(place: BoardPlace) -> BoardsChanged:
    return BoardsChanged(appeared=(), vanished=(place,))


def back(place: BoardPlace) -> BoardsChanged:
    return BoardsChanged(appeared=(place,), vanished=())


def test_the_chosen_board_that_goes_is_lost_and_says_where_it_was(desk):
    desk.boards_changed(gone(HERE))
    assert desk.current().state is EngineState.LOST
    with pytest.raises(DeviceLost, match=HERE.place):
        desk.infer(IMAGE)


def test_another_board_that_goes_changes_nothing(desk):
    desk.boards_changed(gone(THERE))
    assert desk.infer(IMAGE).engine.state is EngineState.READY


def test_the_same_board_is_started_again_when_it_comes_back(desk):
    desk.boards_changed(gone(HERE))
    desk.boards_changed(back(HERE))
    assert desk.infer(IMAGE).engine.engine_id == f"akida-board:{HERE.place}"


def test_another_board_never_takes_its_place(desk):
    desk.boards_changed(gone(HERE))
    desk.boards_changed(back(THERE))
    with pytest.raises(DeviceLost):
        desk.infer(IMAGE)


def test_a_loose_cable_is_followed_a_counted_number_of_times_until_a_person_acts(desk):
    for _ in range(RETURNS):
        desk.boards_changed(gone(HERE))
        desk.boards_changed(back(HERE))
        desk.infer(IMAGE)
    desk.boards_changed(gone(HERE))
    desk.boards_changed(back(HERE))
    with pytest.raises(DeviceLost):
        desk.infer(IMAGE)
    desk.restart()
    desk.boards_changed(gone(HERE))
    desk.boards_changed(back(HERE))
    desk.infer(IMAGE)


def test_a_board_that_comes_back_and_does_not_start_is_still_lost(desk):
    desk.boards_changed(gone(HERE))
    board = desk._shelf.boards[0]
    board.refuses = True
    desk.boards_changed(back(HERE))
    with pytest.raises(EngineError):
        desk.infer(IMAGE)


def test_a_board_of_which_the_place_is_unknown_is_known_by_its_number():
    desk = DeviceDesk(Shelf(), Path("bundle"))
    desk.choose("akida-board:1")
    desk.boards_changed(gone(BoardPlace("akida0", "", usable=True)))
    assert desk.current().state is EngineState.READY
    desk.boards_changed(gone(BoardPlace("akida1", "", usable=True)))
    assert desk.current().state is EngineState.LOST


def test_no_engine_but_a_board_is_ever_lost_to_an_empty_slot():
    desk = DeviceDesk(Shelf(), Path("bundle"))
    desk.boards_changed(gone(HERE))
    desk.choose("onnx-cpu")
    desk.boards_changed(gone(HERE))
    assert desk.current().state is EngineState.READY


def test_nothing_is_started_once_the_desk_is_closed(desk):
    desk.boards_changed(gone(HERE))
    desk.close()
    desk.boards_changed(back(HERE))
    assert desk._shelf.boards[0].starts == 1
