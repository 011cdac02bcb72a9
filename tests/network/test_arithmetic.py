"""The reference arithmetic, on networks small enough to work out on paper."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.network import arithmetic
from qana_desktop.network.layers import (
    Activation,
    Conv,
    Dense,
    InputConv,
    Int8Array,
    Int32Array,
    IntegerNetwork,
    Layer,
    SeparableConv,
)

OPEN = Activation(4, np.array([0], np.int32), np.array([1], np.float32))


def kernel(*rows: tuple[int, ...]) -> Int8Array:
    """One kernel for one channel, (1, 1, k, k)."""
    return np.array([[rows]], np.int8)


def potentials(layer: Layer, rows: list[list[int]]) -> Int32Array:
    """Potentials of `layer` for one map of one channel, (height, width)."""
    return arithmetic.layer_potentials(layer, np.array(rows, np.int32)[None, :, :, None])[0, :, :, 0]


@given(
    threshold=st.integers(-(2**19), 2**19 - 1),
    sixteenths=st.integers(1, 65535 * 16),
    potential=st.integers(-(2**23), 2**23),
    bits=st.sampled_from((1, 2, 4)),
)
def test_an_activation_is_the_rounded_up_quotient_cut_at_both_ends(
    threshold: int, sixteenths: int, potential: int, bits: int
) -> None:
    activation = Activation(bits, np.array([threshold], np.int32), np.array([sixteenths / 16], np.float32))
    exact = min(max(ceil(Fraction((potential - threshold) * 16, sixteenths)), 0), 2**bits - 1)
    assert arithmetic.activate(activation, np.array([potential], np.int32)).tolist() == [exact]


def test_a_potential_at_the_threshold_gives_0_and_one_above_gives_1() -> None:
    activation = Activation(4, np.array([7], np.int32), np.array([2.5], np.float32))
    levels = arithmetic.activate(activation, np.array([[6], [7], [8], [9], [10], [44], [45], [999]], np.int32))
    assert levels[:, 0].tolist() == [0, 0, 1, 1, 2, 15, 15, 15]


def test_kernels_are_not_flipped() -> None:
    layer = Conv("c", kernel((0, 0, 0), (0, 0, 1), (0, 0, 0)), 1, 1, OPEN)
    assert potentials(layer, [[1, 2, 3]]).tolist() == [[2, 3, 0]]


def test_stride_2_on_an_even_side_starts_at_the_first_pixel_and_pads_after_the_last() -> None:
    layer = Conv("c", kernel((1, 0, 0), (0, 0, 0), (0, 0, 0)), 1, 2, OPEN)
    assert potentials(layer, [[1, 2], [3, 4]]).tolist() == [[1]]
    assert potentials(layer, [[1, 2, 3], [4, 5, 6], [7, 8, 9]]).tolist() == [[0, 0], [0, 5]]


def test_the_first_layer_pads_with_its_padding_value() -> None:
    layer = InputConv("i", kernel((1, 1, 1), (1, 1, 1), (1, 1, 1)), 1, 10, OPEN)
    assert potentials(layer, [[5]]).tolist() == [[85]]


def test_max_pooling_takes_potentials_before_the_threshold_and_keeps_an_odd_edge() -> None:
    layer = Conv("c", kernel((-1,)), 2, 1, OPEN, max_pool=True)
    assert potentials(layer, [[1, 2, 3], [4, 5, 6], [7, 8, 9]]).tolist() == [[-1, -3], [-7, -9]]


def test_the_global_sum_adds_potentials_over_the_map() -> None:
    layer = Conv("c", kernel((-1,)), 2, 1, OPEN, global_sum=True)
    assert potentials(layer, [[1, 2], [3, 4]]).tolist() == [[-10]]


def test_nothing_is_cut_between_the_depthwise_and_the_pointwise_part() -> None:
    layer = SeparableConv("s", np.array([[[-1]], [[7]]], np.int8), np.array([[-7, 1]], np.int8), 4, 1, OPEN)
    values = np.array([[[[15, 15]]]], np.int32)
    assert arithmetic.layer_potentials(layer, values).ravel().tolist() == [15 * 7 + 15 * 7]


def test_a_dense_layer_takes_a_map_row_by_row_channels_innermost() -> None:
    layer = Dense("d", np.eye(8, dtype=np.int8), 1)
    values = np.arange(8, dtype=np.int32).reshape(1, 2, 2, 2)
    assert arithmetic.layer_potentials(layer, values).ravel().tolist() == list(range(8))


def test_images_of_another_shape_or_type_are_not_run() -> None:
    network = IntegerNetwork((5, 5, 3), (), 1)
    with pytest.raises(ValueError, match="not uint8"):
        arithmetic.run(network, np.zeros((1, 5, 6, 3), np.uint8))
    with pytest.raises(ValueError, match="float32"):
        arithmetic.run(network, np.zeros((1, 5, 5, 3), np.float32))  # type: ignore[arg-type]
