"""Trains the reference network without each of its parts, and with a teacher, under one short recipe; resumable."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import nn

from qana_desktop.training.data import labels
from qana_desktop.training.distil import DistilSettings, distilled_objective
from qana_desktop.training.loop import Objective, TrainSettings, TrainState, optimiser_for, train
from qana_desktop.training.stages import Workplace, channels_last, predict, quick_figures, training_images
from qana_desktop.training.studies.reference import ABLATIONS, REFERENCE_SIZE, Parts, ReferenceNetwork
from qana_desktop.training.studies.run import Bench

ABLATION = TrainSettings(
    stage="ablation", epochs=10, rate=2e-3, weight_decay=0.02, warmup_epochs=1.0, averaging=0.995, mixup=0.0,
    sizes=((0.0, REFERENCE_SIZE),), check_every=10, optimiser="adamw",
)  # fmt: skip
TAUGHT = "all parts, with a teacher"


def run_ablation(
    place: Workplace, teacher: nn.Module, say: Callable[[str], None], *, settings: TrainSettings = ABLATION
) -> dict[str, Any]:
    """Train every variant (or go on where the last run stopped) -> figures on test lesions, one view each."""
    bench = Bench(place, REFERENCE_SIZE)
    rows = []
    for name, parts in [*ABLATIONS.items(), (TAUGHT, ABLATIONS["all parts"])]:
        say(name)
        model = _trained(place, bench, name, parts, settings, teacher if name == TAUGHT else None)
        weights = sum(value.numel() for value in model.parameters())
        rows.append({"name": name, "parts": asdict(parts), "weights": weights, **bench.of(model)})
    return {"fold": place.fold, "size": REFERENCE_SIZE, "settings": asdict(settings), "variants": rows}


def _trained(
    place: Workplace, bench: Bench, name: str, parts: Parts, settings: TrainSettings, teacher: nn.Module | None
) -> nn.Module:
    torch.manual_seed(settings.seed)
    model = channels_last(ReferenceNetwork(parts), place.device)
    state = TrainState(model, copy.deepcopy(model), optimiser_for(model, settings))
    folder = place.folder / settings.stage / name.replace(" ", "-").replace(",", "")
    if (folder / "last.pt").exists():
        state.load(folder / "last.pt")
    images, classes = training_images(place)
    objective: Objective | None = None
    if teacher is not None:
        distil = DistilSettings(REFERENCE_SIZE)
        objective = distilled_objective(teacher, classes, settings, distil, place.device)
        settings = replace(settings, sizes=((0.0, images.shape[1]),))
    truth = labels(bench.calibration)
    train(
        state,
        images,
        classes,
        settings,
        folder,
        check=lambda kept: quick_figures(truth, predict(kept, bench.calibration_images, device=place.device)),
        objective=objective,
        device=place.device,
    )
    return state.average
