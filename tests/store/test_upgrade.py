"""A store of every release still opens, with everything that was in it."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from qana_desktop.services.case_desk import CaseDesk
from qana_desktop.store.migrations import STEPS
from qana_desktop.store.unlock import Credentials, open_store
from qana_desktop.store.users import Users
from qana_desktop.store.verify import verify
from qana_desktop.triage.case import SkinToneScale
from qana_desktop.triage.outcome import CannotAssess
from qana_desktop.triage.worklist import CaseState, Urgency, WorklistQuery
from tests.support.stores import PASSWORD, QUICK, picture

RELEASES = Path(__file__).parent / "releases"


def pixels(content: bytes) -> np.ndarray:
    """Another version of the encoder may write the same picture as other bytes."""
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)


def test_every_database_version_has_its_stored_file():
    assert {int(path.name) for path in RELEASES.iterdir()} == set(STEPS)


@pytest.mark.parametrize("version", sorted(STEPS))
@pytest.mark.parametrize("way", ["code", "passphrase"])
def test_a_stored_database_opens_and_shows_what_was_entered(tmp_path, version, way):
    shutil.copytree(RELEASES / str(version) / "store", tmp_path / "store")
    expected = json.loads((RELEASES / str(version) / "expected.json").read_text())
    code = Credentials(recovery_code=expected["code"])
    given = code if way == "code" else Credentials(passphrase="four quiet green lamps")
    with closing(open_store(tmp_path / "store", given)) as store:
        assert store.read_only is None
        verdict = verify(store)
        assert verdict.good
        assert verdict.images == 2
        if version == max(STEPS):
            assert verdict.head == expected["head"]
        desk = CaseDesk(store, Users(store, cost=QUICK))
        desk.sign_in("Synthetic User", PASSWORD)
        refused, signed = desk.worklist(WorklistQuery())
        assert (refused.urgency, refused.pseudonym) == (Urgency.CANNOT_ASSESS, "P-00002")
        assert (signed.state, signed.pseudonym, signed.proven) == (CaseState.SIGNED, "P-corrected", True)
        first, second = (desk.open_case(encounter) for encounter in expected["encounters"])
        assert isinstance(second.images[0].readings[0].value.outcome, CannotAssess)
        assert first.assessments[0].value.abcd.total == pytest.approx(5.0)
        assert first.skin_tone.value.scale is SkinToneScale.MONK
        assert np.array_equal(pixels(desk.image(first.images[0].image.value.sha256)), pixels(picture(1)))
        assert len(desk.versions(first.patient)) == 4
        assert [change.what for change in desk.history().undo][-1] == "correct patient"
