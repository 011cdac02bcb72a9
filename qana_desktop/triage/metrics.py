"""Figures of a classifier as pure functions of labels and scores, each tested against values worked by hand."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]


def confusion(truth: IntArray, predicted: IntArray, classes: int, *, refusals: bool = False) -> IntArray:
    """Counts (classes, classes): row is the truth, column the answer.

    With `refusals` there is one more column: the answer `classes` stands for "not assessed", which is never right.
    """
    table = np.zeros((classes, classes + refusals), np.int64)
    np.add.at(table, (truth, predicted), 1)
    return table


def recalls(table: IntArray) -> FloatArray:
    """Recall per class; nan where the class has no case."""
    return _shares(np.diag(table), table.sum(axis=1))


def precisions(table: IntArray) -> FloatArray:
    """Share of right answers among those that named the class; nan where none did."""
    return _shares(np.diag(table), table.sum(axis=0)[: len(table)])


def _shares(parts: IntArray, totals: IntArray) -> FloatArray:
    found: FloatArray = np.divide(parts, totals, out=np.full(len(totals), np.nan), where=totals > 0)
    return found


def balanced_accuracy(table: IntArray) -> float:
    """Mean recall over the classes that have a case."""
    return float(np.nanmean(recalls(table)))


def accuracy(table: IntArray) -> float:
    """Share of right answers."""
    return float(np.trace(table) / table.sum())


def macro_f1(table: IntArray) -> float:
    """Mean over classes of 2 TP / (2 TP + FP + FN), over the classes that have a case."""
    hits = np.diag(table).astype(np.float64)
    sums = table.sum(axis=0)[: len(table)] + table.sum(axis=1)
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
    """Mean over classes of one-versus-rest AUROC; classes without a case are left out; nan with a single class."""
    values = [auroc(truth == k, scores[:, k]) for k in range(scores.shape[1])]
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


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
    counts, confidence, right = reliability(truth, probabilities, bins=bins)
    return float(np.abs(right - confidence).sum() / counts.sum())


def reliability(
    truth: IntArray, probabilities: FloatArray, *, bins: int = 15
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Cases, sum of confidences and number of right answers in equal-width bins of the confidence, each (bins,).

    The confidence is the largest probability, and the answer judged here is its class.
    """
    confidence, answer = probabilities.max(axis=1), probabilities.argmax(axis=1)
    index = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    counts = np.bincount(index, minlength=bins).astype(np.int64)
    sums, right = (np.bincount(index, weights=of, minlength=bins) for of in (confidence, answer == truth))
    return counts, sums.astype(np.float64), right.astype(np.float64)


def negative_log_likelihood(truth: IntArray, probabilities: FloatArray) -> float:
    """Mean of -log p(truth)."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-12)).mean())


def roc_points(positive: BoolArray, score: FloatArray) -> tuple[FloatArray, FloatArray]:
    """False and true positive rates of "at or above the cut" for every cut, from (0, 0) to (1, 1).

    Raises ValueError without a positive or without a negative: there is no curve then.
    """
    if positive.all() or not positive.any():
        raise ValueError("a ROC curve needs positive and negative cases")
    order = np.argsort(-score, kind="stable")
    last_of_ties = np.append(np.diff(score[order]) != 0, True)
    hits = np.cumsum(positive[order])[last_of_ties]
    misses = np.cumsum(~positive[order])[last_of_ties]
    return np.append(0.0, misses / misses[-1]), np.append(0.0, hits / hits[-1])


def risk_coverage(right: BoolArray, confidence: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coverage and error rate of the answers that are kept, for every cut on the confidence, surest first.

    Cases of equal confidence are kept or left together (El-Yaniv and Wiener, JMLR 2010).
    """
    order = np.argsort(-confidence, kind="stable")
    last_of_ties = np.append(np.diff(confidence[order]) != 0, True)
    kept = np.arange(1, len(right) + 1)[last_of_ties]
    wrong = np.cumsum(~right[order])[last_of_ties]
    return kept / len(right), wrong / kept


def area_under_risk(right: BoolArray, confidence: FloatArray) -> float:
    """Mean error rate over all coverages (AURC, Geifman et al., ICLR 2019), as steps; lower is better."""
    coverage, risk = risk_coverage(right, confidence)
    return float((np.diff(coverage, prepend=0.0) * risk).sum())
