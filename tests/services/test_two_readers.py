"""Two readers at one desk, with real processes: who was asked, what each said, what a failure makes of a reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from qana_desktop.engines.second_reader import SecondReader
from qana_desktop.network.bundle import open_bundle
from qana_desktop.services.composition import Desks, open_desks
from qana_desktop.services.demo_images import benchmark_jpegs
from qana_desktop.services.second_opinion import SecondOpinion
from qana_desktop.services.sources import ImageSource
from qana_desktop.system.clock import Clock
from qana_desktop.triage.assess import SECOND_SILENT
from qana_desktop.triage.explanation import Explanation, NoExplanation
from qana_desktop.triage.measured import Method
from qana_desktop.triage.outcome import Assessed, CannotAssess, Reading, SecondAsked, SecondSilent, Triage
from qana_desktop.triage.policy_json import policy_from_json
from qana_desktop.triage.second_reader import judge_second, read_together, uncertainty
from tests.support.bundles import small_bundle
from tests.support.second_readers import SPEC, bundle_with_second_reader, small_second_reader
from tests.support.stores import REFUSED


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def source() -> ImageSource:
    return ImageSource("drawn", data=benchmark_jpegs(1)[0])


@pytest.fixture(scope="module")
def desks(models: Path) -> Iterator[Desks]:
    with open_desks(bundle_with_second_reader(models), engine="onnx-cpu") as opened:
        yield opened


pytestmark = pytest.mark.keeps_processes


def asked(reading: Reading) -> SecondAsked:
    assert isinstance(reading.second_reader, SecondAsked)
    return reading.second_reader


def test_an_uncertain_image_is_read_by_both_and_each_is_kept(desks: Desks, source: ImageSource) -> None:
    reading = desks.triage.read(source)
    second, policy = asked(reading), desks.triage.policy
    assert policy.second_reader is not None
    assert (second.reader, len(second.logits)) == (SPEC.name, len(SPEC.views))
    assert second.uncertainty == pytest.approx(uncertainty(second.first))
    assert second.second == judge_second(np.array(second.logits, np.float64), policy, policy.second_reader)
    assert reading.outcome == read_together(second.first, second.second, policy, policy.second_reader)
    assert second.latency_ms > 0
    assert reading.latency.total > second.latency_ms
    assert second.energy.method in {Method.ESTIMATED, Method.MEASURED_PACKAGE}
    assert "2 views" in second.energy.scope


def test_switched_off_the_first_reader_answers_alone_and_the_reading_says_so(desks: Desks, source: ImageSource) -> None:
    first = asked(desks.triage.read(source)).first
    desks.triage.use_second_reader(False)
    try:
        reading = desks.triage.read(source)
    finally:
        desks.triage.use_second_reader(True)
    assert reading.outcome == first
    assert isinstance(reading.second_reader, SecondSilent)
    assert reading.second_reader.reason.code == "second-reader-off"


def test_an_image_that_the_first_is_sure_of_is_not_passed_on(models: Path, source: ImageSource) -> None:
    with open_desks(bundle_with_second_reader(models, ask_above=1.0), engine="onnx-cpu") as sure:
        reading = sure.triage.read(source)
        assert sure.triage.read(source).outcome == reading.outcome
    assert reading.second_reader is None
    assert isinstance(reading.outcome, Assessed)


def test_a_bundle_without_a_second_reader_reads_alone(models: Path, source: ImageSource) -> None:
    with open_desks(small_bundle(models), engine="onnx-cpu") as alone:
        assert alone.triage.second_reader is None
        assert alone.triage.read(source).second_reader is None


def test_a_second_reader_that_does_not_start_is_said_and_leaves_no_low_concern(
    models: Path, source: ImageSource
) -> None:
    broken = bundle_with_second_reader(models, contents=replace(small_second_reader(), model=b"no model"))
    with open_desks(broken, engine="onnx-cpu") as desks:
        reading = desks.triage.read(source)
    assert isinstance(reading.second_reader, SecondSilent)
    assert reading.second_reader.reason.code == "second-reader-failed"
    assert "could not be asked: ONNX Runtime cannot use it" in reading.second_reader.reason.message
    assert isinstance(reading.outcome, Assessed)
    assert reading.outcome.triage is not Triage.LOW_CONCERN


def test_a_file_that_changed_in_between_is_not_read_by_the_second(models: Path) -> None:
    bundle = open_bundle(bundle_with_second_reader(models))
    policy = policy_from_json(bundle.policy_json())
    assert policy.second_reader is not None

    @dataclass(frozen=True, eq=False)
    class Changed:
        network_input: np.ndarray
        sha256: str = "f" * 64

    def prepare(_source: Path | bytes, size: int) -> Changed:
        return Changed(np.zeros((size, size, 3), np.uint8))

    reader = SecondReader(bundle)
    calm = judge_second(np.array([[0, 0, 0, 0, 0, 12.0, 0]]), policy, policy.second_reader)
    assert calm.triage is Triage.LOW_CONCERN
    outcome, second = SecondOpinion(reader, prepare, policy, Clock()).consult(b"image", "0" * 64, calm)
    assert reader.pid is None, "nothing was asked"
    assert isinstance(second, SecondSilent)
    assert "changed after it was read" in second.reason.message
    assert (outcome.triage, outcome.raised_by) == (Triage.REVIEW, (SECOND_SILENT,))


# --- why -----------------------------------------------------------------------------------------


def test_a_reading_is_explained_by_the_integers_that_it_holds(desks: Desks, source: ImageSource) -> None:
    reading = desks.triage.read(source)
    why = desks.triage.explain(source, reading)
    assert isinstance(why, Explanation)
    assert why.shown == asked(reading).first.predicted, "the map is the first reader's, and so is the class"
    assert "first of the two readers" in why.computed_by
    assert why.compared == 2 * 7, "every logit of both views was computed again"
    assert why.maps.shape[0] == 7
    assert why.maps.shape[1] == why.maps.shape[2]
    assert why.scale == np.abs(why.maps).max() > 0
    assert why.maps.sum(axis=0) == pytest.approx(np.zeros_like(why.maps[0]), abs=1e-9), "classes against each other"
    assert "onnxruntime" in why.computed_by
    assert Explanation.frame(600, 450) == (75, 0, 450)


def test_a_reading_of_the_simulator_is_explained_by_the_same_map(
    desks: Desks, source: ImageSource, akida: ModuleType
) -> None:
    here = desks.triage.explain(source, desks.triage.read(source))
    desks.device.choose("akida-simulator")
    try:
        reading = desks.triage.read(source)
        there = desks.triage.explain(source, reading)
    finally:
        desks.device.choose("onnx-cpu")
    assert reading.provenance is not None
    assert reading.provenance.engine == "akida-simulator"
    assert isinstance(here, Explanation)
    assert isinstance(there, Explanation)
    assert np.array_equal(here.maps, there.maps)


def test_what_cannot_be_explained_says_why(desks: Desks, source: ImageSource) -> None:
    reading = desks.triage.read(source)
    assert reading.provenance is not None
    other_integers = (tuple(value + 1 for value in reading.logits[0]), *reading.logits[1:])
    cases = {
        "not-assessed": replace(reading, outcome=CannotAssess(REFUSED.reason)),
        "other-version": replace(reading, provenance=replace(reading.provenance, bundle="earlier-000000000000")),
        "file-changed": replace(reading, image_sha256="0" * 64),
        "integers-differ": replace(reading, logits=other_integers),
    }
    for code, asked_about in cases.items():
        why = desks.triage.explain(source, asked_about)
        assert isinstance(why, NoExplanation)
        assert why.reason.code == code
        assert why.reason.message.endswith(".")
    gone = desks.triage.explain(ImageSource("gone", path=Path("gone.jpg")), reading)
    assert isinstance(gone, NoExplanation)
