"""EfficientNet-Lite0 in 8-bit integers as an ONNX model: what ONNX Runtime turns into integer kernels.

Written with quantising and dequantising nodes around float operators (QDQ), after Jacob et al., "Quantization and
training of neural networks for efficient integer-arithmetic-only inference", CVPR 2018. Activations that end in 0..6
need no measurement: the quantised range is the clip. Weights use seven of the eight bits: on processors without VNNI
two products of an unsigned and a signed byte are added in 16 bits, which the full range saturates.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from qana_desktop.network.onnx_proto import Graph, ValueInfo
from qana_desktop.training.augment import Uint8Array
from qana_desktop.training.efficientnet import LEVEL_MEAN, LEVEL_SCALE, Block, EfficientNetLite0, SameConv
from qana_desktop.training.efficientnet_onnx import INPUT, OUTPUT, folded

TOP_WEIGHT = 63
"""The largest magnitude of a weight: seven bits."""
OUTERMOST = 1e-4
"""Share of values at either end that may be cut off when a range is measured."""
TOP = 6.0


@dataclass(frozen=True)
class Scale:
    """``value = scale * (level - zero)`` for uint8 levels."""

    scale: float
    zero: int

    @staticmethod
    def over(low: float, high: float) -> Scale:
        """The scale that covers `low` to `high` and holds zero exactly."""
        low, high = min(low, 0.0), max(high, 0.0)
        scale = max(high - low, 1e-6) / 255.0
        return Scale(scale, round(-low / scale))


CLIPPED = Scale.over(0.0, TOP)


def measured_scales(model: EfficientNetLite0, images: Uint8Array, *, batch: int = 32) -> dict[str, Scale]:
    """Scales of what is not clipped, by name: `block<i>_narrow` and `block<i>_sum`, over images (n, S, S, 3)."""
    lows: dict[str, list[float]] = {}
    highs: dict[str, list[float]] = {}

    def note(name: str, value: Tensor) -> None:
        flat = value.flatten()
        # Quantiles of PyTorch take at most 2**24 values; every seventh is plenty.
        picked = torch.quantile(flat[::7].double()[: 2**23], torch.tensor([OUTERMOST, 1 - OUTERMOST]).double())
        lows.setdefault(name, []).append(float(picked[0]))
        highs.setdefault(name, []).append(float(picked[1]))

    with _noting(model, note), torch.no_grad():
        for start in range(0, len(images), batch):
            levels = torch.from_numpy(np.ascontiguousarray(images[start : start + batch])).permute(0, 3, 1, 2)
            model(levels.float())
    return {name: Scale.over(min(lows[name]), max(highs[name])) for name in lows}


@contextmanager
def _noting(model: EfficientNetLite0, note: Any) -> Iterator[None]:
    model.eval()
    hooks = []
    for index, block in enumerate(model.inverted_residuals()):
        for part, layer in ((f"block{index}_narrow", block.project_norm), (f"block{index}_sum", block)):

            def hook(_layer: nn.Module, _inputs: Any, output: Tensor, name: str = part) -> None:
                note(name, output)

            hooks.append(layer.register_forward_hook(hook))
    try:
        yield
    finally:
        for made in hooks:
            made.remove()


def to_int8_onnx(model: EfficientNetLite0, size: int, scales: dict[str, Scale]) -> bytes:
    """An ONNX model with the inputs and outputs of `efficientnet_onnx.to_second_reader_onnx`."""
    return _Writer(model, size, scales).write()


class _Writer:
    def __init__(self, model: EfficientNetLite0, size: int, scales: dict[str, Scale]) -> None:
        self._model, self._scales = model, scales
        self._graph = Graph(
            "second-reader-int8",
            inputs=[ValueInfo(INPUT, np.uint8, ("N", size, size, 3))],
            outputs=[ValueInfo(OUTPUT, np.float32, ("N", len(model.classifier.bias)))],
        )

    def write(self) -> bytes:
        graph, model = self._graph, self._model
        value = graph.node("Transpose", [INPUT], "channels_first", perm=[0, 3, 1, 2])
        given = Scale(1.0 / LEVEL_SCALE, round(LEVEL_MEAN))
        value = self._dequantised("scaled", value, given)
        value = self._convolution("stem", model.stem, model.stem_norm, value, given, CLIPPED)
        before = CLIPPED
        for index, block in enumerate(model.inverted_residuals()):
            value, before = self._block(f"block{index}", block, value, before)
        value = self._convolution("top", model.top, model.top_norm, value, before, CLIPPED)
        value = graph.node("GlobalAveragePool", [value], "pooled")
        value = graph.node("Flatten", [value], "features", axis=1)
        weights = graph.tensor("head_weights", _float(model.classifier.weight))
        bias = graph.tensor("head_bias", _float(model.classifier.bias))
        graph.node("Gemm", [value, weights, bias], OUTPUT, transB=1)
        return graph.model(producer="qana-desktop", metadata={"arithmetic": "int8"})

    def _block(self, name: str, block: Block, value: str, before: Scale) -> tuple[str, Scale]:
        start, scale = value, before
        if block.expand is not None and block.expand_norm is not None:
            value = self._convolution(f"{name}_wide", block.expand, block.expand_norm, value, scale, CLIPPED)
            scale = CLIPPED
        value = self._convolution(f"{name}_depthwise", block.depthwise, block.depthwise_norm, value, scale, CLIPPED)
        narrow = self._scales[f"{name}_narrow"]
        value = self._convolution(f"{name}_narrow", block.project, block.project_norm, value, CLIPPED, narrow)
        if not block.adds:
            return value, narrow
        total = self._scales[f"{name}_sum"]
        value = self._graph.node("Add", [start, value], f"{name}_added")
        return self._requantised(f"{name}_sum", value, total), total

    def _convolution(
        self, name: str, convolution: SameConv, norm: nn.BatchNorm2d, value: str, given: Scale, result: Scale
    ) -> str:
        """A convolution with its norm; the range of the result is also its clip."""
        weights, bias = folded(convolution, norm)
        per_channel = np.abs(weights).reshape(len(weights), -1).max(axis=1) / TOP_WEIGHT
        # A channel without weights still has a bias, which must fit 32 bits.
        least = np.maximum(np.abs(bias) / (given.scale * 2.0**30), 1e-8)
        per_channel = np.maximum(per_channel, least).astype(np.float32)
        levels = np.rint(weights / per_channel[:, None, None, None]).astype(np.int8)
        sums = (per_channel.astype(np.float64) * given.scale).astype(np.float32)
        inputs = [
            value,
            self._constant(f"{name}_weights", levels, per_channel),
            self._constant(f"{name}_bias", np.rint(bias / sums).astype(np.int32), sums),
        ]
        kernel, stride = convolution.kernel_size[0], convolution.stride[0]
        made = self._graph.node(
            "Conv",
            inputs,
            f"{name}_convolved",
            auto_pad="SAME_UPPER",
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            group=convolution.groups,
        )
        return self._requantised(name, made, result)

    def _constant(self, name: str, levels: npt.NDArray[Any], scales: npt.NDArray[np.float32]) -> str:
        """A dequantised constant, one scale for each output channel."""
        graph = self._graph
        zeros = graph.tensor(f"{name}_zero", np.zeros(len(scales), levels.dtype))
        parts = [graph.tensor(f"{name}_levels", levels), graph.tensor(f"{name}_scale", scales), zeros]
        return graph.node("DequantizeLinear", parts, name, axis=0)

    def _requantised(self, name: str, value: str, scale: Scale) -> str:
        made = self._graph.node("QuantizeLinear", [value, *self._parts(name, scale)], f"{name}_levels8")
        return self._dequantised(name, made, scale)

    def _dequantised(self, name: str, value: str, scale: Scale) -> str:
        return self._graph.node("DequantizeLinear", [value, *self._parts(name, scale)], f"{name}_value")

    def _parts(self, name: str, scale: Scale) -> list[str]:
        return [
            self._graph.tensor(f"{name}_scale8", np.array(scale.scale, np.float32)),
            self._graph.tensor(f"{name}_zero8", np.array(scale.zero, np.uint8)),
        ]


def _float(value: Tensor) -> npt.NDArray[np.float32]:
    return np.asarray(value.detach().cpu().numpy(), dtype=np.float32)
