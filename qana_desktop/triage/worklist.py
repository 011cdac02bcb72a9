"""The worklist: what a reader sees of each case in one line, and in which order. Rules, no storage."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from qana_desktop.triage.case import Case, FiledImage
from qana_desktop.triage.outcome import Assessed, Outcome, Triage


class Urgency(IntEnum):
    """Order of the worklist. What no network could judge, or none has seen yet, comes before everything else."""

    CANNOT_ASSESS = 0
    UNREAD = 1
    REVIEW_NOW = 2
    REVIEW = 3
    LOW_CONCERN = 4
    NO_IMAGE = 5


class CaseState(StrEnum):
    """Whether someone answers for the case. `AMENDED`: something was added or changed after the last sign-off."""

    OPEN = "open"
    SIGNED = "signed"
    AMENDED = "amended"


@dataclass(frozen=True)
class WorklistRow:
    """One case. `malignancy` and `predicted` are of the most urgent image; `words` is what a search looks through."""

    encounter: str
    patient: str
    pseudonym: str
    lesion: str
    body_site: str
    opened: str
    urgency: Urgency
    malignancy: float | None
    predicted: str
    state: CaseState
    proven: bool
    images: int
    tags: tuple[str, ...]
    words: str


@dataclass(frozen=True)
class Cursor:
    """A place in the worklist: the next page starts after it."""

    urgency: int
    opened: str
    encounter: str


@dataclass(frozen=True)
class WorklistQuery:
    """Which cases, how many. Empty filters let everything through; `text` is searched anywhere, in any case.

    A page starts after the case at `after`, or after so many cases (`offset`). `tag` is a whole label.
    """

    text: str = ""
    urgencies: tuple[Urgency, ...] = ()
    states: tuple[CaseState, ...] = ()
    after: Cursor | None = None
    limit: int = 100
    offset: int = 0
    tag: str = ""


def cursor_of(row: WorklistRow) -> Cursor:
    """Return the place of a row."""
    return Cursor(row.urgency, row.opened, row.encounter)


def summarise(case: Case) -> WorklistRow:
    """Return the line of a case: its most urgent image decides, each image by its latest reading."""
    urgency, leading = min(
        (_urgency_of(image) for image in case.images), default=(Urgency.NO_IMAGE, None), key=_most_urgent_first
    )
    patient, tags = case.patient.value, case.tags.value.labels if case.tags else ()
    words = (patient.pseudonym, patient.name or "", case.lesion.value.body_site, case.encounter.value.reason, *tags)
    return WorklistRow(
        encounter=case.encounter.entity,
        patient=case.patient.entity,
        pseudonym=patient.pseudonym,
        lesion=case.lesion.entity,
        body_site=case.lesion.value.body_site,
        opened=case.encounter.value.opened,
        urgency=urgency,
        malignancy=leading.malignancy if isinstance(leading, Assessed) else None,
        predicted=str(leading.predicted) if isinstance(leading, Assessed) else "",
        state=state_of(case),
        proven=bool(case.outcomes),
        images=len(case.images),
        tags=tags,
        words="\n".join(words).casefold(),
    )


def state_of(case: Case) -> CaseState:
    """Return whether the case is signed as it stands. Tags and proven outcomes arrive later and amend nothing."""
    if not case.sign_offs:
        return CaseState.OPEN
    signed = max(sign_off.seq for sign_off in case.sign_offs)
    return CaseState.SIGNED if case.entered_until < signed else CaseState.AMENDED


def _urgency_of(image: FiledImage) -> tuple[Urgency, Outcome | None]:
    if not image.readings:
        return Urgency.UNREAD, None
    outcome = image.readings[-1].value.outcome
    return (_OF_TRIAGE[outcome.triage] if isinstance(outcome, Assessed) else Urgency.CANNOT_ASSESS), outcome


def _most_urgent_first(found: tuple[Urgency, Outcome | None]) -> tuple[int, float]:
    urgency, outcome = found
    return urgency, -outcome.malignancy if isinstance(outcome, Assessed) else 0.0


_OF_TRIAGE = {
    Triage.REVIEW_NOW: Urgency.REVIEW_NOW,
    Triage.REVIEW: Urgency.REVIEW,
    Triage.LOW_CONCERN: Urgency.LOW_CONCERN,
}
