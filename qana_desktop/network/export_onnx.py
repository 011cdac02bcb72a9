"""Carries an integer network to ONNX: integers held in float32, exact on every CPU.

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

from dataclasses import dataclass

import numpy as np

from qana_desktop.network.bounds import Int64Array
from qana_desktop.network.layers import (
    Activation,
    Conv,
    Dense,
    Float32Array,
    InputConv,
    Int8Array,
    IntegerNetwork,
    Layer,
    SeparableConv,
)
from qana_desktop.network.onnx_proto import Attribute, Graph, ValueInfo
from qana_desktop.network.shapes import (
    POOL,
    MapShape,
    convolved_size,
    input_shapes,
    kernel_size,
    output_channels,
    output_shape,
    same_padding,
)

INPUT_NAME = "image"
OUTPUT_NAME = "potentials"
PRODUCER = "qana-desktop"

_FLOAT, _INT32 = 1, 6  # ONNX numbers of the element types


def layer_output_name(index: int) -> str:
    """Return the name of the graph output that carries the activations of layer `index`, where they are exported."""
    return f"layer_{index}"


def to_onnx(network: IntegerNetwork, *, layer_outputs: bool = False) -> bytes:
    """Return an ONNX model: uint8 `image` (N, H, W, C) in, int32 `potentials` (N, classes + features) out.

    With `layer_outputs` the activations of every layer but the last are outputs too, int32 (N, H, W, C), named by
    `layer_output_name`: for tests that compare engines layer by layer.
    """
    writer = _Writer(Graph(network_name(network)), layer_outputs=layer_outputs)
    return writer.write(network)


def network_name(network: IntegerNetwork) -> str:
    """Return the graph's name: input size and what comes out."""
    height, width, _ = network.input_shape
    return f"integer-network-{height}x{width}-{network.classes}+{network.features}"


