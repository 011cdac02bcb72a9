"""Convolutions as ONNX `QLinearConv` nodes: 8-bit integers in, 32-bit sums, the activation in the rounding at the end.

Exact where `requantise` proves a bias and a scale; the exporter writes the other layers in float32. Two things keep the
sums themselves exact on every CPU. Processors without VNNI add two products of an unsigned and a signed byte in 16 bits
and saturate: weights of 4 bits times 16 on inputs up to 15 stay far below that; the first layer (8-bit weights on 8-bit
pixels) does not, so its weights are stored unsigned, with zero point 128, which ONNX Runtime multiplies in wider
arithmetic. Max pooling follows the activation here: both are monotone, so they commute.

`SeparableConv` has no integer form: what its depthwise part gives is wider than 8 bits, `QLinearConv` would round it.
"""

from __future__ import annotations

import numpy as np

from qana_desktop.network.layers import STEP_GRID, Conv, InputConv, Layer, UInt8Array
from qana_desktop.network.onnx_float import geometry_of, max_pool
from qana_desktop.network.onnx_proto import Graph
from qana_desktop.network.requantise import Requantisation, requantisation
from qana_desktop.network.shapes import MapShape, convolved_size

UNSIGNED_ZERO = 128
"""Added to the first layer's weights to store them unsigned."""


def integer_form(layer: Layer) -> Requantisation | None:
    """Return the proved requantisation of a layer that has one, else None."""
    if isinstance(layer, InputConv):
        return requantisation(layer.activation, 1)
    if isinstance(layer, Conv) and not layer.global_sum:
        return requantisation(layer.activation, STEP_GRID)
    return None


def convolution(
    graph: Graph, prefix: str, layer: InputConv | Conv, form: Requantisation, shape: MapShape, value: str
) -> str:
    """Write a whole layer, pooling and activation included: uint8 (N, C, H, W) in and out."""
    one = graph.tensor("one", np.array(1, np.float32))
    zero = graph.tensor("zero_level", np.array(0, np.uint8))
    bias = form.bias.astype(np.int64)
    if isinstance(layer, InputConv):
        weights = graph.tensor(f"{prefix}_weights", unsigned_weights(layer))
        weight_zero = graph.tensor("unsigned_zero", np.array(UNSIGNED_ZERO, np.uint8))
        input_zero = graph.tensor(f"{prefix}_padding", np.array(layer.padding_value, np.uint8))
        bias = bias + layer.padding_value * layer.weights.astype(np.int64).sum(axis=(1, 2, 3))
    else:
        weights = graph.tensor(f"{prefix}_weights", layer.weights * np.int8(form.multiplier))
        weight_zero, input_zero = graph.tensor("signed_zero", np.array(0, np.int8)), zero
    scale = graph.tensor(f"{prefix}_scale", form.scale)
    total = graph.tensor(f"{prefix}_bias", bias.astype(np.int32))
    parts = [value, one, input_zero, weights, scale, weight_zero, one, zero, total]
    value = graph.node("QLinearConv", parts, f"{prefix}_rounded", **geometry_of(layer, shape))
    highest = graph.tensor(f"top_{layer.activation.bits}_bits", np.array((1 << layer.activation.bits) - 1, np.uint8))
    value = graph.node("Clip", [value, "", highest], f"{prefix}_activation")
    return max_pool(graph, prefix, convolved_size(layer, shape), value) if layer.max_pool else value


def unsigned_weights(layer: InputConv) -> UInt8Array:
    """Return 8-bit weights with `UNSIGNED_ZERO` added: uint8, same shape."""
    return (layer.weights.astype(np.int16) + UNSIGNED_ZERO).astype(np.uint8)
