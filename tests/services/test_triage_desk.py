"""The triage desk: every image gets a reading in its place, and a lost engine is never turned into one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from qana_desktop.engines.contract import DeviceLost, EngineError
from qana_desktop.network.preprocess import PREPROCESS_VERSION
from qana_desktop.services.device_desk import DeviceDesk
from qana_desktop.services.jobs import Cancelled, CancelToken, Progress
from qana_desktop.services.sources import ImageSource
from qana_desktop.services.triage_desk import ActiveBundle, TriageDesk
from qana_desktop.system.clock import Clock
from qana_desktop.system.faults import Fault
from qana_desktop.triage.diagnosis import CLASS_ORDER
from qana_desktop.triage.outcome import Assessed, CannotAssess, Reading
from tests.support.bundles import small_policy
from tests.support.fake_engines import BLURRED, UNREADABLE, FakeEngines, FakeReader, images

FAULT = Fault("device-lost", "The board is gone.", "Plug it in.")


class SteadyClock(Clock):
    """Every look at it takes a millisecond."""

    def __init__(self) -> None:
        self._ticks = 0.0
        self._lock = threading.Lock()

    def now(self) -> str:
        return "2026-01-02T03:04:05Z"

    def ms(self) -> float:
        with self._lock:
            self._ticks += 1.0
            return self._ticks


@pytest.fixture
def engines() -> FakeEngines:
    return FakeEngines()


@pytest.fixture
def device(engines: FakeEngines, tmp_path: Path) -> Iterator[DeviceDesk]:
    desk = DeviceDesk(engines, tmp_path)
    desk.choose("one")
    yield desk
    desk.close()


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def desk(reader: FakeReader, device: DeviceDesk, tmp_path: Path) -> TriageDesk:
    bundle = ActiveBundle("small-000000000000", tmp_path, 8, small_policy(views=2))
    return TriageDesk(reader, device, bundle, SteadyClock(), "Linux, 2 cores")


def read_all(desk: TriageDesk, sources: list[ImageSource], **options: bool) -> list[Reading]:
    found: list[Reading] = []
    desk.read_all(
        sources,
        on_reading=lambda _source, reading: found.append(reading),
        report=lambda _progress: None,
        token=CancelToken(),
        **options,
    )
    return found


def test_a_reading_says_what_was_read_by_what_and_how_long_it_took(desk: TriageDesk) -> None:
    reading = desk.read(images("lesion 3")[0])
    assert isinstance(reading.outcome, Assessed)
    assert reading.outcome.predicted is CLASS_ORDER[3]
    assert (len(reading.logits), len(reading.logits[0])) == (2, 7)
    assert all(type(value) is int for view in reading.logits for value in view)
    assert reading.provenance is not None
    assert (reading.provenance.bundle, reading.provenance.engine) == ("small-000000000000", "one")
    assert (reading.provenance.runtime, reading.provenance.preprocess) == ("fake 1.0", PREPROCESS_VERSION)
    assert (reading.source, reading.when, reading.image_sha256) == ("lesion 3", "2026-01-02T03:04:05Z", "0" * 64)
    # Decoding 2 ms and preprocessing 1 ms are the reader's; turning the views and asking the engine took a tick each.
    assert (reading.latency.decode, reading.latency.preprocess, reading.latency.inference) == (2.0, 2.0, 1.0)


def test_the_energy_of_a_reading_is_that_of_all_its_views(desk: TriageDesk) -> None:
    energy = desk.read(images("1")[0]).energy
    assert energy is not None
    assert (energy.value, energy.scope) == (0.5, "arithmetic of one image, 2 views")


def test_a_file_that_cannot_be_read_is_a_cannot_assess_without_any_answer(desk: TriageDesk) -> None:
    reading = desk.read(images("empty")[0])
    assert reading.outcome == CannotAssess(UNREADABLE)
    assert (reading.logits, reading.provenance, reading.energy, reading.quality) == ((), None, None, None)
    assert reading.latency.inference is None


def test_a_blurred_image_is_refused_before_the_engine_is_asked(desk: TriageDesk, engines: FakeEngines) -> None:
    reading = desk.read(images("blurred 2")[0])
    assert reading.outcome == CannotAssess(BLURRED)
    assert reading.quality is not None
    assert reading.image_sha256 == "0" * 64
    assert engines.opened[0].calls == 0


def test_a_blurred_image_is_read_when_a_person_says_so_and_the_reading_says_it_too(desk: TriageDesk) -> None:
    reading = desk.read(images("blurred 2")[0], ignore_quality=True)
    assert isinstance(reading.outcome, Assessed)
    assert reading.outcome.ignored == (BLURRED,)
    assert [r.outcome for r in read_all(desk, images("blurred 2"), ignore_quality=True)] == [reading.outcome]


def test_a_batch_gives_every_image_its_reading_in_order(desk: TriageDesk) -> None:
    labels = [f"{'empty' if i % 7 == 0 else 'blurred' if i % 5 == 0 else 'lesion'} {i}" for i in range(60)]
    readings = read_all(desk, images(*labels))
    assert [reading.source for reading in readings] == labels
    alone = [desk.read(source) for source in images(*labels)]
    assert [(r.outcome, r.logits) for r in readings] == [(r.outcome, r.logits) for r in alone]


def test_a_batch_reports_how_far_it_is(desk: TriageDesk) -> None:
    steps: list[Progress] = []
    desk.read_all(images("1", "empty", "3"), on_reading=lambda *_: None, report=steps.append, token=CancelToken())
    assert [(step.done, step.total) for step in steps] == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_an_engine_that_is_lost_stops_the_batch_and_what_was_read_is_kept(
    desk: TriageDesk, device: DeviceDesk, engines: FakeEngines
) -> None:
    found: list[str] = []

    def keep(source: ImageSource, _reading: Reading) -> None:
        found.append(source.label)
        if len(found) == 3:
            engines.opened[0].fail_with(DeviceLost(FAULT))

    with pytest.raises(DeviceLost):
        desk.read_all(images(*"12345678"), on_reading=keep, report=lambda _progress: None, token=CancelToken())
    assert found == ["1", "2", "3"]
    with pytest.raises(EngineError):
        desk.read(images("4")[0])
    assert len(engines.opened) == 1


def test_cancelling_stops_between_two_images(desk: TriageDesk, reader: FakeReader) -> None:
    token, found = CancelToken(), []

    def keep(source: ImageSource, _reading: Reading) -> None:
        found.append(source.label)
        if len(found) == 2:
            token.cancel()

    with pytest.raises(Cancelled):
        desk.read_all(images(*map(str, range(500))), on_reading=keep, report=lambda _progress: None, token=token)
    assert found == ["0", "1"]
    assert len(reader.prepared) < 20


def test_only_a_few_images_are_decoded_ahead_of_the_one_that_is_read(desk: TriageDesk, reader: FakeReader) -> None:
    ahead: list[int] = []
    desk.read_all(
        iter(images(*map(str, range(100)))),
        on_reading=lambda *_: ahead.append(len(reader.prepared) - len(ahead)),
        report=lambda _progress: None,
        token=CancelToken(),
    )
    assert max(ahead) <= 6


def test_an_empty_batch_is_done_at_once(desk: TriageDesk) -> None:
    assert read_all(desk, []) == []


def test_what_nobody_expected_is_raised_and_not_turned_into_a_reading(desk: TriageDesk, reader: FakeReader) -> None:
    def broken(source: Path | bytes, *, input_size: int) -> None:
        raise ZeroDivisionError

    reader.prepare = broken  # type: ignore[method-assign,assignment]
    with pytest.raises(ZeroDivisionError):
        read_all(desk, images("1", "2"))
