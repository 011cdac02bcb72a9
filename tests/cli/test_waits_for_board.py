"""A batch on a board that goes: waited for, read on where it was, each image once; without waiting it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qana_desktop.cli.classify import classify_with
from qana_desktop.engines.machine import BoardPlace
from qana_desktop.engines.registry import AdapterSpec, EngineRegistry
from qana_desktop.engines.watch import BoardsChanged
from qana_desktop.intake.reader import ImageReader
from qana_desktop.services.composition import Desks, load_bundle
from qana_desktop.services.device_desk import Answer, DeviceDesk
from qana_desktop.services.sources import ImageSource
from qana_desktop.services.triage_desk import TriageDesk
from qana_desktop.system.clock import Clock

PLACE = BoardPlace("akida0", "", usable=True)
SPEC = AdapterSpec("akida-board", "Fake board", "tests.support.fake_akida:one_akd1000", "fake")
GONE, BACK = BoardsChanged((), (PLACE,)), BoardsChanged((PLACE,), ())


class LooseCable:
    """The device desk; before image `at` the board goes, and comes back when somebody waits for it."""

    def __init__(self, desk: DeviceDesk, at: int) -> None:
        self.desk, self.at, self.calls = desk, at, 0

    def infer(self, batch: object) -> Answer:
        self.calls += 1
        if self.calls == self.at:
            self.desk.boards_changed(GONE)
        return self.desk.infer(batch)  # type: ignore[arg-type]


@pytest.fixture
def sources(lesion: bytes) -> list[ImageSource]:
    return [ImageSource(f"image-{number}", data=lesion) for number in range(6)]


def run_it(
    bundle: Path, sources: list[ImageSource], capsys: pytest.CaptureFixture[str], *, wait_s: float
) -> tuple[int, list[str], str]:
    active, device = load_bundle(bundle), DeviceDesk(EngineRegistry([SPEC]), bundle)
    try:
        with ImageReader() as reader:
            device.choose("akida-board:0")
            subscribe = device.subscribe

            def waited_for(listener: object) -> object:
                """Somebody waits: plug the board in again."""
                ends = subscribe(listener)  # type: ignore[arg-type]
                device.boards_changed(BACK)
                return ends

            device.subscribe = waited_for  # type: ignore[method-assign,assignment]
            desk = TriageDesk(reader, LooseCable(device, at=4), active, Clock(), "test host")
            code = classify_with(
                Desks(desk, device, active, ()), sources, as_json=True, ignore_quality=True, wait_for_board_s=wait_s
            )
    finally:
        device.close()
    written = capsys.readouterr()
    return code, [json.loads(line)["path"] for line in written.out.splitlines()], written.err


def test_reading_goes_on_where_it_was_when_the_board_comes_back(bundle, sources, capsys):
    code, read, told = run_it(bundle, sources, capsys, wait_s=60.0)
    assert code == 0
    assert read == [source.label for source in sources]
    assert "is gone" in told
    assert "reading goes on after image 3" in told


def test_without_waiting_the_batch_ends_and_says_how_far_it_came(bundle, sources, capsys):
    code, read, told = run_it(bundle, sources, capsys, wait_s=0.0)
    assert code == 3
    assert read == [source.label for source in sources[:3]]
    assert "3 of 6 images were read" in told
