"""The device desk: one chosen engine, its state at any moment, and no fallback that nobody asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from qana_desktop.engines.contract import DeviceBusy, DeviceLost, EngineError, EngineInfo, EngineState
from qana_desktop.services.device_desk import DeviceDesk
from qana_desktop.system.faults import Fault
from tests.support.fake_engines import ENERGY, FakeEngines

BATCH = np.zeros((1, 8, 8, 3), np.uint8)
FAULT = Fault("device-lost", "Something happened.", "Do something.")


@pytest.fixture
def engines() -> FakeEngines:
    return FakeEngines()


@pytest.fixture
def desk(engines: FakeEngines, tmp_path: Path) -> Iterator[DeviceDesk]:
    desk = DeviceDesk(engines, tmp_path)
    yield desk
    desk.close()


def test_before_a_choice_nothing_runs_and_the_desk_says_so(desk: DeviceDesk) -> None:
    assert desk.current().state is EngineState.UNAVAILABLE
    assert desk.current().fault is not None
    for use in (lambda: desk.infer(BATCH), lambda: desk.measure_energy(BATCH), desk.restart):
        with pytest.raises(EngineError, match="No engine is running"):
            use()


def test_the_chosen_engine_answers_and_is_named_with_the_answer(desk: DeviceDesk) -> None:
    assert desk.choose("two").state is EngineState.READY
    answer = desk.infer(BATCH)
    assert (answer.engine.engine_id, answer.engine.runtime) == ("two", "fake 1.0")
    assert answer.inference.potentials.shape == (1, 23)
    assert desk.measure_energy(BATCH) == ENERGY


def test_choosing_another_engine_closes_the_old_one(desk: DeviceDesk, engines: FakeEngines) -> None:
    desk.choose("one")
    desk.choose("two")
    assert [engine.closed for engine in engines.opened] == [1, 0]


def test_an_engine_that_cannot_be_opened_leaves_the_old_choice_at_work(desk: DeviceDesk, engines: FakeEngines) -> None:
    desk.choose("one")
    engines.broken["two"] = DeviceBusy(FAULT)
    with pytest.raises(DeviceBusy):
        desk.choose("two")
    assert desk.current().engine_id == "one"
    assert desk.infer(BATCH).engine.engine_id == "one"


def test_a_lost_engine_stays_the_choice_until_a_person_restarts_it(desk: DeviceDesk, engines: FakeEngines) -> None:
    desk.choose("one")
    engines.opened[0].fail_with(DeviceLost(FAULT))
    for _ in range(2):
        with pytest.raises(DeviceLost):
            desk.infer(BATCH)
        assert (desk.current().engine_id, desk.current().state) == ("one", EngineState.LOST)
    assert len(engines.opened) == 1
    assert desk.restart().state is EngineState.READY
    assert desk.infer(BATCH).engine.engine_id == "one"


def test_choosing_the_chosen_engine_starts_it_again_and_opens_no_second_one(
    desk: DeviceDesk, engines: FakeEngines
) -> None:
    desk.choose("one")
    desk.choose("one")
    assert [(engine.starts, engine.closed) for engine in engines.opened] == [(1, 0)]


def test_the_list_shows_the_live_state_of_the_chosen_engine(desk: DeviceDesk, engines: FakeEngines) -> None:
    desk.choose("one")
    engines.opened[0].fail_with(DeviceLost(FAULT))
    with pytest.raises(DeviceLost):
        desk.infer(BATCH)
    listed = {info.engine_id: info for info in desk.engines()}
    assert (listed["one"].state, listed["one"].fault) == (EngineState.LOST, FAULT)
    assert listed["two"].state is EngineState.AVAILABLE


def test_the_current_engine_is_told_at_once_while_it_is_busy(desk: DeviceDesk, engines: FakeEngines) -> None:
    desk.choose("one")
    asked, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        asked.set()
        go_on.wait()

    engines.opened[0].before = hold
    worker = threading.Thread(target=desk.infer, args=(BATCH,))
    worker.start()
    asked.wait()
    assert desk.current().state is EngineState.BUSY
    go_on.set()
    worker.join()
    assert desk.current().state is EngineState.READY


def test_a_listener_hears_of_a_choice_and_of_a_loss_until_it_unsubscribes(
    desk: DeviceDesk, engines: FakeEngines
) -> None:
    heard: list[EngineInfo] = []
    stop = desk.subscribe(heard.append)
    desk.choose("one")
    desk.infer(BATCH)
    engines.opened[0].fail_with(DeviceLost(FAULT))
    with pytest.raises(DeviceLost):
        desk.infer(BATCH)
    desk.choose("two")
    stop()
    stop()
    desk.choose("one")
    states = [(info.engine_id, info.state) for info in heard]
    assert states == [("one", EngineState.READY), ("one", EngineState.LOST), ("two", EngineState.READY)]


def test_an_engine_that_was_replaced_is_not_heard_any_more(desk: DeviceDesk, engines: FakeEngines) -> None:
    desk.choose("one")
    desk.choose("two")
    heard: list[EngineInfo] = []
    desk.subscribe(heard.append)
    engines.opened[0].restart()
    assert heard == []


def test_closing_twice_closes_the_engine_once_and_nothing_stays_open_after_it(
    desk: DeviceDesk, engines: FakeEngines
) -> None:
    desk.choose("one")
    desk.close()
    desk.close()
    assert engines.opened[0].closed == 1
    desk.choose("two")
    assert engines.opened[1].closed == 1
    with pytest.raises(EngineError):
        desk.infer(BATCH)
