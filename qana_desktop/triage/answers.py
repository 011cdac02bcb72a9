"""Readings of images with known diagnoses, taken apart into arrays: what the figures of an evaluation are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qana_desktop.triage import metrics
from qana_desktop.triage.dataset import ImageRow
from qana_desktop.triage.diagnosis import MALIGNANT, LesionClass
from qana_desktop.triage.metrics import BoolArray, FloatArray, IntArray
from qana_desktop.triage.outcome import Assessed, Outcome, Triage
from qana_desktop.triage.policy import ReadingPolicy


@dataclass(frozen=True, eq=False)
class Answers:
    """n images as arrays, in the class order of a policy (C classes).

    `answer` is C and `scores` are 0 where the image was not assessed. `malignant` is of the truth.
    """

    rows: tuple[ImageRow, ...]
    outcomes: tuple[Outcome, ...]
    classes: tuple[LesionClass, ...]
    truth: IntArray
    answer: IntArray
    assessed: BoolArray
    scores: FloatArray
    could_be: BoolArray
    review: BoolArray
    malignant: BoolArray

    @staticmethod
    def of(rows: Sequence[ImageRow], outcomes: Sequence[Outcome], policy: ReadingPolicy) -> Answers:
        """Take the readings' outcomes apart. Raises ValueError for a row whose diagnosis the policy does not know."""
        classes, n = tuple(policy.classes), len(rows)
        scores, could_be = np.zeros((n, len(classes))), np.zeros((n, len(classes)), np.bool_)
        answer, review = np.full(n, len(classes)), np.zeros(n, np.bool_)
        for index, outcome in enumerate(outcomes):
            if isinstance(outcome, Assessed):
                scores[index] = [outcome.probabilities[dx] for dx in classes]
                could_be[index] = [dx in outcome.could_be for dx in classes]
                answer[index] = classes.index(outcome.predicted)
                review[index] = outcome.triage is not Triage.LOW_CONCERN
        truth = np.array([classes.index(row.dx) for row in rows], np.int64)
        malignant = np.array([row.dx in MALIGNANT for row in rows], np.bool_)
        return Answers(
            tuple(rows), tuple(outcomes), classes, truth, answer, answer < len(classes), scores, could_be, review,
            malignant,
        )  # fmt: skip

    @property
    def lesions(self) -> list[str]:
        """Lesion of each image."""
        return [row.lesion_id for row in self.rows]

    @property
    def malignancy(self) -> FloatArray:
        """Sum of the malignant classes, (n,)."""
        columns = [index for index, dx in enumerate(self.classes) if dx in MALIGNANT]
        return np.asarray(self.scores[:, columns].sum(axis=1), np.float64)

    @property
    def answers_malignant(self) -> BoolArray:
        """Whether the answer is a malignant class, (n,)."""
        columns = [index for index, dx in enumerate(self.classes) if dx in MALIGNANT]
        return np.isin(self.answer, columns)

    def table(self, rows: IntArray) -> IntArray:
        """Confusion of these images, with "not assessed" as last column."""
        return metrics.confusion(self.truth[rows], self.answer[rows], len(self.classes), refusals=True)
