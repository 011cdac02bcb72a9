"""Makes the stored database of a release, for the upgrade tests: tiny, synthetic, its keys known to everyone.

    python -m tests.store.make_release_store tests/store/releases/1

Run once per database version, before the release; its files are never changed afterwards.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path

from qana_desktop.services.case_desk import CaseDesk
from qana_desktop.store.users import Users
from qana_desktop.triage.access import Role
from qana_desktop.triage.case import (
    Abcd,
    Action,
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
        desk.sign_out()
        expected = {"code": code, "encounters": encounters, "head": store.head.printed()}
    (folder / "store.lock").unlink()
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
