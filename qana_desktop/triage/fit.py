"""Fits the values of a reading policy on held-out lesions, and measures them with intervals: arrays in, values out.

Nothing here may see a case that the network was trained on; what is reported should be measured on cases that nothing
was fitted on either.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.triage.calibration import FloatArray, softmax
from qana_desktop.triage.domain import distances, out_of_domain
from qana_desktop.triage.outcome import Triage
from qana_desktop.triage.policy import Conformal, DomainModel, Interval, OperatingPoint

LabelArray: TypeAlias = npt.NDArray[np.integer]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

_Z_95: Final = 1.959963984540054
_RIDGE: Final = 1e-3
_NEWTON_STEPS: Final = 100


def fit_calibration(means: FloatArray, labels: LabelArray, prevalence: FloatArray) -> tuple[float, FloatArray]:
    """Return `scale` and `bias` (classes,) that give the least mean negative log-likelihood at `prevalence`.

    `means` (n, classes) are mean logits over views. Cases are weighted so that each class has its share of
    `prevalence`; one slope and one offset per class (bias-corrected temperature, Alexandari et al., ICML 2020).
    Raises ValueError when a class has no case or no positive slope fits: such logits cannot be calibrated.
    """
    classes = means.shape[1]
    counts = np.bincount(labels, minlength=classes)
    if np.any(counts == 0):
        raise ValueError("every class needs at least one case")
    weights = np.asarray(prevalence / prevalence.sum() / counts)[labels]
    unit = float(means.std()) or 1.0
    design = _design(means / unit)
    start = np.concatenate(([1.0], np.log(prevalence / prevalence.sum())))
    solved = _newton(design, labels, weights, start)
    if solved[0] <= 0.0:
        raise ValueError("the logits say nothing about the classes, so they cannot be calibrated")
    bias = solved[1:] - solved[1:].mean()
    return float(solved[0]) / unit, np.asarray(bias, dtype=np.float64)


def _design(means: FloatArray) -> FloatArray:
    """(n, classes, 1 + classes): the softmax input is linear in slope and offsets."""
    offsets = np.broadcast_to(np.eye(means.shape[1]), (len(means), means.shape[1], means.shape[1]))
    return np.concatenate([means[:, :, None], offsets], axis=2)


def _newton(design: FloatArray, labels: LabelArray, weights: FloatArray, start: FloatArray) -> FloatArray:
    """Minimise the weighted negative log-likelihood, convex in `values`, with a small ridge on the way from `start`."""

    def loss(values: FloatArray) -> float:
        chosen = softmax(design @ values)[np.arange(len(labels)), labels]
        return float(-(weights * np.log(np.maximum(chosen, 1e-300))).sum() + _RIDGE / 2 * ((values - start) ** 2).sum())

    values, best = start, loss(start)
    for _ in range(_NEWTON_STEPS):
        step = _newton_step(design, labels, weights, values, start)
        factor = 1.0
        while (tried := loss(values - factor * step)) > best and factor > 1e-6:
            factor /= 2.0
        if tried > best:
            break
        moved = float(np.abs(factor * step).max())
        values, best = values - factor * step, tried
        if moved < 1e-10:
            break
    return values


def _newton_step(
    design: FloatArray, labels: LabelArray, weights: FloatArray, values: FloatArray, start: FloatArray
) -> FloatArray:
    shares = softmax(design @ values)
    residual = shares.copy()
    residual[np.arange(len(labels)), labels] -= 1.0
    gradient = np.einsum("n,nk,nkd->d", weights, residual, design) + _RIDGE * (values - start)
    centred = design - np.einsum("nk,nkd->nd", shares, design)[:, None, :]
    hessian = np.einsum("n,nk,nkd,nke->de", weights, shares, centred, centred) + _RIDGE * np.eye(len(values))
    return np.asarray(np.linalg.solve(hessian, gradient), dtype=np.float64)


def balanced_weights(prevalence: FloatArray) -> FloatArray:
    """Decision weights that make the best balanced accuracy of calibrated probabilities: one over the prevalence."""
    weights = 1.0 / prevalence
    return np.asarray(weights / weights.mean(), dtype=np.float64)


def wilson(successes: int, n: int) -> Interval:
    """A proportion with its 95 % Wilson score interval (Wilson 1927); n = 0 says nothing: 0 to 1."""
    if n == 0:
        return Interval(0.0, 0.0, 1.0, 0)
    share, z2 = successes / n, _Z_95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z_95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return Interval(share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half)), n)


def bootstrap(
    statistic: Callable[[npt.NDArray[np.intp]], float],
    lesions: npt.NDArray[np.str_],
    *,
    rounds: int = 1000,
    seed: int = 0,
) -> Interval:
    """A statistic of case indices with its 95 % percentile interval over resampled lesions; `n` counts lesions.

    A lesion's images are drawn together: they are not independent.
    """
    _, of_case = np.unique(lesions, return_inverse=True)
    members = np.split(np.argsort(of_case, kind="stable"), np.cumsum(np.bincount(of_case))[:-1])
    generator = np.random.default_rng(seed)
    drawn = [
        statistic(np.concatenate([members[i] for i in generator.integers(0, len(members), len(members))]))
        for _ in range(rounds)
    ]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    value = statistic(np.arange(len(lesions)))
    return Interval(value, min(value, float(low)), max(value, float(high)), len(members))


def threshold_for_sensitivity(scores: FloatArray, positive: BoolArray, sensitivity: float) -> float:
    """The highest cut at or above which at least `sensitivity` of the positives lie; raises ValueError without any."""
    ordered = np.sort(scores[positive])[::-1]
    if len(ordered) == 0:
        raise ValueError("an operating point needs at least one positive case")
    # A product such as 0.9 * 10 may come out a hair above the whole number that it stands for.
    needed = max(1, math.ceil(round(sensitivity * len(ordered), 9)))
    return float(ordered[needed - 1])


def measured_point(
    name: str, score: str, threshold: float, triage: Triage, *, scores: FloatArray, positive: BoolArray
) -> OperatingPoint:
    """An operating point with sensitivity and specificity as measured on these cases, with Wilson intervals."""
    reached = scores >= threshold
    return OperatingPoint(
        name=name,
        score=score,
        threshold=threshold,
        triage=triage.value,
        sensitivity=wilson(int((reached & positive).sum()), int(positive.sum())),
        specificity=wilson(int((~reached & ~positive).sum()), int((~positive).sum())),
    )


def fit_conformal(probabilities: FloatArray, labels: LabelArray, coverage: float) -> Conformal:
    """Class-conditional quantiles of ``1 - p(truth)`` for probabilities (n, classes).

    With n_k cases of class k the quantile is the ceil((n_k + 1) * coverage)-th smallest; a class with too few cases for
    that gets 1 and so belongs to every set: nothing is known that could exclude it.
    """
    return Conformal(
        coverage,
        tuple(_quantile(1.0 - probabilities[labels == k, k], coverage) for k in range(probabilities.shape[1])),
    )


def measured_conformal(conformal: Conformal, probabilities: FloatArray, labels: LabelArray) -> Conformal:
    """The same sets with their coverage counted on these cases, probabilities (n, classes), with Wilson intervals.

    As in use, the most probable class always belongs to the set.
    """
    own = probabilities[np.arange(len(labels)), labels]
    held = (1.0 - own <= np.asarray(conformal.quantiles)[labels]) | (own >= probabilities.max(axis=1))
    by_class = [held[labels == k] for k in range(probabilities.shape[1])]
    return replace(
        conformal,
        measured=wilson(int(held.sum()), len(held)),
        measured_by_class=tuple(wilson(int(part.sum()), len(part)) for part in by_class),
    )


def _quantile(values: FloatArray, coverage: float) -> float:
    rank = math.ceil(round((len(values) + 1) * coverage, 9))
    return float(np.clip(np.sort(values)[rank - 1], 0.0, 1.0)) if 1 <= rank <= len(values) else 1.0


def fit_domain(
    training: FloatArray, labels: LabelArray, held_out: FloatArray, held_labels: LabelArray, *, false_reject: float
) -> DomainModel:
    """Centres and pooled variances of training features (n, F), limits from held-out features (m, F).

    Features are means over the same views as in use. The limit of a class is the median distance of its own held-out
    images times one factor for all classes: a dozen cases give a median, but no tail. The factor is the smallest that
    refuses at most the share `false_reject` of held-out images, each class counting alike.
    Raises ValueError when a class has no case in one of the parts.
    """
    classes = int(labels.max()) + 1
    if any(np.any(np.bincount(part, minlength=classes) == 0) for part in (labels, held_labels)):
        raise ValueError("every class needs at least one case")
    centres = np.stack([training[labels == k].mean(axis=0) for k in range(classes)])
    variances = _pooled_variances(training - centres[labels])
    found = distances(held_out, centres, variances)
    medians = np.array([np.median(found[held_labels == k, k]) for k in range(classes)])
    medians = np.maximum(medians, np.finfo(np.float64).tiny)
    factor = _balanced_quantile((found / medians).min(axis=1), held_labels, 1.0 - false_reject)
    model = DomainModel(
        centres=tuple(tuple(float(value) for value in row) for row in centres),
        variances=tuple(float(value) for value in variances),
        limits=tuple(float(limit) for limit in medians * factor * (1.0 + 1e-9)),
        false_reject=wilson(0, 0),
        false_rejects=(),
    )
    return measured_domain(model, held_out, held_labels)


def measured_domain(model: DomainModel, means: FloatArray, labels: LabelArray) -> DomainModel:
    """The same model with its false rejects counted on these cases, features (n, F), with Wilson intervals."""
    refused = out_of_domain(means, model)
    by_class = [refused[labels == k] for k in range(len(model.centres))]
    return replace(
        model,
        false_reject=wilson(int(refused.sum()), len(refused)),
        false_rejects=tuple(wilson(int(part.sum()), len(part)) for part in by_class),
    )


def _balanced_quantile(values: FloatArray, labels: LabelArray, share: float) -> float:
    """The smallest of `values` at or below which lies `share` of the cases, each class weighing the same."""
    weights = 1.0 / np.bincount(labels)[labels]
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][int(np.searchsorted(reached, share - 1e-12))])


def _pooled_variances(residuals: FloatArray) -> FloatArray:
    """Variance per feature, never below a tenth of the typical one: a constant feature must not decide alone."""
    variances = (residuals**2).mean(axis=0)
    typical = float(np.median(variances)) or float(variances.mean()) or 1.0
    return np.asarray(np.maximum(variances, typical / 10.0), dtype=np.float64)
