"""One line of the worklist: an image that a person brought, whether it was read, and how urgent it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from qana_desktop.services.sources import ImageSource
from qana_desktop.triage.outcome import Assessed, CannotAssess, Reading, Triage


class Group(StrEnum):
    """The groups of the worklist, in their order: what needs a person most stands on top.

    Unread images stand above low concern: nobody knows yet what they show.
    """

    CANNOT_ASSESS = "cannot_assess"
    REVIEW_NOW = "review_now"
    REVIEW = "review"
    UNREAD = "unread"
    LOW_CONCERN = "low_concern"


RANK: dict[Group, int] = {group: rank for rank, group in enumerate(Group)}

_OF_TRIAGE = {
    Triage.REVIEW_NOW: Group.REVIEW_NOW,
    Triage.REVIEW: Group.REVIEW,
    Triage.LOW_CONCERN: Group.LOW_CONCERN,
}


@dataclass(frozen=True)
class Entry:
    """An image in the list. `readings` only grows; the last one is shown. `waiting` says that it is in the queue.

    `key` names the content or the resolved path, so that the same file is noticed; `same_as` is the label of an earlier
    image with the same content. `kept` says that the last reading is in the case store, `hidden` that the answer
    waits for the clinician's own. `entry_id` counts up in the order of arrival.
    """

    entry_id: int
    source: ImageSource
    key: str
    readings: tuple[Reading, ...] = ()
    waiting: bool = False
    same_as: str | None = None
    kept: bool = False
    hidden: bool = False

    @property
    def title(self) -> str:
        """The name in the list: the file's name without its folders, or the label."""
        return self.source.path.name if self.source.path is not None else self.source.label

    @property
    def reading(self) -> Reading | None:
        """The reading that is shown: the last one."""
        return self.readings[-1] if self.readings else None

    @property
    def group(self) -> Group:
        """Where the image stands in the worklist."""
        reading = self.reading
        if reading is None:
            return Group.UNREAD
        return group_of(reading)

    @property
    def shown_group(self) -> Group:
        """The group whose shape is shown: a hidden answer looks unread, but that nobody could read it is told."""
        return Group.UNREAD if self.hidden and self.group is not Group.CANNOT_ASSESS else self.group

    @property
    def order(self) -> tuple[int, float, int]:
        """Sort key: group, then malignancy from high to low, then arrival."""
        reading = self.reading
        malignancy = 0.0
        if reading is not None and isinstance(reading.outcome, Assessed):
            malignancy = reading.outcome.malignancy
        return (RANK[self.group], -malignancy, self.entry_id)


def group_of(reading: Reading) -> Group:
    """Return the group that a reading belongs to."""
    outcome = reading.outcome
    if isinstance(outcome, CannotAssess):
        return Group.CANNOT_ASSESS
    return _OF_TRIAGE[outcome.triage]
