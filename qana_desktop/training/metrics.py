"""Figures of a classifier as pure functions of labels and scores, each tested against values worked by hand."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]


def confusion(truth: IntArray, predicted: IntArray, classes: int) -> IntArray:
    """Counts (classes, classes): row is the truth, column the answer."""
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (truth, predicted), 1)
    return table


def recalls(table: IntArray) -> FloatArray:
    """Recall per class; nan where the class has no case."""
    totals = table.sum(axis=1)
    shares: FloatArray = np.divide(np.diag(table), totals, out=np.full(len(table), np.nan), where=totals > 0)
    return shares


def balanced_accuracy(table: IntArray) -> float:
    """Mean recall over the classes that have a case."""
    return float(np.nanmean(recalls(table)))


def accuracy(table: IntArray) -> float:
    """Share of right answers."""
    return float(np.trace(table) / table.sum())


def macro_f1(table: IntArray) -> float:
    """Mean over classes of 2 TP / (2 TP + FP + FN), over the classes that have a case."""
    hits = np.diag(table).astype(np.float64)
    sums = table.sum(axis=0) + table.sum(axis=1)
    present = table.sum(axis=1) > 0
    scores = np.divide(2.0 * hits, sums, out=np.zeros(len(table)), where=sums > 0)
    return float(scores[present].mean())


def auroc(positive: BoolArray, score: FloatArray) -> float:
    """Probability that a positive scores above a negative, ties counting half (Mann-Whitney); nan without both."""
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2.0
    total = float(ranks[inverse][positive].sum())
    return (total - positives * (positives + 1) / 2.0) / (positives * negatives)


def macro_auroc(truth: IntArray, scores: FloatArray) -> float:
    """Mean over classes of one-versus-rest AUROC; classes without a case are left out."""
    values = [auroc(truth == k, scores[:, k]) for k in range(scores.shape[1])]
    return float(np.nanmean(values))


def threshold_at_specificity(positive: BoolArray, score: FloatArray, specificity: float) -> float:
    """Smallest score in the data (or just above the largest) at which at least `specificity` of negatives lie below."""
    candidates = np.append(np.unique(score), np.nextafter(score.max(), np.inf))
    negatives = np.sort(score[~positive])
    below = np.searchsorted(negatives, candidates, side="left") / len(negatives)
    return float(candidates[int(np.argmax(below >= specificity))])


def sensitivity_at_specificity(positive: BoolArray, score: FloatArray, specificity: float) -> float:
    """Share of positives at or above the cut that leaves `specificity` of negatives below it."""
    return float((score[positive] >= threshold_at_specificity(positive, score, specificity)).mean())


def threshold_at_sensitivity(positive: BoolArray, score: FloatArray, sensitivity: float) -> float:
    """Largest score at which at least `sensitivity` of positives lie at or above it."""
    ordered = np.sort(score[positive])[::-1]
    return float(ordered[int(np.ceil(sensitivity * len(ordered))) - 1])


def expected_calibration_error(truth: IntArray, probabilities: FloatArray, *, bins: int = 15) -> float:
    """Mean gap of confidence and accuracy over equal-width bins, weighted by cases (Guo et al., ICML 2017, eq. 3)."""
    confidence, answer = probabilities.max(axis=1), probabilities.argmax(axis=1)
    index = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    counts = np.bincount(index, minlength=bins)
    gap = np.bincount(index, weights=(answer == truth) - confidence, minlength=bins)
    return float(np.abs(gap).sum() / counts.sum())


def negative_log_likelihood(truth: IntArray, probabilities: FloatArray) -> float:
    """Mean of -log p(truth)."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-12)).mean())
