"""Carries an integer network to ONNX: a model file that needs no `onnx` package to write and is exact on every CPU.

Each layer is written in one of two exact forms: `onnx_integer` where that is proved for its numbers, else `onnx_float`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from qana_desktop.network import onnx_float, onnx_integer
from qana_desktop.network.layers import Conv, Dense, InputConv, IntegerNetwork, Layer
from qana_desktop.network.onnx_proto import Graph, ValueInfo
from qana_desktop.network.shapes import MapShape, input_shapes, output_shape

INPUT_NAME = "image"
OUTPUT_NAME = "potentials"
PRODUCER = "qana-desktop"

_FLOAT, _UINT8, _INT32 = 1, 2, 6  # ONNX numbers of the element types


class Flavour(StrEnum):
    """How the arithmetic is written. Both give the same integers."""

    FLOAT32 = "float32"
    INTEGER = "integer"
    """`QLinearConv` for every layer where that is proved exact, float32 for the others. The faster one."""


def layer_output_name(index: int) -> str:
    """Return the name of the graph output that carries the activations of layer `index`, where they are exported."""
    return f"layer_{index}"


def to_onnx(
    network: IntegerNetwork,
    *,
    flavour: Flavour = Flavour.INTEGER,
    layer_outputs: bool = False,
    also: Collection[int] = (),
) -> bytes:
    """Return an ONNX model: uint8 `image` (N, H, W, C) in, int32 `potentials` (N, classes + features) out.

    The activations of the layers `also` (by index, never the last) are outputs too, int32 (N, H, W, C), named by
    `layer_output_name`; with `layer_outputs` those of every layer but the last: for tests that compare engines layer by
    layer. The network must be legal (`validate.check`).
    """
    shown = range(len(network.layers) - 1) if layer_outputs else also
    return _Writer(Graph(network_name(network)), flavour, frozenset(shown)).write(network)


def network_name(network: IntegerNetwork) -> str:
    """Return the graph's name: input size and what comes out."""
    height, width, _ = network.input_shape
    return f"integer-network-{height}x{width}-{network.classes}+{network.features}"


def integer_layers(network: IntegerNetwork) -> tuple[str, ...]:
    """Return the names of the layers that `Flavour.INTEGER` writes as integers."""
    return tuple(layer.name for layer in network.layers if onnx_integer.integer_form(layer) is not None)


@dataclass(frozen=True)
class _Value:
    """A value of the graph: activations, held as uint8 or as float32."""

    name: str
    is_float: bool


@dataclass
class _Writer:
    graph: Graph
    flavour: Flavour
    shown: frozenset[int]
    """Indices of layers whose activations are outputs."""

    def write(self, network: IntegerNetwork) -> bytes:
        self.graph.inputs.append(ValueInfo(INPUT_NAME, np.uint8, ("N", *network.input_shape)))
        start = self.graph.node("Transpose", [INPUT_NAME], "image_nchw", perm=[0, 3, 1, 2])
        value = _Value(start, is_float=False)
        for index, (layer, shape) in enumerate(zip(network.layers, input_shapes(network), strict=True)):
            value = self._layer(f"l{index}", layer, shape, value)
            if index in self.shown:
                self._emit_layer(index, layer, shape, value)
        self._emit_potentials(network, value)
        return self.graph.model(producer=PRODUCER, metadata={"arithmetic": f"exact integers, {self.flavour}"})

    def _layer(self, prefix: str, layer: Layer, shape: MapShape, value: _Value) -> _Value:
        form = onnx_integer.integer_form(layer) if self.flavour is Flavour.INTEGER else None
        if form is not None and isinstance(layer, InputConv | Conv):
            output = onnx_integer.convolution(self.graph, prefix, layer, form, shape, self._as_uint8(value))
            return _Value(output, is_float=False)
        return _Value(self._float_layer(prefix, layer, shape, self._as_float(value)), is_float=True)

    def _float_layer(self, prefix: str, layer: Layer, shape: MapShape, value: str) -> str:
        if isinstance(layer, Dense):
            value = onnx_float.dense(self.graph, prefix, layer, shape, value)
        else:
            value = onnx_float.spatial(self.graph, prefix, layer, shape, value)
        if layer.activation is None:
            return value
        return onnx_float.activated(self.graph, prefix, layer.activation, value, spatial=not isinstance(layer, Dense))

    def _as_float(self, value: _Value) -> str:
        if value.is_float:
            return value.name
        return self.graph.node("Cast", [value.name], f"{value.name}_float", to=_FLOAT)

    def _as_uint8(self, value: _Value) -> str:
        if not value.is_float:
            return value.name
        return self.graph.node("Cast", [value.name], f"{value.name}_uint8", to=_UINT8)

    def _emit_layer(self, index: int, layer: Layer, shape: MapShape, value: _Value) -> None:
        name = layer_output_name(index)
        height, width, channels = output_shape(layer, shape)
        whole = self.graph.node("Cast", [value.name], f"{name}_int", to=_INT32)
        if isinstance(layer, Dense):
            target = self.graph.tensor(f"{name}_shape", np.array([-1, 1, 1, channels], np.int64))
            self.graph.node("Reshape", [whole, target], name)
        else:
            self.graph.node("Transpose", [whole], name, perm=[0, 2, 3, 1])
        self.graph.outputs.append(ValueInfo(name, np.int32, ("N", height, width, channels)))

    def _emit_potentials(self, network: IntegerNetwork, value: _Value) -> None:
        self.graph.node("Cast", [value.name], OUTPUT_NAME, to=_INT32)
        self.graph.outputs.append(ValueInfo(OUTPUT_NAME, np.int32, ("N", network.classes + network.features)))
