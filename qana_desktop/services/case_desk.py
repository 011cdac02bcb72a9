"""What a person does with cases: sign in, enter, sign, correct, undo, look up, back up; and who may do what."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar

from qana_desktop.store import backup, cases, records, undo
from qana_desktop.store.faults import StoreError
from qana_desktop.store.records import Put, new_id
from qana_desktop.store.store import Store
from qana_desktop.store.unlock import NO_KEYCHAIN, anchor_head
from qana_desktop.store.users import Users
from qana_desktop.store.verify import Report, Verdict, verify
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_, _
from qana_desktop.system.secrets import Keychain
from qana_desktop.triage.access import AutoLock, Permission, User
from qana_desktop.triage.case import (
    KIND_OF,
    CaptureFacts,
    Case,
    CaseImage,
    ClinicalAssessment,
    Encounter,
    Filed,
    Lesion,
    Patient,
    ProvenOutcome,
    SecondReading,
    SignOff,
    SkinTone,
    Tags,
    Value,
)
from qana_desktop.triage.history import History
from qana_desktop.triage.outcome import Reading
from qana_desktop.triage.worklist import Urgency, WorklistQuery, WorklistRow

V = TypeVar("V", bound=Value)
AUTO_LOCK_S: Final = 600.0
OTHER_IMAGE: Final = "reading-of-other-image"
"""Code of the fault that a reading does not belong to the image it is filed with."""
_OPINIONS: Final = (ClinicalAssessment, SecondReading, SignOff)
_SILENT: Final[Report] = lambda _what, _done, _total: None  # noqa: E731 - a default value, not a function to read


class NotAllowed(StoreError):
    """Nobody is signed in, the screen is locked, or this user may not do that."""


@dataclass(frozen=True)
class NewImage:
    """An image to be filed: the file's bytes as brought, what they are, and the reading if there is one."""

    content: bytes
    media_type: str
    width: int
    height: int
    facts: CaptureFacts = field(default_factory=CaptureFacts)
    thumbnail: bytes | None = None
    reading: Reading | None = None


@dataclass(frozen=True)
class KeptImage:
    """An image whose file is in the store already (`CaseDesk.put_image`), with its reading."""

    image: CaseImage
    reading: Reading | None


@dataclass(frozen=True)
class Visit:
    """A lesion looked at once, to be filed: patient and lesion by id, or new. Equal new patients are one patient."""

    patient: str | Patient
    lesion: str | Lesion
    encounter: Encounter
    images: tuple[KeptImage, ...]
    assessment: ClinicalAssessment | None = None
    tags: tuple[str, ...] = ()


