"""Each reason for which a network is refused names the layer, what is wrong and what to do."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from qana_desktop.network.layers import Activation, Conv, Dense, InputConv, IntegerNetwork, Layer, SeparableConv
from qana_desktop.network.validate import NetworkRefused, check
from tests.support.random_networks import networks

Change = Callable[[IntegerNetwork], IntegerNetwork]


def activation(channels: int, *, bits: int = 4, threshold: int = 0, step: float = 9.0) -> Activation:
    """The same threshold and step in every channel."""
    return Activation(bits, np.full(channels, threshold, np.int32), np.full(channels, step, np.float32))


def network() -> IntegerNetwork:
    """A legal network with a layer of every kind, 32x32 RGB in, 2 classes and 3 features out."""
    return IntegerNetwork(
        (32, 32, 3),
        (
            InputConv("input", np.full((4, 3, 3, 3), 5, np.int8), 2, 128, activation(4)),
            Conv("conv", np.full((5, 4, 3, 3), -7, np.int8), 4, 1, activation(5), max_pool=True),
            SeparableConv("separable", np.ones((5, 3, 3), np.int8), np.ones((6, 5), np.int8), 2, 2, activation(6)),
            Conv("sum", np.ones((3, 6, 1, 1), np.int8), 1, 1, activation(3), global_sum=True),
            Dense("head", np.concatenate([np.full((2, 3), 7), np.eye(3)]).astype(np.int8), 4),
        ),
        classes=2,
        features=3,
    )


def with_layer(index: int, **changes: object) -> Change:
    """Change fields of one layer."""

    def change(original: IntegerNetwork) -> IntegerNetwork:
        layers = list(original.layers)
        layers[index] = replace(layers[index], **changes)
        return replace(original, layers=tuple(layers))

    return change


def with_layers(change: Callable[[tuple[Layer, ...]], tuple[Layer, ...]]) -> Change:
    """Change the order or number of layers."""
    return lambda original: replace(original, layers=change(original.layers))


def with_input(*shape: int) -> Change:
    """Change the input shape."""
    return lambda original: replace(original, input_shape=shape)


def weights(*shape: int, value: int = 1) -> np.ndarray:
    """Constant weights."""
    return np.full(shape, value, np.int8)


def one_weight(value: int, *shape: int) -> np.ndarray:
    """Weights of 1 but for the first."""
    array = weights(*shape)
    array.reshape(-1)[0] = value
    return array


REFUSALS: dict[str, tuple[Change, str, str]] = {
    "input wider than 256": (with_input(32, 257, 3), "input", "257x32 wide"),
    "input smaller than 5": (with_input(4, 32, 3), "input", "32x4 small"),
    "kernel larger than the input": (
        lambda n: with_input(6, 6, 3)(with_layer(0, weights=weights(4, 3, 7, 7))(n)),
        "input",
        "larger than the input",
    ),
    "image of 4 channels": (
        lambda n: with_input(32, 32, 4)(with_layer(0, weights=weights(4, 4, 3, 3))(n)),
        "input",
        "4 channels",
    ),
    "first kernel of 1x1": (with_layer(0, weights=weights(4, 3, 1, 1)), "input", "1x1"),
    "too many filters for the first kernel": (
        lambda n: with_layer(1, weights=weights(5, 33, 3, 3))(
            with_layer(0, weights=weights(33, 3, 7, 7), activation=activation(33))(n)
        ),
        "input",
        "at most 32",
    ),
    "first stride of 4": (with_layer(0, stride=4), "input", "stride is 4"),
    "first weights all 0": (with_layer(0, weights=weights(4, 3, 3, 3, value=0)), "input", "All its weights are 0"),
    "padding value beyond a byte": (with_layer(0, padding_value=256), "input", "padding value is 256"),
    "max pooling with a stride, first layer": (with_layer(0, max_pool=True), "input", "pools and moves by 2"),
    "max pooling with a stride": (with_layer(1, stride=2), "conv", "pools and moves by 2"),
    "two kinds of pooling": (with_layer(1, global_sum=True), "conv", "two kinds of pooling"),
    "max pooling before a dense layer": (
        with_layers(lambda layers: (layers[0], layers[1], Dense("head", weights(5, 320), 4))),
        "conv",
        "No convolution follows",
    ),
    "even kernel": (with_layer(1, weights=weights(5, 4, 2, 2)), "conv", "2x2"),
    "kernel that is not square": (with_layer(1, weights=weights(5, 4, 3, 1)), "conv", "3x1"),
    "separable kernel of 1x1": (
        with_layer(2, depthwise=weights(5, 1, 1), stride=1),
        "separable",
        "1x1",
    ),
    "stride of 3": (with_layer(2, stride=3), "separable", "stride is 3"),
    "stride of 2 with a kernel of 5": (with_layer(2, depthwise=weights(5, 5, 5)), "separable", "5x5 kernel moves by 2"),
    "separable weights of 1 bit": (with_layer(2, weight_bits=1), "separable", "1 bits"),
    "separable weights all 0": (with_layer(2, pointwise=weights(6, 5, value=0)), "separable", "All its weights are 0"),
    "weights of 3 bits": (with_layer(1, weight_bits=3), "conv", "3 bits"),
    "most negative 4-bit weight": (with_layer(1, weights=one_weight(-8, 5, 4, 3, 3)), "conv", "from -8 to 1"),
    "negative 1-bit weight": (with_layer(3, weights=one_weight(-1, 3, 6, 1, 1)), "sum", "from 0 to 1"),
    "2-bit weight of 2": (with_layer(2, pointwise=one_weight(2, 6, 5)), "separable", "from -1 to 1"),
    "activations of 3 bits": (with_layer(1, activation=activation(5, bits=3)), "conv", "3 bits"),
    "step of 0": (with_layer(1, activation=activation(5, step=0.0)), "conv", "step is out of range"),
    "step that is no number": (with_layer(1, activation=activation(5, step=np.nan)), "conv", "step is out of range"),
    "step beyond 65535": (with_layer(1, activation=activation(5, step=65536.0)), "conv", "at most 65535"),
    "step off the grid": (with_layer(1, activation=activation(5, step=1.03)), "conv", "off the 1/16 grid"),
    "2-bit step off its grid": (with_layer(1, activation=activation(5, bits=2, step=1.125)), "conv", "1/4 grid"),
    "threshold beyond 20 bits": (with_layer(1, activation=activation(5, threshold=2**19)), "conv", "20 bits"),
    "negative threshold beyond 20 bits": (
        with_layer(1, activation=activation(5, threshold=-(2**19) - 1)),
        "conv",
        "20 bits",
    ),
    "global sum of a map beyond 16x16": (
        lambda n: with_layer(2, stride=1)(with_input(66, 66, 3)(n)),
        "sum",
        "17x17",
    ),
    "global sum of a map below 3x3": (with_input(14, 14, 3), "sum", "2x2"),
    "channels that do not fit": (
        with_layer(2, depthwise=weights(4, 3, 3)),
        "separable",
        "takes 4 inputs and receives 5",
    ),
    "separable parts that do not fit": (with_layer(2, pointwise=weights(6, 4)), "separable", "pointwise part takes 4"),
    "dense inputs that do not fit": (with_layer(4, weights=weights(5, 4)), "head", "takes 4 inputs and receives 3"),
    "weights of another type": (with_layer(1, weights=np.ones((5, 4, 3, 3), np.int16)), "conv", "int16"),
    "weights of another dimension": (with_layer(1, weights=weights(5, 4, 3)), "conv", "(5, 4, 3)"),
    "threshold of another length": (with_layer(1, activation=activation(4)), "conv", "threshold"),
    "hidden layer without activation": (
        with_layers(lambda layers: (*layers[:-1], Dense("hidden", weights(3, 3), 4), layers[-1])),
        "hidden",
        "no activation",
    ),
    "last layer with activation": (with_layer(4, activation=activation(5)), "", "end in potentials"),
    "no dense layer at the end": (with_layers(lambda layers: layers[:-1]), "", "end in potentials"),
    "no input convolution": (with_layers(lambda layers: layers[1:]), "", "begin with an input convolution"),
    "second input convolution": (
        with_layers(lambda layers: (layers[0], replace(layers[0], name="again"), *layers[1:])),
        "again",
        "after another layer",
    ),
    "convolution after a dense layer": (
        with_layers(lambda layers: (*layers[:3], Dense("early", weights(3, 3), 4, activation(3)), *layers[3:])),
        "sum",
        "after a dense layer",
    ),
    "two layers of one name": (with_layer(1, name="sum"), "", "names"),
    "outputs that are no class and no feature": (lambda n: replace(n, classes=3), "head", "5 outputs for 3 classes"),
    "feature rows that are not the identity": (
        with_layer(4, weights=np.ones((5, 3), np.int8)),
        "head",
        "identity",
    ),
    "fewer features than inputs": (lambda n: replace(n, classes=3, features=2), "head", "identity"),
}


def test_a_legal_network_is_not_refused() -> None:
    check(network())


@pytest.mark.parametrize("case", REFUSALS)
def test_is_refused(case: str) -> None:
    change, layer, words = REFUSALS[case]
    with pytest.raises(NetworkRefused) as refusal:
        check(change(network()))
    matching = [p for p in refusal.value.problems if p.layer == layer and words in p.sentence()]
    assert matching, f"no problem of '{layer}' says '{words}': {refusal.value}"
    assert all(problem.remedy for problem in refusal.value.problems)


def test_a_global_sum_that_could_pass_20_bits_is_refused_with_its_worst_case() -> None:
    wide = np.full((3, 200, 3, 3), 7, np.int8)
    layers = (
        InputConv("input", np.full((200, 3, 3, 3), 5, np.int8)[:192], 2, 0, activation(192)),
        Conv("sum", wide[:, :192], 4, 1, activation(3), global_sum=True),
        Dense("head", np.ones((2, 3), np.int8), 4),
    )
    with pytest.raises(NetworkRefused) as refusal:
        check(IntegerNetwork((16, 16, 3), layers, 2))
    assert str(8 * 8 * 192 * 9 * 7 * 15) in refusal.value.problems[0].reason


def test_potentials_beyond_what_float32_holds_are_refused() -> None:
    layers = (
        InputConv("input", np.ones((64, 3, 3, 3), np.int8), 2, 0, activation(64)),
        SeparableConv("far", np.full((64, 7, 7), 7, np.int8), np.full((64, 64), 7, np.int8), 4, 1, activation(64)),
        SeparableConv("out", np.full((64, 7, 7), 7, np.int8), np.full((512, 64), 7, np.int8), 4, 1, activation(512)),
        SeparableConv("past", np.full((512, 7, 7), 7, np.int8), np.full((8, 512), 7, np.int8), 4, 1, activation(8)),
        Dense("head", np.ones((2, 2048), np.int8), 1),
    )
    with pytest.raises(NetworkRefused) as refusal:
        check(IntegerNetwork((32, 32, 3), layers, 2))
    assert [problem.layer for problem in refusal.value.problems] == ["past"]
    assert "float32" in refusal.value.problems[0].reason


def test_a_pooled_layer_that_saturates_beyond_20_bits_is_refused() -> None:
    stem = InputConv("input", np.full((4, 3, 7, 7), 127, np.int8), 1, 0, activation(4, step=65535.0), max_pool=True)
    rest = (Conv("conv", np.ones((4, 4, 3, 3), np.int8), 4, 1, activation(4)), Dense("head", weights(2, 64), 4))
    with pytest.raises(NetworkRefused) as refusal:
        check(IntegerNetwork((8, 8, 3), (stem, *rest), 2))
    assert [problem.layer for problem in refusal.value.problems] == ["input"]
    check(IntegerNetwork((8, 8, 3), (replace(stem, activation=activation(4, step=30000.0)), *rest), 2))


def test_a_map_too_small_to_pool_is_refused() -> None:
    layers = (
        InputConv("input", weights(4, 3, 3, 3), 3, 0, activation(4)),
        Conv("half", weights(4, 4, 3, 3), 4, 2, activation(4)),
        Conv("pool", weights(4, 4, 3, 3), 4, 1, activation(4), max_pool=True),
        Conv("after", weights(4, 4, 3, 3), 4, 1, activation(4)),
        Dense("head", weights(2, 4), 4),
    )
    with pytest.raises(NetworkRefused, match="pools a map of 1x1"):
        check(IntegerNetwork((5, 5, 3), layers, 2))


def test_all_problems_are_listed_at_once() -> None:
    broken = with_layer(0, stride=4)(with_layer(1, weight_bits=3)(with_layer(2, stride=3)(network())))
    with pytest.raises(NetworkRefused) as refusal:
        check(broken)
    assert {problem.layer for problem in refusal.value.problems} >= {"input", "conv", "separable"}
    assert refusal.value.fault.code == "network-refused"


def test_a_refusal_crosses_a_process_boundary_whole() -> None:
    with pytest.raises(NetworkRefused) as refusal:
        check(with_layer(0, stride=4)(network()))
    copy = pickle.loads(pickle.dumps(refusal.value))  # noqa: S301 - our own bytes, as multiprocessing does it
    assert copy.problems == refusal.value.problems
    assert copy.fault == refusal.value.fault


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(networks())
def test_the_networks_that_the_engine_tests_draw_are_legal(drawn: IntegerNetwork) -> None:
    check(drawn)
