"""Engines that share a batch: each image is read once, by one of them, in order; a lost one leaves."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from qana_desktop.engines.contract import DeviceLost, EngineError, EngineInfo, EngineState
from qana_desktop.engines.watch import BoardsChanged
from qana_desktop.services.board_team import BoardTeam
from qana_desktop.services.composition import open_desks
from qana_desktop.services.demo_images import LOOKS, encode_jpeg
from qana_desktop.services.device_desk import DeviceDesk
from qana_desktop.services.jobs import CancelToken
from qana_desktop.services.sources import ImageSource
from qana_desktop.services.synthetic_lesions import draw_lesion
from qana_desktop.system.faults import Fault
from tests.support.bundles import small_bundle, small_policy
from tests.support.fake_engines import FakeEngine

IMAGE = np.zeros((1, 8, 8, 3), np.uint8)
LOST = DeviceLost(Fault("device-lost", "The cable is out.", "Put it in."))
SOON_S = 30.0


class Shelf:
    def __init__(self) -> None:
        self.engines: dict[str, FakeEngine] = {}

    def probe(self) -> list[EngineInfo]:
        return []

    def open(self, engine_id: str, bundle: Path) -> FakeEngine:
        self.engines[engine_id] = FakeEngine(EngineInfo(engine_id, engine_id, "", "", EngineState.READY))
        return self.engines[engine_id]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def team(shelf: Shelf) -> BoardTeam:
    desks = [DeviceDesk(shelf, Path("bundle")) for _ in range(2)]
    for name, desk in zip(("one", "two"), desks, strict=True):
        desk.choose(name)
    return BoardTeam(desks)


def test_two_images_run_at_once_on_two_engines(shelf, team):
    meet, answers = threading.Barrier(2, timeout=SOON_S), list[str]()
    for engine in shelf.engines.values():
        engine.before = meet.wait
    threads = [threading.Thread(target=lambda: answers.append(team.infer(IMAGE).engine.engine_id)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["one", "two"]


def test_the_image_of_a_lost_engine_goes_to_another_of_the_team_and_says_so(shelf, team):
    shelf.engines["one"].fail_with(LOST)
    assert [team.infer(IMAGE).engine.engine_id for _ in range(3)] == ["two", "two", "two"]
    assert shelf.engines["one"].calls == 1
    assert [info.state for info in team.members()] == [EngineState.LOST, EngineState.READY]


def test_an_engine_whose_board_came_back_belongs_to_the_team_again(shelf, team):
    shelf.engines["one"].fail_with(LOST)
    assert [team.infer(IMAGE).engine.engine_id for _ in range(2)] == ["two", "two"]
    shelf.engines["one"].restart()
    team.boards_changed(BoardsChanged((), ()))
    assert {team.infer(IMAGE).engine.engine_id for _ in range(2)} == {"one", "two"}


def test_when_none_is_left_the_reason_is_told(shelf, team):
    for engine in shelf.engines.values():
        engine.fail_with(LOST)
    for _ in range(2):
        with pytest.raises(EngineError, match="The cable is out"):
            team.infer(IMAGE)


def test_a_batch_shared_by_two_real_engines_comes_back_whole_and_in_order(tmp_path, akida):
    del akida
    bundle = small_bundle(tmp_path / "models", policy=small_policy(views=1))
    files = [encode_jpeg(draw_lesion(LOOKS[0], number)) for number in range(3)]
    sources = [ImageSource(str(number), data=files[number % 3]) for number in range(24)]
    read: dict[str, list[tuple[str, tuple[tuple[int, ...], ...]]]] = {}
    for engines in ("onnx-cpu", "onnx-cpu,akida-simulator"):
        rows = read.setdefault(engines, [])
        with open_desks(bundle, engine=engines) as desks:
            desks.triage.read_all(
                sources,
                on_reading=lambda source, reading, rows=rows: rows.append((source.label, reading.logits)),
                report=lambda _progress: None,
                token=CancelToken(),
                ignore_quality=True,
            )
    assert [label for label, _logits in read["onnx-cpu,akida-simulator"]] == [source.label for source in sources]
    assert read["onnx-cpu,akida-simulator"] == read["onnx-cpu"]


def test_an_engine_named_twice_is_refused(tmp_path):
    bundle = small_bundle(tmp_path / "models")
    with pytest.raises(EngineError, match="named twice"), open_desks(bundle, engine="onnx-cpu,onnx-cpu"):
        pass


def test_all_boards_on_a_computer_without_one_says_why(tmp_path, akida):
    if akida.devices():
        pytest.skip("this computer has a board")
    bundle = small_bundle(tmp_path / "models")
    with pytest.raises(EngineError, match="Akida"), open_desks(bundle, engine="all-boards"):
        pass
