"""Layers as ONNX nodes that hold integers in float32: exact on every CPU, for every legal network.

Why float32 is exact here. Every partial sum of a potential is an integer below 2**24 (`validate` checks the bound),
so `Conv` and `Gemm` make no rounding in any order of summation. With the threshold in the bias, ``p - threshold`` is
exact too. Then ``ceil(d / step)`` with ``d`` an integer and ``step = s / 16``, ``s`` an integer up to 2**20: the true
quotient is a multiple of ``1 / s``, so where it exceeds a whole number it does so by at least 2**-20. Floats below 16
lie at most 2**-20 apart and IEEE division rounds to the nearest one, so it never rounds onto, or over, a whole number
that it should not. Quotients of 15 and more are cut to the maximum. (Multiplying by a rounded reciprocal has no such
proof and fails. It must also not be written: ONNX Runtime folds a `Mul` after a `Conv` into the weights, which are then
no integers.)
"""

from __future__ import annotations

import numpy as np

from qana_desktop.network.layers import (
    Activation,
    Conv,
    Dense,
    Float32Array,
    InputConv,
    Int8Array,
    Int64Array,
    Layer,
    SeparableConv,
)
from qana_desktop.network.onnx_proto import Attribute, Graph
from qana_desktop.network.shapes import (
    POOL,
    MapShape,
    convolved_size,
    kernel_size,
    output_channels,
    same_padding,
)


def dense(graph: Graph, prefix: str, layer: Dense, shape: MapShape, value: str) -> str:
    """Write a dense layer up to ``p - threshold``: float32 (N, C, H, W) or (N, inputs) in, (N, outputs) out."""
    flat = graph.node("Flatten", [value], f"{prefix}_flat", axis=1)
    channels_first = layer.weights.reshape(-1, *shape).transpose(0, 3, 1, 2).reshape(len(layer.weights), -1)
    weights = graph.tensor(f"{prefix}_weights", channels_first.astype(np.float32))
    bias = graph.tensor(f"{prefix}_bias", -thresholds(layer).astype(np.float32))
    return graph.node("Gemm", [flat, weights, bias], f"{prefix}_potential", transB=1)


def spatial(graph: Graph, prefix: str, layer: InputConv | Conv | SeparableConv, shape: MapShape, value: str) -> str:
    """Write a convolution up to ``p - threshold``, pooling included: float32 (N, C, H, W) in and out."""
    if isinstance(layer, InputConv):
        value = _input_conv(graph, prefix, layer, shape, value)
    elif isinstance(layer, SeparableConv):
        value = _separable(graph, prefix, layer, shape, value)
    else:
        value = _conv(graph, prefix, layer, shape, value)
    return max_pool(graph, prefix, convolved_size(layer, shape), value) if layer.max_pool else value


def _input_conv(graph: Graph, prefix: str, layer: InputConv, shape: MapShape, value: str) -> str:
    """Shift the image by `padding_value`, so that ONNX's padding with 0 is Akida's padding with that value."""
    bias = -thresholds(layer)
    if layer.padding_value:
        level = graph.tensor(f"{prefix}_padding", np.array(layer.padding_value, np.float32))
        value = graph.node("Sub", [value, level], f"{prefix}_shifted")
        bias = bias + layer.padding_value * layer.weights.astype(np.int64).sum(axis=(1, 2, 3))
    return _convolution(graph, f"{prefix}_potential", layer.weights, value, bias, geometry_of(layer, shape))


def _separable(graph: Graph, prefix: str, layer: SeparableConv, shape: MapShape, value: str) -> str:
    """Depthwise, then pointwise. A global sum commutes with the pointwise part and is cheaper before it."""
    depthwise = layer.depthwise[:, None]
    geometry = geometry_of(layer, shape) | {"group": len(depthwise)}
    value = _convolution(graph, f"{prefix}_depthwise", depthwise, value, None, geometry)
    if layer.global_sum:
        value = _global_sum(graph, prefix, value)
    pointwise = layer.pointwise[:, :, None, None]
    return _convolution(graph, f"{prefix}_potential", pointwise, value, -thresholds(layer), {})


def _conv(graph: Graph, prefix: str, layer: Conv, shape: MapShape, value: str) -> str:
    geometry, bias = geometry_of(layer, shape), -thresholds(layer)
    if not layer.global_sum:
        return _convolution(graph, f"{prefix}_potential", layer.weights, value, bias, geometry)
    if kernel_size(layer) == 1:
        value = _global_sum(graph, prefix, value)
        return _convolution(graph, f"{prefix}_potential", layer.weights, value, bias, {})
    value = _convolution(graph, f"{prefix}_position", layer.weights, value, None, geometry)
    shift = graph.tensor(f"{prefix}_bias", _per_channel(bias))
    return graph.node("Add", [_global_sum(graph, prefix, value), shift], f"{prefix}_potential")


def _convolution(
    graph: Graph, output: str, weights: Int8Array, value: str, bias: Int64Array | None, geometry: dict[str, Attribute]
) -> str:
    inputs = [value, graph.tensor(f"{output}_weights", weights.astype(np.float32))]
    if bias is not None:
        inputs.append(graph.tensor(f"{output}_bias", bias.astype(np.float32)))
    return graph.node("Conv", inputs, output, **geometry)


def _global_sum(graph: Graph, prefix: str, value: str) -> str:
    axes = graph.tensor("map_axes", np.array([2, 3], np.int64))
    return graph.node("ReduceSum", [value, axes], f"{prefix}_sum", keepdims=1)


def max_pool(graph: Graph, prefix: str, size: tuple[int, int], value: str) -> str:
    """Write 2x2 max pooling of a map of `size`; an odd last row or column is pooled alone."""
    height, width = size
    return graph.node(
        "MaxPool",
        [value],
        f"{prefix}_pooled",
        kernel_shape=[POOL, POOL],
        strides=[POOL, POOL],
        pads=[0, 0, height % POOL, width % POOL],
    )


def activated(graph: Graph, prefix: str, activation: Activation, value: str, *, spatial: bool) -> str:
    """Write the staircase of `activation` on ``p - threshold``."""
    step = activation.step.astype(np.float32)
    divisor = graph.tensor(f"{prefix}_step", step[:, None, None] if spatial else step)
    low = graph.tensor("zero", np.array(0, np.float32))
    high = graph.tensor(f"max_{activation.bits}_bits", np.array((1 << activation.bits) - 1, np.float32))
    value = graph.node("Div", [value, divisor], f"{prefix}_quotient")
    value = graph.node("Ceil", [value], f"{prefix}_level")
    return graph.node("Clip", [value, low, high], f"{prefix}_activation")


def thresholds(layer: Layer) -> Int64Array:
    """Return the thresholds, zeros for a layer without activation; a channel each, int64."""
    if layer.activation is None:
        return np.zeros(output_channels(layer), np.int64)
    return layer.activation.threshold.astype(np.int64)


def _per_channel(values: Int64Array) -> Float32Array:
    return values.astype(np.float32)[:, None, None]


def geometry_of(layer: InputConv | Conv | SeparableConv, shape: MapShape) -> dict[str, Attribute]:
    """Return stride and 'same' padding as ONNX attributes."""
    side = kernel_size(layer)
    top, bottom = same_padding(shape[0], side, layer.stride)
    left, right = same_padding(shape[1], side, layer.stride)
    return {"strides": [layer.stride, layer.stride], "pads": [top, left, bottom, right]}
