"""How large potentials can become for any image, from the weights alone.

The bound of a layer is the largest absolute value that any partial sum of its potential can take, in any order of
summation. Exactness of float32 arithmetic, and freedom from saturation on Akida, both follow from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qana_desktop.network.layers import Conv, Int8Array, Int64Array, IntegerNetwork, Layer, SeparableConv
from qana_desktop.network.shapes import MapShape, convolved_size, input_shapes, is_pooled

FLOAT32_EXACT = 2**24
"""Integers up to this size are exact in float32."""

POOLED_MIN, POOLED_MAX = -(2**19), 2**19 - 1
"""Akida holds what it pools, and sums of a dense layer, in 20 bits, and saturates: a global sum does so on its way."""

INPUT_MAX = 255


@dataclass(frozen=True)
class PotentialBounds:
    """Bounds of the potentials of one layer, valid for any image and for any partial sum.

    `lowest` and `highest` are for one position of the map; `positions` is how many a global sum adds (1 without it);
    `inner` bounds the sums inside a depthwise kernel (0 for other layers).
    """

    lowest: int
    highest: int
    positions: int
    inner: int

    @property
    def position_magnitude(self) -> int:
        """The largest magnitude at one position."""
        return max(-self.lowest, self.highest)

    @property
    def magnitude(self) -> int:
        """The largest magnitude of the finished potential, the global sum included."""
        return self.position_magnitude * self.positions


def input_maximum(previous: Layer | None) -> int:
    """Return the largest value that the output of `previous` takes (the image itself for None)."""
    if previous is None or previous.activation is None:
        return INPUT_MAX
    return (1 << previous.activation.bits) - 1


def potential_bounds(layer: Layer, shape: MapShape, maximum: int) -> PotentialBounds:
    """Return the bounds of `layer` for inputs of `shape` between 0 and `maximum`."""
    if isinstance(layer, SeparableConv):
        low, high, inner = _separable_range(layer, maximum)
    else:
        low, high = _signed_sums(layer.weights)
        low, high, inner = low * maximum, high * maximum, 0
    return PotentialBounds(int(low.min(initial=0)), int(high.max(initial=0)), _positions(layer, shape), inner)


def network_bounds(network: IntegerNetwork) -> tuple[PotentialBounds, ...]:
    """Return the bounds of every layer, in order."""
    previous = (None, *network.layers[:-1])
    shapes = input_shapes(network)
    return tuple(
        potential_bounds(layer, shape, input_maximum(before))
        for layer, shape, before in zip(network.layers, shapes, previous, strict=True)
    )


def _positions(layer: Layer, shape: MapShape) -> int:
    if isinstance(layer, Conv | SeparableConv) and is_pooled(layer):
        height, width = convolved_size(layer, shape)
        return height * width
    return 1


def _signed_sums(weights: Int8Array) -> tuple[Int64Array, Int64Array]:
    """Return the sums of the negative and of the positive weights of each output channel, int64."""
    flat = weights.reshape(weights.shape[0], -1).astype(np.int64)
    return np.minimum(flat, 0).sum(axis=1), np.maximum(flat, 0).sum(axis=1)


def _separable_range(layer: SeparableConv, maximum: int) -> tuple[Int64Array, Int64Array, int]:
    negatives, positives = _signed_sums(layer.depthwise)
    inner_low, inner_high = negatives * np.int64(maximum), positives * np.int64(maximum)
    pointwise = layer.pointwise.astype(np.int64)
    positive, negative = np.maximum(pointwise, 0), np.minimum(pointwise, 0)
    low = np.asarray(positive @ inner_low + negative @ inner_high, np.int64)
    high = np.asarray(positive @ inner_high + negative @ inner_low, np.int64)
    inner = int(max(-inner_low.min(initial=0), inner_high.max(initial=0)))
    return low, high, inner
