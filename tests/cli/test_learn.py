"""`learn`, run as a person or a script would, each command in its own process, on a real store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from qana_desktop.store.store import Store
from qana_desktop.store.unlock import Credentials, create_store, open_store
from qana_desktop.store.users import Users
from qana_desktop.system.secrets import NoKeychain
from qana_desktop.triage.access import Role
from tests.support.learning_clinic import CODES, add_lesion, factory_models
from tests.support.stores import PASSPHRASE, PASSWORD, QUICK

SECRETS = {"QANA_PASSPHRASE": PASSPHRASE, "QANA_PASSWORD": PASSWORD, "QANA_KEYCHAIN": "none"}
PROVEN = ("--source", "histology", "--reported", "2026-02-03", "--consent")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return factory_models(tmp_path_factory.mktemp("models"))


class Program:
    """Runs commands on a store of its own."""

    def __init__(self, folder: Path, models: Path) -> None:
        self.folder, self.models = folder, models
        create_store(folder / "store", keychain=NoKeychain(), passphrase=PASSPHRASE, cost=QUICK)
        with closing(self.open()) as store:
            for name, role in (("Clara", Role.CLINICIAN), ("Carl", Role.CLINICIAN), ("Ada", Role.APPROVER)):
                Users(store, cost=QUICK).add(name, role, PASSWORD, by="system")

    def open(self) -> Store:
        return open_store(self.folder / "store", Credentials(passphrase=PASSPHRASE))

    def run(self, *words: object, user: str = "Clara", shipped: bool = False) -> subprocess.CompletedProcess[str]:
        start = ["qana_desktop.cli"] if shipped else ["tests.support.learn_program", str(self.models)]
        place = ["--user", user, "--folder", str(self.folder / "store")]
        command = [sys.executable, "-m", *start, "learn", *map(str, words), *place]
        env = {**os.environ, **SECRETS, "QANA_HOME": str(self.folder / "home")}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    def lesions(self, labels: list[str], start: int = 1) -> list[str]:
        with closing(self.open()) as store:
            return [add_lesion(store, CODES.index(label), start + n) for n, label in enumerate(labels)]


@pytest.fixture
def program(tmp_path, models):
    return Program(tmp_path, models)


def test_from_a_proposal_to_a_version_in_use_and_back(program, tmp_path):
    images = program.lesions(["nv"] * 8)
    shown = program.run("propose", *images, "--label", "nv", *PROVEN, "--preview", "--json")
    assert shown.returncode == 0, shown.stderr
    assert len(json.loads(shown.stdout)["cases"]) == 8
    done = program.run("propose", *images, "--label", "nv", *PROVEN)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 8), done.stderr
    (melanoma,) = program.lesions(["mel"], start=50)
    (waiting,) = program.run("propose", melanoma, "--label", "mel", *PROVEN).stdout.split()
    told = json.loads(program.run("status", "--json").stdout)
    assert {each["state"] for each in told["queue"]} == {"ready", "waiting"}
    assert program.run("confirm", waiting, user="Carl").returncode == 0
    version = program.run("train").stdout.strip()
    judged = program.run("evaluate", version)
    assert judged.returncode == 0, judged.stderr
    assert "✓ On the factory holdout" in judged.stdout
    assert "The gate accepted it." in judged.stderr
    early = program.run("activate", version, user="Ada")
    assert (early.returncode, "was not approved" in early.stderr) == (2, True)
    assert program.run("approve", version, "--reason", "the lines hold", user="Ada").returncode == 0
    assert program.run("activate", version, user="Ada").returncode == 0
    assert json.loads(program.run("status", "--json").stdout)["in_use"] == version
    back = program.run("rollback", "--reason", "odd answers", user="Carl")
    assert back.returncode == 0, back.stderr
    assert json.loads(program.run("status", "--json").stdout)["in_use"].startswith("drawn-")
    written = program.run("dossier", version, tmp_path / "update.pdf")
    assert written.stdout.strip() == str(tmp_path / "update.pdf")


def test_what_is_refused_is_told_and_shows_in_the_exit_code(program):
    (image,) = program.lesions(["nv"])
    given = ("--label", "nv", "--source", "histology", "--reported", "2026-02-03")
    no_consent = program.run("propose", image, *given)
    assert (no_consent.returncode, "may be learnt from" in no_consent.stderr) == (1, True)
    unknown = program.run("propose", image, "--label", "wart!", *PROVEN)
    assert (unknown.returncode, "none of the network's classes" in unknown.stderr) == (2, True)
    nothing = program.run("train")
    assert (nothing.returncode, "no confirmed case" in nothing.stderr) == (2, True)
    missing = program.run("evaluate", "clinic-000000000000")
    assert (missing.returncode, "no version" in missing.stderr) == (2, True)
    factory = program.run("rollback", "--reason", "try")
    assert (factory.returncode, "in use already" in factory.stderr) == (2, True)


def test_a_withdrawn_patient_leaves_the_queue(program):
    (image,) = program.lesions(["nv"])
    (proposal,) = program.run("propose", image, "--label", "nv", *PROVEN).stdout.split()
    done = program.run("withdraw", proposal, "--patient", "--reason", "asked to")
    assert (done.returncode, "1 cases left the queue" in done.stderr) == (0, True)
    assert json.loads(program.run("status", "--json").stdout)["queue"][0]["state"] == "withdrawn"
