"""Golden inputs are drawn by code: the same pixels everywhere, and different enough to notice a wrong engine."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from qana_desktop.network.golden import golden_images


@pytest.mark.parametrize("shape", [(112, 112, 3), (5, 256, 3), (32, 32, 1)])
def test_golden_images_have_the_shape_that_the_network_takes(shape: tuple[int, int, int]) -> None:
    images = golden_images(shape)
    assert images.shape == (10, *shape)
    assert images.dtype == np.uint8
    assert len({image.tobytes() for image in images}) == len(images)


def test_golden_images_never_change() -> None:
    digest = hashlib.sha256(golden_images((112, 112, 3)).tobytes()).hexdigest()
    assert digest == "9cf0b0db4f1efbcc0b51cdf9c6508eb7f10d112f12a4239cbd963f44d90310f4"


def test_they_reach_both_ends_of_the_range_in_every_channel() -> None:
    images = golden_images((64, 64, 3))
    assert images.min(axis=(0, 1, 2)).tolist() == [0, 0, 0]
    assert images.max(axis=(0, 1, 2)).tolist() == [255, 255, 255]
