"""All figures of one reader on test lesions, at one stated decision rule, with intervals over lesions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from qana_desktop.training import metrics
from qana_desktop.training.data import CLASSES, IntArray, Record
from qana_desktop.training.fitting import Rule, is_malignant, malignancy
from qana_desktop.training.metrics import FloatArray
from qana_desktop.triage.fit import bootstrap

ROUNDS = 500
"""Resamples of lesions behind each interval."""
SPECIFICITY = 0.85
AGE_BANDS = ((0, 40), (40, 60), (60, 200))
SMALLEST_SUBGROUP = 30


def evaluate(means: FloatArray, truth: IntArray, lesions: Sequence[str], rule: Rule) -> dict[str, Any]:
    """Figures with 95 % intervals for mean logits (n, classes) of test images."""
    found = rule.probabilities(means)
    answer = rule.decide(found)
    figures = figures_of(found, answer, truth, lesions)
    table = metrics.confusion(truth, answer, len(CLASSES))
    return {
        "images": len(truth),
        "lesions": len(set(lesions)),
        **figures,
        "confusion": table.tolist(),
        "rule": {"exponent": rule.exponent, "weights": list(rule.weights), "scale": rule.calibration.scale},
    }


def figures_of(found: FloatArray, answer: IntArray, truth: IntArray, lesions: Sequence[str]) -> dict[str, Any]:
    """Figures with 95 % intervals for calibrated probabilities (n, classes) and answers (n,), whoever gave them."""
    return {
        name: asdict(bootstrap(statistic, np.array(lesions), rounds=ROUNDS))
        for name, statistic in _statistics(found, answer, truth).items()
    }


def _statistics(
    found: FloatArray, answer: IntArray, truth: IntArray
) -> dict[str, Callable[[np.ndarray[Any, np.dtype[np.intp]]], float]]:
    """Each figure as a function of image rows, so that lesions can be resampled."""
    score, bad, mel = malignancy(found), is_malignant(truth), CLASSES.index("mel")

    def table(rows: Any) -> IntArray:
        return metrics.confusion(truth[rows], answer[rows], len(CLASSES))

    def sensitivity(positive: Any, scores: FloatArray) -> Callable[[Any], float]:
        return lambda rows: metrics.sensitivity_at_specificity(positive[rows], scores[rows], SPECIFICITY)

    def recall(k: int) -> Callable[[Any], float]:
        return lambda rows: float(metrics.recalls(table(rows))[k])

    return {
        "balanced_accuracy": lambda rows: metrics.balanced_accuracy(table(rows)),
        "macro_f1": lambda rows: metrics.macro_f1(table(rows)),
        "melanoma_sensitivity_at_0.85_specificity": sensitivity(truth == mel, found[:, mel]),
        "malignant_sensitivity_at_0.85_specificity": sensitivity(bad, score),
        "malignant_answer_sensitivity": lambda rows: float(is_malignant(answer[rows])[bad[rows]].mean()),
        "malignant_answer_specificity": lambda rows: float(1.0 - is_malignant(answer[rows])[~bad[rows]].mean()),
        "auroc_macro": lambda rows: metrics.macro_auroc(truth[rows], found[rows]),
        "accuracy": lambda rows: metrics.accuracy(table(rows)),
        "ece": lambda rows: metrics.expected_calibration_error(truth[rows], found[rows]),
        **{f"recall_{name}": recall(k) for k, name in enumerate(CLASSES)},
    }


def subgroups(means: FloatArray, records: Sequence[Record], rule: Rule) -> list[dict[str, Any]]:
    """Accuracy, balanced accuracy and malignant AUROC by age, sex, site and ground of the diagnosis; n of each."""
    truth = np.array([record.label for record in records])
    found = rule.probabilities(means)
    answer = rule.decide(found)
    rows = []
    for kind, name, members in _groups(records):
        if len(members) < SMALLEST_SUBGROUP:
            continue
        table = metrics.confusion(truth[members], answer[members], len(CLASSES))
        rows.append(
            {
                "by": kind,
                "group": name,
                "images": len(members),
                "classes_present": int((table.sum(axis=1) > 0).sum()),
                "accuracy": metrics.accuracy(table),
                "balanced_accuracy": metrics.balanced_accuracy(table),
                "malignant_auroc": _or_none(metrics.auroc(is_malignant(truth[members]), malignancy(found[members]))),
            }
        )
    return rows


def _groups(records: Sequence[Record]) -> list[tuple[str, str, IntArray]]:
    def of(kind: str, key: Callable[[Record], str]) -> list[tuple[str, str, IntArray]]:
        names = [key(record) for record in records]
        return [(kind, name, np.flatnonzero(np.array(names) == name)) for name in sorted(set(names))]

    return [
        *of("age", _age_band),
        *of("sex", lambda r: r.sex or "unknown"),
        *of("site", lambda r: r.localization or "unknown"),
        *of("diagnosis by", lambda r: r.dx_type or "unknown"),
    ]


def _age_band(record: Record) -> str:
    if record.age is None:
        return "unknown"
    low, high = next(band for band in AGE_BANDS if band[0] <= record.age < band[1])
    return f"{low} to {high - 1}" if high < AGE_BANDS[-1][1] else f"{low} and over"


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value
