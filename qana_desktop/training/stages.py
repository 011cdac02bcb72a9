"""The stages of the recipe, each resumable: float training, then quantisation-aware training."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from qana_desktop.training import metrics
from qana_desktop.training.augment import Uint8Array
from qana_desktop.training.data import Cache, IntArray, Split, labels, load_cache, split_records
from qana_desktop.training.loop import TrainSettings, TrainState, batches, optimiser_for, train
from qana_desktop.training.model import QANA_112, Architecture, FloatNetwork
from qana_desktop.training.quant import QuantNetwork, activation_bounds, settle_statistics
from qana_desktop.triage.calibration import softmax

AnyModule = TypeVar("AnyModule", bound=nn.Module)

FLOAT = TrainSettings(stage="float", epochs=96, rate=0.06, sizes=((0.0, 80), (0.3, 96), (0.6, 112)))
QAT = TrainSettings(stage="qat", epochs=32, rate=0.01, weight_decay=1e-4, warmup_epochs=0.5, mixup=0.0, check_every=2)
ROUNDED_FROM = 0.6
"""Share of the QAT epochs after which thresholds, steps and statistics are those of the export."""
TRAIN_CACHE_SIZE = 128
"""Side of the images that augmentation starts from: a little above the input."""


@dataclass(frozen=True)
class Workplace:
    """Where a run reads and writes: `data` (DATA.md layout), `runs` (never committed)."""

    data: Path
    runs: Path
    fold: int = 0
    device: str = "cpu"

    @property
    def folder(self) -> Path:
        """Folder of this fold's checkpoints and logs."""
        return self.runs / f"fold-{self.fold}"

    def cache(self, size: int) -> Cache:
        """Decoded images at `size`."""
        return load_cache(self.data, self.runs / "cache", size)

    def split(self) -> Split:
        """The lesion-grouped split of this fold."""
        return split_records(self.cache(TRAIN_CACHE_SIZE).records, test_fold=self.fold)


def training_images(place: Workplace) -> tuple[Uint8Array, IntArray]:
    """Images (n, 128, 128, 3) and class indices of the training lesions."""
    cache, part = place.cache(TRAIN_CACHE_SIZE), place.split().train
    return cache.images[cache.rows(part)], labels(part)


def calibration_images(place: Workplace, size: int) -> tuple[Uint8Array, IntArray]:
    """Images (n, size, size, 3), exactly as the product sees them, and class indices of the calibration lesions."""
    cache, part = place.cache(size), place.split().calibration
    return cache.images[cache.rows(part)], labels(part)


def predict(model: nn.Module, images: Uint8Array, *, device: str = "cpu", batch: int = 64) -> metrics.FloatArray:
    """Logits (n, classes) of uint8 images (n, S, S, 3), in evaluation mode and full precision."""
    model.eval()
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), batch):
            levels = torch.from_numpy(np.ascontiguousarray(images[start : start + batch])).permute(0, 3, 1, 2)
            parts.append(model(levels.to(device).float()).double().cpu().numpy())
    return np.concatenate(parts)


def quick_figures(truth: IntArray, logits: metrics.FloatArray) -> dict[str, float]:
    """What the log shows while training, one view, at the plain argmax."""
    table = metrics.confusion(truth, logits.argmax(axis=1), logits.shape[1])
    return {
        "balanced_accuracy": metrics.balanced_accuracy(table),
        "macro_f1": metrics.macro_f1(table),
        "auroc": metrics.macro_auroc(truth, softmax(logits)),
        "accuracy": metrics.accuracy(table),
    }


def channels_last(model: AnyModule, device: str) -> AnyModule:
    """The model on the device, its kernels stored channels last: two to three times faster on a CPU."""
    for value in model.parameters():
        if value.ndim == 4:
            value.data = value.data.to(device).contiguous(memory_format=torch.channels_last)
    return model.to(device)


def float_state(settings: TrainSettings, architecture: Architecture, device: str) -> TrainState:
    """A fresh network and optimiser, drawn from the seed."""
    torch.manual_seed(settings.seed)
    model = channels_last(FloatNetwork(architecture), device)
    return TrainState(model, copy.deepcopy(model), optimiser_for(model, settings))


def run_float(
    place: Workplace, *, settings: TrainSettings = FLOAT, architecture: Architecture = QANA_112, resume: bool = True
) -> None:
    """Train the float student, or go on where its last checkpoint stands."""
    state = float_state(settings, architecture, place.device)
    folder = place.folder / settings.stage
    if resume and (folder / "last.pt").exists():
        state.load(folder / "last.pt")
    truth_images, truth = calibration_images(place, architecture.size)
    images, classes = training_images(place)
    train(
        state,
        images,
        classes,
        settings,
        folder,
        check=lambda model: quick_figures(truth, predict(model, truth_images, device=place.device)),
        device=place.device,
    )


def quantised(
    source: FloatNetwork, images: Uint8Array, truth: IntArray, settings: TrainSettings, *, count: int = 16
) -> QuantNetwork:
    """The float network with its weights rounded and its statistics settled on `count` training batches."""
    seen = [levels for levels, _ in islice(batches(images, truth, settings, epoch=-1 % 2**31), count)]
    model = QuantNetwork(source, activation_bounds(source, torch.cat(seen[:4])))
    settle_statistics(model, seen)
    return model


def start_rounding(epoch: int, settings: TrainSettings, model: nn.Module) -> None:
    """Epoch hook: from `ROUNDED_FROM` on, train with the exported integers."""
    if isinstance(model, QuantNetwork):
        model.set_rounded(epoch >= ROUNDED_FROM * settings.epochs)


def run_qat(place: Workplace, source: FloatNetwork, *, settings: TrainSettings = QAT, resume: bool = True) -> None:
    """Quantisation-aware training from a float network, resumable like `run_float`."""
    images, classes = training_images(place)
    torch.manual_seed(settings.seed)
    model = channels_last(quantised(source, images, classes, settings), place.device)
    state = TrainState(model, copy.deepcopy(model), optimiser_for(model, settings))
    folder = place.folder / settings.stage
    if resume and (folder / "last.pt").exists():
        state.load(folder / "last.pt")
    truth_images, truth = calibration_images(place, source.architecture.size)
    train(
        state,
        images,
        classes,
        settings,
        folder,
        check=lambda kept: quick_figures(truth, predict(kept, truth_images, device=place.device)),
        before_epoch=start_rounding,
        device=place.device,
    )
