"""What a leak is worth: augmenting before an image-level split puts copies of test photographs into training.

So does the public code of the paper (HaitianWang/Akida-Research-Project): it evens the classes with augmented copies,
drops the lesion ids and splits at random. The same network is trained here in that way and in an honest one.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from qana_desktop.training.augment import AugmentSettings, Uint8Array, augment
from qana_desktop.training.data import IntArray, labels
from qana_desktop.training.evaluation import evaluate
from qana_desktop.training.fitting import fit_rule, prevalence
from qana_desktop.training.loop import TrainSettings, TrainState, optimiser_for, train
from qana_desktop.training.stages import TRAIN_CACHE_SIZE, Workplace, channels_last, predict, quick_figures
from qana_desktop.training.studies.ablation import ABLATION
from qana_desktop.training.studies.reference import REFERENCE_SIZE, ReferenceNetwork

LEAK = replace(ABLATION, stage="leak")
PER_CLASS = 2000
"""Images of each class after evening."""
TEST_SHARE = 0.2
NEVUS = 5


@dataclass(frozen=True, eq=False)
class LeakingSplit:
    """Rows of the source images, (n,) each; a row that comes again is an augmented copy of the same photograph."""

    training: IntArray
    test: IntArray

    def copied(self) -> IntArray:
        """Which test rows, (n,) of 0 and 1, have a copy in training."""
        return np.isin(self.test, self.training).astype(np.int64)


def leaking_split(truth: IntArray, rng: np.random.Generator, *, per_class: int = PER_CLASS) -> LeakingSplit:
    """Even the classes by drawing copies, then split image by image."""
    rows = []
    for index in np.unique(truth):
        own = np.flatnonzero(truth == index)
        drawn = (
            own[:per_class] if len(own) >= per_class else np.concatenate([own, rng.choice(own, per_class - len(own))])
        )
        rows.append(drawn)
    mixed = rng.permutation(np.concatenate(rows)).astype(np.int64)
    cut = round(len(mixed) * TEST_SHARE)
    return LeakingSplit(mixed[cut:], mixed[:cut])


def run_leak(place: Workplace, say: Callable[[str], None], *, settings: TrainSettings = LEAK) -> dict[str, Any]:
    """Figures of both ways; a first tenth of each test is what calibration and rule are fitted on."""
    cache, split = place.cache(TRAIN_CACHE_SIZE), place.split()
    own = tuple(record for record in cache.records if record.source == "ham10000")
    images, truth = cache.images[cache.rows(own)], labels(own)
    rng = np.random.default_rng(settings.seed)
    leaking = leaking_split(truth, rng)
    say("A split that leaks")
    copies = augment(images[leaking.test], REFERENCE_SIZE, rng, AugmentSettings())
    model = _trained(place, "leaking", images[leaking.training], truth[leaking.training], settings)
    found = {"leaking": _figures(predict(model, copies), truth[leaking.test], [str(i) for i in range(len(copies))])}
    say("A split by lesion")
    model = _trained(place, "honest", cache.images[cache.rows(split.train)], labels(split.train), settings)
    small = place.cache(REFERENCE_SIZE)
    held, fitting = (predict(model, small.images[small.rows(part)]) for part in (split.test, split.calibration))
    shares = prevalence((*split.train, *split.calibration))
    rule = fit_rule(fitting, labels(split.calibration), shares)
    found["honest"] = evaluate(held, labels(split.test), [r.lesion_id for r in split.test], rule)
    copied, nevus = leaking.copied(), truth[leaking.test] == NEVUS
    return {
        "fold": place.fold,
        "size": REFERENCE_SIZE,
        "copies": float(copied.mean()),
        "copies_of_non_nevi": float(copied[~nevus].mean()),
        **found,
    }


def _figures(logits: np.ndarray[Any, np.dtype[np.float64]], truth: IntArray, names: list[str]) -> dict[str, Any]:
    """Figures on the leaking test, whose classes are even; its first tenth is for calibration and rule only."""
    cut = len(truth) // 10
    rule = fit_rule(logits[:cut], truth[:cut], np.bincount(truth) / len(truth))
    return evaluate(logits[cut:], truth[cut:], names[cut:], rule)


def _trained(place: Workplace, name: str, images: Uint8Array, truth: IntArray, settings: TrainSettings) -> nn.Module:
    torch.manual_seed(settings.seed)
    model = channels_last(ReferenceNetwork(), place.device)
    state = TrainState(model, copy.deepcopy(model), optimiser_for(model, settings))
    folder = place.folder / settings.stage / name
    if (folder / "last.pt").exists():
        state.load(folder / "last.pt")
    seen = augment(images[:200], REFERENCE_SIZE, np.random.default_rng(0), AugmentSettings())
    train(
        state,
        images,
        truth,
        settings,
        folder,
        check=lambda kept: quick_figures(truth[:200], predict(kept, seen, device=place.device)),
        device=place.device,
    )
    return state.average
