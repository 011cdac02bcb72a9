"""The teacher as the second reader of a bundle: its ONNX file, what it costs, what it says of held-out images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from qana_desktop.network.second_reader import SecondReaderContents, SecondReaderSpec, golden_inputs
from qana_desktop.training.augment import Uint8Array
from qana_desktop.training.efficientnet import LEVEL_MEAN, LEVEL_SCALE, EfficientNetLite0
from qana_desktop.training.efficientnet_onnx import to_second_reader_onnx
from qana_desktop.training.metrics import FloatArray
from qana_desktop.training.readings import FloatReader
from qana_desktop.training.second_reader import Pair, ReadingCost, fit_second_reader
from qana_desktop.training.teacher import WEIGHTS_PACKAGE
from qana_desktop.triage.policy import ReadingPolicy

NAME = "EfficientNet-Lite0"
SECOND_VIEWS = ("identity", "rotate-180")
"""On calibration lesions two views answered together with the first reader as well as four, at half the time."""


@dataclass(frozen=True, eq=False)
class SecondModel:
    """An ONNX model with what the manifest says about it."""

    spec: SecondReaderSpec
    model: bytes

    def contents(self) -> SecondReaderContents:
        """What the bundle is written with: the golden logits are those of this machine."""
        inputs = golden_inputs(self.spec.input_size)
        return SecondReaderContents(self.spec, self.model, FloatReader(self.model).logits(inputs))

    def read(self, images: Uint8Array) -> FloatArray:
        """Logits (n, views, classes) of images (n, S, S, 3)."""
        return FloatReader(self.model).read(images, self.spec.views)


def second_model(teacher: EfficientNetLite0, size: int, views: tuple[str, ...]) -> SecondModel:
    """The teacher at the input size that it was trained for."""
    spec = SecondReaderSpec(
        name=NAME,
        input_size=size,
        views=views,
        normalisation=f"(levels - {LEVEL_MEAN:g}) / {LEVEL_SCALE:g}",
        arithmetic="float32",
        multiply_accumulates=multiply_accumulates(teacher, size),
        initial_weights=f"ImageNet, from the package {WEIGHTS_PACKAGE.replace('_', '-')}",
        initial_licence="Apache-2.0",
    )
    return SecondModel(spec, to_second_reader_onnx(teacher, size))


def multiply_accumulates(model: nn.Module, size: int) -> int:
    """Count those of one image of `size` squared, convolutions and linear layers, padding counted like any value."""
    counts: list[int] = []

    def count(layer: nn.Module, _inputs: Any, output: Tensor) -> None:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            places = output[0, 0].numel() if isinstance(layer, nn.Conv2d) else 1
            counts.append(layer.weight.numel() * places)

    hooks = [layer.register_forward_hook(count) for layer in model.modules()]
    try:
        model.eval()
        with torch.no_grad():
            model(torch.zeros(1, 3, size, size))
    finally:
        for hook in hooks:
            hook.remove()
    return sum(counts)


@dataclass(frozen=True, eq=False)
class HeldOutImages:
    """One held-out part: first reader's logits (n, views, classes), images at the second's size, truth, lesions."""

    first: FloatArray
    images: Uint8Array
    truth: np.ndarray[Any, np.dtype[np.int64]]
    lesions: tuple[str, ...]


def with_second_reader(
    policy: ReadingPolicy,
    second: SecondModel,
    calibration: HeldOutImages,
    test: HeldOutImages,
    *,
    shares: FloatArray,
    first_macs: int,
) -> tuple[ReadingPolicy, dict[str, Any]]:
    """The policy with the second reader's rule, and the report for `evaluation.json`."""
    pairs = [Pair(part.first, second.read(part.images), part.truth, part.lesions) for part in (calibration, test)]
    cost = ReadingCost(first_macs * len(policy.views), second.spec.multiply_accumulates * len(second.spec.views))
    rule, report = fit_second_reader(pairs[0], pairs[1], policy, shares, cost=cost)
    described = {"name": second.spec.name, "input_size": second.spec.input_size, "views": list(second.spec.views)}
    return replace(policy, second_reader=rule), {**described, "arithmetic": second.spec.arithmetic, **report}
