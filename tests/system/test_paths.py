"""The program's own folders: where the system wants them, or where QANA_HOME says."""

from __future__ import annotations

import stat
import sys

import pytest

from qana_desktop.system.paths import find_paths


def test_qana_home_puts_every_folder_below_one(tmp_path):
    paths = find_paths({"QANA_HOME": str(tmp_path / "own")})
    folders = [paths.data, paths.config, paths.cache, paths.logs]
    assert {folder.parent for folder in folders} == {tmp_path / "own"}
    assert len(set(folders)) == 4


def test_without_qana_home_the_folders_lie_in_the_users_home(own_home):
    paths = find_paths({})
    for folder in (paths.data, paths.config, paths.cache, paths.logs):
        assert folder.is_relative_to(own_home)
        assert "qana-desktop" in folder.parts


def test_finding_the_folders_makes_none_of_them(own_home):
    find_paths({})
    assert list(own_home.iterdir()) == []


def test_made_folders_are_for_this_user_only_and_making_twice_is_fine(tmp_path):
    paths = find_paths({"QANA_HOME": str(tmp_path / "Käthe Müller")}).make().make()
    assert paths.data.is_dir()
    if sys.platform != "win32":
        assert stat.S_IMODE(paths.data.stat().st_mode) == 0o700


def test_a_relative_qana_home_does_not_move_with_the_working_folder(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert find_paths({"QANA_HOME": "stick"}).data == tmp_path / "stick" / "data"
