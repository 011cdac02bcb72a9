"""A small random second reader as ONNX, and bundles that carry it: a real file for a real ONNX Runtime."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime

from qana_desktop.network.bundle_writer import BundleContents, write_bundle
from qana_desktop.network.onnx_proto import Graph, ValueInfo
from qana_desktop.network.second_reader import (
    INPUT_NAME,
    OUTPUT_NAME,
    SecondReaderContents,
    SecondReaderSpec,
    golden_inputs,
)
from qana_desktop.triage.policy import Calibration, ReadingPolicy, SecondReaderPolicy
from qana_desktop.triage.policy_json import policy_to_json
from tests.support.bundles import NOT_EVALUATED, NOTHING_MEASURED, small_network, small_policy

SIZE, CLASSES, CHANNELS = 40, 7, 6
SPEC = SecondReaderSpec(
    name="Drawn at random",
    input_size=SIZE,
    views=("identity", "rotate-180"),
    normalisation="(levels - 127) / 128",
    arithmetic="float32",
    multiply_accumulates=CHANNELS * 3 * 64 * 25 + CHANNELS * CLASSES,
    initial_weights="none: random",
    initial_licence="CC0-1.0",
)


def second_model(seed: int = 0, *, classes: int = CLASSES, size: int = SIZE) -> bytes:
    """An ONNX model: uint8 `images` (n, S, S, 3) to float32 `logits` (n, classes), by one convolution and a head."""
    random = np.random.default_rng(seed)
    graph = Graph("second-reader-for-tests")
    graph.inputs.append(ValueInfo(INPUT_NAME, np.uint8, ("n", size, size, 3)))
    value = graph.node("Cast", [INPUT_NAME], "levels", to=1)
    value = graph.node("Sub", [value, graph.tensor("mean", np.array(127, np.float32))], "centred")
    value = graph.node("Div", [value, graph.tensor("spread", np.array(128, np.float32))], "normal")
    value = graph.node("Transpose", [value], "channels_first", perm=[0, 3, 1, 2])
    kernel = graph.tensor("kernel", random.normal(0, 0.2, (CHANNELS, 3, 8, 8)).astype(np.float32))
    value = graph.node("Relu", [graph.node("Conv", [value, kernel], "conv", strides=[8, 8])], "active")
    axes = graph.tensor("axes", np.array([2, 3], np.int64))
    value = graph.node("ReduceSum", [value, axes], "summed", keepdims=0)
    head = graph.tensor("head", random.normal(0, 0.2, (classes, CHANNELS)).astype(np.float32))
    graph.node("Gemm", [value, head], OUTPUT_NAME, transB=1)
    graph.outputs.append(ValueInfo(OUTPUT_NAME, np.float32, ("n", classes)))
    return graph.model(producer="tests", metadata={})


def logits_of(model: bytes, images: np.ndarray) -> np.ndarray:
    """What ONNX Runtime makes of images (n, S, S, 3)."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.asarray(session.run([OUTPUT_NAME], {INPUT_NAME: images})[0])


def small_second_reader(seed: int = 0, *, spec: SecondReaderSpec = SPEC) -> SecondReaderContents:
    """A second reader with its golden logits."""
    model = second_model(seed, size=spec.input_size)
    return SecondReaderContents(spec, model, logits_of(model, golden_inputs(spec.input_size)))


def asking(policy: ReadingPolicy, *, ask_above: float = 0.0) -> ReadingPolicy:
    """The policy, asking a second reader above this entropy: 0 asks always."""
    calibration = Calibration(0.5, (0.0,) * CLASSES, "an even population", (1 / CLASSES,) * CLASSES, NOTHING_MEASURED)
    return replace(policy, second_reader=SecondReaderPolicy(ask_above, calibration, 0.5, 0.5, NOTHING_MEASURED))


def bundle_with_second_reader(
    models: Path, *, ask_above: float = 0.0, contents: SecondReaderContents | None = None, seed: int = 0
) -> Path:
    """Write a bundle with a small network, a second reader and a policy that asks it, and return its folder."""
    policy = asking(small_policy(), ask_above=ask_above)
    return write_bundle(
        models,
        BundleContents(
            name="small",
            network=small_network(seed),
            classes=tuple(policy.classes),
            views=policy.views,
            policy_json=policy_to_json(policy),
            evaluation_json=json.dumps(NOT_EVALUATED),
            model_card="# Two random networks for tests\n",
            licence="CC0-1.0",
            second_reader=contents or small_second_reader(),
        ),
    )
