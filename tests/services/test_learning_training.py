"""Training happens on a copy in another process: it leaves a signed version, or nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from qana_desktop.learning.holdouts import Role
from qana_desktop.network.arithmetic import run
from qana_desktop.network.bundle import open_bundle
from qana_desktop.network.manifest import Origin
from qana_desktop.services import learning_training
from qana_desktop.services.case_desk import NotAllowed
from qana_desktop.services.jobs import Cancelled, CancelToken
from qana_desktop.services.learning_faults import LearningRefused
from qana_desktop.services.learning_signing import check_signature
from qana_desktop.services.learning_training import STAGING, TrainingDesk
from qana_desktop.store import learning
from qana_desktop.store.learning import VersionRow
from qana_desktop.store.verify import verify
from tests.support.learning_clinic import Clinic, factory_models, proven


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return factory_models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def clinic(tmp_path, models):
    made = Clinic(tmp_path, models=models)
    yield made
    made.close()


def learn(clinic, labels, start=1):
    return clinic.learn(labels, start=start)


def versions(clinic):
    with clinic.store.reading() as connection:
        return [kept.row for kept in learning.all_of(connection, VersionRow)]


def left(clinic) -> set[str]:
    return {path.name for path in clinic.homes.local.iterdir()} if clinic.homes.local.exists() else set()


def test_a_version_is_an_ordinary_bundle_signed_and_with_all_that_it_was_made_from(clinic):
    learn(clinic, ["nv", "bkl", "mel", "nv", "df"])
    before = clinic.homes.active_id()
    trained = TrainingDesk(clinic.desk("Clara")).train()
    (row,) = versions(clinic)
    bundle = open_bundle(clinic.homes.local / trained.version)
    check_signature(clinic.store.keys, row, bundle.path)
    assert (bundle.manifest.parent, bundle.manifest.origin) == (before, Origin.HEAD)
    assert clinic.homes.active_id() == before
    told = json.loads(row.document)
    training = [each for each in clinic.desk().queue() if each.role is Role.TRAINING]
    assert {case["proposal"] for case in told["cases"]} == {each.row.id for each in training}
    assert [case["proposal"] for case in told["cases"]] == sorted(case["proposal"] for case in told["cases"])
    assert told["seed"] is None
    assert told["loss_after"] <= told["loss_before"]
    assert left(clinic) == {trained.version}
    assert verify(clinic.store).good


def test_the_golden_outputs_of_a_version_are_those_of_the_reference(clinic):
    learn(clinic, ["nv", "bkl"])
    bundle = clinic.homes.open(TrainingDesk(clinic.desk("Clara")).train().version)
    golden = bundle.golden()
    assert np.array_equal(golden.potentials, run(bundle.network(), golden.images)[-1])


def test_the_same_cases_give_the_same_integers(clinic):
    learn(clinic, ["nv", "bkl", "vasc", "df"])
    first = TrainingDesk(clinic.desk("Clara")).train()
    clinic.store.clock.forward(hours=1)
    second = TrainingDesk(clinic.desk("Ada")).train()
    assert first.version != second.version
    one, other = (clinic.homes.open(each.version).golden().potentials for each in (first, second))
    assert np.array_equal(one, other)


def test_a_withdrawn_patient_is_not_in_the_next_version(clinic):
    learn(clinic, ["nv", "bkl", "vasc", "df"] * 3)
    trained = [each for each in clinic.desk().queue() if each.role is Role.TRAINING]
    gone = trained[0].row.patient
    clinic.desk().withdraw_patient(gone, "asked to")
    told = TrainingDesk(clinic.desk("Clara")).train().document
    assert gone not in {case["patient"] for case in told["cases"]}
    assert len(told["cases"]) == len(trained) - 1


def test_without_confirmed_cases_nothing_is_trained(clinic):
    clinic.desk("Clara").propose(proven(clinic.add("mel", 1), "mel"))
    with pytest.raises(LearningRefused, match="no confirmed case"):
        TrainingDesk(clinic.desk("Clara")).train()
    assert left(clinic) == set()


def test_a_cancelled_training_leaves_nothing_and_no_child(clinic, monkeypatch):
    learn(clinic, ["nv", "bkl", "vasc"])
    token, children = CancelToken(), []
    started = learning_training.ChildProcess.start

    def start(child):
        children.append(child)
        token.cancel()
        return started(child)

    monkeypatch.setattr(learning_training.ChildProcess, "start", start)
    with pytest.raises(Cancelled):
        TrainingDesk(clinic.desk("Clara")).train(token=token)
    assert left(clinic) == set()
    assert versions(clinic) == []
    assert [child.alive for child in children] == [False] * len(children)


def test_what_a_crash_left_is_swept_by_the_next_training(clinic):
    learn(clinic, ["nv", "bkl", "vasc"])
    local = clinic.homes.local
    (local / f"{STAGING}crashed").mkdir(parents=True)
    (local / "clinic-0123456789ab").mkdir()
    trained = TrainingDesk(clinic.desk("Clara")).train()
    assert left(clinic) == {trained.version}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit on files")
def test_a_full_disk_ends_the_training_with_a_sentence_and_leaves_nothing(clinic, monkeypatch):
    learn(clinic, ["nv", "bkl", "vasc"])
    request = learning_training.TrainingDesk._request

    def on_full_disk(*arguments):
        asked = request(*arguments)
        (asked.into / "full").symlink_to("/dev/full")
        return asked

    monkeypatch.setattr(learning_training.TrainingDesk, "_request", on_full_disk)
    monkeypatch.setattr(learning_training, "TARGET", "tests.support.full_disk:make_trainer")
    with pytest.raises(Exception, match="disk is full"):
        TrainingDesk(clinic.desk("Clara")).train()
    assert left(clinic) == set()
    assert versions(clinic) == []


def test_a_viewer_does_not_train(clinic):
    with pytest.raises(NotAllowed):
        TrainingDesk(clinic.desk("Viola")).train()


def test_a_bundle_changed_after_it_was_signed_is_refused(clinic):
    learn(clinic, ["nv", "bkl", "vasc"])
    trained = TrainingDesk(clinic.desk("Clara")).train()
    (row,) = versions(clinic)
    place: Path = clinic.homes.local / trained.version
    manifest = place / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_bytes(manifest.read_bytes().replace(b'"head"', b'"site-calibration"'))
    with pytest.raises(LearningRefused, match="signature"):
        check_signature(clinic.store.keys, row, place)
