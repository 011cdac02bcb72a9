"""The paper's network made to work (arXiv 2507.15958), each of its parts removable: what does each bring?

Four blocks of a Ghost module (Han et al., CVPR 2020), a spatially aware channel gate, a residual addition and 2x2
average pooling; then a separable convolution and squeeze-and-excitation (Hu et al., CVPR 2018). It multiplies and adds
maps, so no Akida v1 device can run it: it is trained in float, as a reference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from qana_desktop.training.model import FloatNetwork

CHANNELS = (32, 64, 128, 256)
REFERENCE_SIZE = 64
"""Input side of the paper."""
TOP_CHANNELS = 256
SQUEEZE = 16


@dataclass(frozen=True)
class Parts:
    """Which of the paper's parts are in."""

    ghost: bool = True
    gate: bool = True
    excitation: bool = True
    residual: bool = True
    bounded: bool = True


FULL = Parts()
ABLATIONS: dict[str, Parts] = {
    "all parts": FULL,
    "without Ghost modules": replace(FULL, ghost=False),
    "without gate": replace(FULL, gate=False),
    "without squeeze-and-excitation": replace(FULL, excitation=False),
    "without residual": replace(FULL, residual=False),
    "without bounds on activations": replace(FULL, bounded=False),
    "none of them": Parts(False, False, False, False, False),
}


class Separable(nn.Module):
    """Depthwise (left out for 1x1), then pointwise."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        depthwise = nn.Conv2d(inputs, inputs, kernel, padding=kernel // 2, groups=inputs, bias=False)
        self.depthwise = depthwise if kernel > 1 else nn.Identity()
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) -> (n, outputs, h, w)."""
        result: Tensor = self.pointwise(self.depthwise(x))
        return result


class Gate(nn.Module):
    """Depthwise 3x3, norm, pointwise, sigmoid: a factor for every channel at every place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.pointwise = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) -> the same, gated."""
        return x * torch.sigmoid(self.pointwise(self.norm(self.depthwise(x))))


class ReferenceBlock(nn.Module):
    """Ghost module (or one separable convolution), gate, residual, pooling to half the side."""

    def __init__(self, inputs: int, outputs: int, parts: Parts) -> None:
        super().__init__()
        self.first = Separable(inputs, outputs // 2, 1) if parts.ghost else Separable(inputs, outputs, 3)
        self.second = Separable(outputs // 2, outputs // 2, 3) if parts.ghost else None
        self.norm = nn.BatchNorm2d(outputs)
        self.gate = Gate(outputs) if parts.gate else nn.Identity()
        self.skip = nn.Conv2d(inputs, outputs, 1, bias=False) if parts.residual else None
        self.top = 6.0 if parts.bounded else float("inf")

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) -> (n, outputs, h / 2, w / 2)."""
        maps = self.first(x)
        if self.second is not None:
            maps = torch.cat([maps, self.second(maps)], dim=1)
        maps = self.gate(F.relu(self.norm(maps)).clamp_max(self.top))
        if self.skip is not None:
            maps = maps + self.skip(x)
        return F.avg_pool2d(maps, 2)


class ReferenceNetwork(nn.Module):
    """Images (n, 3, S, S) holding levels 0..255 as float -> logits (n, classes)."""

    def __init__(self, parts: Parts = FULL, classes: int = 7, dropout: float = 0.2) -> None:
        super().__init__()
        widths = (3, *CHANNELS)
        self.blocks = nn.Sequential(*(ReferenceBlock(i, o, parts) for i, o in zip(widths, CHANNELS, strict=False)))
        self.last = Separable(CHANNELS[-1], TOP_CHANNELS, 3)
        self.norm = nn.BatchNorm2d(TOP_CHANNELS)
        self.squeeze = nn.Linear(TOP_CHANNELS, TOP_CHANNELS // SQUEEZE)
        self.excite = nn.Linear(TOP_CHANNELS // SQUEEZE, TOP_CHANNELS)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(TOP_CHANNELS, classes)
        self._excites = parts.excitation
        self._top = 1.0 if parts.bounded else float("inf")

    def forward(self, images: Tensor) -> Tensor:
        """Logits of images."""
        x = self.blocks(FloatNetwork.normalise(images))
        maps = F.relu(self.norm(self.last(x))).clamp_max(self._top)
        features = maps.mean((2, 3))
        if self._excites:
            features = features * torch.sigmoid(self.excite(F.relu(self.squeeze(features))))
        logits: Tensor = self.classifier(self.dropout(features))
        return logits
