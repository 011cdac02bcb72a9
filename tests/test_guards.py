"""The guards of conftest.py guard: a test that leaves something behind, warns or reaches out is failed by them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CASES = """
import logging, multiprocessing, subprocess, sys, threading, warnings
import pytest

def test_that_is_quiet(): pass

def test_that_leaves_a_thread():
    threading.Thread(target=threading.Event().wait, args=(30,), daemon=True).start()

def test_that_leaves_a_child():
    subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

def test_that_logs_a_warning(): logging.getLogger("x").warning("cable loose")

@pytest.mark.expects_log("cable")
def test_that_expects_its_warning(): logging.getLogger("x").warning("cable loose")

@pytest.mark.expects_log("cable")
def test_that_expects_a_warning_that_does_not_come(): pass

def test_that_warns(): warnings.warn("old")

def test_that_uses_the_home_of_a_test(own_home):
    from pathlib import Path
    assert Path.home() == own_home
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run the cases below a copy of our conftest.py and return how each ended."""
    folder = tmp_path_factory.mktemp("guarded")
    source = (Path(__file__).parent / "conftest.py").read_text(encoding="utf-8")
    (folder / "conftest.py").write_text(re.sub(r"PATIENCE_S = [\d.]+", "PATIENCE_S = 0.1", source), encoding="utf-8")
    (folder / "test_cases.py").write_text(CASES, encoding="utf-8")
    shutil.copy(Path(__file__).parents[1] / "pyproject.toml", folder)
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:randomly", "-p", "no:cacheprovider", "test_cases.py"]
    shown = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    # A guard fails a test after its own "PASSED": the last word on it counts.
    return dict(re.findall(r"::(\w+) (PASSED|FAILED|ERROR)", shown))


@pytest.mark.parametrize("case", ["is_quiet", "expects_its_warning", "uses_the_home_of_a_test"])
def test_a_test_that_behaves_passes(outcomes, case):
    assert outcomes[f"test_that_{case}"] == "PASSED"


@pytest.mark.parametrize(
    "case", ["leaves_a_thread", "leaves_a_child", "logs_a_warning", "expects_a_warning_that_does_not_come", "warns"]
)
def test_a_test_that_does_not_is_failed(outcomes, case):
    if case == "leaves_a_child" and sys.platform != "linux":
        pytest.skip("children that multiprocessing did not start are only seen on Linux")
    assert outcomes[f"test_that_{case}"] in {"FAILED", "ERROR"}
