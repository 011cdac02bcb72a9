"""EfficientNet-Lite0: the float teacher of the student, and the second reader. It starts from ImageNet weights.

Layers after Tan and Le, "EfficientNet", ICML 2019, in the Lite variant (no squeeze-and-excitation, ReLU6).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from qana_desktop.training.model import pad_same

STAGES = (
    # channels, expansion, kernel, stride, repeats
    (16, 1, 3, 1, 1),
    (24, 6, 3, 2, 2),
    (40, 6, 5, 2, 2),
    (80, 6, 3, 2, 3),
    (112, 6, 5, 1, 3),
    (192, 6, 5, 2, 4),
    (320, 6, 3, 1, 1),
)
STEM_CHANNELS = 32
FEATURES = 1280
FROZEN_BLOCKS = 2
"""The stem and this many blocks keep their ImageNet weights: they cost half of a training step and learn least."""
LEVEL_MEAN, LEVEL_SCALE = 127.0, 128.0
OWN_NAMES = {"_conv_stem": "stem", "_bn0": "stem_norm", "_conv_head": "top", "_bn1": "top_norm"}
OWN_BLOCK_NAMES = {
    "_expand_conv": "expand",
    "_bn0": "expand_norm",
    "_depthwise_conv": "depthwise",
    "_bn1": "depthwise_norm",
    "_project_conv": "project",
    "_bn2": "project_norm",
}
"""Names of the published file's parts -> names here."""


class SameConv(nn.Conv2d):
    """Convolution without bias, padded as TensorFlow pads. Large depthwise kernels compute in float32.

    Their bfloat16 gradients are three times slower on a CPU.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) -> (n, outputs, h / stride, w / stride)."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        if self.groups > 1 and kernel > 3 and self.training:
            with torch.autocast(x.device.type, enabled=False):
                return self._convolve(x.float(), kernel, stride)
        return self._convolve(x, kernel, stride)

    def _convolve(self, x: Tensor, kernel: int, stride: int) -> Tensor:
        if stride == 1:
            return F.conv2d(x, self.weight, padding=kernel // 2, groups=self.groups)
        return F.conv2d(pad_same(x, kernel, stride), self.weight, stride=stride, groups=self.groups)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.03)


class Block(nn.Module):
    """Inverted residual: widen, depthwise, narrow, and the input added where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int, drop: float) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = SameConv(inputs, wide, 1) if expansion != 1 else None
        self.expand_norm = _norm(wide) if expansion != 1 else None
        self.depthwise = SameConv(wide, wide, kernel, stride, groups=wide)
        self.depthwise_norm = _norm(wide)
        self.project = SameConv(wide, outputs, 1)
        self.project_norm = _norm(outputs)
        self.adds = stride == 1 and inputs == outputs
        self._drop = drop

    def forward(self, inputs: Tensor) -> Tensor:
        """(n, inputs, h, w) -> (n, outputs, h / stride, w / stride)."""
        x = inputs
        if self.expand is not None and self.expand_norm is not None:
            x = F.hardtanh(self.expand_norm(self.expand(x)), 0.0, 6.0)
        x = F.hardtanh(self.depthwise_norm(self.depthwise(x)), 0.0, 6.0)
        result: Tensor = self.project_norm(self.project(x))
        if not self.adds:
            return result
        if self.training and self._drop > 0.0:
            kept = torch.rand(len(x), 1, 1, 1, device=x.device) >= self._drop
            result = result * (kept.to(x.dtype) / (1.0 - self._drop))
        return inputs + result


class EfficientNetLite0(nn.Module):
    """Images (n, 3, S, S) holding levels 0..255 as float -> logits (n, classes). `drop`: stochastic depth."""

    def __init__(self, classes: int = 7, *, dropout: float = 0.2, drop: float = 0.1) -> None:
        super().__init__()
        self.stem = SameConv(3, STEM_CHANNELS, 3, 2)
        self.stem_norm = _norm(STEM_CHANNELS)
        count = sum(stage[-1] for stage in STAGES)
        blocks: list[nn.Module] = []
        inputs = STEM_CHANNELS
        for channels, expansion, kernel, stride, repeats in STAGES:
            for repeat in range(repeats):
                share = drop * len(blocks) / count
                blocks.append(Block(inputs, channels, expansion, kernel, stride if repeat == 0 else 1, share))
                inputs = channels
        self.blocks = nn.ModuleList(blocks)
        self.top = SameConv(inputs, FEATURES, 1)
        self.top_norm = _norm(FEATURES)
        self._dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(FEATURES, classes)

    def inverted_residuals(self) -> list[Block]:
        """The blocks between stem and top."""
        return [block for block in self.blocks if isinstance(block, Block)]

    def forward(self, images: Tensor) -> Tensor:
        """Logits of images."""
        with torch.no_grad():
            x = (images - LEVEL_MEAN) / LEVEL_SCALE
            x = F.hardtanh(self.stem_norm(self.stem(x)), 0.0, 6.0)
            for block in self.blocks[:FROZEN_BLOCKS]:
                x = block(x)
        for block in self.blocks[FROZEN_BLOCKS:]:
            x = block(x)
        x = F.hardtanh(self.top_norm(self.top(x)), 0.0, 6.0)
        logits: Tensor = self.classifier(self._dropout(x.mean((2, 3))))
        return logits

    def train(self, mode: bool = True) -> EfficientNetLite0:
        """Training mode for all but the frozen part, whose statistics stay those of ImageNet."""
        super().train(mode)
        self.stem_norm.eval()
        for block in self.blocks[:FROZEN_BLOCKS]:
            block.eval()
        return self

    def load_imagenet(self, path: Path) -> None:
        """Take over a published ImageNet file; the classifier stays as it was drawn.

        Raises RuntimeError when the file is of another network.
        """
        published = torch.load(path, weights_only=True, map_location="cpu")
        values = {own_name(name): value for name, value in published.items() if not name.startswith("_fc.")}
        self.load_state_dict(values | {f"classifier.{k}": v for k, v in self.classifier.state_dict().items()})
        for part in (self.stem, self.stem_norm, *self.blocks[:FROZEN_BLOCKS]):
            part.requires_grad_(False)


def own_name(published: str) -> str:
    """The name that a parameter of the published file has here."""
    head, _, rest = published.partition(".")
    if head != "_blocks":
        return f"{OWN_NAMES[head]}.{rest}"
    index, layer, rest = rest.split(".", 2)
    return f"blocks.{index}.{OWN_BLOCK_NAMES[layer]}.{rest}"
