"""The network as a plain float32 export would be: convolutions and ReLU, no integers held. For comparison only."""

from __future__ import annotations

import numpy as np

from qana_desktop.network import onnx_float
from qana_desktop.network.export_onnx import INPUT_NAME, OUTPUT_NAME
from qana_desktop.network.layers import Dense, IntegerNetwork
from qana_desktop.network.onnx_proto import Graph, ValueInfo
from qana_desktop.network.shapes import input_shapes

_FLOAT, _INT32 = 1, 6  # ONNX numbers of the element types


def to_plain_float(network: IntegerNetwork) -> bytes:
    """Return an ONNX model of the same architecture with ReLU for each activation; its numbers mean nothing."""
    graph = Graph("plain-float")
    graph.inputs.append(ValueInfo(INPUT_NAME, np.uint8, ("N", *network.input_shape)))
    value = graph.node("Transpose", [INPUT_NAME], "image_nchw", perm=[0, 3, 1, 2])
    value = graph.node("Cast", [value], "image_float", to=_FLOAT)
    for index, (layer, shape) in enumerate(zip(network.layers, input_shapes(network), strict=True)):
        write = onnx_float.dense if isinstance(layer, Dense) else onnx_float.spatial
        value = write(graph, f"l{index}", layer, shape, value)  # type: ignore[operator]
        if layer.activation is not None:
            value = graph.node("Relu", [value], f"l{index}_relu")
    graph.node("Cast", [value], OUTPUT_NAME, to=_INT32)
    graph.outputs.append(ValueInfo(OUTPUT_NAME, np.int32, ("N", network.classes + network.features)))
    return graph.model(producer="qana-desktop benchmark", metadata={})
