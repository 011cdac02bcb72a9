"""The network in `models/` is what its papers say: its card, its line in the run log, the bars that it must hold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from qana_desktop.network.bundle import Bundle, active_bundle
from qana_desktop.network.export_onnx import INPUT_NAME
from qana_desktop.network.second_reader import INPUT_NAME as SECOND_INPUT
from qana_desktop.network.second_reader import OUTPUT_NAME as SECOND_OUTPUT
from qana_desktop.network.second_reader import TOLERANCE, golden_inputs
from qana_desktop.network.validate import check
from qana_desktop.training.card import model_card
from qana_desktop.training.cost import cost_of
from qana_desktop.triage.policy_json import policy_from_json

MODELS = Path(__file__).resolve().parents[2] / "models"
LEAST_BALANCED_ACCURACY = 0.62


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return active_bundle(MODELS)


def test_the_card_is_the_one_that_the_evaluation_writes(bundle: Bundle) -> None:
    policy = policy_from_json(bundle.policy_json())
    assert bundle.model_card() == model_card(json.loads(bundle.evaluation_json()), policy)


def test_the_exported_network_holds_its_bar_on_held_out_lesions(bundle: Bundle) -> None:
    evaluation = json.loads(bundle.evaluation_json())
    figure = evaluation["readers"][evaluation["default_reader"]]["balanced_accuracy"]
    assert evaluation["default_reader"].startswith("exported integers")
    assert figure["value"] >= LEAST_BALANCED_ACCURACY
    assert figure["n"] == evaluation["data"]["test_lesions"]


def test_the_run_log_names_the_bundle_and_its_figures(bundle: Bundle) -> None:
    evaluation = json.loads(bundle.evaluation_json())
    lines = [json.loads(line) for line in (MODELS / "runs.jsonl").read_text().splitlines()]
    (line,) = [line for line in lines if line["bundle"] == bundle.id]
    assert line["commit"] == evaluation["commit"]
    for reader, figures in line["metrics"].items():
        assert figures["macro_f1"] == round(evaluation["readers"][reader]["macro_f1"]["value"], 4)


def test_the_network_is_legal_small_and_costs_what_the_evaluation_says(bundle: Bundle) -> None:
    network = bundle.network()
    check(network)
    cost = cost_of(network)
    assert cost.weight_bytes <= 1_000_000
    assert json.loads(bundle.evaluation_json())["cost"]["macs"] == cost.macs


def test_onnx_runtime_gives_the_golden_integers(bundle: Bundle) -> None:
    golden = bundle.golden()
    session = onnxruntime.InferenceSession(bundle.onnx_path.read_bytes(), providers=["CPUExecutionProvider"])
    assert np.array_equal(session.run(None, {INPUT_NAME: golden.images})[0], golden.potentials)


def test_the_network_maps_onto_both_boards(bundle: Bundle) -> None:
    akida = pytest.importorskip("akida", reason="The Akida SDK is not installed here.")
    from qana_desktop.network.export_akida import map_report

    for device in (akida.AKD1000(), akida.AKD1500()):
        assert map_report(bundle.network(), device).fits


def test_the_second_reader_gives_its_golden_logits(bundle: Bundle) -> None:
    second = bundle.second_reader()
    if second is None:
        pytest.skip("the bundle in models/ has no second reader")
    session = onnxruntime.InferenceSession(second.model, providers=["CPUExecutionProvider"])
    found = session.run([SECOND_OUTPUT], {SECOND_INPUT: golden_inputs(second.spec.input_size)})[0]
    assert np.abs(found - second.golden_logits).max() <= TOLERANCE
    assert policy_from_json(bundle.policy_json()).second_reader is not None
