"""Cases as a whole: put together from records, and kept as one line each for a fast worklist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import sqlalchemy as sa

from qana_desktop.store import records
from qana_desktop.store.faults import missing
from qana_desktop.store.records import Family
from qana_desktop.store.schema import ENTITY, RECORD, WORKLIST
from qana_desktop.triage.case import (
    PARENTS,
    Case,
    CaseImage,
    ClinicalAssessment,
    Encounter,
    Filed,
    FiledImage,
    Kind,
    Lesion,
    Patient,
    ProvenOutcome,
    SecondReading,
    SignOff,
    SkinTone,
    Tags,
)
from qana_desktop.triage.outcome import Reading
from qana_desktop.triage.worklist import CaseState, Urgency, WorklistQuery, WorklistRow, summarise

_TAG_SEPARATOR: Final = "\n"
_BATCH: Final = 500
_BELOW: Final = tuple(kind for kind, parent in PARENTS.items() if parent is not None and kind is not Kind.READING)
_ANSWERED_FOR: Final = tuple(str(kind) for kind in (Kind.IMAGE, Kind.ASSESSMENT, Kind.SECOND_READING))


def _last_records() -> tuple[sa.Select[Any], ...]:
    """Newest record of encounters themselves, of what is below them, and of readings below their images."""
    ids: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
    image = ENTITY.alias()
    own = sa.select(RECORD.c.entity, sa.func.max(RECORD.c.seq)).where(RECORD.c.entity.in_(ids))
    below = sa.select(ENTITY.c.parent, sa.func.max(RECORD.c.seq)).where(
        RECORD.c.entity == ENTITY.c.id, ENTITY.c.parent.in_(ids), ENTITY.c.kind.in_(_ANSWERED_FOR)
    )
    read = sa.select(image.c.parent, sa.func.max(RECORD.c.seq)).where(
        RECORD.c.entity == ENTITY.c.id,
        ENTITY.c.parent == image.c.id,
        ENTITY.c.kind == str(Kind.READING),
        image.c.parent.in_(ids),
    )
    return own.group_by(RECORD.c.entity), below.group_by(ENTITY.c.parent), read.group_by(image.c.parent)


_LAST_RECORDS: Final = _last_records()
_CHILD: Final = ENTITY.alias()
_PARENT: Final = sa.select(ENTITY.c.id, ENTITY.c.kind).where(
    ENTITY.c.id == _CHILD.c.parent, _CHILD.c.id == sa.bindparam("child")
)


def read_case(connection: sa.Connection, encounter: str) -> Case:
    """Return a case in its current versions; raises RecordMissing, also when its patient or lesion was withdrawn."""
    found = read_cases(connection, [encounter]).get(encounter)
    if found is None:
        raise missing("case")
    return found


def read_cases(connection: sa.Connection, encounters: Sequence[str]) -> dict[str, Case]:
    """Return many cases by their encounters, in a few statements for all; those that are withdrawn are left out."""
    visits = records.newest(connection, Encounter, encounters)
    lesions = records.newest(connection, Lesion, {visit.parent or "" for visit in visits.values()})
    patients = records.newest(connection, Patient, {lesion.parent or "" for lesion in lesions.values()})
    family = records.all_children(connection, _BELOW, [*visits, *lesions, *patients])
    images = [image.entity for visit in visits for image in family.of(CaseImage, visit)]
    readings = records.all_children(connection, [Kind.READING], images)
    entered = _entered_until(connection, list(visits))
    cases = {}
    for visit in visits.values():
        lesion = lesions.get(visit.parent or "")
        patient = patients.get(lesion.parent or "") if lesion else None
        if lesion is not None and patient is not None:
            cases[visit.entity] = _case(patient, lesion, visit, family, readings, entered[visit.entity])
    return cases


def _case(
    patient: Filed[Patient],
    lesion: Filed[Lesion],
    visit: Filed[Encounter],
    family: Family,
    readings: Family,
    entered_until: int,
) -> Case:
    tones, tags = family.of(SkinTone, patient.entity), family.of(Tags, visit.entity)
    images = family.of(CaseImage, visit.entity)
    return Case(
        patient=patient,
        skin_tone=tones[-1] if tones else None,
        lesion=lesion,
        outcomes=family.of(ProvenOutcome, lesion.entity),
        encounter=visit,
        images=tuple(FiledImage(image, readings.of(Reading, image.entity)) for image in images),
        assessments=family.of(ClinicalAssessment, visit.entity),
        second_readings=family.of(SecondReading, visit.entity),
        sign_offs=family.of(SignOff, visit.entity),
        tags=tags[-1] if tags else None,
        entered_until=entered_until,
    )


def _entered_until(connection: sa.Connection, encounters: list[str]) -> dict[str, int]:
    """The last record of what a sign-off answers for, withdrawn or not, of each encounter."""
    found = dict.fromkeys(encounters, 0)
    for statement in _LAST_RECORDS:
        for encounter, seq in connection.execute(statement, {"ids": encounters}):
            found[encounter] = max(found[encounter], seq)
    return found


def encounters_of(connection: sa.Connection, kind: Kind, entity: str) -> tuple[str, ...]:
    """Return the encounters whose line in the worklist depends on an entity, withdrawn ones too."""
    if kind is Kind.ENCOUNTER:
        return (entity,)
    if kind is Kind.PATIENT:
        return tuple(
            encounter
            for lesion in _ids_below(connection, entity, Kind.LESION)
            for encounter in _ids_below(connection, lesion, Kind.ENCOUNTER)
        )
    if kind is Kind.LESION:
        return _ids_below(connection, entity, Kind.ENCOUNTER)
    if kind is Kind.USER:
        return ()
    parent = connection.execute(_PARENT, {"child": entity}).one()
    return encounters_of(connection, Kind(parent.kind), parent.id)


def refresh_worklist(connection: sa.Connection, encounters: Iterable[str]) -> None:
    """Write the lines of these encounters anew, or remove them when there is no such case any more."""
    for some in _batches(tuple(encounters)):
        connection.execute(sa.delete(WORKLIST).where(WORKLIST.c.encounter.in_(some)))
        lines = list(lines_of(connection, some).values())
        if lines:
            connection.execute(sa.insert(WORKLIST), lines)


def lines_of(connection: sa.Connection, encounters: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the columns of the lines of those encounters that have one."""
    return {encounter: _line(case) for encounter, case in read_cases(connection, encounters).items()}


