"""The reference, ONNX Runtime and the Akida simulator give equal integers, layer by layer, for any legal network."""

from __future__ import annotations

import os

import numpy as np
import onnxruntime
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qana_desktop.network import arithmetic
from qana_desktop.network.export_akida import layer_outputs_model, maps_on, to_akida
from qana_desktop.network.export_onnx import (
    INPUT_NAME,
    OUTPUT_NAME,
    Flavour,
    integer_layers,
    layer_output_name,
    to_onnx,
)
from qana_desktop.network.golden import golden_images
from qana_desktop.network.layers import (
    Activation,
    Conv,
    Dense,
    InputConv,
    Int8Array,
    Int32Array,
    IntegerNetwork,
    UInt8Array,
)
from qana_desktop.network.validate import check
from tests.support.random_networks import images_for, networks

EXAMPLES = int(os.environ.get("QANA_EXAMPLES", "50"))
"""Networks drawn by each test; set QANA_EXAMPLES to some thousands for a night."""

thorough = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def run_onnx(model: bytes, images: UInt8Array, *, threads: int = 1, optimise: bool = True) -> dict[str, Int32Array]:
    """Run a model in ONNX Runtime and return its outputs by name."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {INPUT_NAME: images}), strict=True))


def assert_same(name: str, found: Int32Array, expected: Int32Array) -> None:
    """Fail with the number and place of differing integers."""
    assert found.shape == expected.shape, f"{name}: {found.shape} instead of {expected.shape}"
    differing = np.argwhere(found != expected)
    assert len(differing) == 0, f"{name}: {len(differing)} integers differ, the first at {differing[0]}"


def activation(channels: int, step: float) -> Activation:
    """Threshold 0 and one step."""
    return Activation(4, np.zeros(channels, np.int32), np.full(channels, step, np.float32))


def full_size_network() -> IntegerNetwork:
    """Convolutions of 32 to 256 channels on 112x112 pixels, random weights, activations that use their levels."""
    random = np.random.default_rng(7)

    def weights(*shape: int) -> Int8Array:
        return random.integers(-7, 8, shape).astype(np.int8)

    def conv(name: str, inputs: int, outputs: int, stride: int) -> Conv:
        step = 40 * np.sqrt(inputs) / 8
        return Conv(name, weights(outputs, inputs, 3, 3), 4, stride, activation(outputs, np.round(step * 16) / 16))

    stem = random.integers(-127, 128, (32, 3, 3, 3)).astype(np.int8)
    last = Conv(
        "sum", random.integers(-2, 3, (64, 256, 1, 1)).astype(np.int8), 4, 1, activation(64, 300.0625), global_sum=True
    )
    layers = (
        InputConv("input", stem, 2, 128, activation(32, 3000)),
        conv("c1", 32, 64, 2),
        conv("c2", 64, 128, 2),
        conv("c3", 128, 128, 1),
        conv("c4", 128, 256, 2),
        last,
        Dense("head", np.concatenate([weights(7, 64), np.eye(64, dtype=np.int8)]), 4),
    )
    network = IntegerNetwork((112, 112, 3), layers, 7, 64)
    check(network)
    return network


@pytest.mark.parametrize("flavour", Flavour)
@thorough
@given(data=st.data())
def test_onnx_runtime_gives_the_integers_of_the_reference_in_every_layer(flavour: Flavour, data: st.DataObject) -> None:
    network = data.draw(networks())
    images = data.draw(images_for(network))
    expected = arithmetic.run(network, images)
    outputs = run_onnx(to_onnx(network, flavour=flavour, layer_outputs=True), images)
    for index, layer in enumerate(network.layers[:-1]):
        assert_same(layer.name, outputs[layer_output_name(index)], expected[index])
    assert_same("potentials", outputs[OUTPUT_NAME], expected[-1])


@pytest.mark.parametrize("flavour", Flavour)
@thorough
@given(data=st.data())
def test_the_model_as_shipped_gives_the_same_integers_whatever_onnx_runtime_fuses(
    flavour: Flavour, data: st.DataObject
) -> None:
    network = data.draw(networks())
    images = data.draw(images_for(network))
    expected = arithmetic.run(network, images)[-1]
    model = to_onnx(network, flavour=flavour)
    assert_same("fused", run_onnx(model, images)[OUTPUT_NAME], expected)
    assert_same("as written", run_onnx(model, images, optimise=False)[OUTPUT_NAME], expected)
    assert_same("two threads", run_onnx(model, images, threads=2)[OUTPUT_NAME], expected)
    assert_same("one image", run_onnx(model, images[:1])[OUTPUT_NAME], expected[:1])


@thorough
@given(data=st.data())
def test_the_akida_simulator_gives_the_integers_of_the_reference_in_every_layer(data: st.DataObject) -> None:
    pytest.importorskip("akida", reason="the Akida SDK is not installed: its simulator cannot be compared")
    network = data.draw(networks())
    images = data.draw(images_for(network))
    for index, expected in enumerate(arithmetic.run(network, images)):
        found = layer_outputs_model(network, index + 1).forward(images)
        assert_same(network.layers[index].name, found.astype(np.int32).reshape(expected.shape), expected)


@settings(thorough, max_examples=max(EXAMPLES // 2, 1))
@given(network=networks())
def test_legal_networks_map_onto_both_boards_as_one_hardware_sequence(network: IntegerNetwork) -> None:
    pytest.importorskip("akida", reason="the Akida SDK is not installed: nothing can be mapped")
    for report in maps_on(network):
        assert report.fits, f"{report.device}: {report.reason}"
        assert report.processors_used > 0


def test_a_network_of_the_size_that_ships_gives_equal_integers_on_every_engine() -> None:
    network, images = full_size_network(), golden_images((112, 112, 3))
    expected = arithmetic.run(network, images)[-1]
    for flavour in Flavour:
        assert_same(flavour, run_onnx(to_onnx(network, flavour=flavour), images)[OUTPUT_NAME], expected)
    pytest.importorskip("akida", reason="the Akida SDK is not installed: its simulator cannot be compared")
    assert_same("akida", to_akida(network).forward(images).reshape(expected.shape), expected)
    assert all(report.fits for report in maps_on(network))


def test_convolutions_with_whole_steps_in_the_first_layer_are_all_written_as_integers() -> None:
    network = full_size_network()
    convolutions = [layer.name for layer in network.layers if isinstance(layer, InputConv | Conv)]
    assert list(integer_layers(network)) == [name for name in convolutions if name != "sum"]


def test_the_model_takes_any_number_of_images() -> None:
    network = full_size_network()
    images = golden_images((112, 112, 3))
    model = to_onnx(network)
    for count in (1, 2, 10):
        assert run_onnx(model, images[:count])[OUTPUT_NAME].shape == (count, 7 + 64)


def test_a_network_too_large_for_a_board_is_reported_with_the_reason() -> None:
    pytest.importorskip("akida", reason="the Akida SDK is not installed: nothing can be mapped")
    wide = [Conv(f"wide {i}", np.ones((512, 512, 3, 3), np.int8), 4, 1, activation(512, 50)) for i in range(5)]
    layers = (
        InputConv("input", np.ones((64, 3, 3, 3), np.int8), 1, 0, activation(64, 50)),
        Conv("widen", np.ones((512, 64, 3, 3), np.int8), 4, 1, activation(512, 50)),
        *wide,
        Conv("sum", np.ones((16, 512, 1, 1), np.int8), 4, 1, activation(16, 50), global_sum=True),
        Dense("head", np.ones((7, 16), np.int8), 4),
    )
    for report in maps_on(IntegerNetwork((16, 16, 3), layers, 7)):
        assert not report.fits
        assert "Cannot map" in report.reason
