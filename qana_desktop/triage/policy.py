"""The reading policy of a bundle: calibration, decision rule, operating points, conformal set, domain. Values only.

`triage.assess` applies it. The values are fitted on calibration lesions that the network was not trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from qana_desktop.triage.diagnosis import Diagnosis

SCHEMA: Final = "1.0"

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
    """Class-conditional conformal set: class k is in it when ``1 - p_k <= quantiles[k]``. `coverage` is the target."""

    coverage: float
    quantiles: tuple[float, ...]


@dataclass(frozen=True)
class DomainModel:
    """Distance of the integer features (mean over views) to the nearest class centre, diagonal covariance.

    ``d = min over k of mean over f of (x_f - centres[k][f])**2 / variances[f]``; above `limit` the image is not like
    the training images and is not assessed. `false_reject` is the share of held-out images above the limit.
    """

    centres: tuple[tuple[float, ...], ...]
    variances: tuple[float, ...]
    limit: float
    false_reject: Interval


@dataclass(frozen=True)
class ReadingPolicy:
    """All of it. `classes` is the class order of logits; `decision_weights` multiply probabilities before argmax."""

    classes: tuple[Diagnosis, ...]
    views: tuple[str, ...]
    calibration: Calibration
    decision_weights: tuple[float, ...]
    operating_points: tuple[OperatingPoint, ...]
    conformal: Conformal
    domain: DomainModel | None
