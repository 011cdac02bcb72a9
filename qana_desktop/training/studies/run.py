"""All studies of one fold, from its checkpoints: figures as plain values for a JSON file."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qana_desktop.network.layers import IntegerNetwork
from qana_desktop.training.data import labels
from qana_desktop.training.evaluation import evaluate
from qana_desktop.training.fitting import fit_rule, prevalence
from qana_desktop.training.loop import batches
from qana_desktop.training.metrics import FloatArray
from qana_desktop.training.model import FloatNetwork
from qana_desktop.training.quant import QuantNetwork
from qana_desktop.training.release import commit
from qana_desktop.training.stages import QAT, Workplace, predict, quantised, training_images
from qana_desktop.training.studies.bits import potential_bits, with_weight_bits
from qana_desktop.training.studies.events import count_events, millijoules
from qana_desktop.training.studies.rate_coded import SpikingNetwork, convert

STEPS = (4, 8, 16, 32, 64)
"""Time steps after which the rate-coded network is read."""
EVENT_IMAGES = 200
SETTLING = 8
BATCH = 32

Say = Callable[[str], None]


class Bench:
    """The calibration and test images of a fold, and the figures of any network on them, one view each."""

    def __init__(self, place: Workplace, size: int) -> None:
        self.place = place
        split, cache = place.split(), place.cache(size)
        self.calibration, self.test = split.calibration, split.test
        self.calibration_images = np.asarray(cache.images[cache.rows(split.calibration)])
        self.test_images = np.asarray(cache.images[cache.rows(split.test)])
        self._shares = prevalence((*split.train, *split.calibration))

    def figures(self, calibration: FloatArray, test: FloatArray) -> dict[str, Any]:
        """Figures on test lesions, calibration and decision rule fitted on calibration lesions."""
        rule = fit_rule(calibration, labels(self.calibration), self._shares)
        return evaluate(test, labels(self.test), [r.lesion_id for r in self.test], rule)

    def of(self, model: torch.nn.Module) -> dict[str, Any]:
        """Figures of a network of torch."""
        return self.figures(predict(model, self.calibration_images), predict(model, self.test_images))

    def training_batches(self, side: int, count: int) -> list[Tensor]:
        """Augmented training batches, (64, 3, side, side)."""
        images, truth = training_images(self.place)
        return [levels for levels, _ in islice(batches(images, truth, QAT, epoch=0), count)]


def run_studies(
    place: Workplace, source: FloatNetwork, trained: QuantNetwork, network: IntegerNetwork, say: Say
) -> dict[str, Any]:
    """Everything that needs no further training."""
    bench = Bench(place, source.architecture.size)
    settling = bench.training_batches(source.architecture.size, SETTLING)
    images, truth = training_images(place)
    say("One view: float, after training, and converted without training")
    plain = quantised(source, images, truth, QAT, count=SETTLING).eval()
    one_view = {
        "float": bench.of(source),
        "4-bit, converted without training": bench.of(plain),
        "4-bit, trained": bench.of(trained),
    }
    return {
        "commit": commit(),
        "fold": place.fold,
        "one_view": one_view,
        "rate_coded": _rate_coded(bench, convert(source, settling[0]), say),
        "weight_bits": _weight_bits(bench, trained, settling, say),
        "events": _events(bench, network, say),
        "potentials": [asdict(row) for row in potential_bits(network, bench.test_images[:EVENT_IMAGES])],
    }


def _rate_coded(bench: Bench, spiking: SpikingNetwork, say: Say) -> list[dict[str, Any]]:
    say(f"Rate-coded network, {max(STEPS)} time steps")
    (calibration, _), (test, spikes) = (
        _spiking_logits(spiking, images) for images in (bench.calibration_images, bench.test_images)
    )
    return [
        {"steps": steps, "spikes_per_image": spikes[steps], **bench.figures(calibration[steps], test[steps])}
        for steps in STEPS
    ]


def _spiking_logits(
    spiking: SpikingNetwork, images: np.ndarray[Any, np.dtype[np.uint8]]
) -> tuple[dict[int, FloatArray], dict[int, float]]:
    parts: dict[int, list[FloatArray]] = {steps: [] for steps in STEPS}
    spikes = dict.fromkeys(STEPS, 0.0)
    for start in range(0, len(images), BATCH):
        chunk = images[start : start + BATCH]
        logits, seen = spiking.run(torch.from_numpy(chunk).permute(0, 3, 1, 2).float(), STEPS)
        for steps in STEPS:
            parts[steps].append(logits[steps].double().numpy())
            spikes[steps] += seen[steps] * len(chunk) / len(images)
    return {steps: np.concatenate(values) for steps, values in parts.items()}, spikes


def _weight_bits(bench: Bench, trained: QuantNetwork, settling: list[Tensor], say: Say) -> list[dict[str, Any]]:
    """One hidden layer at a time with 2-bit weights (-1, 0, 1), nothing trained to make up for it."""
    rows = []
    for index, layer in enumerate(trained.quant_layers()):
        if layer.spec.kind == "input":
            continue
        say(f"Layer {index} with 2-bit weights")
        changed = with_weight_bits(copy.deepcopy(trained), index, 2, settling)
        weights = int(layer.weight.weight.numel())
        rows.append({"layer": f"layer{index}", "weights": weights, "bits": 2, **bench.of(changed)})
    return rows


def _events(bench: Bench, network: IntegerNetwork, say: Say) -> dict[str, Any]:
    say(f"Events of {EVENT_IMAGES} images")
    rows = count_events(network, bench.test_images[:EVENT_IMAGES])
    operations = sum(row.operations for row in rows)
    return {
        "images": EVENT_IMAGES,
        "layers": [asdict(row) for row in rows],
        "operations": operations,
        "millijoules": millijoules(operations),
    }
