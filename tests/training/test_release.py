"""The whole recipe on a drawn data set: two short trainings, an export, and a bundle that opens with all its papers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is missing: install the extra [train] to test training.")

from qana_desktop.learning.holdouts import holdout_from_bytes  # noqa: E402
from qana_desktop.learning.protocol import Protocol, protocol_from_json  # noqa: E402
from qana_desktop.learning.site_statistics import statistics_from_bytes  # noqa: E402
from qana_desktop.network.bundle import Bundle, active_bundle  # noqa: E402
from qana_desktop.network.manifest import CHANNELS, HOLDOUT, LEARNING, PROTOCOL  # noqa: E402
from qana_desktop.network.serialise import arrays_from_bytes  # noqa: E402
from qana_desktop.training.efficientnet import EfficientNetLite0  # noqa: E402
from qana_desktop.training.model import Architecture, LayerSpec  # noqa: E402
from qana_desktop.training.release import Trained, export, load_float, load_quant, release  # noqa: E402
from qana_desktop.training.second_model import images_for_ranges, multiply_accumulates, second_models  # noqa: E402
from qana_desktop.training.stages import FLOAT, QAT, Workplace, run_float, run_qat  # noqa: E402
from qana_desktop.triage.policy_json import policy_from_json  # noqa: E402
from tests.support.training_data import draw_dataset  # noqa: E402

TINY = Architecture(
    "tiny",
    24,
    (LayerSpec("input", 8, 3, 2), LayerSpec("conv", 12, 3, 2), LayerSpec("conv", 16, 1, 1, pooled=True)),
)
SHORT = {"epochs": 2, "batch": 16, "sizes": ((0.0, 24),), "bfloat16": False, "check_every": 1}
VIEWS = ("identity", "rotate-180")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder after one run of the recipe."""
    torch.set_num_threads(1)
    base = tmp_path_factory.mktemp("training")
    place = Workplace(draw_dataset(base / "data", lesions_per_class=40), base / "runs")
    run_float(place, settings=replace(FLOAT, **SHORT), architecture=TINY)
    source = load_float(place.folder / "float", TINY)
    run_qat(place, source, settings=replace(QAT, **SHORT))
    larger = second_models(EfficientNetLite0().eval(), 32, VIEWS, images_for_ranges(place, 32))
    trained = Trained(source, load_quant(place.folder / "qat", source), {"float": {"seed": 0}}, larger)
    network = export(trained.quant_network, place.folder / "export")
    release(place, trained, network, models=base / "models", name="tiny", views=VIEWS)
    return base / "models"


@pytest.fixture
def bundle(models: Path) -> Bundle:
    return active_bundle(models)


def test_the_bundle_is_active_and_its_network_has_the_stated_shape(bundle: Bundle) -> None:
    assert bundle.manifest.views == VIEWS
    assert bundle.network().input_shape == (24, 24, 3)
    assert bundle.manifest.features == 16


def test_the_policy_reads_back_and_its_intervals_count_test_images(bundle: Bundle) -> None:
    policy = policy_from_json(bundle.policy_json())
    evaluation = json.loads(bundle.evaluation_json())
    assert policy.views == VIEWS
    for point in policy.operating_points:
        assert point.sensitivity.n + point.specificity.n == evaluation["data"]["test_images"]
    assert policy.calibration.ece.n == evaluation["data"]["test_lesions"]


def test_training_graph_and_exported_integers_have_the_same_figures(bundle: Bundle) -> None:
    readers = json.loads(bundle.evaluation_json())["readers"]
    for views in ("1 view", "2 views", "8 views"):
        graph, exported = readers[f"training graph, {views}"], readers[f"exported integers, {views}"]
        assert graph["confusion"] == exported["confusion"]


def test_the_card_is_written_from_the_evaluation(bundle: Bundle) -> None:
    card, evaluation = bundle.model_card(), json.loads(bundle.evaluation_json())
    figure = evaluation["readers"][evaluation["default_reader"]]["balanced_accuracy"]
    assert f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]" in card
    assert "Not a medical device" in card


def test_the_feature_memory_holds_training_lesions_and_no_image(bundle: Bundle) -> None:
    assert bundle.features_path is not None
    arrays = arrays_from_bytes(bundle.features_path.read_bytes(), document="features.npz")
    assert set(arrays) == {"features", "labels", "lesions"}
    assert arrays["features"].shape[1] == 16
    assert arrays["features"].max() <= 15
    assert len(arrays["labels"]) == len(arrays["features"]) == len(arrays["lesions"])
    assert len(np.unique(arrays["lesions"])) < len(arrays["lesions"])


def test_a_clinic_can_learn_from_the_bundle_and_its_holdout_is_of_test_lesions(bundle: Bundle, models: Path) -> None:
    files = {name: bundle.learning_file(name) for name in LEARNING}
    assert all(files.values())
    pinned = next(entry.sha256 for entry in bundle.manifest.files if entry.name == HOLDOUT)
    holdout = holdout_from_bytes(files[HOLDOUT] or b"", sha256=pinned)
    split = Workplace(models.parent / "data", models.parent / "runs").split()
    assert set(holdout.lesions) == {record.lesion_id for record in split.test}
    assert not set(holdout.lesions) & {record.lesion_id for record in (*split.train, *split.calibration)}
    assert holdout.features.shape == (len(holdout.lesions), len(VIEWS), 16)
    assert protocol_from_json((files[PROTOCOL] or b"").decode()) == Protocol()
    assert statistics_from_bytes(files[CHANNELS] or b"", bundle.network()).colours.images > 100


def test_the_run_left_a_line_with_settings_commit_and_figures(models: Path) -> None:
    (line,) = [json.loads(text) for text in (models / "runs.jsonl").read_text().splitlines()]
    assert line["bundle"].startswith("tiny-")
    assert set(line) == {"bundle", "commit", "settings", "data", "metrics"}
    assert "balanced_accuracy" in line["metrics"]["exported integers, 8 views"]


def test_the_bundle_carries_the_second_reader_with_its_rule_and_its_report(bundle: Bundle) -> None:
    found, rule = bundle.second_reader(), policy_from_json(bundle.policy_json()).second_reader
    assert found is not None
    assert rule is not None
    report = json.loads(bundle.evaluation_json())["second_reader"]
    assert report["passed_on"]["value"] == rule.passed_on.value
    assert report["cost"]["second"] == 2 * multiply_accumulates(EfficientNetLite0(), 32)
    assert set(report["readers"]) == {
        "first reader alone",
        "second reader alone",
        "as in use",
        "both readers, every image",
    }
    assert f"{report['readers']['as in use']['macro_f1']['value']:.3f}" in bundle.model_card()


def test_the_second_readers_file_is_the_network_that_was_trained(bundle: Bundle) -> None:
    found = bundle.second_reader()
    assert found is not None
    spec = found.spec
    assert (spec.input_size, spec.views, spec.initial_licence) == (32, VIEWS, "Apache-2.0")
    assert len(found.golden_logits) == 10
