"""What stands of each version that was trained here, and which readings of one taken back are to be read again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from qana_desktop.services.learning_queue import STANDING, read_queue
from qana_desktop.store import learning, records
from qana_desktop.store.learning import ActivationRow, ApprovalRow, EvaluationRow, Kept, VersionRow
from qana_desktop.store.schema import AUDIT
from qana_desktop.triage.case import CaseImage
from qana_desktop.triage.outcome import Reading

FACTORY: Final = ""
"""How the record calls the version that came with the program."""


class VersionState(StrEnum):
    """What stands of a version."""

    TRAINED = "trained"
    REFUSED = "refused"
    ACCEPTED = "accepted"
    APPROVED = "approved"
    REJECTED = "rejected"
    IN_USE = "in-use"
    RETIRED = "retired"


@dataclass(frozen=True)
class VersionView:
    """A version with what stands of it. `withdrawn` counts cases that it learnt from and that were taken back since."""

    row: VersionRow
    at: str
    by: str
    state: VersionState
    evaluation: Kept[EvaluationRow] | None
    approval: Kept[ApprovalRow] | None
    withdrawn: int

    @property
    def cases(self) -> int:
        """How many cases it learnt from."""
        return len(json.loads(self.row.document).get("cases", ()))


@dataclass(frozen=True)
class FlaggedReading:
    """A reading of a version that was taken back: its image has to be read again."""

    image: str
    encounter: str
    version: str
    at: str


def read_versions(connection: sa.Connection, pointer: str) -> tuple[VersionView, ...]:
    """Return all versions, oldest first; `pointer` is the one in use, `FACTORY` for the factory's."""
    standing = {each.row.id for each in read_queue(connection) if each.state in STANDING}
    evaluations = {kept.row.version: kept for kept in learning.all_of(connection, EvaluationRow)}
    approvals = {kept.row.version: kept for kept in learning.all_of(connection, ApprovalRow)}
    used = {kept.row.version for kept in learning.find(connection, ActivationRow, deed="activate", step="done")}
    found = []
    for kept in learning.all_of(connection, VersionRow):
        version = kept.row.id
        evaluation, approval = evaluations.get(version), approvals.get(version)
        state = _state(version, pointer, used, evaluation, approval)
        cases = json.loads(kept.row.document).get("cases", ())
        gone = sum(case["proposal"] not in standing for case in cases)
        found.append(VersionView(kept.row, kept.at, kept.by, state, evaluation, approval, gone))
    return tuple(found)


def readings_to_repeat(connection: sa.Connection) -> tuple[FlaggedReading, ...]:
    """Return the readings of versions that were taken back, whose image was not read since by another version."""
    back: dict[str, bool] = {}
    for kept in learning.find(connection, ActivationRow, step="done"):
        if kept.row.deed == "roll-back":
            back[kept.row.before] = True
        back[kept.row.version] = False
    versions = [version for version, gone in back.items() if gone]
    query = sa.select(AUDIT.c.entity).where(
        AUDIT.c.bundle.in_(versions), AUDIT.c.kind == "reading", AUDIT.c.action == "record-added"
    )
    readings = records.newest(connection, Reading, connection.execute(query).scalars().all())
    images = records.newest(connection, CaseImage, {reading.parent or "" for reading in readings.values()})
    found = []
    for reading in readings.values():
        image = images.get(reading.parent or "")
        source = reading.value.provenance
        if image is None or source is None:
            continue
        newest = records.children(connection, Reading, [image.entity])[-1]
        if newest.value.provenance is not None and newest.value.provenance.bundle in versions:
            found.append(FlaggedReading(image.entity, image.parent or "", source.bundle, reading.at))
    return tuple({each.image: each for each in found}.values())


def _state(
    version: str,
    pointer: str,
    used: set[str],
    evaluation: Kept[EvaluationRow] | None,
    approval: Kept[ApprovalRow] | None,
) -> VersionState:
    if version == pointer:
        return VersionState.IN_USE
    if version in used:
        return VersionState.RETIRED
    if evaluation is None:
        return VersionState.TRAINED
    if not evaluation.row.accepted:
        return VersionState.REFUSED
    if approval is None or approval.row.evaluation != evaluation.number:
        return VersionState.ACCEPTED
    return VersionState.APPROVED if approval.row.agrees else VersionState.REJECTED
