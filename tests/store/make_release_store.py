"""Makes the stored database of a release, for the upgrade tests: tiny, synthetic, its keys known to everyone.

    python -m tests.store.make_release_store tests/store/releases/2

Run once per database version, before the release; its files are never changed afterwards.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path

from qana_desktop.services.case_desk import CaseDesk
from qana_desktop.store import learning
from qana_desktop.store.learning import (
    ActivationRow,
    ApprovalRow,
    ConfirmationRow,
    ConsentRow,
    EvaluationRow,
    LookRow,
    ProposalRow,
    RoleRow,
    VersionRow,
    WithdrawalRow,
)
from qana_desktop.store.store import Store
from qana_desktop.store.users import Users
from qana_desktop.triage.access import Role
from qana_desktop.triage.case import (
    Abcd,
    Action,
    Case,
    ClinicalAssessment,
    Finding,
    Patient,
    ProofSource,
    ProvenOutcome,
    SevenPoint,
    SkinTone,
    SkinToneScale,
    Tags,
)
from qana_desktop.triage.diagnosis import Diagnosis
from tests.support.stores import PASSWORD, QUICK, REFUSED, add_case, new_store


def make(folder: Path) -> None:
    """Make the store and `expected.json`, which says what must be found in it."""
    store, code = new_store(folder / "store")
    with closing(store):
        users = Users(store, cost=QUICK)
        users.add("Synthetic User", Role.CLINICIAN, PASSWORD, by="system")
        desk = CaseDesk(store, users)
        desk.sign_in("Synthetic User", PASSWORD)
        encounters = [add_case(store, 1), add_case(store, 2, outcome=REFUSED)]
        case = desk.open_case(encounters[0])
        opinion = ClinicalAssessment(
            Finding(Diagnosis.MEL), Action.EXCISE, "synthetic", Abcd(1, 2, 3, 4), SevenPoint(regression=True)
        )
        desk.assess(encounters[0], opinion)
        desk.sign_off(encounters[0], "synthetic")
        desk.set_tags(encounters[0], Tags(("synthetic",)))
        desk.set_skin_tone(case.patient.entity, SkinTone(SkinToneScale.MONK, 4))
        desk.record_outcome(
            case.lesion.entity, ProvenOutcome(Finding(Diagnosis.MEL), ProofSource.HISTOLOGY, "2026-02-03")
        )
        desk.correct(case.patient, Patient("P-corrected"))
        desk.undo()
        desk.redo()
        _learn(store, case)
        desk.sign_out()
        expected = {"code": code, "encounters": encounters, "head": store.head.printed()}
    (folder / "store.lock").unlink()
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def _learn(store: Store, case: Case) -> None:
    """A proposal with everything that may follow it."""
    image, lesion, patient = case.images[0].image, case.lesion.entity, case.patient.entity
    with store.transaction("synthetic") as action:
        for row in (
            RoleRow(patient, "training"),
            ConsentRow(patient, True, "synthetic"),
            ProposalRow(
                id="1" * 32,
                image=image.entity,
                lesion=lesion,
                patient=patient,
                sha256=image.value.sha256,
                picture="0f" * 8,
                features=bytes(range(16)) * 2,
                views=2,
                backbone="made-up-000000000000",
                label="mel",
                source="histology",
                reported="2026-02-03",
                note="",
                second="malignant",
                answer="mel",
            ),
            ConfirmationRow("1" * 32, True, "synthetic"),
            WithdrawalRow("1" * 32, "synthetic"),
            VersionRow("made-up-111111111111", "made-up-000000000000", "head", "0" * 64, "0" * 64, "{}"),
            LookRow("local", "made-up-111111111111"),
            EvaluationRow("made-up-111111111111", True, "{}"),
            ApprovalRow("made-up-111111111111", 1, True, "synthetic"),
            ActivationRow("activate", "done", "made-up-111111111111", "made-up-000000000000", "synthetic", "{}"),
        ):
            learning.put(action, row)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
