"""Finds the cases of the store whose diagnosis is proven and which are not in the queue yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from qana_desktop.services.learning_desk import NewProposal
from qana_desktop.services.learning_queue import read_queue
from qana_desktop.store import records
from qana_desktop.store.schema import ENTITY
from qana_desktop.triage.case import CaseImage, Encounter, Kind, Lesion, Patient, ProofSource, ProvenOutcome
from qana_desktop.triage.diagnosis import LesionClass

MOST: Final = 500


@dataclass(frozen=True)
class CandidateImage:
    """An image of a lesion with a proven diagnosis: what could be proposed, as it would be."""

    image: str
    sha256: str
    pseudonym: str
    label: LesionClass
    source: ProofSource
    reported: str

    def proposal(self, *, consent: bool) -> NewProposal:
        """Return the proposal; `consent` is the patient's."""
        return NewProposal(self.image, self.label, self.source, self.reported, consent)


def candidates(connection: sa.Connection) -> tuple[CandidateImage, ...]:
    """Return at most `MOST`, newest outcome first. What was ever proposed is left out, also when it was withdrawn."""
    newest = sa.select(ENTITY.c.id).where(ENTITY.c.kind == str(Kind.OUTCOME), ~ENTITY.c.withdrawn)
    ids = connection.execute(newest.order_by(sa.text("rowid DESC")).limit(MOST)).scalars().all()
    outcomes = records.newest(connection, ProvenOutcome, ids)
    proven = {one.parent or "": one.value for one in reversed([outcomes[each] for each in ids if each in outcomes])}
    lesions = records.newest(connection, Lesion, proven)
    patients = records.newest(connection, Patient, {lesion.parent or "" for lesion in lesions.values()})
    visits = {visit.entity: visit for visit in records.children(connection, Encounter, lesions)}
    known = {each.row.image for each in read_queue(connection)}
    found = []
    for image in records.children(connection, CaseImage, visits):
        lesion = visits[image.parent or ""].parent or ""
        outcome, patient = proven[lesion], patients.get(lesions[lesion].parent or "")
        if image.entity in known or outcome.finding.diagnosis is None or patient is None:
            continue
        label, source = outcome.finding.diagnosis, outcome.source
        pseudonym = patient.value.pseudonym
        found.append(CandidateImage(image.entity, image.value.sha256, pseudonym, label, source, outcome.reported))
    return tuple(found[:MOST])
