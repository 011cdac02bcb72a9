"""One engine or all boards, as a person chose: images are shared, a lost board is told, nothing changes by itself."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from qana_desktop.engines.contract import (
    ALL_BOARDS,
    DeviceBusy,
    DeviceLost,
    EngineError,
    EngineInfo,
    EngineState,
    uses_akida,
)
from qana_desktop.engines.registry import AdapterSpec, EngineRegistry
from qana_desktop.network.bundle import open_bundle
from qana_desktop.services.board_desk import BoardDesk
from qana_desktop.system.faults import Fault
from tests.support.bundles import small_bundle
from tests.support.fake_engines import FakeEngine, FakeEngines

FIRST, SECOND = "akida-board:pci-0000:03:00.0", "akida-board:pci-0000:05:00.0"
IMAGE = np.zeros((1, 8, 8, 3), np.uint8)
LOST = DeviceLost(Fault("device-lost", "The cable is out.", "Put it in."))
BUSY = DeviceBusy(Fault("device-busy", "Another program holds it.", "Close it."))
SOON_S = 30.0


@pytest.fixture
def shelf() -> FakeEngines:
    return FakeEngines(ids=(FIRST, SECOND, "onnx-cpu"))


@pytest.fixture
def desk(shelf: FakeEngines) -> BoardDesk:
    made = BoardDesk(shelf, Path("bundle"))
    made.choose("onnx-cpu")
    return made


def engine(shelf: FakeEngines, engine_id: str) -> FakeEngine:
    return next(made for made in shelf.opened if made.info.engine_id == engine_id)


def readers(desk: BoardDesk, images: int = 4) -> set[str]:
    return {desk.infer(IMAGE).engine.engine_id for _ in range(images)}


def test_all_boards_are_offered_where_there_are_several(desk, shelf):
    offered = desk.engines()[0]
    assert (offered.engine_id, offered.name, offered.state) == (
        ALL_BOARDS,
        "All boards (2)",
        EngineState.AVAILABLE,
    )
    assert FIRST in offered.detail
    assert SECOND in offered.detail
    shelf.broken[SECOND] = BUSY
    assert ALL_BOARDS not in [info.engine_id for info in desk.engines()]


def test_all_boards_share_the_images_and_each_answer_names_its_own(desk):
    chosen = desk.choose(ALL_BOARDS)
    assert (chosen.engine_id, chosen.state, chosen.fault) == (ALL_BOARDS, EngineState.READY, None)
    assert desk.width == 2
    assert readers(desk) == {FIRST, SECOND}
    assert [info.engine_id for info in desk.engines()].count(ALL_BOARDS) == 1


def test_the_board_in_use_is_kept_open_when_all_are_chosen_and_when_it_alone_is_chosen_again(desk, shelf):
    desk.choose(FIRST)
    desk.choose(ALL_BOARDS)
    desk.choose(FIRST)
    opened = [made.info.engine_id for made in shelf.opened]
    assert opened == ["onnx-cpu", FIRST, SECOND]
    assert [engine(shelf, name).closed for name in opened] == [1, 0, 1]
    assert readers(desk) == {FIRST}


def test_a_lost_board_is_told_while_the_others_go_on_and_works_again_after_a_restart(desk, shelf):
    told: list[EngineInfo] = []
    desk.choose(ALL_BOARDS)
    desk.subscribe(told.append)
    engine(shelf, FIRST).fail_with(LOST)
    assert readers(desk) == {SECOND}
    now = desk.current()
    assert now.state is EngineState.READY
    assert now.fault is not None
    assert "1 of 2 go on. The cable is out." in now.fault.message
    assert told[-1].fault == now.fault
    assert desk.restart().fault is None
    assert readers(desk) == {FIRST, SECOND}
    assert engine(shelf, SECOND).starts == 0


def test_when_all_boards_are_lost_the_reason_is_told_until_a_person_acts(desk, shelf):
    desk.choose(ALL_BOARDS)
    for name in (FIRST, SECOND):
        engine(shelf, name).fail_with(LOST)
    for _ in range(2):
        with pytest.raises(DeviceLost, match="The cable is out"):
            desk.infer(IMAGE)
    assert (desk.current().state, desk.current().fault) == (EngineState.LOST, LOST.fault)


def test_a_board_that_does_not_start_keeps_the_old_choice(desk, shelf):
    class Refuses(FakeEngines):
        def open(self, engine_id: str, bundle: Path) -> FakeEngine:
            if engine_id == SECOND:
                raise BUSY
            return super().open(engine_id, bundle)

    shelf = Refuses(ids=(FIRST, SECOND, "onnx-cpu"))
    desk = BoardDesk(shelf, Path("bundle"))
    desk.choose("onnx-cpu")
    with pytest.raises(DeviceBusy):
        desk.choose(ALL_BOARDS)
    assert desk.current().engine_id == "onnx-cpu"
    assert readers(desk) == {"onnx-cpu"}
    assert engine(shelf, FIRST).closed == 1


def test_without_a_board_all_boards_says_why(shelf):
    shelf.broken |= {FIRST: BUSY, SECOND: BUSY}
    with pytest.raises(DeviceBusy, match="Another program holds it"):
        BoardDesk(shelf, Path("bundle")).choose(ALL_BOARDS)


def test_an_engine_that_is_left_finishes_its_image_first(desk, shelf):
    started, go_on, answers = threading.Event(), threading.Event(), list[str]()

    def wait() -> None:
        started.set()
        assert go_on.wait(SOON_S)

    slow = engine(shelf, "onnx-cpu")
    slow.before = wait
    reading = threading.Thread(target=lambda: answers.append(desk.infer(IMAGE).engine.engine_id))
    reading.start()
    assert started.wait(SOON_S)
    choosing = threading.Thread(target=lambda: desk.choose(ALL_BOARDS))
    choosing.start()
    assert slow.closed == 0
    go_on.set()
    reading.join(SOON_S)
    choosing.join(SOON_S)
    assert answers == ["onnx-cpu"]
    assert slow.closed == 1
    assert readers(desk) == {FIRST, SECOND}


def test_one_engine_alone_tells_its_own_state_and_several_have_no_common_clock(desk):
    assert desk.current().name == "Engine onnx-cpu"
    desk.choose(ALL_BOARDS)
    with pytest.raises(EngineError, match="a clock and a meter of its own"):
        desk.status()


@pytest.mark.parametrize(
    ("choice", "akida"),
    [
        ("onnx-cpu", False),
        ("akida-simulator", True),
        (FIRST, True),
        (ALL_BOARDS, True),
        ("onnx-cpu, akida-simulator", True),
    ],
)
def test_a_choice_that_holds_the_akida_runtime_is_known_as_such(choice, akida):
    assert uses_akida(choice) is akida


def test_two_boards_of_the_stand_in_share_the_images_in_two_processes(tmp_path):
    spec = AdapterSpec("akida-board", "Akida board", "tests.support.fake_akida:two_boards", "akida")
    bundle = small_bundle(tmp_path / "models")
    golden = open_bundle(bundle).golden()
    desk = BoardDesk(EngineRegistry([spec]), bundle)
    try:
        assert desk.engines()[0].engine_id == ALL_BOARDS
        desk.choose(ALL_BOARDS)
        answers = [desk.infer(golden.images[:1]) for _ in range(4)]
    finally:
        desk.close()
    assert {answer.engine.engine_id for answer in answers} == {"akida-board:0", "akida-board:1"}
    for answer in answers:
        assert np.array_equal(answer.inference.potentials, golden.potentials[:1])
