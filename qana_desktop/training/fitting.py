"""The reading policy of a bundle: fitted on calibration lesions, reported as measured on test lesions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qana_desktop.training import metrics
from qana_desktop.training.data import CLASSES, IntArray, Record, labels
from qana_desktop.training.metrics import BoolArray, FloatArray
from qana_desktop.training.readings import Readings
from qana_desktop.triage.calibration import probabilities_of_means
from qana_desktop.triage.diagnosis import MALIGNANT, Diagnosis
from qana_desktop.triage.fit import (
    bootstrap,
    fit_calibration,
    fit_conformal,
    fit_domain,
    measured_conformal,
    measured_domain,
    measured_point,
    threshold_for_sensitivity,
)
from qana_desktop.triage.outcome import Triage
from qana_desktop.triage.policy import (
    MALIGNANCY,
    Calibration,
    DomainModel,
    Interval,
    OperatingPoint,
    ReadingPolicy,
)

COVERAGE = 0.9
"""Target of the class-conditional conformal sets."""
FALSE_REJECT = 0.01
"""Share of calibration images that the domain check may refuse."""
PREVALENCE_NAME = "HAM10000 development images"
UNKNOWN = Interval(0.0, 0.0, 1.0, 0)


@dataclass(frozen=True)
class Rule:
    """How mean logits become an answer: calibrated probabilities times `weights`, then the largest."""

    calibration: Calibration
    weights: tuple[float, ...]
    exponent: float

    def probabilities(self, means: FloatArray) -> FloatArray:
        """(n, classes) mean logits -> calibrated probabilities."""
        return probabilities_of_means(means, self.calibration)

    def decide(self, probabilities: FloatArray) -> IntArray:
        """Class index of each row."""
        return np.asarray(np.argmax(probabilities * np.asarray(self.weights), axis=1), dtype=np.int64)


def prevalence(records: tuple[Record, ...]) -> FloatArray:
    """Class shares of the HAM10000 images among `records`."""
    counts = np.bincount(labels([r for r in records if r.source == "ham10000"]), minlength=len(CLASSES))
    return np.asarray(counts / counts.sum(), dtype=np.float64)


def fit_rule(means: FloatArray, truth: IntArray, shares: FloatArray) -> Rule:
    """Calibrate, then choose decision weights ``shares ** -exponent`` by `goodness`.

    One number is fitted, not seven, so that rare classes with a dozen cases do not set their own weight.
    """
    scale, bias = fit_calibration(means, truth, shares)
    calibration = Calibration(
        scale, tuple(map(float, bias)), PREVALENCE_NAME, tuple(map(float, shares / shares.sum())), UNKNOWN
    )
    found = probabilities_of_means(means, calibration)
    exponents = np.linspace(0.0, 1.0, 21)
    goods = np.array([goodness(found * shares**-e, truth) for e in exponents])
    smooth = np.convolve(np.pad(goods, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    exponent = float(exponents[int(np.argmax(smooth))])
    weights = shares**-exponent
    return Rule(calibration, tuple(map(float, weights / weights.mean())), exponent)


def goodness(weighted: FloatArray, truth: IntArray) -> float:
    """What a decision rule is chosen by: the mean of balanced accuracy and macro F1, which pull apart."""
    table = metrics.confusion(truth, weighted.argmax(axis=1), weighted.shape[1])
    return (metrics.balanced_accuracy(table) + metrics.macro_f1(table)) / 2.0


def malignant_columns() -> list[int]:
    """Indices of the malignant classes in `CLASSES`."""
    return [index for index, name in enumerate(CLASSES) if Diagnosis(name) in MALIGNANT]


def is_malignant(truth: IntArray) -> BoolArray:
    """Which of the class indices are malignant."""
    return np.isin(truth, malignant_columns())


def malignancy(probabilities: FloatArray) -> FloatArray:
    """Sum of the malignant classes' probabilities, (n,)."""
    return np.asarray(probabilities[:, malignant_columns()].sum(axis=1), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Part:
    """One part of the data as the network reads it."""

    readings: Readings
    truth: IntArray
    lesions: tuple[str, ...]

    @staticmethod
    def of(readings: Readings, records: tuple[Record, ...]) -> Part:
        """Readings with the labels and lesions of their records."""
        return Part(readings, labels(records), tuple(r.lesion_id for r in records))


def fit_policy(
    calibration: Part, test: Part, training: Part, *, views: tuple[str, ...], shares: FloatArray
) -> tuple[ReadingPolicy, Rule]:
    """The whole policy: fitted on `calibration` (domain centres on `training`), every interval measured on `test`."""
    rule = fit_rule(calibration.readings.means(), calibration.truth, shares)
    fitted, held = (rule.probabilities(part.readings.means()) for part in (calibration, test))
    policy = ReadingPolicy(
        classes=tuple(Diagnosis(name) for name in CLASSES),
        views=views,
        calibration=replace(rule.calibration, ece=_ece(held, test)),
        decision_weights=rule.weights,
        operating_points=_operating_points(fitted, calibration.truth, held, test.truth),
        conformal=measured_conformal(fit_conformal(fitted, calibration.truth, COVERAGE), held, test.truth),
        domain=_domain(calibration, test, training),
    )
    return policy, rule


def _ece(held: FloatArray, test: Part) -> Interval:
    return bootstrap(
        lambda rows: metrics.expected_calibration_error(test.truth[rows], held[rows]), np.array(test.lesions)
    )


def _operating_points(
    fitted: FloatArray, truth: IntArray, held: FloatArray, held_truth: IntArray
) -> tuple[OperatingPoint, ...]:
    """Cuts set on calibration lesions, their sensitivity and specificity counted on test lesions."""
    melanoma = CLASSES.index("mel")
    score, positive = malignancy(fitted), is_malignant(truth)
    held_score, held_positive = malignancy(held), is_malignant(held_truth)
    review = threshold_for_sensitivity(score, positive, 0.95)
    now = max(review, metrics.threshold_at_specificity(positive, score, 0.90))
    own = metrics.threshold_at_specificity(truth == melanoma, fitted[:, melanoma], 0.85)
    return (
        _point("malignant, specificity 0.90", MALIGNANCY, now, Triage.REVIEW_NOW, held_score, held_positive),
        _point("malignant, sensitivity 0.95", MALIGNANCY, review, Triage.REVIEW, held_score, held_positive),
        _point("melanoma, specificity 0.85", "mel", own, Triage.REVIEW, held[:, melanoma], held_truth == melanoma),
    )


def _point(
    name: str, score: str, threshold: float, triage: Triage, scores: FloatArray, positive: BoolArray
) -> OperatingPoint:
    return measured_point(name, score, min(threshold, 1.0), triage, scores=scores, positive=positive)


def _domain(calibration: Part, test: Part, training: Part) -> DomainModel:
    """Centres from training features, limits from calibration lesions, the false rejects counted on test lesions."""
    model = fit_domain(
        training.readings.feature_means(),
        training.truth,
        calibration.readings.feature_means(),
        calibration.truth,
        false_reject=FALSE_REJECT,
    )
    return measured_domain(model, test.readings.feature_means(), test.truth)
