"""The queues of a clinic: cases that wait for a second reader, and "low concern" that is read again by chance.

A queue is a label of the case: it is on record who put it there and who took it away, and it can be undone.
"""

from __future__ import annotations

import random
from typing import Final

from qana_desktop.services.case_desk import CaseDesk
from qana_desktop.triage.case import Case, Tags
from qana_desktop.triage.outcome import Assessed, Reading, Triage

SECOND_READING: Final = "second reading"
RE_READ: Final = "re-read"
QUEUES: Final = (SECOND_READING, RE_READ)
_DICE: Final = random.SystemRandom()


def drawn(reading: Reading, share: float, dice: random.Random = _DICE) -> bool:
    """Whether this reading is to be read again by a person: a share of "low concern", by chance, never the others."""
    outcome = reading.outcome
    low = isinstance(outcome, Assessed) and outcome.triage is Triage.LOW_CONCERN
    return low and dice.random() < share


def put_in(desk: CaseDesk, case: Case, queue: str) -> None:
    """Put a case into a queue, if it is not there."""
    labels = case.tags.value.labels if case.tags is not None else ()
    if queue not in labels:
        desk.set_tags(case.encounter.entity, Tags(tuple(sorted((*labels, queue)))))


def take_out(desk: CaseDesk, case: Case, queue: str) -> None:
    """Take a case out of a queue, if it is there."""
    if case.tags is not None and queue in case.tags.value.labels:
        left = tuple(label for label in case.tags.value.labels if label != queue)
        desk.set_tags(case.encounter.entity, Tags(left))
