"""The judgement of one reading: integer outputs of the network and the bundle's policy in, an outcome out. Pure.

Triage follows the printed cut on the malignancy score. After that every other rule can only make it more severe: two
plausible classes show the more severe triage, and doubt goes to a person (severity hierarchy).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_
from qana_desktop.triage.calibration import FloatArray, probabilities, view_probabilities
from qana_desktop.triage.diagnosis import MALIGNANT, LesionClass
from qana_desktop.triage.domain import is_out_of_domain
from qana_desktop.triage.outcome import Assessed, CannotAssess, Outcome, Triage
from qana_desktop.triage.policy import MALIGNANCY, Conformal, OperatingPoint, ReadingPolicy
from qana_desktop.triage.quality import QualityReport

AGREEMENT_AT_LEAST: Final = 0.5
"""Below this share of views that give the same answer, the answer hangs on how the camera was held: a person looks."""

CLASS_CUT: Final = "class-cut"
PREDICTED_MALIGNANT: Final = "predicted-malignant"
COULD_BE_MALIGNANT: Final = "could-be-malignant"
VIEWS_DISAGREE: Final = "views-disagree"
ONE_READER: Final = "one-reader"
SECOND_SILENT: Final = "second-reader-silent"

RULES: Final[dict[str, str]] = {
    CLASS_CUT: N_("One class alone reached its own operating point."),
    PREDICTED_MALIGNANT: N_("The answer itself is a malignant class."),
    COULD_BE_MALIGNANT: N_("A malignant class is among those that it could be."),
    VIEWS_DISAGREE: N_("Turned and mirrored views of the image gave different answers."),
    ONE_READER: N_("One of the two readers alone found it more urgent than both together."),
    SECOND_SILENT: N_("The network was uncertain and the second reader could not be asked."),
}
"""What each code in `Assessed.raised_by` means, as a sentence."""

OUT_OF_DOMAIN: Final = Fault(
    code="out-of-domain",
    message=N_("The image is not like the dermoscopic images that the network was trained on, so it was not assessed."),
    remedy=N_(
        "Check that it is a dermoscopic image of one lesion, in focus and in the centre, or have a person read it."
    ),
)

SEVERITY: Final = {Triage.LOW_CONCERN: 0, Triage.REVIEW: 1, Triage.REVIEW_NOW: 2}
"""Higher is more urgent."""


def assess(
    logits: npt.NDArray[np.integer],
    features: npt.NDArray[np.integer],
    policy: ReadingPolicy,
    *,
    quality: QualityReport | None = None,
    ignore_quality: bool = False,
) -> Outcome:
    """Judge one image from integer logits (views, classes) and features (views, F).

    With `ignore_quality` an image that quality or domain would refuse is assessed, and the refusals are in `ignored`.
    Raises ValueError when a shape does not fit the policy.
    """
    refusals = (*refusals_of(quality), *_domain_refusals(features, policy))
    if refusals and not ignore_quality:
        return CannotAssess(refusals[0])
    views = view_probabilities(logits, policy.calibration)
    return judged(probabilities(logits, policy.calibration), policy, views=views, ignored=refusals)


def judged(
    shares: FloatArray, policy: ReadingPolicy, *, views: FloatArray, ignored: tuple[Fault, ...] = ()
) -> Assessed:
    """Judge calibrated probabilities (classes,) by the policy; `views` (views, classes) are those of each view alone.

    Whoever the reader is: the cuts are on calibrated probabilities.
    """
    by_class = {dx: float(share) for dx, share in zip(policy.classes, shares, strict=True)}
    predicted = decide(shares, policy)
    could_be = conformal_set(by_class, policy.conformal)
    agreement = [decide(view, policy) for view in views].count(predicted) / len(views)
    triage, raised_by = _judge(by_class, policy, predicted, could_be, agreement)
    return Assessed(
        triage=triage,
        predicted=predicted,
        probabilities=by_class,
        malignancy=malignancy_of(by_class),
        could_be=could_be,
        confidence=max(by_class.values()),
        view_agreement=agreement,
        raised_by=raised_by,
        ignored=ignored,
    )


def refusals_of(quality: QualityReport | None) -> tuple[Fault, ...]:
    """What the quality verdict refuses; nothing when quality was not measured."""
    return () if quality is None else quality.refusals


def malignancy_of(by_class: dict[LesionClass, float]) -> float:
    """Sum of the malignant classes' probabilities, at most 1."""
    return min(1.0, sum(share for dx, share in by_class.items() if dx in MALIGNANT))


