"""A process that is killed while it writes loses nothing that was confirmed and leaves nothing half."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROUNDS = int(os.environ.get("QANA_KILL_ROUNDS", "30"))
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(sys.platform == "win32", reason="the writers are forked, which Windows cannot")
def test_kill_9_at_random_moments_loses_no_confirmed_record_and_shows_no_half_one(tmp_path):
    command = [
        sys.executable,
        "-m",
        "tests.support.kill_store",
        "--rounds",
        str(ROUNDS),
        "--folder",
        str(tmp_path / "k"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    counts = json.loads(done.stdout)
    assert counts["kills"] == ROUNDS
    assert counts["killed during an action"] > 0
    assert counts["confirmed cases checked"] > 0
