"""The desks are made of what is on this machine, refuse a bundle that does not fit, and leave nothing running."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from qana_desktop.engines.contract import EngineError, EngineState
from qana_desktop.network.bundle_writer import BundleContents, write_bundle
from qana_desktop.network.manifest import BundleRefused
from qana_desktop.services.composition import BundleUnfit, load_bundle, open_desks
from qana_desktop.services.demo_images import benchmark_jpegs
from qana_desktop.services.jobs import CancelToken
from qana_desktop.services.sources import ImageSource
from qana_desktop.system.resources import models_dir
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.triage.policy_json import policy_to_json
from tests.support.bundles import FEATURES, small_bundle, small_network, small_policy


def unfit_bundle(models: Path, policy_json: str, *, preprocess_version: str | None = None) -> Path:
    policy = small_policy()
    contents = BundleContents(
        name="unfit",
        network=small_network(),
        classes=tuple(policy.classes),
        views=policy.views,
        policy_json=policy_json,
        evaluation_json="{}",
        model_card="# none\n",
        licence="CC0-1.0",
    )
    if preprocess_version is not None:
        contents = replace(contents, preprocess_version=preprocess_version)
    return write_bundle(models, contents)


def without_a_feature(policy: ReadingPolicy) -> ReadingPolicy:
    assert policy.domain is not None
    rows = tuple(row[:-1] for row in policy.domain.centres)
    return replace(policy, domain=replace(policy.domain, centres=rows, variances=policy.domain.variances[:-1]))


def test_a_bundle_is_loaded_with_its_policy_and_input_size(tmp_path: Path) -> None:
    path = small_bundle(tmp_path)
    loaded = load_bundle(path)
    assert (loaded.id, loaded.path, loaded.input_size) == (path.name, path, 32)
    assert loaded.policy == small_policy()


def test_the_bundle_that_is_shipped_can_be_loaded() -> None:
    if not (models_dir() / "ACTIVE").is_file():
        pytest.skip("no bundle is active in models/ yet: there is nothing to load")
    loaded = load_bundle()
    assert loaded.id == (models_dir() / "ACTIVE").read_text().strip()
    assert loaded.policy.operating_points


@pytest.mark.parametrize(
    ("policy_json", "why"),
    [
        (policy_to_json(small_policy(views=3)), "other classes or views"),
        (policy_to_json(without_a_feature(small_policy())), "another number of features"),
        (json.dumps({"schema": "2.0"}), "reads 1.x"),
        ("{", "is not JSON"),
    ],
)
def test_a_bundle_whose_policy_does_not_fit_is_refused_with_the_reason(
    tmp_path: Path, policy_json: str, why: str
) -> None:
    with pytest.raises(BundleUnfit, match=why):
        load_bundle(unfit_bundle(tmp_path, policy_json))


def test_a_bundle_for_another_preprocessing_is_refused(tmp_path: Path) -> None:
    path = unfit_bundle(tmp_path, policy_to_json(small_policy()), preprocess_version="0")
    with pytest.raises(BundleUnfit, match="preprocessing 0"):
        load_bundle(path)


def test_a_changed_bundle_is_refused(tmp_path: Path) -> None:
    path = small_bundle(tmp_path)
    card = path / "MODEL_CARD.md"
    card.chmod(0o644)
    card.write_text("# a better network\n")
    with pytest.raises(BundleRefused, match="changed"), open_desks(path, engine="onnx-cpu"):
        pass


def test_desks_without_an_engine_wait_for_a_person_to_choose(tmp_path: Path) -> None:
    with open_desks(small_bundle(tmp_path), engine=None) as desks:
        assert desks.device.current().state is EngineState.UNAVAILABLE
        assert desks.device.choose("onnx-cpu").state is EngineState.READY
        reading = desks.triage.read(ImageSource("drawn", data=benchmark_jpegs(1)[0]))
        assert reading.provenance is not None
        assert reading.provenance.runtime.startswith("onnxruntime 1.")
        assert len(reading.logits[0]) == len(reading.logits[1]) == 7


def test_the_board_is_named_with_or_without_its_number_and_never_replaced(tmp_path: Path) -> None:
    path = small_bundle(tmp_path)
    with pytest.raises(EngineError), open_desks(path, engine="akida-board:9"):
        pass


def test_a_batch_and_single_readings_say_the_same(tmp_path: Path) -> None:
    with open_desks(small_bundle(tmp_path), engine="onnx-cpu") as desks:
        sources = [ImageSource(f"drawn {i}", data=data) for i, data in enumerate(benchmark_jpegs(6))]
        alone = [desks.triage.read(source) for source in sources]
        together = []
        desks.triage.read_all(
            sources,
            on_reading=lambda _source, reading: together.append(reading),
            report=lambda _progress: None,
            token=CancelToken(),
        )
    assert [(r.source, r.outcome, r.logits) for r in together] == [(r.source, r.outcome, r.logits) for r in alone]
    assert len({reading.logits for reading in alone}) > 1


def test_changing_the_engine_changes_no_integer(tmp_path: Path, akida: ModuleType) -> None:
    with open_desks(small_bundle(tmp_path), engine="onnx-cpu") as desks:
        source = ImageSource("drawn", data=benchmark_jpegs(1)[0])
        first = desks.triage.read(source)
        assert desks.device.choose("akida-simulator").engine_id == "akida-simulator"
        second = desks.triage.read(source)
    assert (first.logits, first.outcome) == (second.logits, second.outcome)
    assert len(first.logits[0]) + FEATURES == 23
