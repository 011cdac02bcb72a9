"""An evaluation is written whole or not at all, and never over an earlier one."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from qana_desktop.services.evaluation_files import FolderRefused, check_folder, write_evaluation
from tests.support.evaluations import made_evaluation


@pytest.mark.parametrize("there", [True, False])
def test_both_files_appear_in_a_new_or_empty_folder_and_nothing_else(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "deep" / "out"
    if there:
        folder.mkdir(parents=True)
    written = write_evaluation(folder, made_evaluation())
    assert sorted(path.name for path in folder.iterdir()) == ["evaluation.html", "evaluation.json"]
    assert sorted(written) == sorted(folder.iterdir())
    assert [path.name for path in folder.parent.iterdir()] == ["out"]
    assert json.loads((folder / "evaluation.json").read_text())["schema"] == "1.0"


def test_an_earlier_evaluation_is_never_written_over(tmp_path: Path) -> None:
    write_evaluation(tmp_path / "out", made_evaluation())
    before = (tmp_path / "out" / "evaluation.json").read_bytes()
    with pytest.raises(FolderRefused, match="not an empty folder"):
        write_evaluation(tmp_path / "out", made_evaluation(count=3))
    assert (tmp_path / "out" / "evaluation.json").read_bytes() == before


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(FolderRefused):
        check_folder(tmp_path / "out")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="this user may write everywhere")
def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FolderRefused, match="cannot be written"):
        write_evaluation(tmp_path / "out", made_evaluation())


def test_a_parent_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FolderRefused):
        write_evaluation(tmp_path / "file" / "out", made_evaluation())
