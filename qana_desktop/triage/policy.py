"""The reading policy of a bundle: calibration, decision rule, operating points, conformal set, domain. Values only.

`triage.assess` applies it. The values are fitted on calibration lesions that the network was not trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from qana_desktop.triage.diagnosis import LesionClass

SCHEMA: Final = "1.1"

MALIGNANCY: Final = "malignancy"
"""The score of an operating point that is the sum over the malignant classes; any other score is a class code."""


@dataclass(frozen=True)
class Interval:
    """A proportion with its 95 % interval and the number of cases behind it."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Calibration:
    """``probabilities = softmax(scale * mean over views of integer logits + bias)``.

    `scale` is nats per logit unit (temperature included); `bias` (classes,) moves to `prevalence`, the class shares of
    the population that `prevalence_name` names. `ece` is the expected calibration error measured on held-out lesions.
    """

    scale: float
    bias: tuple[float, ...]
    prevalence_name: str
    prevalence: tuple[float, ...]
    ece: Interval


@dataclass(frozen=True)
class OperatingPoint:
    """A printed cut on a score (`malignancy` or a class code): at or above `threshold` the triage is at least `triage`.

    `triage` is `review_now` or `review` (as in `triage.outcome.Triage`).
    """

    name: str
    score: str
    threshold: float
    triage: str
    sensitivity: Interval
    specificity: Interval


@dataclass(frozen=True)
class Conformal:
    """Class-conditional conformal set: class k is in it when ``1 - p_k <= quantiles[k]``.

    `coverage` is the target. `measured` is the share of test images whose set held the true class, `measured_by_class`
    the same by true class; None and empty where nothing was measured. A target that calibration lesions met can be
    missed on others: what is said to a person is what was measured.
    """

    coverage: float
    quantiles: tuple[float, ...]
    measured: Interval | None = None
    measured_by_class: tuple[Interval, ...] = ()


@dataclass(frozen=True)
class DomainModel:
    """How far the integer features (mean over views) may lie from each class's centre, diagonal covariance.

    ``d_k = mean over f of (x_f - centres[k][f])**2 / variances[f]``; an image with ``d_k > limits[k]`` for every class
    is not like the training images of any of them and is not assessed. A limit per class, because rare classes spread
    wider: one limit for all would refuse them most often. `false_reject` is the refused share of held-out images,
    `false_rejects` the same by true class.
    """

    centres: tuple[tuple[float, ...], ...]
    variances: tuple[float, ...]
    limits: tuple[float, ...]
    false_reject: Interval
    false_rejects: tuple[Interval, ...]


@dataclass(frozen=True)
class SecondReaderPolicy:
    """When a second, larger network reads too, and what the two say together. Fitted on calibration lesions.

    It is asked when the normalised entropy of the first reader's probabilities lies above `ask_above`. `calibration` is
    of its own float logits, to the same prevalence as the first reader's, so that the same cuts hold for both.
    Together: ``p = softmax(a * log p_first + b * log p_second + (1 - a - b) * log prevalence)`` with `first_weight` a
    and `second_weight` b. `passed_on` is the share of test images for which it was asked.
    """

    ask_above: float
    calibration: Calibration
    first_weight: float
    second_weight: float
    passed_on: Interval


@dataclass(frozen=True)
class ReadingPolicy:
    """All of it. `classes` is the class order of logits; `decision_weights` multiply probabilities before argmax."""

    classes: tuple[LesionClass, ...]
    views: tuple[str, ...]
    calibration: Calibration
    decision_weights: tuple[float, ...]
    operating_points: tuple[OperatingPoint, ...]
    conformal: Conformal
    domain: DomainModel | None
    second_reader: SecondReaderPolicy | None = None
