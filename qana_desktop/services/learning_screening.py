"""Decides whether a case may be proposed, and whether a second person has to look: rules on values, nothing else.

A case is refused that the network cannot read, that is there already in any form, that belongs to a holdout, or whose
diagnosis is nothing but the network's own answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from qana_desktop.learning.holdouts import NEAR, FeatureHoldout, Role, overlaps
from qana_desktop.learning.memory import LocalCase
from qana_desktop.services import learning_faults as faults
from qana_desktop.services.learning_pictures import same_picture
from qana_desktop.services.learning_queue import STANDING, Queued
from qana_desktop.triage.case import ProofSource
from qana_desktop.triage.diagnosis import MALIGNANT, LesionClass, read_out
from qana_desktop.triage.outcome import Assessed, CannotAssess, Outcome

CONFIDENT: Final = 0.8
"""A network that gives its most probable class at least this much is confident."""


class Second(StrEnum):
    """Why a second person has to confirm a proposal."""

    NOT_NEEDED = ""
    MALIGNANT = "malignant"
    AGAINST_NETWORK = "against-network"
    SINGLE_OPINION = "single-opinion"


@dataclass(frozen=True, eq=False)
class Candidate:
    """A case that somebody wants to propose. `answers` are what networks said of the image, the newest last.

    `pictures` are the perceptual hashes in all orientations.
    """

    case: LocalCase
    sha256: str
    pictures: tuple[str, ...]
    source: ProofSource
    answers: tuple[Outcome, ...]


def check_label(label: LesionClass, source: ProofSource, answers: Sequence[Outcome]) -> None:
    """Raise ProposalRefused for a diagnosis that is the network's own answer, accepted by one person."""
    if source is ProofSource.SINGLE_OPINION and any(answer.predicted == label for answer in _assessed(answers)):
        raise faults.own_answer()


def check_class(label: str, queue: Iterable[Queued]) -> None:
    """Raise ProposalRefused for a new class that stands in the queue with another name or kind (`written_out`)."""
    code = str(read_out(label))
    if any(str(other.label) == code and other.row.label != label for other in queue if other.state in STANDING):
        raise faults.other_class(code)


def check_readable(outcome: Outcome) -> None:
    """Raise ProposalRefused for an image that the factory version cannot assess: quality, or not of its kind."""
    if isinstance(outcome, CannotAssess):
        fault = outcome.reason
        raise faults.not_proposed(fault.code, fault.message, fault.remedy)


def check_new(candidate: Candidate, queue: Iterable[Queued]) -> None:
    """Raise ProposalRefused for a picture that stands in the queue already, in whatever form."""
    for other in queue:
        if other.state not in STANDING:
            continue
        if other.row.sha256 == candidate.sha256:
            raise faults.duplicate_file()
        if same_picture(other.row.picture, candidate.pictures):
            raise faults.duplicate_picture(other.row.lesion)
        if _as_close(other.case, candidate.case):
            raise faults.duplicate_features(other.row.lesion)


def check_apart(candidate: Candidate, role: Role, queue: Iterable[Queued], holdout: FeatureHoldout) -> None:
    """Raise ProposalRefused for a case that a holdout has already, or that would join both sides."""
    others = [each for each in queue if each.state in STANDING and each.role is not role]
    for overlap in overlaps([candidate.case], [each.case for each in others]):
        raise faults.holdout_overlap(overlap.sentence)
    if candidate.case.features.shape[1:] != holdout.features.shape[2:]:
        return
    gaps = np.abs(holdout.features.mean(axis=1) - candidate.case.features.mean(axis=0)).mean(axis=1)
    if gaps.min() <= NEAR:
        sentence = "The picture is one of the factory's test cases."
        raise faults.holdout_overlap(sentence)


def second_person(label: LesionClass, source: ProofSource, answers: Sequence[Outcome]) -> Second:
    """Why a second person has to confirm, the weightiest reason; `NOT_NEEDED` where one is enough."""
    if label in MALIGNANT:
        return Second.MALIGNANT
    if any(answer.confidence >= CONFIDENT and _most_probable(answer) != label for answer in _assessed(answers)):
        return Second.AGAINST_NETWORK
    return Second.SINGLE_OPINION if source is ProofSource.SINGLE_OPINION else Second.NOT_NEEDED


def _assessed(answers: Sequence[Outcome]) -> tuple[Assessed, ...]:
    return tuple(answer for answer in answers if isinstance(answer, Assessed))


def _most_probable(answer: Assessed) -> LesionClass:
    return max(answer.probabilities, key=lambda dx: answer.probabilities[dx])


def _as_close(one: LocalCase, other: LocalCase) -> bool:
    if one.features.shape != other.features.shape:
        return False
    return bool(np.abs(one.features.mean(axis=0) - other.features.mean(axis=0)).mean() <= NEAR)
