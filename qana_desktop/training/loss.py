"""The training loss: cross-entropy on logits adjusted by the log prior, with soft targets for mixed images."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def log_prior(counts: Tensor) -> Tensor:
    """Log of the class shares, shape (classes,), from how often each class is drawn."""
    return torch.log(counts / counts.sum())


def adjusted_loss(logits: Tensor, targets: Tensor, prior: Tensor, *, smoothing: float, tau: float = 1.0) -> Tensor:
    """Mean cross-entropy of ``logits + tau * log prior`` against (n, classes) target shares.

    Menon et al., "Long-tail learning via logit adjustment", ICLR 2021, eq. 10: the raw logits then rank classes as if
    all were equally frequent. Smoothing moves `smoothing` of each target to the uniform distribution.
    """
    soft = targets * (1.0 - smoothing) + smoothing / targets.shape[1]
    return -(soft * F.log_softmax(logits.float() + tau * prior, dim=1)).sum(1).mean()


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """(n,) -> (n, classes) float."""
    return F.one_hot(labels, classes).float()
