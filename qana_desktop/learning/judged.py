"""One version of the network on one holdout: every case with its answer, and the figures that the gate compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.triage import metrics
from qana_desktop.triage.calibration import probabilities_of_means
from qana_desktop.triage.diagnosis import MALIGNANT, Diagnosis, LesionClass
from qana_desktop.triage.policy import MALIGNANCY, ReadingPolicy

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Judged:
    """`n` cases, one image of each lesion, as one version of the network reads them.

    `cases` (n) are ids. `truth` and `answers` (n,) are class indices; `probabilities` (n, classes) are calibrated;
    `reached` (n, cuts) says which printed malignancy cuts, named in `cuts`, the case reaches.
    """

    classes: tuple[LesionClass, ...]
    cases: tuple[str, ...]
    truth: IntArray
    probabilities: FloatArray
    answers: IntArray
    cuts: tuple[str, ...]
    reached: BoolArray

    @property
    def right(self) -> BoolArray:
        """Which answers are right, (n,)."""
        return np.asarray(self.answers == self.truth, dtype=np.bool_)

    @property
    def malignant(self) -> BoolArray:
        """Which cases are malignant, (n,)."""
        return np.isin(self.truth, [index for index, dx in enumerate(self.classes) if dx in MALIGNANT])

    @property
    def melanoma(self) -> BoolArray:
        """Which cases are melanomas, (n,)."""
        return self.of(Diagnosis.MEL)

    def of(self, diagnosis: LesionClass) -> BoolArray:
        """Which cases truly are of one class, (n,)."""
        if diagnosis not in self.classes:
            return np.zeros(len(self.truth), np.bool_)
        return np.asarray(self.truth == self.classes.index(diagnosis), dtype=np.bool_)

    def balanced_accuracy(self) -> float:
        """Mean recall over the classes that have a case."""
        return metrics.balanced_accuracy(metrics.confusion(self.truth, self.answers, len(self.classes)))

    def calibration_error(self) -> float:
        """Expected calibration error of the probabilities."""
        return metrics.expected_calibration_error(self.truth, self.probabilities)


def judge(
    cases: Sequence[str],
    truth: IntArray,
    means: FloatArray,
    policy: ReadingPolicy,
    *,
    also: tuple[LesionClass, ...] = (),
) -> Judged:
    """Judge mean logits (n, classes) of `n` cases by a reading policy, as in use.

    `also` are classes after the policy's that it does not know and `truth` may name: it answers them never. So a
    version with a new class is compared with its factory version.
    Raises ValueError for shapes that do not fit the policy, for no case at all, or for a case that comes twice.
    """
    if not cases or len(set(cases)) != len(cases):
        raise ValueError("a holdout needs at least one case, and none twice")
    if truth.shape != (len(cases),) or means.shape != (len(cases), len(policy.classes)):
        raise ValueError(f"{len(cases)} cases have truth {truth.shape} and logits {means.shape}")
    classes = (*policy.classes, *also)
    if truth.min() < 0 or truth.max() >= len(classes):
        raise ValueError("a true class is none of the policy's")
    probabilities = probabilities_of_means(means, policy.calibration)
    malignant = [index for index, dx in enumerate(policy.classes) if dx in MALIGNANT]
    score = probabilities[:, malignant].sum(axis=1)
    points = [point for point in policy.operating_points if point.score == MALIGNANCY]
    thresholds = np.array([point.threshold for point in points])
    return Judged(
        classes=classes,
        cases=tuple(cases),
        truth=truth.astype(np.int64),
        probabilities=np.pad(probabilities, ((0, 0), (0, len(also)))),
        answers=np.asarray((probabilities * np.asarray(policy.decision_weights)).argmax(axis=1), dtype=np.int64),
        cuts=tuple(point.name for point in points),
        reached=np.asarray(score[:, None] >= thresholds, dtype=np.bool_),
    )
