"""The stages that a teacher takes part in: the float student, then its quantised form, each resumable."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import nn

from qana_desktop.network.bundle import open_bundle
from qana_desktop.training.data import labels
from qana_desktop.training.distil import DistilSettings, distilled_objective
from qana_desktop.training.loop import TrainSettings, TrainState, batches, optimiser_for, train
from qana_desktop.training.model import Architecture, FloatNetwork
from qana_desktop.training.stages import (
    FLOAT,
    Workplace,
    calibration_images,
    channels_last,
    predict,
    quantised,
    quick_figures,
    training_images,
)
from qana_desktop.training.teacher import TEACHER_CACHE_SIZE, TEACHER_SIZE
from qana_desktop.training.warm_start import float_from_integers
from qana_desktop.triage.policy_json import policy_from_json

DISTILLED = TrainSettings(
    stage="distilled",
    epochs=48,
    rate=0.03,
    warmup_epochs=1.0,
    smoothing=0.0,
    mixup=0.5,
    mixup_share=0.5,
    sizes=((0.0, TEACHER_SIZE),),
)
# All epochs keep their batch statistics: on calibration lesions, training with the rounded rules of the export (the
# last epochs of `stages.run_qat`) lost more than it gained: without the norms the weights wander.
DISTILLED_QAT = replace(
    DISTILLED, stage="distilled-qat", epochs=20, rate=0.01, weight_decay=1e-4, warmup_epochs=0.5, check_every=2
)
ORIGIN_FILE = "origin.json"
"""What the float student of a run started from."""
STATISTICS_BATCHES = 6


def from_float(place: Workplace, source: FloatNetwork) -> FloatNetwork:
    """Start from the float stage of this fold."""
    _note_origin(place, {"stage": FLOAT.stage})
    return source


def from_bundle(place: Workplace, bundle: Path, architecture: Architecture) -> FloatNetwork:
    """Start from a released bundle of the same fold, whose integers become float weights again.

    Raises ValueError when the bundle was trained for another fold (its training lesions would be test lesions here).
    """
    released = open_bundle(bundle)
    fold = json.loads(released.evaluation_json())["data"]["test_fold"]
    if fold != place.fold:
        raise ValueError(f"This bundle was tested on fold {fold}: it has seen lesions of fold {place.fold}.")
    images, truth = training_images(place)
    seen = [levels for levels, _ in islice(batches(images, truth, FLOAT, epoch=FLOAT.epochs), STATISTICS_BATCHES)]
    gain = policy_from_json(released.policy_json()).calibration.scale
    model = float_from_integers(released.network(), architecture, torch.cat(seen), gain=gain)
    _note_origin(place, {"bundle": released.id})
    return model


def _note_origin(place: Workplace, origin: dict[str, Any]) -> None:
    folder = place.folder / DISTILLED.stage
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ORIGIN_FILE).write_text(json.dumps(origin), encoding="utf-8")


def origin(place: Workplace) -> dict[str, Any]:
    """What the float student of this run started from."""
    note: dict[str, Any] = json.loads((place.folder / DISTILLED.stage / ORIGIN_FILE).read_text(encoding="utf-8"))
    return note


def run_distilled(
    place: Workplace,
    source: FloatNetwork,
    teacher: nn.Module,
    *,
    settings: TrainSettings = DISTILLED,
    resume: bool = True,
) -> None:
    """Go on training the float student with what the teacher says."""
    torch.manual_seed(settings.seed)
    model = channels_last(copy.deepcopy(source), place.device)
    _run(place, model, teacher, source.architecture.size, settings, resume=resume)


def run_distilled_qat(
    place: Workplace,
    source: FloatNetwork,
    teacher: nn.Module,
    *,
    settings: TrainSettings = DISTILLED_QAT,
    resume: bool = True,
) -> None:
    """Quantisation-aware training with what the teacher says."""
    images, classes = training_images(place)
    torch.manual_seed(settings.seed)
    plain = replace(settings, sizes=((0.0, source.architecture.size),))
    model = channels_last(quantised(source, images, classes, plain), place.device)
    _run(place, model, teacher, source.architecture.size, settings, resume=resume)


def _run(
    place: Workplace, model: nn.Module, teacher: nn.Module, side: int, settings: TrainSettings, *, resume: bool
) -> None:
    state = TrainState(model, copy.deepcopy(model), optimiser_for(model, settings))
    folder = place.folder / settings.stage
    if resume and (folder / "last.pt").exists():
        state.load(folder / "last.pt")
    cache, part = place.cache(TEACHER_CACHE_SIZE), place.split().train
    truth_images, truth = calibration_images(place, side)
    classes = labels(part)
    train(
        state,
        cache.images[cache.rows(part)],
        classes,
        settings,
        folder,
        check=lambda kept: quick_figures(truth, predict(kept, truth_images, device=place.device)),
        objective=distilled_objective(teacher, classes, settings, DistilSettings(side), place.device),
        device=place.device,
    )
