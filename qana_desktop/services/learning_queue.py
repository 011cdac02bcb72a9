"""The queue of proposed cases: what stands of each, worked out from everything that was entered about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from qana_desktop.learning.holdouts import Role
from qana_desktop.learning.memory import LocalCase
from qana_desktop.store import learning, records
from qana_desktop.store.learning import (
    ConfirmationRow,
    ConsentRow,
    Kept,
    ProposalRow,
    RoleRow,
    WithdrawalRow,
)
from qana_desktop.triage.case import Patient
from qana_desktop.triage.diagnosis import LesionClass, read_out


class State(StrEnum):
    """What stands of a proposal."""

    WAITING = "waiting"
    READY = "ready"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


STANDING: Final = frozenset({State.WAITING, State.READY})
"""States in which a proposal counts: another one of the same picture is a duplicate."""


@dataclass(frozen=True, eq=False)
class Queued:
    """A proposal as it stands: who proposed it (`by`) and when, what for, and who said what about it since."""

    row: ProposalRow
    at: str
    by: str
    state: State
    role: Role
    pseudonym: str
    confirmations: tuple[Kept[ConfirmationRow], ...]

    @property
    def label(self) -> LesionClass:
        """The diagnosis."""
        return read_out(self.row.label)

    @property
    def case(self) -> LocalCase:
        """The case as training and holdouts take it: ids of records stand for patient and lesion."""
        features = np.frombuffer(self.row.features, np.uint8).reshape(self.row.views, -1)
        return LocalCase(self.row.patient, self.row.lesion, str(self.label), features)

    def with_features(self, features: npt.NDArray[np.uint8]) -> Queued:
        """The same with features (views, F) that another network read."""
        return replace(self, row=replace(self.row, features=features.tobytes(), views=len(features)))


def read_queue(connection: sa.Connection) -> tuple[Queued, ...]:
    """Return all proposals as they stand, oldest first."""
    withdrawn = {kept.row.proposal for kept in learning.all_of(connection, WithdrawalRow)}
    refusing = without_consent(learning.all_of(connection, ConsentRow))
    roles = {kept.row.patient: Role(kept.row.role) for kept in learning.all_of(connection, RoleRow)}
    said: dict[str, list[Kept[ConfirmationRow]]] = {}
    for word in learning.all_of(connection, ConfirmationRow):
        said.setdefault(word.row.proposal, []).append(word)
    proposals = learning.all_of(connection, ProposalRow)
    patients = records.newest(connection, Patient, {kept.row.patient for kept in proposals})
    found = []
    for kept in proposals:
        row, about = kept.row, tuple(said.get(kept.row.id, ()))
        gone = row.id in withdrawn or row.patient in refusing or row.patient not in patients
        pseudonym = patients[row.patient].value.pseudonym if row.patient in patients else ""
        state = State.WITHDRAWN if gone else _state(row, about)
        found.append(Queued(row, kept.at, kept.by, state, roles[row.patient], pseudonym, about))
    return tuple(found)


def without_consent(rows: Iterable[Kept[ConsentRow]]) -> frozenset[str]:
    """The patients whose last word is that their images may not be learnt from."""
    last = {kept.row.patient: kept.row.given for kept in rows}
    return frozenset(patient for patient, given in last.items() if not given)


def ready_for(queue: Iterable[Queued], role: Role) -> tuple[Queued, ...]:
    """The confirmed cases that serve as `role`, in the order of their ids: not of who came first."""
    chosen = [each for each in queue if each.state is State.READY and each.role is role]
    return tuple(sorted(chosen, key=lambda each: each.row.id))


def _state(row: ProposalRow, said: tuple[Kept[ConfirmationRow], ...]) -> State:
    if any(not kept.row.agrees for kept in said):
        return State.DECLINED
    if row.second and not said:
        return State.WAITING
    return State.READY
