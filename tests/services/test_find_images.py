"""From paths to images: files as they are, folders in a fixed order, and a clear refusal when there is nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from qana_desktop.services.find_images import NothingToRead, find_images


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.PNG", "notes.txt", ".hidden.jpg", "deep/c d ä.tiff", "deep/e.webp", ".git/f.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def names(paths: list[Path], folder: Path) -> list[str]:
    return [source.path.relative_to(folder).as_posix() for source in find_images(paths) if source.path]


def test_a_folder_gives_its_images_below_in_order_without_hidden_ones(folder: Path) -> None:
    assert names([folder], folder) == ["a.PNG", "b.jpg", "deep/c d ä.tiff", "deep/e.webp"]


def test_a_file_that_is_named_is_read_whatever_it_is_called(folder: Path) -> None:
    assert names([folder / "notes.txt"], folder) == ["notes.txt"]


def test_the_order_of_the_arguments_is_kept_and_nothing_comes_twice(folder: Path) -> None:
    wanted = [folder / "deep", folder / "b.jpg", folder]
    assert names(wanted, folder) == ["deep/c d ä.tiff", "deep/e.webp", "b.jpg", "a.PNG"]


def test_patterns_are_expanded_where_no_shell_did_it(folder: Path) -> None:
    assert names([folder / "*.jpg"], folder) == ["b.jpg"]
    assert names([folder / "**" / "*.*"], folder) == ["a.PNG", "b.jpg", "deep/c d ä.tiff", "deep/e.webp"]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "lesion[1].jpg").touch()
    assert names([tmp_path / "lesion[1].jpg"], tmp_path) == ["lesion[1].jpg"]


def test_a_link_to_nothing_is_an_image_that_cannot_be_read_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "missing.jpg")
    assert names([tmp_path / "gone.jpg"], tmp_path) == ["gone.jpg"]


@pytest.mark.parametrize(
    ("what", "code"), [("missing.jpg", "path-missing"), ("*.bmp", "pattern-empty"), ("x", "folder-empty")]
)
def test_a_path_without_an_image_is_refused_with_its_name(tmp_path: Path, what: str, code: str) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(NothingToRead, match="nothing was read") as caught:
        find_images([tmp_path / what])
    assert caught.value.fault.code == code
    assert what in caught.value.fault.message


def test_a_name_that_no_system_allows_is_refused_and_no_crash(tmp_path: Path) -> None:
    with pytest.raises(NothingToRead, match="cannot be looked at") as caught:
        find_images([tmp_path / ("a" * 5000)])
    assert caught.value.fault.code == "path-unreadable"
    assert len(caught.value.fault.message) < 300


def test_a_folder_below_that_may_not_be_read_is_told_and_not_left_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.scandir

    def locked(path: str) -> object:
        if Path(path).name == "deep":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return really(path)

    monkeypatch.setattr(os, "scandir", locked)  # root may read everything, so a locked folder has to be made up
    with pytest.raises(NothingToRead, match=r"deep”.*Permission denied"):
        find_images([folder])
