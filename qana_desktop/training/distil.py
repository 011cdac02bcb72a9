"""Distillation: the student learns what the teacher says of the very same view, mixed views included.

After Hinton et al., "Distilling the knowledge in a neural network", 2015, and Beyer et al., "Knowledge distillation: a
good teacher is patient and consistent", CVPR 2022: both see one view, drawn once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from qana_desktop.training.data import IntArray
from qana_desktop.training.loop import Objective, TrainSettings, drawn_counts
from qana_desktop.training.loss import adjusted_loss, log_prior


@dataclass(frozen=True)
class DistilSettings:
    """`share` of the loss is the teacher's, the rest the labels'; `temperature` softens both sides' logits."""

    side: int
    share: float = 0.7
    temperature: float = 2.0


def smaller(levels: Tensor, side: int) -> Tensor:
    """Levels (n, 3, S, S) -> (n, 3, side, side), whole levels, averaged over what each new pixel covers."""
    if levels.shape[2] == side:
        return levels
    small = F.interpolate(levels, (side, side), mode="bilinear", antialias=True, align_corners=False)
    return small.round_().contiguous(memory_format=torch.channels_last)


def distillation_loss(student: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """Mean Kullback-Leibler divergence of softened answers (n, classes), times the temperature squared."""
    log_student = F.log_softmax(student.float() / temperature, dim=1)
    log_taught = F.log_softmax(taught.float() / temperature, dim=1)
    divergence = F.kl_div(log_student, log_taught, reduction="batchmean", log_target=True)
    return divergence * temperature**2


def distilled_objective(
    teacher: nn.Module, truth: IntArray, settings: TrainSettings, distil: DistilSettings, device: str
) -> Objective:
    """The loss of a student that sees each image at `distil.side` while the teacher sees it as it was drawn.

    Teacher and student logits both rank the classes as if all were equally frequent, so they are compared as they are.
    """
    prior = log_prior(drawn_counts(truth, settings)).to(device)

    def loss(model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
        with torch.autocast(device, torch.bfloat16, enabled=settings.bfloat16):
            with torch.no_grad():
                taught = teacher(images)
            logits = model(smaller(images, distil.side))
        labelled = adjusted_loss(logits, targets, prior, smoothing=settings.smoothing)
        return distil.share * distillation_loss(logits, taught, distil.temperature) + (1.0 - distil.share) * labelled

    return loss