def _line(case: Case) -> dict[str, Any]:
    row = summarise(case)
    return {**asdict(row), "urgency": int(row.urgency), "state": str(row.state), "tags": _TAG_SEPARATOR.join(row.tags)}


def worklist(connection: sa.Connection, query: WorklistQuery) -> tuple[WorklistRow, ...]:
    """Return one page, most urgent first, then oldest first."""
    order = (WORKLIST.c.urgency, WORKLIST.c.opened, WORKLIST.c.encounter)
    statement = _filtered(sa.select(WORKLIST.c.encounter), query)
    if query.after is not None:
        place = (query.after.urgency, query.after.opened, query.after.encounter)
        statement = statement.where(sa.tuple_(*order) > place)
    page = statement.order_by(*order).limit(query.limit).offset(query.offset)
    found = connection.execute(sa.select(WORKLIST).where(WORKLIST.c.encounter.in_(page)).order_by(*order))
    return tuple(_row(row) for row in found)


def count_worklist(connection: sa.Connection, query: WorklistQuery) -> int:
    """Return how many cases pass the filters, whatever page is asked for."""
    return int(connection.execute(_filtered(sa.select(sa.func.count()).select_from(WORKLIST), query)).scalar_one())


def count_by_urgency(connection: sa.Connection, query: WorklistQuery) -> dict[Urgency, int]:
    """Return how many cases of each urgency pass the other filters."""
    statement = _filtered(sa.select(WORKLIST.c.urgency, sa.func.count()), replace(query, urgencies=()))
    found = {row[0]: int(row[1]) for row in connection.execute(statement.group_by(WORKLIST.c.urgency))}
    return {urgency: found.get(int(urgency), 0) for urgency in Urgency}


def standing(connection: sa.Connection, encounters: Sequence[str]) -> frozenset[str]:
    """Return which of these encounters have a line in the worklist."""
    found: set[str] = set()
    for some in _batches(tuple(encounters)):
        query = sa.select(WORKLIST.c.encounter).where(WORKLIST.c.encounter.in_(some))
        found |= set(connection.execute(query).scalars())
    return frozenset(found)


def all_encounters(connection: sa.Connection) -> tuple[tuple[str, ...], ...]:
    """Return the ids of all encounters that were ever entered, in batches of a size that is good to work with."""
    found = connection.execute(sa.select(ENTITY.c.id).where(ENTITY.c.kind == str(Kind.ENCOUNTER)))
    return tuple(_batches(tuple(found.scalars())))


def _batches(ids: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    return (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))


def _filtered(statement: sa.Select[Any], query: WorklistQuery) -> sa.Select[Any]:
    if query.urgencies:
        statement = statement.where(WORKLIST.c.urgency.in_([int(urgency) for urgency in query.urgencies]))
    if query.states:
        # For one state there is an index in the right order; for several, that of the whole list is walked, not sorted.
        state = WORKLIST.c.state if len(query.states) == 1 else WORKLIST.c.state.concat("")
        statement = statement.where(state.in_([str(wanted) for wanted in query.states]))
    if query.tag:
        # The first is in the index; only what passes it is looked up for the second, which is exact.
        statement = statement.where(WORKLIST.c.words.contains(query.tag.casefold(), autoescape=True))
        labels = _TAG_SEPARATOR + WORKLIST.c.tags + _TAG_SEPARATOR
        statement = statement.where(labels.contains(f"{_TAG_SEPARATOR}{query.tag}{_TAG_SEPARATOR}", autoescape=True))
    for word in query.text.casefold().split():
        statement = statement.where(WORKLIST.c.words.contains(word, autoescape=True))
    return statement


def _ids_below(connection: sa.Connection, parent: str, kind: Kind) -> tuple[str, ...]:
    found = connection.execute(sa.select(ENTITY.c.id).where(ENTITY.c.parent == parent, ENTITY.c.kind == str(kind)))
    return tuple(found.scalars())


def _row(row: sa.Row[Any]) -> WorklistRow:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name
    values["urgency"], values["state"] = Urgency(row.urgency), CaseState(row.state)
    values["tags"] = tuple(row.tags.split(_TAG_SEPARATOR)) if row.tags else ()
    return WorklistRow(**values)
