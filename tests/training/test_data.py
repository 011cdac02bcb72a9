"""No lesion is in two parts of the data, and the parts are the same on every machine."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.network.preprocess import to_network_input
from qana_desktop.training.data import CLASSES, Record, Split, load_cache, read_image, read_records, split_records
from tests.support.training_data import draw_dataset

REAL = Path(os.environ.get("QANA_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


@st.composite
def record_lists(draw: st.DrawFn) -> list[Record]:
    records = []
    for lesion in range(draw(st.integers(10, 60))):
        dx, fold = draw(st.sampled_from(CLASSES)), draw(st.integers(0, 4))
        shots = range(draw(st.integers(1, 3)))
        records += [Record(f"I{lesion}-{shot}", f"L{lesion}", dx, fold, "ham10000") for shot in shots]
    records += [Record(f"X{n}", f"isic2017:X{n}", "nv", -1, "isic2017") for n in range(draw(st.integers(0, 5)))]
    return records


def assert_grouped(split: Split, fold: int) -> None:
    lesions = [{r.lesion_id for r in part} for part in (split.train, split.calibration, split.test)]
    assert not lesions[0] & lesions[1]
    assert not lesions[0] & lesions[2]
    assert not lesions[1] & lesions[2]
    assert {r.fold for r in split.test} <= {fold}
    assert all(r.source == "ham10000" for r in (*split.calibration, *split.test))


@given(records=record_lists(), fold=st.integers(0, 4))
def test_no_lesion_is_in_two_parts_and_no_image_is_lost(records: list[Record], fold: int) -> None:
    split = split_records(records, test_fold=fold)
    assert_grouped(split, fold)
    assert Counter((*split.train, *split.calibration, *split.test)) == Counter(records)


@given(records=record_lists(), order=st.randoms())
def test_the_parts_do_not_depend_on_the_order_of_the_metadata(records: list[Record], order: object) -> None:
    shuffled = list(records)
    order.shuffle(shuffled)
    first, second = split_records(records, test_fold=0), split_records(shuffled, test_fold=0)
    assert set(first.calibration) == set(second.calibration)


def test_calibration_takes_its_share_of_every_diagnosis() -> None:
    records = [
        Record(f"I{dx}{n}", f"L{dx}{n}", dx, 1, "ham10000") for dx in CLASSES for n in range(50 if dx == "nv" else 25)
    ]
    split = split_records(records, test_fold=0, share=0.12)
    assert Counter(r.dx for r in split.calibration) == {dx: 6 if dx == "nv" else 3 for dx in CLASSES}


def test_the_real_folds_share_no_lesion() -> None:
    if not (REAL / "ham10000" / "metadata.csv").exists():
        pytest.skip("The HAM10000 development images are not here (../shared/data or QANA_DATA).")
    records = read_records(REAL)
    for fold in range(5):
        assert_grouped(split_records(records, test_fold=fold), fold)


def test_cached_images_are_what_the_product_would_make_of_the_files(tmp_path: Path) -> None:
    root = draw_dataset(tmp_path / "data", lesions_per_class=2)
    made = load_cache(root, tmp_path / "cache", 32)
    read = load_cache(root, tmp_path / "cache", 32)
    for row, record in enumerate(made.records):
        expected = to_network_input(read_image(root, record), 32)
        assert np.array_equal(made.images[row], expected)
        assert np.array_equal(read.images[row], expected)


def test_a_cache_of_other_images_is_made_again(tmp_path: Path) -> None:
    load_cache(draw_dataset(tmp_path / "one", lesions_per_class=2), tmp_path / "cache", 32)
    other = load_cache(draw_dataset(tmp_path / "two", lesions_per_class=3), tmp_path / "cache", 32)
    assert len(other.images) == len(other.records)


def test_rows_follow_the_wanted_records(tmp_path: Path) -> None:
    cache = load_cache(draw_dataset(tmp_path / "data", lesions_per_class=2), tmp_path / "cache", 32)
    wanted = (cache.records[5], cache.records[0])
    assert cache.rows(wanted).tolist() == [5, 0]