@dataclass
class _Writer:
    graph: Graph
    layer_outputs: bool

    def write(self, network: IntegerNetwork) -> bytes:
        self.graph.inputs.append(ValueInfo(INPUT_NAME, np.uint8, ("N", *network.input_shape)))
        value = self.graph.node("Transpose", [INPUT_NAME], "image_nchw", perm=[0, 3, 1, 2])
        value = self.graph.node("Cast", [value], "image_float", to=_FLOAT)
        for index, (layer, shape) in enumerate(zip(network.layers, input_shapes(network), strict=True)):
            value = self._layer(f"l{index}", layer, shape, value)
            if self.layer_outputs and layer is not network.layers[-1]:
                self._emit_layer(index, layer, shape, value)
        self._emit_potentials(network, value)
        return self.graph.model(producer=PRODUCER, metadata={"arithmetic": "integers in float32"})

    def _layer(self, prefix: str, layer: Layer, shape: MapShape, value: str) -> str:
        if isinstance(layer, Dense):
            value = self._dense(prefix, layer, shape, value)
        else:
            value = self._spatial(prefix, layer, shape, value)
        if layer.activation is None:
            return value
        return self._activated(prefix, layer.activation, value, spatial=not isinstance(layer, Dense))

    def _dense(self, prefix: str, layer: Dense, shape: MapShape, value: str) -> str:
        flat = self.graph.node("Flatten", [value], f"{prefix}_flat", axis=1)
        channels_first = layer.weights.reshape(-1, *shape).transpose(0, 3, 1, 2).reshape(len(layer.weights), -1)
        weights = self.graph.tensor(f"{prefix}_weights", channels_first.astype(np.float32))
        bias = self.graph.tensor(f"{prefix}_bias", -_threshold(layer).astype(np.float32))
        return self.graph.node("Gemm", [flat, weights, bias], f"{prefix}_potential", transB=1)

    def _spatial(self, prefix: str, layer: InputConv | Conv | SeparableConv, shape: MapShape, value: str) -> str:
        """Write everything up to ``p - threshold``, pooling included."""
        if isinstance(layer, InputConv):
            value = self._input_conv(prefix, layer, shape, value)
        elif isinstance(layer, SeparableConv):
            value = self._separable(prefix, layer, shape, value)
        else:
            value = self._conv(prefix, layer, shape, value)
        return self._max_pool(prefix, convolved_size(layer, shape), value) if layer.max_pool else value

    def _input_conv(self, prefix: str, layer: InputConv, shape: MapShape, value: str) -> str:
        """Shift the image by `padding_value`, so that ONNX's padding with 0 is Akida's padding with that value."""
        bias = -_threshold(layer)
        if layer.padding_value:
            level = self.graph.tensor(f"{prefix}_padding", np.array(layer.padding_value, np.float32))
            value = self.graph.node("Sub", [value, level], f"{prefix}_shifted")
            bias = bias + layer.padding_value * layer.weights.astype(np.int64).sum(axis=(1, 2, 3))
        return self._convolution(f"{prefix}_potential", layer.weights, value, bias, _geometry(layer, shape))

    def _separable(self, prefix: str, layer: SeparableConv, shape: MapShape, value: str) -> str:
        """Depthwise, then pointwise. A global sum commutes with the pointwise part and is cheaper before it."""
        depthwise = layer.depthwise[:, None]
        geometry = _geometry(layer, shape) | {"group": len(depthwise)}
        value = self._convolution(f"{prefix}_depthwise", depthwise, value, None, geometry)
        if layer.global_sum:
            value = self._global_sum(prefix, value)
        pointwise = layer.pointwise[:, :, None, None]
        return self._convolution(f"{prefix}_potential", pointwise, value, -_threshold(layer), {})

    def _conv(self, prefix: str, layer: Conv, shape: MapShape, value: str) -> str:
        geometry, bias = _geometry(layer, shape), -_threshold(layer)
        if not layer.global_sum:
            return self._convolution(f"{prefix}_potential", layer.weights, value, bias, geometry)
        if kernel_size(layer) == 1:
            value = self._global_sum(prefix, value)
            return self._convolution(f"{prefix}_potential", layer.weights, value, bias, {})
        value = self._convolution(f"{prefix}_position", layer.weights, value, None, geometry)
        shift = self.graph.tensor(f"{prefix}_bias", _per_channel(bias))
        return self.graph.node("Add", [self._global_sum(prefix, value), shift], f"{prefix}_potential")

    def _convolution(
        self, output: str, weights: Int8Array, value: str, bias: Int64Array | None, geometry: dict[str, Attribute]
    ) -> str:
        inputs = [value, self.graph.tensor(f"{output}_weights", weights.astype(np.float32))]
        if bias is not None:
            inputs.append(self.graph.tensor(f"{output}_bias", bias.astype(np.float32)))
        return self.graph.node("Conv", inputs, output, **geometry)

    def _global_sum(self, prefix: str, value: str) -> str:
        axes = self.graph.tensor("map_axes", np.array([2, 3], np.int64))
        return self.graph.node("ReduceSum", [value, axes], f"{prefix}_sum", keepdims=1)

    def _max_pool(self, prefix: str, size: tuple[int, int], value: str) -> str:
        height, width = size
        return self.graph.node(
            "MaxPool",
            [value],
            f"{prefix}_pooled",
            kernel_shape=[POOL, POOL],
            strides=[POOL, POOL],
            pads=[0, 0, height % POOL, width % POOL],
        )

    def _activated(self, prefix: str, activation: Activation, value: str, *, spatial: bool) -> str:
        step = activation.step.astype(np.float32)
        divisor = self.graph.tensor(f"{prefix}_step", step[:, None, None] if spatial else step)
        low = self.graph.tensor("zero", np.array(0, np.float32))
        high = self.graph.tensor(f"max_{activation.bits}_bits", np.array(2**activation.bits - 1, np.float32))
        value = self.graph.node("Div", [value, divisor], f"{prefix}_quotient")
        value = self.graph.node("Ceil", [value], f"{prefix}_level")
        return self.graph.node("Clip", [value, low, high], f"{prefix}_activation")

    def _emit_layer(self, index: int, layer: Layer, shape: MapShape, value: str) -> None:
        name = layer_output_name(index)
        height, width, channels = output_shape(layer, shape)
        value = self.graph.node("Cast", [value], f"{name}_int", to=_INT32)
        if isinstance(layer, Dense):
            target = self.graph.tensor(f"{name}_shape", np.array([-1, 1, 1, channels], np.int64))
            self.graph.node("Reshape", [value, target], name)
        else:
            self.graph.node("Transpose", [value], name, perm=[0, 2, 3, 1])
        self.graph.outputs.append(ValueInfo(name, np.int32, ("N", height, width, channels)))

    def _emit_potentials(self, network: IntegerNetwork, value: str) -> None:
        self.graph.node("Cast", [value], OUTPUT_NAME, to=_INT32)
        self.graph.outputs.append(ValueInfo(OUTPUT_NAME, np.int32, ("N", network.classes + network.features)))


def _threshold(layer: Layer) -> Int64Array:
    """Return the thresholds, zeros for a layer without activation; a channel each, int64."""
    if layer.activation is None:
        return np.zeros(output_channels(layer), np.int64)
    return layer.activation.threshold.astype(np.int64)


def _per_channel(values: Int64Array) -> Float32Array:
    return values.astype(np.float32)[:, None, None]


def _geometry(layer: InputConv | Conv | SeparableConv, shape: MapShape) -> dict[str, Attribute]:
    """Return stride and 'same' padding as ONNX attributes."""
    side = kernel_size(layer)
    top, bottom = same_padding(shape[0], side, layer.stride)
    left, right = same_padding(shape[1], side, layer.stride)
    return {"strides": [layer.stride, layer.stride], "pads": [top, left, bottom, right]}
