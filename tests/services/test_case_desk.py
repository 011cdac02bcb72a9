"""The case desk: who may do what, what a person sees, and that every action is on record."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest
import sqlalchemy as sa

from qana_desktop.services.case_desk import NewImage, NotAllowed
from qana_desktop.store.faults import ChangedMeanwhile, RecordMissing, StoreError, StoreReadOnly
from qana_desktop.store.schema import AUDIT
from qana_desktop.store.unlock import read_anchor
from qana_desktop.store.users import SignInRefused
from qana_desktop.triage.access import Role
from qana_desktop.triage.case import (
    Action,
    CaptureFacts,
    ClinicalAssessment,
    Encounter,
    Finding,
    Lesion,
    Patient,
    ProofSource,
    ProvenOutcome,
    SecondReading,
    SkinTone,
    SkinToneScale,
    Tags,
)
from qana_desktop.triage.diagnosis import Diagnosis
from qana_desktop.triage.outcome import Triage
from qana_desktop.triage.worklist import CaseState, Urgency, WorklistQuery
from tests.support.stores import (
    PASSWORD,
    REFUSED,
    Clock,
    MemoryKeychain,
    assessed,
    new_desk,
    new_store,
    open_again,
    picture,
    reading,
)

OPINION = ClinicalAssessment(Finding(Diagnosis.MEL), Action.EXCISE, override_reason="looks worse than it was read")
SECOND = SecondReading(Finding(Diagnosis.MEL), Action.EXCISE, agrees=True)


@pytest.fixture
def store(tmp_path):
    made, _code = new_store(tmp_path / "store", clock=Clock())
    yield made
    made.close()


@pytest.fixture
def desk(store):
    return new_desk(store)


def new_case(desk, number=1, outcome=None):
    """Enter patient, lesion and a case with one read image; return the encounter's id."""
    patient = desk.add_patient(Patient(f"P-{number}"))
    lesion = desk.add_lesion(patient.entity, Lesion("back"))
    image = NewImage(picture(number), "image/png", 48, 48, CaptureFacts(device="drawn"), picture(number + 1000))
    encounter = desk.add_case(lesion.entity, Encounter("2026-03-01T12:00:00Z"), (image,))
    filed = desk.open_case(encounter).images[0].image
    desk.add_reading(filed, reading(filed.value.sha256, outcome))
    return encounter


def row(desk):
    return desk.worklist(WorklistQuery())[0]


def actions(store):
    with store.reading() as connection:
        return list(connection.execute(sa.select(AUDIT.c.action).order_by(AUDIT.c.seq)).scalars())


def test_a_case_from_entry_to_sign_off_and_histology(desk):
    encounter = new_case(desk)
    case = desk.open_case(encounter)
    desk.set_skin_tone(case.patient.entity, SkinTone(SkinToneScale.FITZPATRICK, 3))
    desk.set_tags(encounter, Tags(("urgent",)))
    desk.set_tags(encounter, Tags(("follow up", "urgent")))
    desk.assess(encounter, OPINION)
    desk.sign_off(encounter, "I have looked at image and reading.")
    desk.record_outcome(case.lesion.entity, ProvenOutcome(Finding(Diagnosis.MEL), ProofSource.HISTOLOGY, "2026-03-20"))
    case = desk.open_case(encounter)
    assert case.skin_tone.value.value == 3
    assert case.tags.value.labels == ("follow up", "urgent")
    assert case.assessments[0].value == OPINION
    assert case.assessments[0].by == desk.user.entity
    assert case.sign_offs[0].value.audit_head
    assert desk.image(case.images[0].image.value.sha256) == picture(1)
    found = row(desk)
    assert (found.state, found.proven, found.tags) == (CaseState.SIGNED, True, ("follow up", "urgent"))
    assert desk.count(WorklistQuery(text="urgent")) == 1


def test_a_refused_image_is_first_and_a_later_reading_is_added_not_replaced(desk):
    refused = new_case(desk, 1, REFUSED)
    new_case(desk, 2, assessed(Triage.REVIEW_NOW, 0.9))
    assert row(desk).encounter == refused
    assert row(desk).urgency is Urgency.CANNOT_ASSESS
    image = desk.open_case(refused).images[0].image
    desk.add_reading(image, reading(image.value.sha256, assessed(Triage.LOW_CONCERN, 0.01)))
    outcomes = [filed.value.outcome for filed in desk.open_case(refused).images[0].readings]
    assert outcomes == [REFUSED, assessed(Triage.LOW_CONCERN, 0.01)]


def test_a_reading_of_another_image_is_not_filed(desk):
    image = desk.open_case(new_case(desk)).images[0].image
    with pytest.raises(StoreError, match="belongs to another image"):
        desk.add_reading(image, reading("f" * 64))
    wrong = NewImage(picture(1), "image/png", 48, 48, reading=reading("f" * 64))
    with pytest.raises(StoreError, match="belongs to another image"):
        desk.add_image(new_case(desk, 2), wrong)


