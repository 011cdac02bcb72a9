"""One lesion over the years: its images, readings, opinions, proven outcomes, by day, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from qana_desktop.system.figures import day
from qana_desktop.triage.case import Case, Filed, FiledImage, Finding, ProvenOutcome
from qana_desktop.triage.diagnosis import FULL_NAMES
from qana_desktop.triage.outcome import Assessed, Reading
from qana_desktop.ui.presenters.entries import Group, group_of
from qana_desktop.ui.presenters.reading import group_word
from qana_desktop.ui.texts import said, tr, two_digits


@dataclass(frozen=True)
class Event:
    """One line of the timeline. `when` is ISO 8601 and orders, `key` is the image's entity or "" for other things.

    `network` names the bundle of a reading. `group` is None where nothing was triaged.
    """

    when: str
    title: str
    detail: str = ""
    key: str = ""
    group: Group | None = None
    number: str = ""
    network: str = ""

    @property
    def day(self) -> str:
        """The day as it is written here."""
        return written_day(self.when)

    @property
    def line(self) -> str:
        """Everything in two lines."""
        number = f" {self.number}" if self.number else ""
        first = f"{self.day} · {self.title}{number}"
        return "\n".join(part for part in (first, self.detail) if part)


def timeline(cases: Iterable[Case], hides: Callable[[Case], bool] = lambda _case: False) -> tuple[Event, ...]:
    """Return the events of all encounters of one lesion, newest first; `hides` says whose answers stay hidden."""
    events: list[Event] = []
    outcomes: dict[str, Filed[ProvenOutcome]] = {}
    for case in cases:
        if case.encounter.withdrawn:
            continue
        outcomes |= {filed.entity: filed for filed in case.outcomes if not filed.withdrawn}
        for image in case.images:
            if not image.image.withdrawn:
                events += [_unanswered(image)] if hides(case) else _of_image(image)
        events += [
            Event(
                filed.at,
                tr("Assessed: {finding}", finding=_finding(filed.value.finding)),
                filed.value.note,
            )
            for filed in case.assessments
            if not filed.withdrawn
        ]
    events += [
        Event(
            filed.value.reported,
            tr("Proven: {finding}", finding=_finding(filed.value.finding)),
            tr("By {source}", source=source_word(filed.value.source.value)),
        )
        for filed in outcomes.values()
    ]
    return tuple(sorted(events, key=lambda event: event.when, reverse=True))


def networks_sentence(events: Sequence[Event]) -> str:
    """Say that numbers of different networks stand in one timeline, "" when one network gave all."""
    networks = {event.network for event in events if event.number}
    if len(networks) < 2:
        return ""
    return tr("{count} networks gave these readings: compare numbers of one bundle only.", count=len(networks))


def source_word(source: str) -> str:
    """Return the name of a proof."""
    return {
        "histology": tr("histology"),
        "confocal": tr("confocal microscopy"),
        "follow_up": tr("follow-up"),
        "two_experts": tr("two experts"),
        "single_opinion": tr("a single opinion"),
    }.get(source, source)


def written_day(when: str) -> str:
    """Return the day of an ISO 8601 time here; a text that is none stays as it is."""
    try:
        at = datetime.fromisoformat(when)
    except ValueError:
        return when
    local = at.astimezone() if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return day(local.date())


def _unanswered(image: FiledImage) -> Event:
    return Event(_taken(image), tr("Image"), key=image.image.entity, group=Group.UNREAD)


def _taken(image: FiledImage) -> str:
    return image.image.value.facts.captured_at or image.image.at


def _of_image(image: FiledImage) -> list[Event]:
    taken = _taken(image)
    readings = [filed.value for filed in image.readings if not filed.withdrawn]
    if not readings:
        return [Event(taken, tr("Image, not read"), key=image.image.entity, group=Group.UNREAD)]
    last = _of_reading(readings[-1], taken, image.image.entity)
    if len(readings) == 1:
        return [last]
    return [last, *(_of_reading(reading, reading.when, image.image.entity, again=True) for reading in readings[:-1])]


def _of_reading(reading: Reading, when: str, key: str, *, again: bool = False) -> Event:
    network = reading.provenance.bundle[:12] if reading.provenance is not None else ""
    title = group_word(group_of(reading))
    outcome = reading.outcome
    detail = said(outcome.reason.message) if not isinstance(outcome, Assessed) else tr(FULL_NAMES[outcome.predicted])
    if network:
        detail = tr("{detail} · bundle {bundle}", detail=detail, bundle=network)
    if again:
        title = tr("Earlier reading: {answer}", answer=title)
    number = two_digits(outcome.malignancy) if isinstance(outcome, Assessed) else ""
    return Event(when, title, detail, key, group_of(reading), number, network)


def _finding(finding: Finding) -> str:
    named = tr(FULL_NAMES[finding.diagnosis]) if finding.diagnosis is not None else ""
    return ", ".join(part for part in (named, finding.words) if part)
