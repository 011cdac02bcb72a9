"""Images through boards that are killed, hang and are unplugged: each has exactly one reading, or a stated reason."""

from __future__ import annotations

import sys

import pytest

from tests.support.faulty_engine import run_images

IMAGES, FAULTS = 300, 12


@pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX signals")
@pytest.mark.expects_log("is started again")
def test_every_image_has_exactly_one_reading_or_a_stated_reason(tmp_path):
    tally = run_images(tmp_path, images=IMAGES, faults=FAULTS, seed=7)
    found = tally.summary(IMAGES)
    assert found["faults"] == {"hung": 4, "killed": 4, "unplugged": 4}
    assert found["images with more than one reading"] == 0
    assert found["images with neither"] == 0
    assert found["readings with a wrong integer"] == 0
    assert found["readings attributed to the wrong engine"] == 0
    assert set(range(IMAGES)) - set(tally.readings) == tally.left
    assert all(reason for index in tally.left for reason in tally.reasons[index])
    assert tally.restarts_by_person + tally.changes_of_board > 0
