"""Cases as a whole: put together from records, and kept as one line each for a fast worklist."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

import sqlalchemy as sa

from qana_desktop.store import records
from qana_desktop.store.faults import RecordMissing
from qana_desktop.store.schema import ENTITY, RECORD, WORKLIST
from qana_desktop.triage.case import (
    Case,
    CaseImage,
    ClinicalAssessment,
    Encounter,
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
_ANSWERED_FOR: Final = tuple(str(kind) for kind in (Kind.IMAGE, Kind.ASSESSMENT, Kind.SECOND_READING))


def read_case(connection: sa.Connection, encounter: str) -> Case:
    """Return a case in its current versions; raises RecordMissing, also when its patient or lesion was withdrawn."""
    visit = records.current(connection, Encounter, encounter)
    lesion = records.current(connection, Lesion, visit.parent or "")
    patient = records.current(connection, Patient, lesion.parent or "")
    images = records.children(connection, CaseImage, [encounter])
    readings = records.children(connection, Reading, [image.entity for image in images])
    tones = records.children(connection, SkinTone, [patient.entity])
    tags = records.children(connection, Tags, [encounter])
    return Case(
        patient=patient,
        skin_tone=tones[-1] if tones else None,
        lesion=lesion,
        outcomes=records.children(connection, ProvenOutcome, [lesion.entity]),
        encounter=visit,
        images=tuple(
            FiledImage(image, tuple(reading for reading in readings if reading.parent == image.entity))
            for image in images
        ),
        assessments=records.children(connection, ClinicalAssessment, [encounter]),
        second_readings=records.children(connection, SecondReading, [encounter]),
        sign_offs=records.children(connection, SignOff, [encounter]),
        tags=tags[-1] if tags else None,
        entered_until=_entered_until(connection, encounter),
    )


def _entered_until(connection: sa.Connection, encounter: str) -> int:
    own = sa.select(ENTITY.c.id).where(ENTITY.c.parent == encounter, ENTITY.c.kind.in_(_ANSWERED_FOR))
    images = sa.select(ENTITY.c.id).where(ENTITY.c.parent == encounter, ENTITY.c.kind == str(Kind.IMAGE))
    readings = sa.select(ENTITY.c.id).where(ENTITY.c.parent.in_(images))
    ids = sa.union_all(sa.select(sa.literal(encounter)), own, readings)
    return int(connection.execute(sa.select(sa.func.max(RECORD.c.seq)).where(RECORD.c.entity.in_(ids))).scalar_one())


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
    row = connection.execute(sa.select(ENTITY.c.parent).where(ENTITY.c.id == entity)).one()
    parent = connection.execute(sa.select(ENTITY.c.kind).where(ENTITY.c.id == row.parent)).scalar_one()
    return encounters_of(connection, Kind(parent), row.parent)


def refresh_worklist(connection: sa.Connection, encounters: Iterable[str]) -> None:
    """Write the lines of these encounters anew, or remove them when there is no such case any more."""
    for encounter in encounters:
        connection.execute(sa.delete(WORKLIST).where(WORKLIST.c.encounter == encounter))
        values = line_of(connection, encounter)
        if values is not None:
            connection.execute(sa.insert(WORKLIST).values(values))


def line_of(connection: sa.Connection, encounter: str) -> dict[str, Any] | None:
    """Return the columns of an encounter's line; None when it has none."""
    try:
        row = summarise(read_case(connection, encounter))
    except RecordMissing:
        return None
    return {**asdict(row), "urgency": int(row.urgency), "state": str(row.state), "tags": _TAG_SEPARATOR.join(row.tags)}


def worklist(connection: sa.Connection, query: WorklistQuery) -> tuple[WorklistRow, ...]:
    """Return one page, most urgent first, then oldest first."""
    order = (WORKLIST.c.urgency, WORKLIST.c.opened, WORKLIST.c.encounter)
    statement = _filtered(sa.select(WORKLIST), query)
    if query.after is not None:
        place = (query.after.urgency, query.after.opened, query.after.encounter)
        statement = statement.where(sa.tuple_(*order) > place)
    found = connection.execute(statement.order_by(*order).limit(query.limit))
    return tuple(_row(row) for row in found)


def count_worklist(connection: sa.Connection, query: WorklistQuery) -> int:
    """Return how many cases pass the filters, whatever page is asked for."""
    return int(connection.execute(_filtered(sa.select(sa.func.count()).select_from(WORKLIST), query)).scalar_one())


def all_encounters(connection: sa.Connection) -> tuple[str, ...]:
    """Return the ids of all encounters that were ever entered."""
    found = connection.execute(sa.select(ENTITY.c.id).where(ENTITY.c.kind == str(Kind.ENCOUNTER)))
    return tuple(found.scalars())


def _filtered(statement: sa.Select[Any], query: WorklistQuery) -> sa.Select[Any]:
    if query.urgencies:
        statement = statement.where(WORKLIST.c.urgency.in_([int(urgency) for urgency in query.urgencies]))
    if query.states:
        statement = statement.where(WORKLIST.c.state.in_([str(state) for state in query.states]))
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
