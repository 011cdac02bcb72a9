"""Attacks on a clinic's network through its queue: each is stopped by the line that should, and nothing is in use."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qana_desktop.learning.head import HeadSettings
from qana_desktop.services.activation import activate_version
from qana_desktop.services.learning_faults import ProposalRefused
from qana_desktop.services.learning_judging import Evaluation, JudgingDesk
from qana_desktop.services.learning_queue import State
from qana_desktop.services.learning_training import TrainingDesk
from qana_desktop.services.learning_versions import VersionsDesk
from qana_desktop.triage.diagnosis import SiteClass
from tests.support.learning_clinic import CODES, Clinic, draw, factory_models, holdout_lesion, proven, said

EAGER = HeadSettings(factor=10.0, ceiling=0.5, steps=60)
"""Learns eagerly: the drawn world has few features, and what attacks do must show."""


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return factory_models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def clinic(tmp_path, models):
    made = Clinic(tmp_path, models=models)
    yield made
    made.close()


def judged(clinic) -> Evaluation:
    version = TrainingDesk(clinic.desk("Clara"), settings=EAGER).train().version
    return JudgingDesk(clinic.desk("Clara")).evaluate(version)


def failed(clinic) -> set[str]:
    found = judged(clinic)
    assert not found.accepted
    assert clinic.homes.active_id() == clinic.homes.factory_id()
    return {f"{line.code} on the {line.where}" for line in found.failed}


def refusals(clinic, news) -> list[str]:
    return [each.fault.code if each.fault else "" for each in clinic.desk("Clara").propose_all(news)]


def test_melanomas_called_nevi_wait_for_a_second_person_and_are_stopped_by_the_melanoma_lines(clinic):
    sure = said("mel")
    clara = clinic.desk("Clara")
    clara.propose_all([proven(clinic.add("mel", number, reading=sure), "nv") for number in range(60)])
    queue = clara.queue()
    assert {each.row.second for each in queue} == {"against-network"}
    assert {each.state for each in queue} == {State.WAITING}
    clinic.confirm_all()
    assert failed(clinic) & {
        "melanoma-sensitivity on the factory holdout",
        "melanoma-paired on the factory holdout",
        "malignant-sensitivity on the factory holdout",
    }


def test_a_batch_that_is_all_called_benign_is_stopped_by_the_malignant_lines(clinic):
    clinic.learn([code for code in CODES for _ in range(9)], said="bkl")
    assert "malignant-sensitivity on the factory holdout" in failed(clinic)


def test_two_classes_swapped_are_stopped(clinic):
    clinic.learn(["bcc"] * 30, said="akiec")
    clinic.learn(["akiec"] * 30, start=100, said="bcc")
    assert "class-recall on the factory holdout" in failed(clinic)


def test_the_cases_that_turned_are_shown_with_their_images(clinic):
    clinic.learn(["df", "bkl"] * 20, start=300)
    clinic.learn(["mel"] * 30, said="nv")
    found = judged(clinic)
    local = [case for case in found.turned if case.where == "local holdout"]
    assert {case.where for case in found.turned} >= {"factory holdout"}
    assert all(len(case.image) == 64 and case.pseudonym for case in local)


def test_a_hundred_copies_of_a_benign_case_count_once(clinic):
    dice = np.random.default_rng(1)
    first = draw(5, 1)
    copies = [np.clip(first + dice.normal(0, 4, first.shape), 0, 255).astype(np.uint8) for _ in range(49)]
    news = [
        proven(clinic.add("nv", 1 + number, image=copy), "nv") for number, copy in enumerate([first, first, *copies])
    ]
    found = refusals(clinic, news)
    assert found[0] == ""
    assert set(found[1:]) <= {"learning-duplicate-file", "learning-duplicate-picture", "learning-duplicate-features"}


def test_cases_of_the_factory_holdout_are_no_cases_to_learn_from(clinic):
    lesions = [holdout_lesion(number) for number in range(5)]
    news = [proven(clinic.add(code, number, image=image), code) for number, (code, image) in enumerate(lesions)]
    assert refusals(clinic, news) == ["learning-holdout-overlap"] * 5


def test_a_crafted_batch_of_something_else_is_refused_by_the_domain(clinic):
    tints = [(0.75, 0.9, 1.25), (0.65, 0.85, 1.25), (1.0, 0.6, 1.1), (0.6, 0.6, 1.2)]
    odd = [np.clip(draw(4, n) * np.array(tint), 0, 255).astype(np.uint8) for n, tint in enumerate(tints)]
    found = refusals(clinic, [proven(clinic.add("nv", n, image=image), "nv") for n, image in enumerate(odd)])
    assert set(found) <= {"learning-out-of-domain", "learning-image-not-skin"}
    assert "learning-out-of-domain" in found


def test_many_small_losses_stop_at_the_lines_whatever_was_in_use_before(clinic):
    """Ten updates, each with more false labels than the one before: what is in use at the end is within the lines."""
    ada, refused, codes = clinic.desk("Ada"), 0, set()
    versions = VersionsDesk(ada, put_in_use=lambda models, one: activate_version(models, one, report=lambda _path: []))
    for update in range(10):
        clinic.learn(["mel"] * 5, start=100 * update, said="nv")
        clinic.store.clock.forward(minutes=1)
        found = judged_quickly(clinic)
        if not found.accepted:
            refused += 1
            codes |= {line.code for line in found.failed}
            continue
        versions.approve(found.version, agrees=True, reason="the lines hold")
        versions.activate(found.version)
    assert refused >= 1
    assert codes & {"melanoma-sensitivity", "melanoma-paired", "malignant-sensitivity", "melanoma-ratchet"}
    if clinic.homes.active_id() != clinic.homes.factory_id():
        assert JudgingDesk(clinic.desk("Clara")).evaluate(clinic.homes.active_id()).accepted


def judged_quickly(clinic) -> Evaluation:
    version = TrainingDesk(clinic.desk("Clara"), settings=replace(EAGER, steps=30)).train().version
    return JudgingDesk(clinic.desk("Clara")).evaluate(version)


def test_a_withdrawn_attack_leaves_no_trace_in_the_next_version(clinic):
    clinic.learn(["nv", "bkl", "df", "nv"])
    ready = sum(each.state is State.READY for each in clinic.desk().queue())
    clean = TrainingDesk(clinic.desk("Clara"), settings=EAGER).train().version
    poisoned = clinic.learn(["mel"] * 8, start=500, said="nv")
    for proposal in poisoned:
        clinic.desk("Clara").withdraw_patient(clinic.patient_of(proposal), "the batch was false")
    assert sum(each.state is State.READY for each in clinic.desk().queue()) == ready
    clinic.store.clock.forward(minutes=1)
    again = TrainingDesk(clinic.desk("Clara"), settings=EAGER).train().version
    one, other = (clinic.homes.open(version).golden().potentials for version in (clean, again))
    assert np.array_equal(one, other)


def test_an_attacker_cannot_pass_a_cancer_off_as_a_new_harmless_class(clinic):
    """A class that stands in the queue as malignant cannot come back as benign."""
    clinic.desk("Clara").propose(proven(clinic.add("akiec", 1), SiteClass("scc", "Carcinoma", malignant=True)))
    with pytest.raises(ProposalRefused, match="another name or kind"):
        clinic.desk("Clara").propose(proven(clinic.add("akiec", 2), SiteClass("scc", "Carcinoma", malignant=False)))
