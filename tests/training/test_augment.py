"""Augmentation keeps the shape, follows its generator, and touches nothing that is evaluated."""

from __future__ import annotations

import numpy as np
import pytest

from qana_desktop.training.augment import AugmentSettings, augment

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 40, 40, 3)).astype(np.uint8)
STILL = AugmentSettings(
    scale=(1.0, 1.0), stretch=0.0, shift=0.0, gain=0.0, cast=0.0, gamma=0.0,
    saturation=0.0, hue=0.0, blur=0.0, hair=0.0, erase=0.0,
)  # fmt: skip


def test_images_come_out_at_the_wanted_size_and_the_originals_are_unchanged() -> None:
    before = IMAGES.copy()
    changed = augment(IMAGES, 32, np.random.default_rng(1), AugmentSettings(hair=1.0, erase=1.0, blur=1.0))
    assert changed.shape == (4, 32, 32, 3)
    assert changed.dtype == np.uint8
    assert np.array_equal(IMAGES, before)


def test_the_same_generator_gives_the_same_changes_and_another_gives_others() -> None:
    first, again, other = (augment(IMAGES, 32, np.random.default_rng(seed), AugmentSettings()) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_with_all_ranges_at_zero_only_the_turn_is_left() -> None:
    rows, columns = np.mgrid[0:40, 0:40] - 19.5
    disc = np.where((rows**2 + columns**2 < 144)[..., None], 60, 200).astype(np.uint8).repeat(3, axis=2)
    changed = augment(disc[None], 40, np.random.default_rng(0), STILL)[0]
    assert np.abs(changed.astype(int) - disc).mean() < 3.0


@pytest.mark.parametrize("seed", range(5))
def test_a_grey_image_stays_grey_without_a_cast(seed: int) -> None:
    grey = np.full((1, 40, 40, 3), 120, np.uint8)
    settings = AugmentSettings(cast=0.0, hair=0.0, erase=0.0)
    changed = augment(grey, 32, np.random.default_rng(seed), settings)[0].astype(int)
    assert np.ptp(changed, axis=2).max() <= 1
