"""The curves of an evaluation: reliability, ROC, risk against coverage. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from qana_desktop.triage import metrics
from qana_desktop.triage.answers import Answers
from qana_desktop.triage.evaluation import Curve, ReliabilityBin
from qana_desktop.triage.metrics import BoolArray, FloatArray, IntArray

MOST_POINTS: Final = 200
"""Points of a curve that are kept; a drawn curve shows no more."""
_BINS: Final = 15


def reliability_bins(truth: IntArray, scores: FloatArray) -> tuple[ReliabilityBin, ...]:
    """Equal-width bins of the confidence, as the calibration error uses them; () without images."""
    if not len(truth):
        return ()
    counts, sums, right = metrics.reliability(truth, scores, bins=_BINS)
    return tuple(
        ReliabilityBin(
            index / _BINS,
            (index + 1) / _BINS,
            int(n),
            float(sums[index] / n) if n else None,
            float(right[index] / n) if n else None,
        )
        for index, n in enumerate(counts)
    )


def roc_curves(a: Answers) -> tuple[Curve, ...]:
    """False against true positive rate for malignant, then for each class that has cases."""
    truth, scores = a.truth[a.assessed], a.scores[a.assessed]
    malignant = a.malignant[a.assessed], a.malignancy[a.assessed]
    kinds = [("malignant", *malignant), *((str(dx), truth == k, scores[:, k]) for k, dx in enumerate(a.classes))]
    return tuple(_roc(kinds))


def _roc(kinds: list[tuple[str, BoolArray, FloatArray]]) -> Iterator[Curve]:
    for name, positive, scores in kinds:
        if positive.any() and not positive.all():
            yield _thinned(name, *metrics.roc_points(positive, scores))


def risk_curves(a: Answers) -> tuple[Curve, ...]:
    """Coverage against the error rate of the answers that are kept, surest first; () without assessed images."""
    if not a.assessed.any():
        return ()
    right, surest = (a.answer == a.truth)[a.assessed], a.scores[a.assessed].max(axis=1)
    return (_thinned("error rate", *metrics.risk_coverage(right, surest)),)


def _thinned(name: str, x: FloatArray, y: FloatArray) -> Curve:
    """Points evenly along the curve's own length, its ends among them."""
    if len(x) > MOST_POINTS:
        along = np.cumsum(np.hypot(np.diff(x, prepend=x[0]), np.diff(y, prepend=y[0])))
        kept = np.unique(np.searchsorted(along, np.linspace(0.0, along[-1], MOST_POINTS)).clip(0, len(x) - 1))
        kept = np.union1d(kept, [0, len(x) - 1])
        x, y = x[kept], y[kept]
    return Curve(name, tuple(map(float, x)), tuple(map(float, y)))