def conformal_set(by_class: dict[LesionClass, float], conformal: Conformal) -> tuple[LesionClass, ...]:
    """The classes that the image could be, most probable first; the most probable one always belongs to it.

    Class-conditional (Mondrian) conformal prediction, Vovk 2012: each class is held to its own quantile.
    """
    limits = dict(zip(by_class, conformal.quantiles, strict=True))
    ranked = sorted(by_class, key=lambda dx: -by_class[dx])
    return tuple(dx for dx in ranked if dx is ranked[0] or 1.0 - by_class[dx] <= limits[dx])


def triage_at(by_class: dict[LesionClass, float], points: tuple[OperatingPoint, ...]) -> Triage:
    """The most severe triage among the operating points that these probabilities reach; low concern when none."""
    scores = {MALIGNANCY: malignancy_of(by_class), **{str(dx): share for dx, share in by_class.items()}}
    reached = (Triage(point.triage) for point in points if scores[point.score] >= point.threshold)
    return max(reached, key=SEVERITY.__getitem__, default=Triage.LOW_CONCERN)


def worklist_key(outcome: Outcome) -> tuple[int, float]:
    """Sorts a worklist ascending: cannot-assess first, then by triage, within it the most malignant first."""
    if isinstance(outcome, CannotAssess):
        return (-1 - max(SEVERITY.values()), 0.0)
    return (-SEVERITY[outcome.triage], -outcome.malignancy)


def _domain_refusals(features: npt.NDArray[np.integer], policy: ReadingPolicy) -> tuple[Fault, ...]:
    if policy.domain is not None and is_out_of_domain(features, policy.domain):
        return (OUT_OF_DOMAIN,)
    return ()


def decide(shares: FloatArray, policy: ReadingPolicy) -> LesionClass:
    """The class with the largest product of probability and decision weight; `shares` (classes,)."""
    return policy.classes[int(np.argmax(shares * np.asarray(policy.decision_weights)))]


def _judge(
    by_class: dict[LesionClass, float],
    policy: ReadingPolicy,
    predicted: LesionClass,
    could_be: tuple[LesionClass, ...],
    agreement: float,
) -> tuple[Triage, tuple[str, ...]]:
    base = triage_at(by_class, tuple(point for point in policy.operating_points if point.score == MALIGNANCY))
    raises = [
        (triage, rule)
        for triage, rule in (
            (triage_at(by_class, tuple(p for p in policy.operating_points if p.score != MALIGNANCY)), CLASS_CUT),
            *_doubts(predicted, could_be, agreement),
        )
        if SEVERITY[triage] > SEVERITY[base]
    ]
    triage = max((triage for triage, _ in raises), key=SEVERITY.__getitem__, default=base)
    return triage, tuple(rule for _, rule in raises)


def _doubts(
    predicted: LesionClass, could_be: tuple[LesionClass, ...], agreement: float
) -> Iterator[tuple[Triage, str]]:
    if predicted in MALIGNANT:
        yield Triage.REVIEW, PREDICTED_MALIGNANT
    if any(dx in MALIGNANT for dx in could_be):
        yield Triage.REVIEW, COULD_BE_MALIGNANT
    if agreement < AGREEMENT_AT_LEAST:
        yield Triage.REVIEW, VIEWS_DISAGREE
