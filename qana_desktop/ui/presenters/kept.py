"""What the Cases page says: lines of the worklist, a case's facts and its history, views, the age of the backup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from qana_desktop.triage.case import (
    Action,
    Case,
    ClinicalAssessment,
    Finding,
    ProofSource,
    Sex,
    SkinToneScale,
)
from qana_desktop.triage.diagnosis import FULL_NAMES, Diagnosis
from qana_desktop.triage.outcome import Assessed, Reading
from qana_desktop.triage.worklist import CaseState, Urgency, WorklistRow
from qana_desktop.ui.presenters.body_map import place_name
from qana_desktop.ui.presenters.entries import Group
from qana_desktop.ui.presenters.reading import group_word
from qana_desktop.ui.texts import tr, trn, two_digits

GROUPS: Mapping[Urgency, Group] = {
    Urgency.CANNOT_ASSESS: Group.CANNOT_ASSESS,
    Urgency.UNREAD: Group.UNREAD,
    Urgency.REVIEW_NOW: Group.REVIEW_NOW,
    Urgency.REVIEW: Group.REVIEW,
    Urgency.LOW_CONCERN: Group.LOW_CONCERN,
    Urgency.NO_IMAGE: Group.UNREAD,
}
BACKUP_LATE = timedelta(days=7)
"""From this age on, the backup's light says so."""


@dataclass(frozen=True)
class OpenCase:
    """A case with what is shown beside it: all cases of its lesion, oldest first, and the names of users by id."""

    case: Case
    history: tuple[Case, ...]
    people: Mapping[str, str]

    def by(self, user: str) -> str:
        """Return the name of a user."""
        return self.people.get(user, tr("someone unknown"))


def row_group(row: WorklistRow, *, hidden: bool) -> Group:
    """Return whose shape stands in a line; hidden answers show as unread, except those that nobody could read."""
    group = GROUPS[row.urgency]
    return Group.UNREAD if hidden and group is not Group.CANNOT_ASSESS else group


def row_title(row: WorklistRow) -> str:
    """Return whose lesion it is."""
    return f"{row.pseudonym} · {place_name(row.body_site)}" if row.body_site else row.pseudonym


def case_title(case: Case) -> str:
    """Return whose lesion a case is about."""
    pseudonym, site = case.patient.value.pseudonym, case.lesion.value.body_site
    return f"{pseudonym} · {place_name(site)}" if site else pseudonym


def row_line(row: WorklistRow, now: datetime, *, hidden: bool) -> str:
    """Return what was found, how long it has waited, and whether someone answers for it."""
    word = group_word(row_group(row, hidden=hidden)) if not hidden else tr("Not yet assessed")
    if not hidden and row.urgency is Urgency.NO_IMAGE:
        word = tr("No image")
    if not hidden and row.predicted:
        word = f"{word} · {_class_word(row.predicted)}"
    parts = [word, waiting(row.opened, now) if row.state is not CaseState.SIGNED else state_word(row.state)]
    if row.state is CaseState.AMENDED:
        parts.append(state_word(row.state))
    if row.proven:
        parts.append(tr("proven"))
    return " · ".join(parts)


def _class_word(code: str) -> str:
    """Return the name of a class by its code; of a clinic's own class, the line has the code alone."""
    return tr(FULL_NAMES[Diagnosis(code)]) if code in set(Diagnosis) else code


def row_number(row: WorklistRow, *, hidden: bool) -> str:
    """Return the malignancy number of a line, "" without one."""
    return "" if hidden or row.malignancy is None else two_digits(row.malignancy)


def state_word(state: CaseState) -> str:
    """Return whether someone answers for a case."""
    return {
        CaseState.OPEN: tr("open"),
        CaseState.SIGNED: tr("signed"),
        CaseState.AMENDED: tr("changed since it was signed"),
    }[state]


