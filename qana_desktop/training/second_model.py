"""The teacher as the second reader of a bundle: its ONNX file, what it costs, what it says of held-out images."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from qana_desktop.network.second_reader import SecondReaderContents, SecondReaderSpec, golden_inputs
from qana_desktop.training.augment import Uint8Array
from qana_desktop.training.efficientnet import LEVEL_MEAN, LEVEL_SCALE, EfficientNetLite0
from qana_desktop.training.efficientnet_int8 import measured_scales, to_int8_onnx
from qana_desktop.training.efficientnet_onnx import to_second_reader_onnx
from qana_desktop.training.metrics import FloatArray
from qana_desktop.training.readings import FloatReader
from qana_desktop.training.second_reader import GIVEN_UP, Pair, ReadingCost, fit_second_reader, goodness_together
from qana_desktop.training.stages import Workplace
from qana_desktop.training.teacher import WEIGHTS_PACKAGE
from qana_desktop.triage.policy import ReadingPolicy

NAME = "EfficientNet-Lite0"
SECOND_VIEWS = ("identity", "rotate-180")
"""On calibration lesions two views answered together with the first reader as well as four, at half the time."""
MEASURED_IMAGES = 192
"""Training images on which the ranges of the integer form are measured."""
TIMED = 30


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


def second_models(
    teacher: EfficientNetLite0, size: int, views: tuple[str, ...], images: Uint8Array
) -> tuple[SecondModel, SecondModel]:
    """The teacher in float32 and in 8-bit integers, whose ranges are measured on training images (n, S, S, 3)."""
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
    small = to_int8_onnx(teacher, size, measured_scales(teacher, images))
    return (
        SecondModel(spec, to_second_reader_onnx(teacher, size)),
        SecondModel(replace(spec, arithmetic="int8"), small),
    )


def images_for_ranges(place: Workplace, size: int) -> Uint8Array:
    """`MEASURED_IMAGES` training images (n, size, size, 3), spread evenly over the list."""
    cache, train = place.cache(size), place.split().train
    rows = cache.rows([record for record in train if record.source == "ham10000"])
    return np.asarray(cache.images[np.sort(rows)[:: max(len(rows) // MEASURED_IMAGES, 1)][:MEASURED_IMAGES]])


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
    models: Sequence[SecondModel],
    calibration: HeldOutImages,
    test: HeldOutImages,
    *,
    shares: FloatArray,
    first_macs: int,
) -> tuple[ReadingPolicy, SecondModel, dict[str, Any]]:
    """The policy with the second reader's rule, the one of `models` that is taken, the report for `evaluation.json`.

    Taken is the fastest that on calibration lesions, with the first reader, gives up less than `GIVEN_UP` of the first
    of `models`.
    """
    tried = [_tried(model, policy, calibration, shares) for model in models]
    fit = [index for index, trial in enumerate(tried) if trial.goodness >= tried[0].goodness - GIVEN_UP]
    taken = min(fit, key=lambda index: tried[index].milliseconds)
    second, own = models[taken], tried[taken]
    held = Pair(test.first, second.read(test.images), test.truth, test.lesions)
    cost = ReadingCost(first_macs * len(policy.views), second.spec.multiply_accumulates * len(second.spec.views))
    rule, report = fit_second_reader(own.pair, held, policy, shares, cost=cost)
    described = {
        "name": second.spec.name,
        "input_size": second.spec.input_size,
        "views": list(second.spec.views),
        "arithmetic": second.spec.arithmetic,
        "tried": [
            {
                "arithmetic": model.spec.arithmetic,
                "bytes": len(model.model),
                "milliseconds": trial.milliseconds,
                "calibration_goodness": trial.goodness,
            }
            for model, trial in zip(models, tried, strict=True)
        ],
    }
    return replace(policy, second_reader=rule), second, {**described, **report}


@dataclass(frozen=True, eq=False)
class _Trial:
    """What one model is worth together with the first reader, on calibration lesions, and how long an image takes."""

    pair: Pair
    goodness: float
    milliseconds: float


def _tried(model: SecondModel, policy: ReadingPolicy, part: HeldOutImages, shares: FloatArray) -> _Trial:
    pair = Pair(part.first, model.read(part.images), part.truth, part.lesions)
    return _Trial(pair, goodness_together(pair, policy, shares), _milliseconds(model))


def _milliseconds(model: SecondModel) -> float:
    """Median time of one image, all its views, on one thread of this machine."""
    reader, times = FloatReader(model.model), []
    batch = np.zeros((len(model.spec.views), model.spec.input_size, model.spec.input_size, 3), np.uint8)
    for _run in range(TIMED):
        start = time.perf_counter()
        reader.logits(batch)
        times.append((time.perf_counter() - start) * 1000.0)
    return float(np.median(times))
