"""The float student: a sequential network of Akida v1 layers, with the padding of the runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LayerKind: TypeAlias = Literal["input", "conv", "separable"]

PADDING_LEVEL = 128
"""Grey level outside the image, in uint8: what `padding_value` of the first layer is."""
BOUND = 6.0
"""Upper bound of the float activations; the 4-bit steps start at BOUND / 15."""


@dataclass(frozen=True)
class LayerSpec:
    """One layer: `channels` out, square `kernel`, `stride`; `pooled` sums potentials over the map."""

    kind: LayerKind
    channels: int
    kernel: int = 3
    stride: int = 1
    pooled: bool = False


@dataclass(frozen=True)
class Architecture:
    """Input side in pixels, the layers before the head, number of classes. The last layer must be `pooled`."""

    name: str
    size: int
    layers: tuple[LayerSpec, ...]
    classes: int = 7

    @property
    def features(self) -> int:
        """Width of the last hidden layer."""
        return self.layers[-1].channels


QANA_112 = Architecture(
    name="qana",
    size=112,
    layers=(
        LayerSpec("input", 32, 3, 2),
        LayerSpec("conv", 64, 3, 2),
        LayerSpec("conv", 64),
        LayerSpec("conv", 128, 3, 2),
        LayerSpec("conv", 128),
        LayerSpec("conv", 256, 3, 2),
        LayerSpec("conv", 256),
        LayerSpec("conv", 256, 1, 1, pooled=True),
    ),
)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Rows before and after for TensorFlow's 'same' padding, which the Akida runtime uses."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def pad_same(x: Tensor, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """Pad (n, c, h, w) as the runtime does; a stride of 2 on an even side adds at the bottom and right only."""
    top, bottom = same_padding(x.shape[2], kernel, stride)
    left, right = same_padding(x.shape[3], kernel, stride)
    if top == bottom == left == right == 0:
        return x
    return F.pad(x, (left, right, top, bottom), value=value)


def convolve(x: Tensor, weight: Tensor, stride: int, *, value: float = 0.0, groups: int = 1) -> Tensor:
    """Cross-correlation with the runtime's 'same' padding; symmetric padding is left to the convolution itself."""
    kernel = weight.shape[2]
    before, after = same_padding(x.shape[2], kernel, stride)
    if before == after and value == 0.0 and x.shape[2] == x.shape[3]:
        return F.conv2d(x, weight, stride=stride, padding=before, groups=groups)
    return F.conv2d(pad_same(x, kernel, stride, value), weight, stride=stride, groups=groups)


class FloatLayer(nn.Module):
    """Convolution (or depthwise and pointwise), optional mean over the map, batch norm, bounded ReLU."""

    def __init__(self, spec: LayerSpec, inputs: int) -> None:
        super().__init__()
        self.spec = spec
        shape = (spec.channels, inputs, spec.kernel, spec.kernel)
        if spec.kind == "separable":
            self.depthwise = nn.Parameter(torch.empty(inputs, 1, spec.kernel, spec.kernel))
            nn.init.kaiming_normal_(self.depthwise, mode="fan_out", nonlinearity="linear")
            shape = (spec.channels, inputs, 1, 1)
        self.weight = nn.Parameter(torch.empty(shape))
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        self.norm = nn.BatchNorm2d(spec.channels, momentum=0.05)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) -> (n, channels, h', w'), in [0, BOUND]."""
        spec = self.spec
        if spec.kind == "separable":
            x = convolve(x, self.depthwise, spec.stride, groups=x.shape[1])
            x = F.conv2d(x, self.weight)
        elif spec.pooled and spec.kernel == 1 and spec.stride == 1:
            x = F.conv2d(x.mean((2, 3), keepdim=True), self.weight)
        else:
            x = convolve(x, self.weight, spec.stride)
        if spec.pooled and x.shape[2] > 1:
            x = x.mean((2, 3), keepdim=True)
        return F.hardtanh(self.norm(x), 0.0, BOUND)


class FloatNetwork(nn.Module):
    """The layers, dropout on the features while training, and a linear head without bias.

    The head has no bias because a Dense layer of potentials has none; the calibration's bias follows it.
    """

    def __init__(self, architecture: Architecture, dropout: float = 0.2) -> None:
        super().__init__()
        self.architecture = architecture
        inputs, layers = 3, []
        for spec in architecture.layers:
            layers.append(FloatLayer(spec, inputs))
            inputs = spec.channels
        self.layers = nn.ModuleList(layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(inputs, architecture.classes, bias=False)

    def float_layers(self) -> list[FloatLayer]:
        """The layers before the head."""
        return [layer for layer in self.layers if isinstance(layer, FloatLayer)]

    @staticmethod
    def normalise(images: Tensor) -> Tensor:
        """Levels 0..255 -> about -2..2, the padding level at zero."""
        return (images - PADDING_LEVEL) / 64.0

    def forward(self, images: Tensor) -> Tensor:
        """Images (n, 3, S, S) holding levels 0..255 as float -> logits (n, classes)."""
        x = self.normalise(images)
        for layer in self.layers:
            x = layer(x)
        logits: Tensor = self.head(self.dropout(x.flatten(1)))
        return logits
