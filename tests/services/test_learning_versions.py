"""From judged to in use and back: a person decides, the switch is one step, and going back gives the same integers."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from qana_desktop.engines.registry import EngineRegistry
from qana_desktop.network.bundle import ACTIVE
from qana_desktop.services.activation import activate_version
from qana_desktop.services.case_desk import NotAllowed
from qana_desktop.services.learning_faults import LearningRefused
from qana_desktop.services.learning_judging import JudgingDesk, evaluation_of
from qana_desktop.services.learning_states import VersionState, readings_to_repeat
from qana_desktop.services.learning_training import TrainingDesk
from qana_desktop.services.learning_versions import VersionsDesk
from qana_desktop.store import learning
from qana_desktop.store.learning import ActivationRow, LookRow
from qana_desktop.store.verify import verify
from qana_desktop.triage.outcome import Provenance
from tests.support.learning_clinic import CODES, Clinic, draw_small, factory_models
from tests.support.stores import reading

HARMLESS = ["nv", "nv", "bkl", "nv", "df", "vasc", "nv", "bkl"]


def quick(models, identity):
    """Without mapping to boards, which takes the vendor's library seconds and is tested on its own."""
    return activate_version(models, identity, report=lambda _bundle: [])


def versions_desk(clinic, name="Ada") -> VersionsDesk:
    return VersionsDesk(clinic.desk(name), put_in_use=quick)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return factory_models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def clinic(tmp_path, models):
    made = Clinic(tmp_path, models=models)
    yield made
    made.close()


def learn(clinic, labels=HARMLESS, start=1):
    clinic.learn(labels, start=start)


def accepted_version(clinic, *, start=1) -> str:
    learn(clinic, start=start)
    version = TrainingDesk(clinic.desk("Clara")).train().version
    found = JudgingDesk(clinic.desk("Clara")).evaluate(version)
    assert found.accepted, [line.sentence for line in found.failed]
    return version


def in_use(clinic, *, start=1) -> str:
    version = accepted_version(clinic, start=start)
    desk = versions_desk(clinic)
    desk.approve(version, agrees=True, reason="The lines hold, and the cases were looked at.")
    desk.activate(version)
    return version


def state_of(clinic, version) -> VersionState:
    return next(each.state for each in versions_desk(clinic).versions() if each.row.id == version)


def outputs(clinic) -> bytes:
    """What the version in use says of some images, read by a real engine."""
    images = np.stack([draw_small(label, 7) for label in range(len(CODES))])
    engine = EngineRegistry().open("onnx-cpu", clinic.homes.open_active().path)
    try:
        return engine.infer(images).potentials.tobytes()
    finally:
        engine.close()


def test_a_version_is_judged_on_all_frozen_cases_and_every_look_is_counted(tmp_path, models):
    with closing(Clinic(tmp_path, models=models, all_engines=True)) as clinic:
        judged_on_everything(clinic)


def judged_on_everything(clinic):
    version = accepted_version(clinic)
    with clinic.store.reading() as connection:
        looks = [kept.row.holdout for kept in learning.all_of(connection, LookRow)]
        (kept,) = learning.all_of(connection, learning.EvaluationRow)
    assert looks == ["factory", "local"]
    found = evaluation_of(kept)
    assert found.accepted
    codes = {line.code for line in found.lines}
    assert {"flips", "malignant-sensitivity", "class-recall", "engine-parity", "out-of-domain"} <= codes
    assert {line.where for line in found.lines} >= {"factory holdout", "local holdout", "engines"}
    assert any("malignant cases" in sentence for sentence in found.power)
    assert {engine.engine for engine in found.engines} >= {"onnx-cpu"}
    assert state_of(clinic, version) is VersionState.ACCEPTED
    assert clinic.homes.active_id() == clinic.homes.factory_id()


def test_who_trained_a_version_does_not_approve_it_and_nobody_without_a_reason(clinic):
    learn(clinic)
    version = TrainingDesk(clinic.desk("Ada")).train().version
    JudgingDesk(clinic.desk("Ada")).evaluate(version)
    with pytest.raises(LearningRefused, match="You trained this version yourself"):
        versions_desk(clinic, "Ada").approve(version, agrees=True, reason="looks good")
    with pytest.raises(NotAllowed):
        versions_desk(clinic, "Carl").approve(version, agrees=True, reason="looks good")
    clinic.users.add("Bert", "approver", "a long password", by="system")
    with pytest.raises(LearningRefused, match="needs a reason"):
        versions_desk(clinic, "Bert").approve(version, agrees=True, reason=" ")
    versions_desk(clinic, "Bert").approve(version, agrees=True, reason="looked at every case that turned")
    assert state_of(clinic, version) is VersionState.APPROVED


