"""Drawn lesions: real JPEG files that say what they are, the same on every run."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from qana_desktop.services.demo_images import (
    COMMENT,
    LOOKS,
    CannotWrite,
    benchmark_jpegs,
    draw_lesion,
    write_demo_images,
)


def test_every_file_says_in_name_pixels_and_content_that_it_is_synthetic(tmp_path: Path) -> None:
    paths = write_demo_images(tmp_path / "new" / "folder")
    assert len(paths) == len(LOOKS) == len(list((tmp_path / "new" / "folder").iterdir()))
    for path in paths:
        assert path.name.startswith("synthetic-")
        assert COMMENT in path.read_bytes()
        image = cv2.imread(str(path))
        assert image is not None
        assert image.shape == (450, 600, 3)


def test_the_label_lies_outside_of_the_square_that_the_network_sees() -> None:
    drawn = draw_lesion(LOOKS[-1], 1)
    bright = np.argwhere(drawn.min(axis=2) > 120)
    assert len(bright) > 20
    assert bright[:, 1].max() < 75


def test_the_same_look_and_seed_give_the_same_pixels() -> None:
    assert np.array_equal(draw_lesion(LOOKS[1], 5), draw_lesion(LOOKS[1], 5))
    assert not np.array_equal(draw_lesion(LOOKS[1], 5), draw_lesion(LOOKS[1], 6))


def test_benchmark_images_all_differ() -> None:
    assert len(set(benchmark_jpegs(20))) == 20


@pytest.mark.skipif(sys.platform == "win32", reason="a file in the way is refused by other words on Windows")
def test_a_folder_that_cannot_be_made_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite, match="file"):
        write_demo_images(tmp_path / "file" / "below")
