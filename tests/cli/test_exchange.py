"""`store export`, `store import` and `export-images`, run as a person or a script would: in their own process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support import archives, dicom_files, image_files

SECRETS = {
    "QANA_PASSPHRASE": "four quiet green lamps",
    "QANA_PASSWORD": "a long password",
    "QANA_KEYCHAIN": "none",
}


def program(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qana_desktop.cli", *(str(argument) for argument in arguments)]
    return subprocess.run(command, env={**os.environ, **SECRETS}, capture_output=True, text=True, check=False)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The folder of a new store whose administrator is Ada."""
    done = program("store", "init", "--admin", "Ada", "--folder", tmp_path / "store")
    assert done.returncode == 0, done.stderr
    return tmp_path / "store"


def test_cases_go_in_and_come_out_as_archive_table_and_images(store: Path, tmp_path: Path) -> None:
    ours = ("--folder", store, "--user", "Ada")
    incoming = archives.archive(tmp_path / "in.zip")
    done = program("store", "import", incoming, *ours)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [archives.full_case().encounter]
    assert "1 cases were taken in, 0 were not." in done.stderr
    assert "1 sign-offs were left out" in done.stderr

    again = program("store", "import", incoming, *ours)
    assert (again.returncode, again.stdout) == (1, "")
    assert "in the store already" in again.stderr

    for kind, name in {"archive": "out.zip", "csv": "out.csv", "tiff": "out"}.items():
        done = program("store", "export", tmp_path / name, "--as", kind, *ours)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == str(tmp_path / name)
    assert f"cases/{archives.full_case().encounter}.json" in zipfile.ZipFile(tmp_path / "out.zip").namelist()
    assert (tmp_path / "out.csv").read_text("utf-8-sig").count("\n") == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["image-0001.tif"]

    checked = program("store", "verify", "--folder", store)
    assert checked.returncode == 0, checked.stderr


def test_a_refused_archive_ends_with_a_sentence_and_code_2(store: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(archives.good_archive()[:-40])
    done = program("store", "import", tmp_path / "bad.zip", "--folder", store, "--user", "Ada")
    assert (done.returncode, done.stdout) == (2, "")
    assert "The archive was refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_case_that_is_not_there_ends_with_a_sentence_and_leaves_nothing(store: Path, tmp_path: Path) -> None:
    done = program("store", "export", tmp_path / "a.zip", "--case", "f" * 32, "--folder", store, "--user", "Ada")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "a.zip").exists()


def test_image_files_leave_without_identity_and_the_originals_stay(tmp_path: Path) -> None:
    folder = tmp_path / "Erika Mustermann"
    folder.mkdir()
    (folder / "a.dcm").write_bytes(dicom_files.dicom(image_files.picture()))
    (folder / "b.jpg").write_bytes(
        image_files.jpeg_with_exif(image_files.jpeg(image_files.picture()), b"Erika Mustermann")
    )
    before = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    done = program("export-images", folder, "--to", tmp_path / "out", "--as", "png", "--forbid", "Mustermann")
    assert done.returncode == 0, done.stderr
    assert [Path(line).name for line in done.stdout.splitlines()] == ["image-0001.png", "image-0002.png"]
    assert "look at each image" in done.stderr
    assert not [path for path in (tmp_path / "out").iterdir() if b"Mustermann" in path.read_bytes()]
    assert {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()} == before


def test_an_image_that_cannot_be_read_stops_the_export_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "half.png").write_bytes(image_files.encode(".png", image_files.picture())[:500])
    done = program("export-images", tmp_path / "half.png", "--to", tmp_path / "out")
    assert done.returncode == 2
    assert "half.png" in done.stderr
    assert "Nothing was exported." in done.stderr
    assert not (tmp_path / "out").exists()
