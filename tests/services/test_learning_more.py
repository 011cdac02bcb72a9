"""A new class, a camera, a preview, a dossier: what else comes of confirmed cases."""

from __future__ import annotations

import json

import pytest

from qana_desktop.learning.head import HeadSettings
from qana_desktop.network.manifest import Origin
from qana_desktop.services.composition import load_bundle
from qana_desktop.services.jobs import Cancelled, CancelToken
from qana_desktop.services.learning_dossier import dossier, write_dossier
from qana_desktop.services.learning_faults import LearningRefused
from qana_desktop.services.learning_judging import JudgingDesk
from qana_desktop.services.learning_preview import preview
from qana_desktop.services.learning_training import TrainingDesk
from qana_desktop.store import learning
from qana_desktop.store.learning import LookRow, ProposalRow
from qana_desktop.triage.diagnosis import SiteClass
from qana_desktop.triage.policy_json import policy_from_json
from tests.support.learning_clinic import Clinic, factory_models, proven

CARCINOMA = SiteClass("scc", "Squamous cell carcinoma", malignant=True)
QUICK = HeadSettings(steps=30, new_class_cases=10)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return factory_models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def clinic(tmp_path, models):
    made = Clinic(tmp_path, models=models)
    yield made
    made.close()


def rows(clinic, kind):
    with clinic.store.reading() as connection:
        return learning.all_of(connection, kind)


def test_a_new_class_waits_until_there_are_enough_and_is_then_learnt_with_a_policy_of_its_own(clinic):
    clinic.learn(["nv", "bkl", "df"])
    clinic.learn(["akiec"] * 8, start=100, said=CARCINOMA)
    early = TrainingDesk(clinic.desk("Clara"), settings=QUICK).train()
    assert early.document["new_class"] == ""
    assert load_bundle(clinic.homes.local / early.version).policy.classes[-1] == "vasc"
    clinic.learn(["akiec"] * 40, start=200, said=CARCINOMA)
    clinic.store.clock.forward(minutes=1)
    version = TrainingDesk(clinic.desk("Clara"), settings=QUICK).train().version
    policy = load_bundle(clinic.homes.local / version).policy
    assert policy.classes[-1] == CARCINOMA
    assert any(point.score == "scc" for point in policy.operating_points)
    found = JudgingDesk(clinic.desk("Clara")).evaluate(version)
    assert any("squamous cell carcinoma" in line.sentence for line in found.lines)


def test_a_version_for_a_camera_needs_images_and_no_diagnosis(clinic):
    with pytest.raises(LearningRefused, match="measured on 50 images"):
        TrainingDesk(clinic.desk("Clara")).train(Origin.SITE_CALIBRATION)
    for number in range(52):
        clinic.add(["nv", "mel", "bkl", "df"][number % 4], 700 + number)
    trained = TrainingDesk(clinic.desk("Clara")).train(Origin.SITE_CALIBRATION)
    bundle = clinic.homes.open(trained.version)
    assert bundle.manifest.origin is Origin.SITE_CALIBRATION
    assert trained.document["images"] == 52
    assert trained.document["cases"] == []
    clinic.learn(["nv", "bkl"])
    clinic.store.clock.forward(minutes=1)
    both = TrainingDesk(clinic.desk("Clara")).train(Origin.SITE_CALIBRATION_AND_HEAD)
    found = JudgingDesk(clinic.desk("Clara")).evaluate(both.version)
    assert {line.where for line in found.lines} >= {"factory holdout", "engines", "pictures of no lesion"}


def test_a_preview_says_what_would_change_and_stores_nothing(clinic):
    news = [proven(clinic.add("mel", number), "mel") for number in range(12)]
    desk = clinic.desk("Clara")
    before = clinic.store.head
    found = preview(desk, news)
    assert len(found.cases) == 12
    assert found.right_then >= found.right_now
    assert found.factory_all == 900
    assert clinic.store.head == before
    assert rows(clinic, ProposalRow) == ()
    assert rows(clinic, LookRow) == ()
    assert not clinic.homes.local.exists()


def test_a_preview_can_be_stopped(clinic):
    token = CancelToken()
    with pytest.raises(Cancelled):
        preview(
            clinic.desk("Clara"),
            [proven(clinic.add("nv", number), "nv") for number in range(12)],
            token=token,
            report=lambda _progress: token.cancel(),
        )


def test_the_dossier_of_an_update_has_everything_and_nobodys_name(clinic, tmp_path):
    clinic.learn(["nv", "bkl", "mel", "df"])
    version = TrainingDesk(clinic.desk("Clara")).train().version
    JudgingDesk(clinic.desk("Clara")).evaluate(version)
    told = dossier(clinic.desk("Viola"), version)
    assert told["signature_holds"]
    assert told["trained_by"] == "Clara"
    assert told["training"]["seed"] is None
    assert {line["code"] for line in told["evaluations"][0]["lines"]} >= {"flips", "engine-parity"}
    melanoma = next((case for case in told["cases"] if case["label"] == "mel"), None)
    assert melanoma is None or melanoma["confirmed_by"] == ["Carl"]
    assert "P-" not in json.dumps(told)
    written = write_dossier(clinic.desk("Ada"), version, tmp_path / "update.json")
    assert json.loads(written.read_text())["version"] == version
    printed = write_dossier(clinic.desk("Ada"), version, tmp_path / "update.pdf")
    assert printed.read_bytes().startswith(b"%PDF")
    with pytest.raises(Exception, match="already"):
        write_dossier(clinic.desk("Ada"), version, tmp_path / "update.pdf")


def test_a_version_that_was_never_trained_here_has_no_dossier(clinic):
    with pytest.raises(LearningRefused, match="no version"):
        dossier(clinic.desk("Ada"), "clinic-000000000000")


def test_the_policy_of_a_version_without_a_new_class_is_the_factorys(clinic):
    clinic.learn(["nv", "bkl"])
    version = TrainingDesk(clinic.desk("Clara")).train().version
    factory = clinic.homes.open(clinic.homes.factory_id())
    mine, theirs = (policy_from_json(bundle.policy_json()) for bundle in (clinic.homes.open(version), factory))
    assert mine == theirs
