"""`report` and `export-dicom`, run as a script would: in its own process, without a display."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import archives
from tests.support.report_cases import text_of

SECRETS = {
    "QANA_PASSPHRASE": "four quiet green lamps",
    "QANA_PASSWORD": "a long password",
    "QANA_KEYCHAIN": "none",
}


def program(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qana_desktop.cli", *(str(argument) for argument in arguments)]
    env = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "QT_QPA_PLATFORM"}}
    return subprocess.run(command, env={**env, **SECRETS}, capture_output=True, text=True, check=False)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The folder of a store with one case, whose administrator is Ada."""
    ours = ("--folder", tmp_path / "store")
    assert program("store", "init", "--admin", "Ada", *ours).returncode == 0
    assert program("store", "import", archives.archive(tmp_path / "in.zip"), *ours, "--user", "Ada").returncode == 0
    return tmp_path / "store"


def test_all_cases_become_files_and_a_wrong_one_is_named(store: Path, tmp_path: Path) -> None:
    ours = ("--folder", store, "--user", "Ada")
    done = program("report", "all", "--out", tmp_path / "out", *ours)
    assert done.returncode == 0, done.stderr
    (path,) = done.stdout.splitlines()
    assert "not a medical device" in text_of(Path(path).read_bytes())
    assert "Reports written: 1, cases that failed: 0." in done.stderr

    done = program("report", "f" * 32, archives.full_case().encounter, "--out", tmp_path / "again", *ours)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1
    assert "f" * 32 in done.stderr
    assert "Traceback" not in done.stderr

    checked = program("store", "verify", "--folder", store)
    assert checked.returncode == 0, checked.stderr


def test_a_report_is_never_written_over_another(store: Path, tmp_path: Path) -> None:
    ours = ("--folder", store, "--user", "Ada", "--out", tmp_path / "out")
    assert program("report", "all", *ours).returncode == 0
    done = program("report", "all", *ours)
    assert (done.returncode, done.stdout) == (1, "")
    assert "something at the place" in done.stderr


def test_images_leave_as_dicom_and_can_be_read_again(store: Path, tmp_path: Path) -> None:
    ours = ("--folder", store, "--user", "Ada")
    for kind in ("dermoscopy", "secondary-capture"):
        done = program("export-dicom", "all", "--as", kind, "--out", tmp_path / "out", *ours)
        assert done.returncode == 0, done.stderr
        (path,) = done.stdout.splitlines()
        assert path.endswith(f"_1_{kind}.dcm")
    again = program("export-images", tmp_path / "out", "--to", tmp_path / "png")
    assert again.returncode == 0, again.stderr
    assert len(list((tmp_path / "png").iterdir())) == 2