def test_nothing_comes_into_use_that_was_not_judged_accepted_and_approved(clinic):
    learn(clinic)
    version = TrainingDesk(clinic.desk("Clara")).train().version
    desk = versions_desk(clinic)
    with pytest.raises(LearningRefused, match="not accepted by the gate"):
        desk.activate(version)
    with pytest.raises(LearningRefused, match="not accepted by the gate"):
        desk.approve(version, agrees=True, reason="in a hurry")
    JudgingDesk(clinic.desk("Clara")).evaluate(version)
    with pytest.raises(LearningRefused, match="was not approved"):
        desk.activate(version)
    desk.approve(version, agrees=True, reason="looks good")
    JudgingDesk(clinic.desk("Clara")).evaluate(version)
    with pytest.raises(LearningRefused, match="after its last evaluation"):
        desk.activate(version)
    desk.approve(version, agrees=False, reason="a case turned")
    assert state_of(clinic, version) is VersionState.REJECTED
    with pytest.raises(LearningRefused, match="was not approved"):
        desk.activate(version)
    assert clinic.homes.active_id() == clinic.homes.factory_id()


def test_rolling_back_gives_the_same_integers_as_before(clinic):
    at_first = outputs(clinic)
    version = in_use(clinic)
    assert clinic.homes.active_id() == version
    assert outputs(clinic) != at_first
    changed = versions_desk(clinic, "Carl").roll_back("a colleague saw odd answers")
    assert (changed.now, changed.before) == (clinic.homes.factory_id(), version)
    assert outputs(clinic) == at_first
    assert state_of(clinic, version) is VersionState.RETIRED
    with clinic.store.reading() as connection:
        rows = [kept.row for kept in learning.all_of(connection, ActivationRow)]
    assert [(row.deed, row.step) for row in rows] == [
        ("activate", "begun"),
        ("activate", "done"),
        ("roll-back", "begun"),
        ("roll-back", "done"),
    ]
    assert verify(clinic.store).good


def test_rolling_back_goes_to_the_version_before_or_to_the_factorys_when_that_is_gone_or_asked_for(clinic):
    first = in_use(clinic)
    before = outputs(clinic)
    clinic.store.clock.forward(hours=1)
    second = in_use(clinic, start=50)
    assert versions_desk(clinic).roll_back("slow").now == first
    assert outputs(clinic) == before
    versions_desk(clinic).activate(second)
    (clinic.homes.local / first / "policy.json").chmod(0o644)
    (clinic.homes.local / first / "policy.json").write_text("{}")
    assert versions_desk(clinic).roll_back("slow").now == clinic.homes.factory_id()
    versions_desk(clinic).activate(second)
    assert versions_desk(clinic).roll_back("slow", to_factory=True).now == clinic.homes.factory_id()
    with pytest.raises(LearningRefused, match="in use already"):
        versions_desk(clinic).roll_back("again")


def test_readings_of_a_version_that_was_taken_back_are_to_be_read_again(clinic):
    version = in_use(clinic)
    source = Provenance(version, "onnx-cpu", "onnxruntime 1.28", "x86_64", "1", "0.1")
    image = clinic.add("nv", 900, reading=replace(reading(), provenance=source))
    with clinic.store.reading() as connection:
        assert readings_to_repeat(connection) == ()
    versions_desk(clinic).roll_back("odd answers")
    with clinic.store.reading() as connection:
        (flagged,) = readings_to_repeat(connection)
    assert (flagged.image, flagged.version) == (image, version)
    desk = clinic.signed_in("Clara")
    case = desk.open_case(flagged.encounter)
    again = replace(source, bundle=clinic.homes.factory_id())
    desk.add_reading(case.images[0].image, replace(case.images[0].readings[0].value, provenance=again))
    with clinic.store.reading() as connection:
        assert readings_to_repeat(connection) == ()
    assert len(desk.open_case(flagged.encounter).images[0].readings) == 2


def test_an_engine_that_differs_keeps_a_version_out_of_use(clinic, monkeypatch):
    version = accepted_version(clinic)
    desk = versions_desk(clinic)
    desk.approve(version, agrees=True, reason="looks good")
    compare = "qana_desktop.services.learning_versions.compare_engines"
    from qana_desktop.services.learning_checks import AskedEngine

    monkeypatch.setattr(compare, lambda *_more, **_most: (AskedEngine("onnx-cpu", "made up", 700, 1),))
    with pytest.raises(LearningRefused, match="other numbers"):
        desk.activate(version)
    assert clinic.homes.active_id() == clinic.homes.factory_id()


def test_a_pointer_that_was_changed_outside_is_noticed_and_the_way_to_the_factory_stays_open(clinic):
    version = accepted_version(clinic)
    (clinic.homes.local / ACTIVE).write_text(f"{version}\n")
    with pytest.raises(LearningRefused, match="never put in use"):
        versions_desk(clinic).settle()
    assert versions_desk(clinic).roll_back("unknown").now == clinic.homes.factory_id()
    assert not versions_desk(clinic).settle()
    (clinic.homes.local / ACTIVE).write_text("nonsense\n")
    assert versions_desk(clinic).roll_back("unknown").now == clinic.homes.factory_id()


def test_a_withdrawal_after_training_shows_on_the_version(clinic):
    version = in_use(clinic)
    trained = next(each for each in clinic.desk().queue() if each.role == "training")
    clinic.desk().withdraw_patient(trained.row.patient, "asked to")
    view = next(each for each in versions_desk(clinic).versions() if each.row.id == version)
    assert view.withdrawn == 1
