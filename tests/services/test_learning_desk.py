"""Cases come into the clinic's queue only when they may be learnt from, and leave it whenever someone asks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import sqlalchemy as sa

from qana_desktop.learning.holdouts import Role, role_of
from qana_desktop.services.case_desk import NotAllowed
from qana_desktop.services.learning_faults import LearningRefused, ProposalRefused
from qana_desktop.services.learning_queue import State
from qana_desktop.store.schema import AUDIT
from qana_desktop.store.verify import verify
from qana_desktop.triage.case import ProofSource
from qana_desktop.triage.diagnosis import SiteClass
from tests.support.learning_clinic import Clinic, draw, factory_models, proven, said


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return factory_models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def clinic(tmp_path, models):
    made = Clinic(tmp_path, models=models)
    yield made
    made.close()


def refusal(clinic, new) -> str:
    with pytest.raises(ProposalRefused) as failure:
        clinic.desk().propose(new)
    assert failure.value.fault.message.endswith(".")
    assert failure.value.fault.remedy.endswith(".")
    return failure.value.fault.code


def states(clinic) -> list[State]:
    return [each.state for each in clinic.desk("Viola").queue()]


def test_a_proven_benign_case_is_ready_at_once_and_everything_about_it_is_recorded(clinic):
    proposal = clinic.desk().propose(proven(clinic.add("nv", 1), "nv", note="from the January clinic"))
    (queued,) = clinic.desk("Viola").queue()
    assert (queued.row.id, queued.state, queued.pseudonym) == (proposal, State.READY, "P-5-1")
    assert (queued.row.label, queued.row.source, queued.row.note) == ("nv", "histology", "from the January clinic")
    assert queued.case.features.shape == (2, 48)
    with clinic.store.reading() as connection:
        deeds = set(
            connection.execute(sa.select(AUDIT.c.action).where(AUDIT.c.action.startswith("learning-"))).scalars()
        )
    assert deeds == {"learning-proposal", "learning-consent", "learning-role"}
    assert verify(clinic.store).good


def test_a_patient_is_for_training_or_for_testing_once_and_for_all(clinic):
    for seed in range(12):
        clinic.desk().propose(proven(clinic.add("nv", seed), "nv"))
    queue = clinic.desk().queue()
    lines, salt = clinic.desk().factory().protocol, clinic.desk()._salt()
    assert {each.role for each in queue} == {Role.TRAINING, Role.HOLDOUT}
    for each in queue:
        assert each.role is role_of(each.row.patient, site_salt=salt, protocol=lines)
        clinic.desk().propose(proven(clinic.add("nv", 100 + int(each.pseudonym[4:]), patient=each.row.patient), "nv"))
    by_patient: dict[str, set[Role]] = {}
    for each in clinic.desk().queue():
        by_patient.setdefault(each.row.patient, set()).add(each.role)
    assert all(len(roles) == 1 for roles in by_patient.values())


@pytest.mark.parametrize(
    ("drawn", "label", "source", "answer", "reason"),
    [
        ("mel", "mel", ProofSource.HISTOLOGY, "mel", "malignant"),
        ("bkl", "bkl", ProofSource.FOLLOW_UP, "mel", "against-network"),
        ("vasc", "nv", ProofSource.SINGLE_OPINION, None, "single-opinion"),
    ],
)
def test_a_second_person_has_to_confirm_where_a_mistake_would_cost_most(clinic, drawn, label, source, answer, reason):
    image = clinic.add(drawn, 3, reading=said(answer) if answer else None)
    proposal = clinic.desk("Clara").propose(proven(image, label, source=source))
    assert clinic.desk().queue()[0].row.second == reason
    assert states(clinic) == [State.WAITING]
    with pytest.raises(LearningRefused, match="another one"):
        clinic.desk("Clara").confirm(proposal, agrees=True)
    clinic.desk("Carl").confirm(proposal, agrees=True)
    assert states(clinic) == [State.READY]


def test_a_second_person_who_does_not_agree_takes_the_case_out(clinic):
    proposal = clinic.desk("Clara").propose(proven(clinic.add("mel", 4), "mel"))
    clinic.desk("Carl").confirm(proposal, agrees=False, note="histology says nevus")
    assert states(clinic) == [State.DECLINED]
    with pytest.raises(LearningRefused, match="any more"):
        clinic.desk("Ada").confirm(proposal, agrees=True)


def test_the_networks_own_accepted_answer_is_no_source_of_a_label(clinic):
    image = clinic.add("nv", 5, reading=said("nv"))
    assert refusal(clinic, proven(image, "nv", source=ProofSource.SINGLE_OPINION)) == "learning-own-answer"
    assert clinic.desk().propose(proven(image, "nv", source=ProofSource.FOLLOW_UP))


def test_without_consent_nothing_is_learnt(clinic):
    assert refusal(clinic, proven(clinic.add("nv", 6), "nv", consent=False)) == "learning-consent"


def test_a_new_class_is_the_same_for_all_its_cases(clinic):
    carcinoma = SiteClass("scc", "Squamous cell carcinoma", malignant=True)
    clinic.desk().propose(proven(clinic.add("akiec", 7), carcinoma))
    assert clinic.desk().queue()[0].label == carcinoma
    assert states(clinic) == [State.WAITING]
    other = SiteClass("scc", "Something harmless", malignant=False)
    assert refusal(clinic, proven(clinic.add("akiec", 8), other)) == "learning-class-conflict"


def test_a_blurred_image_is_refused_for_its_quality(clinic):
    blurred = cv2.GaussianBlur(draw(5, 8), (0, 0), 9)
    assert refusal(clinic, proven(clinic.add("nv", 8, image=blurred), "nv")) == "learning-image-blurred"


def test_an_image_of_something_else_is_refused_by_the_domain(clinic):
    odd = np.clip(draw(4, 9) * np.array([0.75, 0.9, 1.25]), 0, 255).astype(np.uint8)
    assert refusal(clinic, proven(clinic.add("nv", 9, image=odd), "nv")) == "learning-out-of-domain"


def test_the_same_file_is_refused_also_of_another_patient(clinic):
    clinic.desk().propose(proven(clinic.add("nv", 10), "nv"))
    again = clinic.add("nv", 11, image=draw(5, 10))
    assert refusal(clinic, proven(again, "nv")) == "learning-duplicate-file"


@pytest.mark.parametrize("change", ["turned", "mirrored", "brighter", "smaller"])
def test_the_same_picture_in_another_file_is_refused(clinic, change):
    first = draw(5, 12)
    copy = {
        "turned": np.rot90(first),
        "mirrored": first[:, ::-1],
        "brighter": np.clip(first.astype(int) + 9, 0, 255).astype(np.uint8),
        "smaller": cv2.resize(first, (270, 270), interpolation=cv2.INTER_AREA),
    }[change]
    clinic.desk().propose(proven(clinic.add("nv", 12), "nv"))
    again = clinic.add("nv", 13, image=np.ascontiguousarray(copy))
    assert refusal(clinic, proven(again, "nv")) == "learning-duplicate-picture"


def test_a_withdrawn_case_is_no_duplicate(clinic):
    image = clinic.add("nv", 14)
    proposal = clinic.desk().propose(proven(image, "nv"))
    clinic.desk("Carl").withdraw(proposal, "wrong patient")
    assert states(clinic) == [State.WITHDRAWN]
    clinic.desk().propose(proven(image, "nv"))
    assert states(clinic) == [State.WITHDRAWN, State.READY]


def test_a_patient_who_withdraws_takes_all_cases_along_and_may_come_back(clinic):
    proposal = clinic.desk().propose(proven(clinic.add("nv", 15), "nv"))
    patient = clinic.patient_of(proposal)
    clinic.desk().propose(proven(clinic.add("nv", 16, patient=patient), "nv"))
    clinic.desk().propose(proven(clinic.add("nv", 17), "nv"))
    assert clinic.desk().withdraw_patient(patient, "asked on the telephone") == 2
    assert states(clinic) == [State.WITHDRAWN, State.WITHDRAWN, State.READY]
    clinic.desk().propose(proven(clinic.add("nv", 18, patient=patient), "nv"))
    assert states(clinic).count(State.READY) == 4


def test_what_was_refused_is_recorded_with_its_reason_and_leaves_nothing(clinic):
    refusal(clinic, proven(clinic.add("nv", 19), "nv", consent=False))
    assert clinic.desk().queue() == ()
    with clinic.store.reading() as connection:
        (row,) = connection.execute(sa.select(AUDIT).where(AUDIT.c.action == "learning-refused")).all()
    assert (row.kind, row.note) == ("image", "learning-consent")


def test_many_are_proposed_and_a_refused_one_keeps_no_other_back(clinic):
    images = [clinic.add("nv", 20), clinic.add("nv", 20), clinic.add("nv", 21)]
    found = clinic.desk().propose_all([proven(image, "nv") for image in images])
    assert [each.fault.code if each.fault else "" for each in found] == ["", "learning-duplicate-file", ""]


def test_a_viewer_may_look_and_nothing_else(clinic):
    image = clinic.add("nv", 22)
    with pytest.raises(NotAllowed):
        clinic.desk("Viola").propose(proven(image, "nv"))
    assert clinic.desk("Viola").queue() == ()