class CaseDesk:
    """The use cases of the case store for the person who is signed in. Safe between threads.

    Every method raises NotAllowed, StoreReadOnly and StoreError besides what it names.
    """

    def __init__(
        self,
        store: Store,
        users: Users,
        *,
        keychain: Keychain = NO_KEYCHAIN,
        auto_lock_s: float = AUTO_LOCK_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._users, self._keychain, self._monotonic = store, users, keychain, monotonic
        self._limit = auto_lock_s
        self._guard = threading.Lock()
        self._session: tuple[Filed[User], AutoLock] | None = None

    # --- who is here ---

    @property
    def read_only(self) -> Fault | None:
        """Why nothing can be saved; None when everything can."""
        return self._store.read_only

    @property
    def user(self) -> Filed[User] | None:
        """Who is signed in, also behind a locked screen."""
        return self._session[0] if self._session else None

    def sign_in(self, name: str, password: str) -> Filed[User]:
        """Sign in and return the user; raises SignInRefused."""
        user = self._users.sign_in(name, password)
        with self._guard:
            self._session = user, AutoLock(self._limit, self._monotonic())
        anchor_head(self._store, self._keychain)
        return user

    def sign_out(self) -> None:
        """End the session. Safe to call twice."""
        with self._guard:
            session, self._session = self._session, None
        if session is not None and self._store.read_only is None:
            self._store.record("signed-out", by=session[0].entity)
        anchor_head(self._store, self._keychain)

    def acted(self) -> None:
        """A person moved the mouse or pressed a key: the screen does not lock yet."""
        with self._guard:
            if self._session is not None:
                self._session = self._session[0], self._session[1].acted(self._monotonic())

    def set_auto_lock(self, seconds: float) -> None:
        """Lock after so many seconds without a person's action, from now on; infinity is never."""
        with self._guard:
            self._limit = seconds
            if self._session is not None:
                self._session = self._session[0], replace(self._session[1], limit=seconds)

    @property
    def locked(self) -> bool:
        """Whether the screen must hide patients until the password is given again (`unlock`)."""
        with self._guard:
            return self._session is None or self._session[1].checked(self._monotonic()).locked

    def lock(self) -> None:
        """Lock the screen now."""
        with self._guard:
            if self._session is not None:
                self._session = self._session[0], AutoLock(self._limit, self._monotonic(), locked=True)

    def unlock(self, password: str) -> None:
        """Go on after a lock; raises SignInRefused."""
        session = self._session
        if session is None:
            raise NotAllowed(_NOBODY)
        self.sign_in(session[0].value.name, password)

    def allowed(self, permission: Permission) -> Filed[User]:
        """Return who is signed in, if they may do that; for desks that stand beside this one."""
        return self._may(permission)

    # --- entering ---

    def add_patient(self, patient: Patient) -> Filed[Patient]:
        """Enter a patient."""
        return self._add(patient, None, N_("add a patient"))

    def add_lesion(self, patient: str, lesion: Lesion) -> Filed[Lesion]:
        """Enter a lesion of a patient; raises RecordMissing."""
        return self._add(lesion, patient, N_("add a lesion"))

    def add_case(self, lesion: str, encounter: Encounter, images: tuple[NewImage, ...] = ()) -> str:
        """Enter an encounter with its images and their readings, all or nothing, and return its id."""
        encounter_id = new_id()
        puts = [Put(encounter, encounter_id, lesion)]
        user = self._may(Permission.ENTER)
        for image in images:
            puts += self._image_puts(encounter_id, image)
        self._store.file(puts, by=user.entity, what=N_("add a case"))
        return encounter_id

    def put_image(self, image: NewImage) -> KeptImage:
        """Put the files of an image into the store and return what a `Visit` takes. It is part of no case until then.

        Raises StoreError when the reading is of another image.
        """
        self._may(Permission.ENTER)
        sha256 = self._store.keep_image(image.content)
        if image.reading is not None:
            _must_be_of(image.reading, sha256)
        thumbnail = None if image.thumbnail is None else self._store.keep_image(image.thumbnail)
        value = CaseImage(sha256, image.media_type, image.width, image.height, image.facts, thumbnail)
        return KeptImage(value, image.reading)

    def keep(self, visits: Sequence[Visit]) -> tuple[str, ...]:
        """File visits as one change, all or nothing, and return their encounters. Raises RecordMissing."""
        signs = any(visit.assessment is not None for visit in visits)
        user = self._may(Permission.SIGN if signs else Permission.ENTER)
        new: dict[Patient, str] = {}
        puts: list[Put] = []
        encounters = tuple(_put_visit(visit, new, puts) for visit in visits)
        self._store.file(puts, by=user.entity, what="keep images")
        return encounters

    def add_image(self, encounter: str, image: NewImage) -> Filed[CaseImage]:
        """Add an image, with its reading if there is one; raises RecordMissing."""
        user = self._may(Permission.ENTER)
        filed = self._store.file(self._image_puts(encounter, image), by=user.entity, what=N_("add an image"))[0]
        return _as(CaseImage, filed)

    def add_reading(self, image: Filed[CaseImage], reading: Reading) -> Filed[Reading]:
        """Add a reading of an image; earlier ones stay. Raises StoreError when it is of another image."""
        _must_be_of(reading, image.value.sha256)
        return self._add(reading, image.entity, N_("add a reading"))

    def set_skin_tone(self, patient: str, tone: SkinTone) -> Filed[SkinTone]:
        """Enter a patient's skin tone as staff see it."""
        return self._add(tone, patient, N_("enter the skin tone"))

    def set_tags(self, encounter: str, tags: Tags) -> Filed[Tags]:
        """Enter the tags of an encounter, in place of earlier ones."""
        with self._store.reading() as connection:
            earlier = records.children(connection, Tags, [encounter])
        return self.correct(earlier[-1], tags) if earlier else self._add(tags, encounter, N_("tag a case"))

    def record_outcome(self, lesion: str, outcome: ProvenOutcome) -> Filed[ProvenOutcome]:
        """Enter what a lesion turned out to be, with its proof."""
        return self._add(outcome, lesion, N_("enter an outcome"))

    # --- answering for a case ---

    def assess(self, encounter: str, assessment: ClinicalAssessment) -> Filed[ClinicalAssessment]:
        """Enter one's own opinion."""
        return self._add(assessment, encounter, N_("assess a case"), Permission.SIGN)

    def read_second(self, encounter: str, reading: SecondReading) -> Filed[SecondReading]:
        """Enter a second opinion; raises NotAllowed for the first reader, or when there is no first."""
        user = self._may(Permission.SIGN)
        with self._store.reading() as connection:
            first = records.children(connection, ClinicalAssessment, [encounter])
        if not first:
            raise NotAllowed(_NO_FIRST)
        if user.entity in {assessment.by for assessment in first}:
            raise NotAllowed(_SAME_READER)
        return self._add(reading, encounter, N_("read a case second"), Permission.SIGN)

    def sign_off(self, encounter: str, statement: str) -> Filed[SignOff]:
        """Answer for the case as it stands now."""
        return self._add(
            SignOff(statement, self._store.head.printed()), encounter, N_("sign a case off"), Permission.SIGN
        )

    # --- correcting ---

    def correct(self, filed: Filed[V], value: V) -> Filed[V]:
        """File a newer version; the older one stays on record. Opinions are corrected by their author only.

        Raises ChangedMeanwhile when `filed` is no longer the newest version.
        """
        return self._supersede(filed, value, withdrawn=False)

    def withdraw(self, filed: Filed[V]) -> Filed[V]:
        """Take something back that was entered by mistake; it stays on record. Raises as `correct` does."""
        return self._supersede(filed, filed.value, withdrawn=True)

    def history(self) -> History:
        """Return what the user can undo and redo."""
        return undo.history(self._store, self._may(Permission.SEE).entity)

    def undo(self) -> str:
        """Take back the user's last change and say what it was; raises ChangedMeanwhile."""
        return undo.undo(self._store, self._may(Permission.ENTER).entity)

    def redo(self) -> str:
        """Do again what was taken back last and say what it was; raises ChangedMeanwhile."""
        return undo.redo(self._store, self._may(Permission.ENTER).entity)

    # --- looking ---

    def worklist(self, query: WorklistQuery) -> tuple[WorklistRow, ...]:
        """Return one page of the worklist."""
        self._may(Permission.SEE)
        with self._store.reading() as connection:
            return cases.worklist(connection, query)

    def count(self, query: WorklistQuery) -> int:
        """Return how many cases a query finds in all."""
        self._may(Permission.SEE)
        with self._store.reading() as connection:
            return cases.count_worklist(connection, query)

    def counts(self, query: WorklistQuery) -> dict[Urgency, int]:
        """Return how many cases of each urgency a query finds, whatever urgencies it asks for."""
        self._may(Permission.SEE)
        with self._store.reading() as connection:
            return cases.count_by_urgency(connection, query)

    def open_case(self, encounter: str) -> Case:
        """Return a case; that it was looked at is recorded. Raises RecordMissing."""
        user = self._may(Permission.SEE)
        with self._store.reading() as connection:
            case = cases.read_case(connection, encounter)
        if self._store.read_only is None:
            self._store.record("case-viewed", by=user.entity, kind="encounter", entity=encounter)
        return case

    def image(self, sha256: str) -> bytes:
        """Return an image's file or thumbnail, checked; raises BlobDamaged."""
        self._may(Permission.SEE)
        return self._store.read_image(sha256)

    def standing(self, encounters: Iterable[str]) -> frozenset[str]:
        """Return which of these encounters are cases now: those that were undone or withdrawn are not."""
        self._may(Permission.SEE)
        with self._store.reading() as connection:
            return cases.standing(connection, tuple(encounters))

    def lesion_history(self, lesion: str) -> tuple[Case, ...]:
        """Return all cases of a lesion, oldest first."""
        self._may(Permission.SEE)
        with self._store.reading() as connection:
            visits = [visit.entity for visit in records.children(connection, Encounter, [lesion])]
            found = cases.read_cases(connection, visits)
        return tuple(sorted(found.values(), key=lambda case: case.encounter.value.opened))

    def lesions_of(self, patient: str) -> tuple[Filed[Lesion], ...]:
        """Return a patient's lesions, oldest first."""
        self._may(Permission.SEE)
        with self._store.reading() as connection:
            return records.children(connection, Lesion, [patient])

    def people(self) -> dict[str, str]:
        """Return the names of all users by their ids, those who left too."""
        self._may(Permission.SEE)
        return {user.entity: user.value.name for user in self._users.all()}

    def versions(self, filed: Filed[V]) -> tuple[Filed[V], ...]:
        """Return all versions of something, oldest first."""
        self._may(Permission.SEE)
        with self._store.reading() as connection:
            return records.versions(connection, type(filed.value), filed.entity)

    # --- keeping ---

    def back_up(self, destination: Path, *, report: Report = _SILENT) -> tuple[Path, Verdict]:
        """Make a backup and read it back; return its folder and what was found. Raises StoreError `backup-bad`."""
        user = self._may(Permission.ENTER)
        made = backup.make_backup(self._store, destination, by=user.entity, report=report)
        anchor_head(self._store, self._keychain)
        return made

    def backup_age(self) -> timedelta | None:
        """Return how old the last good backup is; None for never, or for one from the future (a clock was set)."""
        made = backup.last_backup(self._store)
        return None if made is None else backup.age_of(made, self._store.clock())

    def verify(self, *, report: Report = _SILENT) -> Verdict:
        """Check the whole store."""
        self._may(Permission.SEE)
        return verify(self._store, report=report)

    # --- inside ---

    def _may(self, permission: Permission) -> Filed[User]:
        with self._guard:
            session = self._session
        if session is None:
            raise NotAllowed(_NOBODY)
        if self.locked:
            raise NotAllowed(_LOCKED)
        if not session[0].value.may(permission):
            raise NotAllowed(_not_allowed(session[0].value))
        return session[0]

    def _add(self, value: V, parent: str | None, what: str, needs: Permission = Permission.ENTER) -> Filed[V]:
        user = self._may(needs)
        return _as(type(value), self._store.file([Put(value, new_id(), parent)], by=user.entity, what=what)[0])

    def _supersede(self, filed: Filed[V], value: V, *, withdrawn: bool) -> Filed[V]:
        opinion = isinstance(filed.value, _OPINIONS)
        user = self._may(Permission.SIGN if opinion else Permission.ENTER)
        if isinstance(filed.value, User | Reading):
            raise NotAllowed(_FIXED)
        if opinion and filed.by != user.entity:
            raise NotAllowed(_NOT_YOURS)
        name = KIND_OF[type(value)].replace("_", " ")
        put = Put(value, filed.entity, filed.parent, based_on=filed.version, withdrawn=withdrawn)
        what = (N_("withdraw {name}") if withdrawn else N_("correct {name}")).format(name=name)
        return _as(type(value), self._store.file([put], by=user.entity, what=what)[0])

    def _image_puts(self, encounter: str, image: NewImage) -> list[Put]:
        sha256 = self._store.keep_image(image.content)
        thumbnail = None if image.thumbnail is None else self._store.keep_image(image.thumbnail)
        value = CaseImage(sha256, image.media_type, image.width, image.height, image.facts, thumbnail)
        entity = new_id()
        puts = [Put(value, entity, encounter)]
        if image.reading is not None:
            _must_be_of(image.reading, sha256)
            puts.append(Put(image.reading, new_id(), entity))
        return puts


def _put_visit(visit: Visit, new: dict[Patient, str], puts: list[Put]) -> str:
    """Add the records of a visit to `puts` and return its encounter; `new` holds the patients that `puts` has."""
    patient, lesion, encounter = visit.patient, visit.lesion, new_id()
    if isinstance(patient, Patient):
        if patient not in new:
            new[patient] = new_id()
            puts.append(Put(patient, new[patient]))
        patient = new[patient]
    if isinstance(lesion, Lesion):
        entity = new_id()
        puts.append(Put(lesion, entity, patient))
        lesion = entity
    puts.append(Put(visit.encounter, encounter, lesion))
    for kept in visit.images:
        image = new_id()
        puts.append(Put(kept.image, image, encounter))
        if kept.reading is not None:
            puts.append(Put(kept.reading, new_id(), image))
    if visit.assessment is not None:
        puts.append(Put(visit.assessment, new_id(), encounter))
    if visit.tags:
        puts.append(Put(Tags(tuple(sorted(set(visit.tags)))), new_id(), encounter))
    return encounter


def _as(kind: type[V], filed: Filed[Value]) -> Filed[V]:
    if not isinstance(filed.value, kind):
        raise TypeError(f"filed a {type(filed.value).__name__} as a {kind.__name__}")
    return Filed(filed.seq, filed.entity, filed.version, filed.parent, filed.value, filed.at, filed.by, filed.withdrawn)


def _must_be_of(reading: Reading, sha256: str) -> None:
    if reading.image_sha256 is not None and reading.image_sha256 != sha256:
        raise StoreError(_OTHER_IMAGE)


_NOBODY = Fault("not-signed-in", N_("Nobody is signed in."), N_("Sign in first."))
_LOCKED = Fault("screen-locked", N_("The screen is locked."), N_("Type your password to go on."))
_NO_FIRST = Fault(
    "no-first-reading", N_("Nobody has assessed this case yet."), N_("Assess it; a second reader comes after.")
)
_SAME_READER = Fault(
    "same-reader", N_("You assessed this case yourself; a second reading is another person's."), N_("Ask a colleague.")
)
_NOT_YOURS = Fault(
    "not-your-opinion",
    N_("This opinion is someone else's and can be changed only by them."),
    N_("Enter your own beside it."),
)
_FIXED = Fault(
    "cannot-correct",
    N_("This is not corrected in this way."),
    N_("Add a new reading, or manage users as administrator."),
)
_OTHER_IMAGE = Fault(
    OTHER_IMAGE,
    N_("This reading belongs to another image. It was not saved."),
    N_("Read the image again."),
)


def _not_allowed(user: User) -> Fault:
    return Fault(
        "not-allowed",
        _("A {role} may not do this.").format(role=user.role),
        _("Ask someone whose role allows it, or an administrator."),
    )
