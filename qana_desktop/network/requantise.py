"""Finds the integer bias and float32 scale with which `QLinearConv` gives an activation exactly, or says there is none.

ONNX Runtime computes ``round(float32(accumulator) * scale)``, cut to 0..255, with the accumulator an exact int32. Each
of these operations is monotone in the potential, and so is the activation: a staircase with one stair per level. Two
staircases are equal when they climb at the same places. So the choice is proved, not hoped for, by computing the
float32 product on both sides of every stair: it must lie strictly on the right side of the half between two levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.network.layers import STEP_GRID, Activation, Float32Array, Int32Array, Int64Array

Float64Array: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Requantisation:
    """``level = clip(round((multiplier * p + bias) * scale), 0, 255)``, cut at the highest level: one pair per channel.

    `multiplier` is what the weights are multiplied by; `bias` is int32, `scale` float32, both (channels,).
    """

    multiplier: int
    bias: Int32Array
    scale: Float32Array


def requantisation(activation: Activation, multiplier: int) -> Requantisation | None:
    """Return an exact requantisation for weights times `multiplier`, or None when a channel has none.

    With multiplier 16 the accumulator lies on the grid of the steps and there nearly always is one (not for the
    largest steps, where float32 is too coarse). With multiplier 1 there always is one for whole steps below 2**16.
    """
    stairs = _stairs(activation)
    offset, stride = _fitted_line(stairs * multiplier, multiplier)
    if np.any(stride <= 0):
        return None
    bias = offset - multiplier * activation.threshold.astype(np.int64)
    scale = (1.0 / stride).astype(np.float32)
    if not _climbs_at(stairs, offset, scale, multiplier):
        return None
    return Requantisation(multiplier, bias.astype(np.int32), scale)


def _stairs(activation: Activation) -> Int64Array:
    """Return the smallest ``p - threshold`` of each level from 1 on: (channels, levels)."""
    sixteenths = np.rint(activation.step.astype(np.float64) * STEP_GRID).astype(np.int64)
    below = np.arange((1 << activation.bits) - 1, dtype=np.int64)
    return sixteenths[:, None] * below // STEP_GRID + 1


def _fitted_line(stairs: Int64Array, multiplier: int) -> tuple[Int64Array, Float64Array]:
    """Return (offset, stride) so that ``(level - 1/2) * stride - offset`` falls between the two sides of each stair.

    For a whole offset that is an interval for the stride; the widest interval of the offsets near half a stride wins. A
    stride of 0 stands for none.
    """
    halves = np.arange(stairs.shape[1]) + 0.5
    middle = stairs[:, -1] // (2 * max(stairs.shape[1] - 1, 1)) if stairs.shape[1] > 1 else stairs[:, 0]
    offsets = middle[:, None] + np.arange(-2 * multiplier - 2, 2 * multiplier + 3)
    above = (stairs[:, None, :] + offsets[:, :, None]) / halves
    below = (stairs[:, None, :] - multiplier + offsets[:, :, None]) / halves
    low, high = below.max(axis=2), above.min(axis=2)
    width = np.where(low > 0, (high - low) / np.maximum(high, 1), -1.0)
    best = width.argmax(axis=1)
    rows = np.arange(len(stairs))
    stride = np.where(width[rows, best] > 0, (low[rows, best] + high[rows, best]) / 2, 0.0)
    return offsets[rows, best], stride


def _climbs_at(stairs: Int64Array, offset: Int64Array, scale: Float32Array, multiplier: int) -> bool:
    """Compute, in float32 as the runtime does, that each level begins at its stair and not one potential sooner."""
    halves = (np.arange(stairs.shape[1]) + 0.5).astype(np.float32)
    at = (stairs * multiplier + offset[:, None]).astype(np.float32) * scale[:, None]
    before = ((stairs - 1) * multiplier + offset[:, None]).astype(np.float32) * scale[:, None]
    return bool(np.all(at > halves) and np.all(before < halves))
