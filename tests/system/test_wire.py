"""What travels between the program and its children is the same for every Python that we run on."""

from __future__ import annotations

import io

import pytest

from qana_desktop.engines.contract import EngineState
from qana_desktop.system import wire
from qana_desktop.triage.diagnosis import Diagnosis


@pytest.mark.parametrize("member", [EngineState.LOST, next(iter(Diagnosis))])
def test_a_member_of_an_enumeration_travels_by_its_value(member):
    packed = wire.pack({"state": member})
    assert b"getattr" not in packed.data, "Python 3.11.2 pickles members so, and no reply may contain it"
    assert wire.ReplyUnpickler(io.BytesIO(packed.data)).load() == {"state": member}
