"""The watched folder: what is new and no longer grows is given out, once."""

from __future__ import annotations

import pytest

from qana_desktop.services.watched_folder import FolderUnreachable, WatchedFolder


def test_what_was_there_before_is_left_alone_and_what_comes_is_given_out_once(tmp_path):
    (tmp_path / "old.png").write_bytes(b"old")
    watched = WatchedFolder(tmp_path)
    assert watched.look() == []
    (tmp_path / "new.png").write_bytes(b"new")
    (tmp_path / "notes.txt").write_bytes(b"-")
    assert watched.look() == []
    assert watched.look() == [tmp_path / "new.png"]
    assert watched.look() == []


def test_a_file_that_still_grows_waits(tmp_path):
    watched = WatchedFolder(tmp_path)
    watched.look()
    path = tmp_path / "new.png"
    for size in range(1, 5):
        path.write_bytes(b"x" * size)
        assert watched.look() == []
    assert watched.look() == [path]


def test_a_file_that_was_taken_again_is_given_out_again(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"one")
    watched = WatchedFolder(tmp_path)
    watched.look()
    path.write_bytes(b"another")
    watched.look()
    assert watched.look() == [path]


def test_an_empty_file_waits_for_its_content(tmp_path):
    watched = WatchedFolder(tmp_path)
    watched.look()
    (tmp_path / "a.png").touch()
    assert [watched.look(), watched.look(), watched.look()] == [[], [], []]


def test_a_folder_that_is_away_is_said_and_seen_again_when_it_is_back(tmp_path):
    folder = tmp_path / "drive"
    folder.mkdir()
    watched = WatchedFolder(folder)
    watched.look()
    folder.rename(tmp_path / "away")
    with pytest.raises(FolderUnreachable, match="cannot be looked at"):
        watched.look()
    (tmp_path / "away").rename(folder)
    (folder / "a.png").write_bytes(b"a")
    watched.look()
    assert watched.look() == [folder / "a.png"]
