"""The device desk: one chosen engine, its state at any moment, and no fallback that nobody asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qana_desktop.engines.contract import (
    BadInput,
    DeviceBusy,
    DeviceLost,
    EngineError,
    EngineInfo,
    EngineState,
    EngineTimeout,
    ModelRefused,
)
from qana_desktop.services.device_desk import DeviceDesk
from qana_desktop.system.faults import Fault
from tests.support.fake_engines import FakeEngines

BATCH = np.zeros((1, 8, 8, 3), np.uint8)
FAULT = Fault("some-fault", "Something happened.", "Do something.")


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
    with pytest.raises(EngineError, match="No engine is running"):
        desk.infer(BATCH)
    with pytest.raises(EngineError, match="No engine is running"):
        desk.restart()


def test_the_chosen_engine_answers_and_is_named_with_the_answer(desk: DeviceDesk) -> None:
    assert desk.choose("two").state is EngineState.READY
    answer = desk.infer(BATCH)
    assert (answer.engine.engine_id, answer.engine.runtime) == ("two", "fake 1.0")
    assert answer.inference.potentials.shape == (1, 23)


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


def test_an_engine_that_is_not_on_this_machine_is_refused_by_name(desk: DeviceDesk) -> None:
    with pytest.raises(EngineError, match="no engine “three” on this machine"):
        desk.choose("three")


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (DeviceLost(replace(FAULT, code="device-lost")), EngineState.LOST),
        (EngineTimeout(replace(FAULT, code="engine-timeout")), EngineState.STUCK),
        (ModelRefused(replace(FAULT, code="model-refused")), EngineState.REFUSED),
        (DeviceBusy(replace(FAULT, code="device-busy")), EngineState.UNAVAILABLE),
    ],
)
def test_a_lost_engine_stays_lost_until_a_person_restarts_it(
    desk: DeviceDesk, engines: FakeEngines, error: EngineError, state: EngineState
) -> None:
    desk.choose("one")
    engines.opened[0].fails = error
    for _ in range(2):
        with pytest.raises(type(error)) as caught:
            desk.infer(BATCH)
        assert caught.value.fault == error.fault
    assert (desk.current().engine_id, desk.current().state, desk.current().fault) == ("one", state, error.fault)
    assert engines.opened[0].calls == 1
    assert len(engines.opened) == 1
    assert desk.restart().state is EngineState.READY
    assert engines.opened[0].closed == 1
    assert desk.infer(BATCH).engine.engine_id == "one"


def test_a_batch_that_does_not_fit_leaves_the_engine_ready(desk: DeviceDesk, engines: FakeEngines) -> None:
    desk.choose("one")
    engines.opened[0].fails = BadInput(FAULT)
    with pytest.raises(BadInput):
        desk.infer(BATCH)
    assert desk.current().state is EngineState.READY


def test_a_restart_that_fails_says_why_and_can_be_tried_again(desk: DeviceDesk, engines: FakeEngines) -> None:
    desk.choose("one")
    engines.broken["one"] = DeviceLost(FAULT)
    with pytest.raises(DeviceLost):
        desk.restart()
    assert (desk.current().state, desk.current().fault) == (EngineState.LOST, FAULT)
    engines.broken.clear()
    assert desk.restart().state is EngineState.READY


def test_choosing_the_chosen_engine_starts_it_again(desk: DeviceDesk, engines: FakeEngines) -> None:
    desk.choose("one")
    desk.choose("one")
    assert [engine.closed for engine in engines.opened] == [1, 0]


def test_the_list_shows_the_live_state_of_the_chosen_engine(desk: DeviceDesk, engines: FakeEngines) -> None:
    desk.choose("one")
    engines.opened[0].fails = DeviceLost(FAULT)
    with pytest.raises(DeviceLost):
        desk.infer(BATCH)
    assert [(info.engine_id, info.state) for info in desk.engines()] == [
        ("one", EngineState.LOST),
        ("two", EngineState.AVAILABLE),
    ]


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


def test_a_listener_hears_every_change_until_it_unsubscribes(desk: DeviceDesk) -> None:
    heard: list[EngineInfo] = []
    stop = desk.subscribe(heard.append)
    desk.choose("one")
    desk.infer(BATCH)
    stop()
    stop()
    desk.choose("two")
    assert [info.state for info in heard] == [EngineState.READY, EngineState.BUSY, EngineState.READY]
    assert {info.engine_id for info in heard} == {"one"}


def test_closing_twice_closes_the_engine_once_and_nothing_opens_after_it(
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