def test_a_second_reader_is_another_person_and_comes_second(store, desk):
    encounter = new_case(desk)
    other = new_desk(store, name="Cornelius")
    with pytest.raises(NotAllowed, match="Nobody has assessed"):
        other.read_second(encounter, SECOND)
    desk.assess(encounter, OPINION)
    with pytest.raises(NotAllowed, match="another person"):
        desk.read_second(encounter, SECOND)
    assert other.read_second(encounter, SECOND).value.agrees


def test_an_opinion_is_changed_only_by_its_author(store, desk):
    opinion = desk.assess(new_case(desk), OPINION)
    other = new_desk(store, name="Cornelius")
    with pytest.raises(NotAllowed, match="someone else's"):
        other.correct(opinion, ClinicalAssessment(Finding(Diagnosis.NV), Action.NONE))
    better = desk.correct(opinion, ClinicalAssessment(Finding(Diagnosis.BCC), Action.EXCISE))
    assert [version.value.finding.diagnosis for version in desk.versions(better)] == [Diagnosis.MEL, Diagnosis.BCC]


def test_a_reading_cannot_be_corrected(desk):
    filed = desk.open_case(new_case(desk)).images[0].readings[0]
    with pytest.raises(NotAllowed, match="not corrected in this way"):
        desk.correct(filed, reading())


def test_correct_withdraw_undo_and_redo(desk):
    encounter = new_case(desk)
    patient = desk.open_case(encounter).patient
    newer = desk.correct(patient, Patient("P-X"))
    with pytest.raises(ChangedMeanwhile):
        desk.correct(patient, Patient("P-Y"))
    desk.withdraw(newer)
    with pytest.raises(RecordMissing):
        desk.open_case(encounter)
    assert desk.undo() == "withdraw patient"
    assert desk.open_case(encounter).patient.value.pseudonym == "P-X"
    assert desk.undo() == "correct patient"
    assert row(desk).pseudonym == "P-1"
    assert desk.redo() == "correct patient"
    assert row(desk).pseudonym == "P-X"
    assert [change.what for change in desk.history().redo] == ["withdraw patient"]


@pytest.mark.parametrize(
    ("role", "may_enter", "may_sign"),
    [
        (Role.VIEWER, False, False),
        (Role.CLINICIAN, True, True),
        (Role.APPROVER, True, True),
        (Role.ADMIN, True, False),
    ],
)
def test_roles(store, desk, role, may_enter, may_sign):
    encounter = new_case(desk)
    other = new_desk(store, name="Someone", role=role)
    assert other.open_case(encounter)
    for allowed, deed in (
        (may_enter, lambda: other.add_patient(Patient("P-2"))),
        (may_sign, lambda: other.assess(encounter, OPINION)),
        (may_sign, lambda: other.sign_off(encounter, "seen")),
    ):
        if allowed:
            deed()
        else:
            with pytest.raises(NotAllowed, match=f"A {role} may not"):
                deed()


def test_nobody_signed_in_sees_nothing(store, desk):
    desk.sign_out()
    for deed in (lambda: desk.worklist(WorklistQuery()), lambda: desk.image("0" * 64), desk.undo, desk.verify):
        with pytest.raises(NotAllowed, match="Nobody is signed in"):
            deed()
    assert actions(store)[-1] == "signed-out"


def test_the_screen_locks_by_itself_and_opens_with_the_password(store):
    now = [0.0]
    desk = new_desk(store, monotonic=lambda: now[0], auto_lock_s=60)
    now[0] = 59
    desk.acted()
    now[0] = 118
    assert not desk.locked
    now[0] = 120
    with pytest.raises(NotAllowed, match="locked"):
        desk.worklist(WorklistQuery())
    desk.acted()
    assert desk.locked
    with pytest.raises(SignInRefused):
        desk.unlock("wrong password")
    desk.unlock(PASSWORD)
    assert desk.worklist(WorklistQuery()) == ()
    desk.lock()
    assert desk.locked


def test_looking_at_a_case_is_on_record(store, desk):
    desk.open_case(new_case(desk))
    assert actions(store)[-1] == "case-viewed"


def test_a_read_only_store_is_looked_at_without_recording_and_nothing_is_entered(store, desk, tmp_path):
    encounter = new_case(desk)
    with closing(open_again(tmp_path / "store", read_only=True)) as other:
        from qana_desktop.services.case_desk import CaseDesk
        from qana_desktop.store.users import Users

        looker = CaseDesk(other, Users(other))
        looker.sign_in("Clara", PASSWORD)
        assert looker.open_case(encounter)
        assert looker.read_only.code == "store-read-only"
        with pytest.raises(StoreReadOnly):
            looker.add_patient(Patient("P-2"))
        looker.sign_out()


def test_a_backup_from_the_desk_has_an_age_and_a_witness_in_the_keychain(store, tmp_path):
    keychain = MemoryKeychain()
    desk = new_desk(store, keychain=keychain)
    assert desk.backup_age() is None
    new_case(desk)
    _folder, verdict = desk.back_up(tmp_path / "shelf")
    assert verdict.good
    assert desk.backup_age() == timedelta(0)
    store.clock.forward(days=9)
    assert desk.backup_age() == timedelta(days=9)
    assert read_anchor(keychain, store.key_file.store_id) == store.head
    assert desk.verify().good
