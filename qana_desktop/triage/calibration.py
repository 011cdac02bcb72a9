"""From integer logits to calibrated probabilities."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.triage.policy import Calibration

IntArray: TypeAlias = npt.NDArray[np.integer]
FloatArray: TypeAlias = npt.NDArray[np.float64]


def probabilities(logits: IntArray, calibration: Calibration) -> FloatArray:
    """Calibrated probabilities (classes,) of one image from its integer logits (views, classes).

    The views' logits are averaged before the softmax, so that the order of the views does not matter.
    Raises ValueError when the shape does not fit the calibration.
    """
    if logits.ndim != 2 or logits.shape[0] == 0 or logits.shape[1] != len(calibration.bias):
        raise ValueError(f"logits of shape (views, {len(calibration.bias)}) were expected, not {logits.shape}")
    return np.asarray(probabilities_of_means(mean_logits(logits)[None], calibration)[0], dtype=np.float64)


def view_probabilities(logits: IntArray, calibration: Calibration) -> FloatArray:
    """What each view alone would say: (views, classes) logits -> (views, classes) probabilities."""
    return probabilities_of_means(logits.astype(np.float64), calibration)


def mean_logits(logits: IntArray) -> FloatArray:
    """Mean over views, summed as integers first: (views, classes) -> (classes,), the same on every machine."""
    total = logits.sum(axis=-2, dtype=np.int64)
    return np.asarray(total / logits.shape[-2], dtype=np.float64)


def probabilities_of_means(means: FloatArray, calibration: Calibration) -> FloatArray:
    """Softmax of ``scale * means + bias`` along the last axis: (n, classes) -> (n, classes), float64."""
    return softmax(calibration.scale * means + np.asarray(calibration.bias, dtype=np.float64))


def softmax(values: FloatArray) -> FloatArray:
    """Softmax along the last axis, without overflow."""
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float64)
