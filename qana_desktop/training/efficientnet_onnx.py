"""EfficientNet-Lite0 as an ONNX model, the norms folded into the convolutions: the second reader's file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from qana_desktop.network.onnx_proto import Graph, ValueInfo
from qana_desktop.training.efficientnet import LEVEL_MEAN, LEVEL_SCALE, Block, EfficientNetLite0, SameConv

INPUT, OUTPUT = "images", "logits"


def to_second_reader_onnx(model: EfficientNetLite0, size: int) -> bytes:
    """An ONNX model: `images` uint8 (N, S, S, 3) RGB -> `logits` float32 (N, classes). Normalisation is inside."""
    classes = len(model.classifier.bias)
    graph = Graph(
        "second-reader",
        inputs=[ValueInfo(INPUT, np.uint8, ("N", size, size, 3))],
        outputs=[ValueInfo(OUTPUT, np.float32, ("N", classes))],
    )
    value = graph.node("Cast", [INPUT], "levels", to=1)
    value = graph.node("Transpose", [value], "channels_first", perm=[0, 3, 1, 2])
    value = _scaled(graph, value)
    value = _convolution(graph, "stem", model.stem, model.stem_norm, value, clipped=True)
    for index, block in enumerate(model.inverted_residuals()):
        value = _block(graph, f"block{index}", block, value)
    value = _convolution(graph, "top", model.top, model.top_norm, value, clipped=True)
    value = graph.node("GlobalAveragePool", [value], "pooled")
    value = graph.node("Flatten", [value], "features", axis=1)
    weights = graph.tensor("head_weights", _array(model.classifier.weight))
    bias = graph.tensor("head_bias", _array(model.classifier.bias))
    graph.node("Gemm", [value, weights, bias], OUTPUT, transB=1)
    return graph.model(producer="qana-desktop", metadata={})


def _scaled(graph: Graph, value: str) -> str:
    mean = graph.tensor("level_mean", np.array(LEVEL_MEAN, np.float32))
    scale = graph.tensor("level_scale", np.array(LEVEL_SCALE, np.float32))
    return graph.node("Div", [graph.node("Sub", [value, mean], "centred"), scale], "scaled")


def _block(graph: Graph, name: str, block: Block, value: str) -> str:
    start = value
    if block.expand is not None and block.expand_norm is not None:
        value = _convolution(graph, f"{name}_wide", block.expand, block.expand_norm, value, clipped=True)
    value = _convolution(graph, f"{name}_depthwise", block.depthwise, block.depthwise_norm, value, clipped=True)
    value = _convolution(graph, f"{name}_narrow", block.project, block.project_norm, value, clipped=False)
    return graph.node("Add", [start, value], f"{name}_sum") if block.adds else value


def _convolution(
    graph: Graph, name: str, convolution: SameConv, norm: nn.BatchNorm2d, value: str, *, clipped: bool
) -> str:
    weights, bias = folded(convolution, norm)
    inputs = [value, graph.tensor(f"{name}_weights", weights), graph.tensor(f"{name}_bias", bias)]
    kernel, stride = convolution.kernel_size[0], convolution.stride[0]
    value = graph.node(
        "Conv",
        inputs,
        f"{name}_convolved",
        auto_pad="SAME_UPPER",
        kernel_shape=_pair(kernel),
        strides=_pair(stride),
        group=convolution.groups,
    )
    if not clipped:
        return value
    low = graph.tensor(f"{name}_low", np.array(0.0, np.float32))
    high = graph.tensor(f"{name}_high", np.array(6.0, np.float32))
    return graph.node("Clip", [value, low, high], f"{name}_clipped")


def _pair(value: int) -> Sequence[int]:
    return [value, value]


def folded(convolution: SameConv, norm: nn.BatchNorm2d) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Weights and bias of a convolution followed by its norm in evaluation."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise RuntimeError("A batch norm without running statistics cannot be folded.")
    slope = norm.weight.double() / torch.sqrt(variance.double() + norm.eps)
    weights = convolution.weight.double() * slope.reshape(-1, 1, 1, 1)
    return _array(weights), _array(norm.bias.double() - slope * mean.double())


def _array(value: Tensor) -> npt.NDArray[np.float32]:
    return np.asarray(value.detach().cpu().numpy(), dtype=np.float32)
