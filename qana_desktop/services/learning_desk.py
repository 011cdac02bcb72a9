"""The desk for cases that the clinic's network may learn from: propose, confirm, withdraw, and the queue of them.

Training, judging and activating are beside it (`learning_training`, `learning_judging`, `learning_versions`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from qana_desktop.learning.holdouts import Role, role_of
from qana_desktop.learning.memory import LocalCase
from qana_desktop.services import learning_faults as faults
from qana_desktop.services import learning_screening as screening
from qana_desktop.services.jobs import CancelToken, Progress
from qana_desktop.services.learning_eye import Eye, Prepared, Seen
from qana_desktop.services.learning_factory import Factory, open_factory
from qana_desktop.services.learning_homes import ModelHomes
from qana_desktop.services.learning_queue import STANDING, Queued, State, read_queue, without_consent
from qana_desktop.services.learning_screening import Candidate
from qana_desktop.store import learning, records
from qana_desktop.store.faults import StoreReadOnly
from qana_desktop.store.learning import ConfirmationRow, ConsentRow, ProposalRow, RoleRow, WithdrawalRow
from qana_desktop.store.records import new_id
from qana_desktop.store.store import Store, Transaction
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _
from qana_desktop.system.secrets import derive
from qana_desktop.triage.access import Permission, User
from qana_desktop.triage.assess import assess
from qana_desktop.triage.case import CaseImage, Encounter, Filed, Lesion, ProofSource
from qana_desktop.triage.diagnosis import LesionClass, written_out
from qana_desktop.triage.outcome import Assessed, Outcome, Reading

Allowed = Callable[[Permission], Filed[User]]
_SALT: Final = "learning/holdout-salt"


@dataclass(frozen=True)
class NewProposal:
    """What a person says about an image of the store: `label` is one of the network's classes or a new one of the
    clinic, `reported` a day (ISO 8601).

    `consent`: the patient agreed that this image may be learnt from.
    """

    image: str
    label: LesionClass
    source: ProofSource
    reported: str
    consent: bool
    note: str = ""


@dataclass(frozen=True)
class Proposed:
    """What came of a proposal: its id, or why it was refused."""

    image: str
    proposal: str | None
    fault: Fault | None


@dataclass(frozen=True)
class Place:
    """Where an image is, and what networks said about it."""

    image: Filed[CaseImage]
    lesion: str
    patient: str
    answers: tuple[Outcome, ...]


class LearningDesk:
    """The queue, for the person whom `allowed` names (`CaseDesk.allowed`). Any thread may call.

    Every method raises NotAllowed and StoreError besides what it names.
    """

    def __init__(self, store: Store, allowed: Allowed, homes: ModelHomes, eye: Eye) -> None:
        self.store, self.allowed, self.homes, self.eye = store, allowed, homes, eye
        self._factory: Factory | None = None

    # --- the queue

    def queue(self) -> tuple[Queued, ...]:
        """Return all proposals as they stand, oldest first."""
        self.allowed(Permission.SEE)
        with self.store.reading() as connection:
            return read_queue(connection)

    def propose(self, new: NewProposal) -> str:
        """Take a case into the queue and return the proposal's id.

        Raises ProposalRefused with the reason, which is recorded too; RecordMissing, EngineError.
        """
        user = self._writer(Permission.ENTER)
        try:
            return self._propose(new, user)
        except (faults.ProposalRefused, KnownError) as error:
            self.store.record("learning-refused", by=user.entity, kind="image", entity=new.image, note=error.fault.code)
            raise

    def propose_all(
        self,
        news: Sequence[NewProposal],
        *,
        token: CancelToken | None = None,
        report: Callable[[Progress], None] = lambda _progress: None,
    ) -> tuple[Proposed, ...]:
        """Propose many, each on its own: a refused one keeps no other back. What was proposed before a cancel stays."""
        found = []
        for done, new in enumerate(news):
            if token is not None:
                token.check()
            report(Progress(done, len(news), _("Looking at the images")))
            try:
                found.append(Proposed(new.image, self.propose(new), None))
            except faults.ProposalRefused as error:
                found.append(Proposed(new.image, None, error.fault))
        return tuple(found)

    def confirm(self, proposal: str, *, agrees: bool, note: str = "") -> None:
        """Say as a second person whether the diagnosis holds; a "no" takes the case out of the queue.

        Raises LearningRefused for who proposed it, or when it does not stand any more.
        """
        user = self._writer(Permission.SIGN)
        with self.store.transaction(user.entity) as action:
            one = _standing(action.connection, proposal)
            if one.by == user.entity:
                raise faults.same_person()
            if user.entity in {kept.by for kept in one.confirmations}:
                raise faults.already_decided()
            learning.put(action, ConfirmationRow(proposal, agrees, note.strip()))

    def withdraw(self, proposal: str, reason: str) -> None:
        """Take a proposal back, at any time, for good. Raises LearningRefused when it does not stand any more."""
        user = self._writer(Permission.ENTER)
        with self.store.transaction(user.entity) as action:
            _standing(action.connection, proposal)
            learning.put(action, WithdrawalRow(proposal, reason.strip()))

    def withdraw_patient(self, patient: str, reason: str) -> int:
        """The patient does not want to be learnt from: all their cases leave the queue. Returns how many did."""
        user = self._writer(Permission.ENTER)
        with self.store.transaction(user.entity) as action:
            before = [each for each in read_queue(action.connection) if each.row.patient == patient]
            learning.put(action, ConsentRow(patient, False, reason.strip()))
        return sum(each.state in STANDING for each in before)

    def factory(self) -> Factory:
        """The factory version, opened once. Raises as `open_factory`."""
        if self._factory is None or self._factory.id != self.homes.factory_id():
            self._factory = open_factory(self.homes)
        return self._factory

    def look(self, sha256: str, factory: Factory) -> tuple[Prepared, Seen]:
        """Read an image of the store with the factory version; raises FileRefused, BlobDamaged, EngineError."""
        prepared = self.eye.prepare(self.store.read_image(sha256), input_size=factory.input_size)
        seen = self.eye.read(
            factory.bundle.path,
            prepared.network_input,
            classes=factory.network.classes,
            named_views=factory.policy.views,
        )
        return prepared, seen

    def close(self) -> None:
        """End the engine that reads images. Safe to call twice."""
        self.eye.close()

    # --- inside

    def _writer(self, permission: Permission) -> Filed[User]:
        user = self.allowed(permission)
        if self.store.read_only is not None:
            raise StoreReadOnly(self.store.read_only)
        return user

    def _propose(self, new: NewProposal, user: Filed[User]) -> str:
        if not new.consent:
            raise faults.no_consent()
        factory, place = self.factory(), self.place_of(new.image)
        prepared, seen = self.look(place.image.value.sha256, factory)
        own = assess(seen.logits, seen.features, factory.policy, quality=prepared.quality)
        screening.check_readable(own)
        answers = (*place.answers, own)
        screening.check_label(new.label, new.source, answers)
        case = LocalCase(place.patient, place.lesion, str(new.label), seen.features)
        candidate = Candidate(case, place.image.value.sha256, prepared.pictures, new.source, answers)
        row = ProposalRow(
            id=new_id(),
            image=new.image,
            lesion=place.lesion,
            patient=place.patient,
            sha256=candidate.sha256,
            picture=prepared.pictures[0],
            features=seen.features.tobytes(),
            views=len(seen.features),
            backbone=factory.id,
            label=written_out(new.label),
            source=str(new.source),
            reported=new.reported,
            note=new.note.strip(),
            second=screening.second_person(new.label, new.source, answers),
            answer=_last_answer(place.answers, own),
        )
        with self.store.transaction(user.entity) as action:
            self._file(action, candidate, row, factory)
        return row.id

    def _file(self, action: Transaction, candidate: Candidate, row: ProposalRow, factory: Factory) -> None:
        """Compare with what stands now, and write: nobody can slip a double in between."""
        queue = read_queue(action.connection)
        screening.check_class(row.label, queue)
        screening.check_new(candidate, queue)
        given = {kept.row.patient: Role(kept.row.role) for kept in learning.all_of(action.connection, RoleRow)}
        role = given.get(row.patient) or role_of(row.patient, site_salt=self._salt(), protocol=factory.protocol)
        screening.check_apart(candidate, role, queue, factory.holdout)
        if row.patient not in given:
            learning.put(action, RoleRow(row.patient, str(role)))
        told = learning.find(action.connection, ConsentRow, patient=row.patient)
        if not told or without_consent(told):
            learning.put(action, ConsentRow(row.patient, True, _("stated with a proposal")))
        learning.put(action, row)

    def place_of(self, image: str) -> Place:
        """Return where an image is; raises RecordMissing."""
        with self.store.reading() as connection:
            filed = records.current(connection, CaseImage, image)
            visit = records.current(connection, Encounter, filed.parent or "")
            lesion = records.current(connection, Lesion, visit.parent or "")
            readings = records.children(connection, Reading, [image])
        answers = tuple(reading.value.outcome for reading in readings)
        return Place(filed, lesion.entity, lesion.parent or "", answers)

    def _salt(self) -> str:
        """The clinic's own, the same for good: nobody without the site key can choose where a patient goes."""
        return derive(self.store.keys.site, _SALT).hex()


def _standing(connection: sa.Connection, proposal: str) -> Queued:
    for each in read_queue(connection):
        if each.row.id == proposal and each.state in STANDING:
            return each
    raise faults.already_decided()


def _last_answer(earlier: Sequence[Outcome], own: Outcome) -> str:
    """What the network in use said of the image last, else the factory version now: for the set of past failures."""
    given = [answer.predicted for answer in (own, *earlier) if isinstance(answer, Assessed)]
    return str(given[-1]) if given else ""


def waiting(queue: Sequence[Queued]) -> tuple[Queued, ...]:
    """The proposals that wait for a second person."""
    return tuple(each for each in queue if each.state is State.WAITING)
