"""The second reader of a bundle: when it is asked and how two readers answer together, fitted and then measured.

Everything is fitted on calibration lesions; test lesions are only counted.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from qana_desktop.training import metrics
from qana_desktop.training.data import IntArray
from qana_desktop.training.evaluation import figures_of
from qana_desktop.training.fitting import PREVALENCE_NAME, UNKNOWN, goodness, is_malignant
from qana_desktop.training.metrics import BoolArray, FloatArray
from qana_desktop.triage.assess import judged
from qana_desktop.triage.calibration import probabilities_of_means
from qana_desktop.triage.fit import bootstrap, fit_calibration, wilson
from qana_desktop.triage.outcome import Assessed, Triage
from qana_desktop.triage.policy import Calibration, ReadingPolicy, SecondReaderPolicy
from qana_desktop.triage.second_reader import judge_second, normalised_entropy, pooled, read_together

MOST_PASSED_ON = 0.3
"""No more than this share of calibration images is passed on: the first reader is the one that is fast everywhere."""
GIVEN_UP = 0.005
"""What may be lost of `goodness` against the best threshold, to pass on fewer."""
STEP = 0.02
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 1.0)
"""Shares of calibration images passed on, for the table of the evaluation."""
WEIGHTS = np.linspace(0.0, 1.5, 31)


@dataclass(frozen=True, eq=False)
class Pair:
    """Logits of both readers for the same n images: (n, views, classes) each; class indices and lesions (n,)."""

    first: FloatArray
    second: FloatArray
    truth: IntArray
    lesions: tuple[str, ...]


@dataclass(frozen=True)
class ReadingCost:
    """Multiply-accumulates of one image, all its views, for each reader."""

    first: int
    second: int


@dataclass(frozen=True, eq=False)
class _Shares:
    """Calibrated probabilities (n, classes) of the first reader, of the second, and of both together."""

    first: FloatArray
    second: FloatArray
    both: FloatArray

    @property
    def entropy(self) -> FloatArray:
        return normalised_entropy(self.first)

    def answered(self, asked: BoolArray) -> FloatArray:
        """What is answered when the second reader is asked about the flagged images."""
        return np.where(asked[:, None], self.both, self.first)


def fit_second_reader(
    calibration: Pair, test: Pair, policy: ReadingPolicy, shares: FloatArray, *, cost: ReadingCost
) -> tuple[SecondReaderPolicy, dict[str, Any]]:
    """Return when the second reader is asked and how it counts, and the report for `evaluation.json`.

    `policy` is the fitted policy of the first reader, `shares` the prevalence that both are calibrated to. Raises
    ValueError when the second reader's logits cannot be calibrated.
    """
    own = _calibration(calibration, shares)
    prevalence = np.asarray(own.prevalence)
    weights = fit_weights(*_alone(calibration, policy, own), calibration.truth, prevalence)
    fitted, held = (_shares(pair, policy, own, weights, prevalence) for pair in (calibration, test))
    ask_above = choose_threshold(fitted, calibration.truth, np.asarray(policy.decision_weights))
    rule = SecondReaderPolicy(
        ask_above=ask_above,
        calibration=_with_error(own, held.second, test),
        first_weight=weights[0],
        second_weight=weights[1],
        passed_on=wilson(int((held.entropy > ask_above).sum()), len(test.truth)),
    )
    return rule, _report(rule, fitted, held, test, policy, cost)


def goodness_together(pair: Pair, policy: ReadingPolicy, shares: FloatArray) -> float:
    """What decision rules are chosen by, when both readers read every one of these images; fitted on them as well."""
    own = _calibration(pair, shares)
    prevalence = np.asarray(own.prevalence)
    weights = fit_weights(*_alone(pair, policy, own), pair.truth, prevalence)
    return goodness(_shares(pair, policy, own, weights, prevalence).both * policy.decision_weights, pair.truth)


def _calibration(pair: Pair, shares: FloatArray) -> Calibration:
    scale, bias = fit_calibration(pair.second.mean(axis=1), pair.truth, shares)
    prevalence = tuple(map(float, shares / shares.sum()))
    return Calibration(scale, tuple(map(float, bias)), PREVALENCE_NAME, prevalence, UNKNOWN)


def fit_weights(first: FloatArray, second: FloatArray, truth: IntArray, prevalence: FloatArray) -> tuple[float, float]:
    """The two weights of least mean negative log-likelihood, each class having its share of `prevalence`."""
    per_class = np.bincount(truth, minlength=len(prevalence))
    case = (prevalence / np.maximum(per_class, 1))[truth]
    rows = np.arange(len(truth))

    def loss(a: float, b: float) -> float:
        chosen = pooled(first, second, prevalence, first_weight=a, second_weight=b)[rows, truth]
        return float(-(case * np.log(np.maximum(chosen, 1e-300))).sum())

    pairs = [(float(a), float(b)) for a in WEIGHTS for b in WEIGHTS if a + b > 0]
    return min(pairs, key=lambda pair: loss(*pair))


def choose_threshold(fitted: _Shares, truth: IntArray, decision_weights: FloatArray) -> float:
    """The entropy that passes on fewest images and gives up less than `GIVEN_UP` of the best within the limit."""
    passed = np.arange(0.0, MOST_PASSED_ON + STEP / 2, STEP)
    cuts = [_cut(fitted.entropy, share) for share in passed]
    goods = [goodness(fitted.answered(fitted.entropy > cut) * decision_weights, truth) for cut in cuts]
    smooth = np.convolve(np.pad(goods, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    return cuts[int(np.flatnonzero(smooth >= smooth.max() - GIVEN_UP)[0])]


def _cut(entropy: FloatArray, share: float) -> float:
    """The entropy above which `share` of the images lie; one where none, nothing below zero where all do."""
    return 1.0 if share <= 0.0 else float(np.quantile(entropy, 1.0 - share)) if share < 1.0 else 0.0


def _alone(pair: Pair, policy: ReadingPolicy, own: Calibration) -> tuple[FloatArray, FloatArray]:
    return (
        probabilities_of_means(pair.first.mean(axis=1), policy.calibration),
        probabilities_of_means(pair.second.mean(axis=1), own),
    )


def _shares(
    pair: Pair, policy: ReadingPolicy, own: Calibration, weights: tuple[float, float], prevalence: FloatArray
) -> _Shares:
    first, second = _alone(pair, policy, own)
    both = pooled(first, second, prevalence, first_weight=weights[0], second_weight=weights[1])
    return _Shares(first, second, both)


def _with_error(own: Calibration, held: FloatArray, test: Pair) -> Calibration:
    ece = bootstrap(
        lambda rows: metrics.expected_calibration_error(test.truth[rows], held[rows]), np.array(test.lesions)
    )
    return Calibration(own.scale, own.bias, own.prevalence_name, own.prevalence, ece)


def _report(
    rule: SecondReaderPolicy, fitted: _Shares, held: _Shares, test: Pair, policy: ReadingPolicy, cost: ReadingCost
) -> dict[str, Any]:
    """Test lesions: each reader alone, as in use, both always; the table by share; what triage gains and costs."""
    weights = np.asarray(policy.decision_weights)
    asked = held.entropy > rule.ask_above
    ways = {
        "first reader alone": held.first,
        "second reader alone": held.second,
        "as in use": held.answered(asked),
        "both readers, every image": held.both,
    }
    return {
        "passed_on": asdict(rule.passed_on),
        "ask_above": rule.ask_above,
        "weights": {"first": rule.first_weight, "second": rule.second_weight},
        "cost": {**asdict(cost), "as_in_use": _cost_at(float(asked.mean()), cost)},
        "readers": {
            name: figures_of(found, (found * weights).argmax(axis=1), test.truth, test.lesions)
            for name, found in ways.items()
        },
        "triage": _triage(rule, asked, test, policy),
        "by_share": [_row(_cut(fitted.entropy, share), held, test, weights, cost) for share in SHARES],
    }


def _row(cut: float, held: _Shares, test: Pair, weights: FloatArray, cost: ReadingCost) -> dict[str, float]:
    """Test figures at one threshold that was set on calibration images."""
    asked = held.entropy > cut
    table = metrics.confusion(test.truth, (held.answered(asked) * weights).argmax(axis=1), len(weights))
    return {
        "ask_above": cut,
        "passed_on": float(asked.mean()),
        "accuracy": metrics.accuracy(table),
        "balanced_accuracy": metrics.balanced_accuracy(table),
        "macro_f1": metrics.macro_f1(table),
        "multiply_accumulates": _cost_at(float(asked.mean()), cost),
    }


def _cost_at(share: float, cost: ReadingCost) -> float:
    return cost.first + share * cost.second


def _triage(rule: SecondReaderPolicy, asked: BoolArray, test: Pair, policy: ReadingPolicy) -> dict[str, Any]:
    """Malignant images sent to a person and benign ones spared, without and with the second reader (Wilson)."""
    first = [_first(logits, policy) for logits in test.first]
    both = [
        read_together(own, judge_second(logits, policy, rule), policy, rule) if ask else own
        for own, logits, ask in zip(first, test.second, asked, strict=True)
    ]
    return {"first reader alone": _sent(first, test.truth), "as in use": _sent(both, test.truth)}


def _first(logits: FloatArray, policy: ReadingPolicy) -> Assessed:
    shares = probabilities_of_means(logits.mean(axis=0), policy.calibration)
    return judged(shares, policy, views=probabilities_of_means(logits, policy.calibration))


def _sent(outcomes: list[Assessed], truth: IntArray) -> dict[str, Any]:
    seen = np.array([outcome.triage is not Triage.LOW_CONCERN for outcome in outcomes])
    malignant = is_malignant(truth)
    return {
        "malignant_review_sensitivity": asdict(wilson(int((seen & malignant).sum()), int(malignant.sum()))),
        "benign_low_concern": asdict(wilson(int((~seen & ~malignant).sum()), int((~malignant).sum()))),
    }