def waiting(opened: str, now: datetime) -> str:
    """Return how long ago something was, in the coarsest unit that says it."""
    age = now - _moment(opened)
    if age < timedelta(minutes=1):
        return tr("just now")
    if age < timedelta(hours=1):
        return trn(age // timedelta(minutes=1), "{n} minute", "{n} minutes")
    if age < timedelta(days=1):
        return trn(age // timedelta(hours=1), "{n} hour", "{n} hours")
    return trn(age.days, "{n} day", "{n} days")


def day_of(moment: str) -> str:
    """Return the day and the minute of an ISO time, in this computer's zone."""
    return _moment(moment).astimezone().strftime("%Y-%m-%d %H:%M")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def backup_line(age: timedelta | None) -> tuple[str, bool]:
    """Return what is said of the last good backup, and whether that is as it should be."""
    if age is None:
        return tr("Never backed up"), False
    if age < timedelta(days=1):
        return tr("Backed up today"), True
    return trn(age.days, "Backed up {n} day ago", "Backed up {n} days ago"), age < BACKUP_LATE


# --- a case ---


def action_word(action: Action) -> str:
    """Return what is to be done."""
    return {
        Action.EXCISE: tr("Excise"),
        Action.BIOPSY: tr("Biopsy"),
        Action.REFER: tr("Refer"),
        Action.MONITOR: tr("Follow up"),
        Action.TREAT: tr("Treat"),
        Action.NONE: tr("Nothing"),
    }[action]


def source_word(source: ProofSource) -> str:
    """Return where a proof comes from."""
    return {
        ProofSource.HISTOLOGY: tr("Histology"),
        ProofSource.CONFOCAL: tr("Confocal microscopy"),
        ProofSource.FOLLOW_UP: tr("Follow-up"),
        ProofSource.TWO_EXPERTS: tr("Two experts"),
        ProofSource.SINGLE_OPINION: tr("Single opinion"),
    }[source]


def sex_word(sex: Sex) -> str:
    """Return a sex as stated."""
    return {Sex.FEMALE: tr("female"), Sex.MALE: tr("male"), Sex.OTHER: tr("other")}[sex]


def finding_word(finding: Finding) -> str:
    """Return a finding in words."""
    name = tr(FULL_NAMES[finding.diagnosis]) if finding.diagnosis is not None else ""
    return " · ".join(part for part in (name, finding.words) if part)


def assessment_line(value: ClinicalAssessment) -> str:
    """Return an opinion in one line."""
    parts = [finding_word(value.finding), action_word(value.action)]
    if value.abcd is not None:
        parts.append(tr("ABCD {total:.1f}", total=value.abcd.total))
    if value.seven_point is not None:
        parts.append(tr("7-point {total}", total=value.seven_point.total))
    parts += [part for part in (value.override_reason, value.note) if part]
    return " · ".join(parts)


def patient_line(case: Case) -> str:
    """Return what is known of the patient."""
    patient, tone = case.patient.value, case.skin_tone
    parts: list[str] = []
    if patient.name:
        parts.append(patient.name)
    if patient.birth_year is not None:
        parts.append(tr("born {year}", year=patient.birth_year))
    if patient.sex is not None:
        parts.append(sex_word(patient.sex))
    if tone is not None:
        scale = tr("Fitzpatrick") if tone.value.scale is SkinToneScale.FITZPATRICK else tr("Monk")
        parts.append(f"{scale} {tone.value.value}")
    return " · ".join(parts)


def latest_reading(case: Case) -> Reading | None:
    """Return the reading that leads: the newest of the image that is most urgent to look at."""
    readings = [image.readings[-1].value for image in case.images if image.readings]
    return min(readings, key=_most_urgent_first, default=None)


def _most_urgent_first(reading: Reading) -> float:
    return -reading.outcome.malignancy if isinstance(reading.outcome, Assessed) else -2.0


def departs(finding: Finding, reading: Reading | None) -> bool:
    """Whether a finding is another one than the reading's: then a reason is asked for."""
    outcome = reading.outcome if reading is not None else None
    return isinstance(outcome, Assessed) and finding.diagnosis is not outcome.predicted


def hides_answer(case: Case, user: str | None, *, clinician_first: bool) -> bool:
    """Whether the network's answer waits for this person's own; once the case is signed, it no longer does."""
    if not clinician_first or case.sign_offs:
        return False
    return user not in opinions_by(case)


def opinions_by(case: Case) -> set[str]:
    """Return who has entered an opinion on a case."""
    return {first.by for first in case.assessments} | {second.by for second in case.second_readings}


@dataclass(frozen=True)
class Event:
    """A line of a case's history."""

    when: str
    what: str


def history_of(opened: OpenCase, *, hidden: bool) -> list[Event]:
    """Return what happened to the lesion, newest first; answers of the network only when they may be seen."""
    events = [event for case in opened.history for event in _events(opened, case, hidden=hidden)]
    return sorted(events, key=lambda event: event.when, reverse=True)


def _events(opened: OpenCase, case: Case, *, hidden: bool) -> list[Event]:
    images = trn(len(case.images), "{n} image", "{n} images")
    found = [Event(case.encounter.value.opened, tr("Visit: {images}", images=images))]
    if not hidden:
        for image in case.images:
            found += [Event(filed.at, _reading_line(filed.value)) for filed in image.readings]
    for assessment in case.assessments:
        line = tr("{name}: {line}", name=opened.by(assessment.by), line=assessment_line(assessment.value))
        found.append(Event(assessment.at, line))
    for second in case.second_readings:
        word = tr("agrees") if second.value.agrees else tr("does not agree")
        line = f"{finding_word(second.value.finding)} · {action_word(second.value.action)} · {word}"
        found.append(Event(second.at, tr("Second reading, {name}: {line}", name=opened.by(second.by), line=line)))
    for signed in case.sign_offs:
        found.append(Event(signed.at, tr("Signed off by {name}", name=opened.by(signed.by))))
    for outcome in case.outcomes:
        line = f"{finding_word(outcome.value.finding)} · {source_word(outcome.value.source)} {outcome.value.reported}"
        found.append(Event(outcome.at, tr("Outcome: {line}", line=line)))
    return list(dict.fromkeys(found))


def _reading_line(reading: Reading) -> str:
    outcome = reading.outcome
    engine = reading.provenance.engine if reading.provenance is not None else ""
    if not isinstance(outcome, Assessed):
        return tr("Read: cannot assess. {why}", why=outcome.reason.message)
    word, name = group_word(Group(outcome.triage.value)), tr(FULL_NAMES[outcome.predicted])
    number = two_digits(outcome.malignancy)
    return tr("Read on {engine}: {word}, {name}, {number}", engine=engine, word=word, name=name, number=number)


def change_word(what: str) -> str:
    """Return what a change in the store was, as undo and redo name it."""
    return {
        "keep images": tr("keep images"),
        "add a patient": tr("enter a patient"),
        "add a lesion": tr("enter a lesion"),
        "add a case": tr("enter a case"),
        "add an image": tr("add an image"),
        "add a reading": tr("add a reading"),
        "enter the skin tone": tr("enter the skin tone"),
        "tag a case": tr("label a case"),
        "correct tags": tr("label a case"),
        "enter an outcome": tr("enter an outcome"),
        "assess a case": tr("assess a case"),
        "read a case second": tr("enter a second reading"),
        "sign a case off": tr("sign a case off"),
        "correct assessment": tr("change an assessment"),
    }.get(what, what)
