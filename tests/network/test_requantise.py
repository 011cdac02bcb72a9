"""A requantisation, where one is found, gives the activation for every potential; nothing is taken on trust."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.network import arithmetic
from qana_desktop.network.layers import Activation, Int32Array
from qana_desktop.network.requantise import Requantisation, requantisation

bits = st.sampled_from((1, 2, 4))
thresholds = st.integers(-(2**19), 2**19 - 1)


def activation(bits: int, threshold: int, sixteenths: int) -> Activation:
    """One channel."""
    return Activation(bits, np.array([threshold], np.int32), np.array([sixteenths / 16], np.float32))


def rounded(form: Requantisation, potential: Int32Array, bits: int) -> Int32Array:
    """What ONNX Runtime computes: int32 sums, one float32 product, rounding to even, cut to a byte, cut to `bits`."""
    accumulator = form.multiplier * potential.astype(np.int64) + form.bias
    product = accumulator.astype(np.float32) * form.scale
    return np.clip(np.rint(np.clip(product, 0, 255)), 0, 2**bits - 1).astype(np.int32)


@given(bits=bits, threshold=thresholds, sixteenths=st.integers(1, 65535 * 16), multiplier=st.sampled_from((1, 16)))
def test_every_potential_around_every_stair_gives_the_activation(
    bits: int, threshold: int, sixteenths: int, multiplier: int
) -> None:
    wanted = activation(bits, threshold, sixteenths)
    form = requantisation(wanted, multiplier)
    if form is None:
        return
    stairs = threshold + (np.arange(2**bits + 2) * sixteenths) // 16
    near = (stairs[:, None] + np.arange(-3, 4)).ravel()
    far = np.linspace(-(2**23), 2**23, 501).astype(np.int64)
    potential = np.concatenate([near, far]).astype(np.int32)
    assert np.array_equal(rounded(form, potential, bits), arithmetic.activate(wanted, potential))


@given(bits=bits, threshold=thresholds, step=st.integers(1, 65535))
def test_whole_steps_have_a_form_without_scaled_weights(bits: int, threshold: int, step: int) -> None:
    assert requantisation(activation(bits, threshold, step * 16), 1) is not None


@given(bits=bits, threshold=thresholds, sixteenths=st.integers(2, 2**16))
def test_steps_on_the_grid_have_a_form_with_weights_times_16(bits: int, threshold: int, sixteenths: int) -> None:
    assert requantisation(activation(bits, threshold, sixteenths), 16) is not None


def test_a_staircase_that_no_rounding_can_climb_has_no_form() -> None:
    assert requantisation(activation(4, 0, 23), 1) is None


def test_one_channel_without_a_form_leaves_the_layer_without_one() -> None:
    mixed = Activation(4, np.zeros(2, np.int32), np.array([4, 23 / 16], np.float32))
    assert requantisation(mixed, 1) is None
