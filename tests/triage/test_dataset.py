"""The splits come out the same on every machine, share no lesion, and are the ones that the images here were cut by."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.triage.dataset import (
    FOLD_NAMES,
    HAM10000_IMAGES,
    HAM10000_LESIONS,
    ImageRow,
    choose,
    fold_of,
    is_whole_ham10000,
    known_sealed,
    sealed_key,
    sealed_lesions,
    take,
)
from qana_desktop.triage.diagnosis import CLASS_ORDER, Diagnosis


def drawn_release(images: int = HAM10000_IMAGES, lesions: int = HAM10000_LESIONS) -> list[ImageRow]:
    """A table of the size of HAM10000: lesion numbers go round, each lesion has one diagnosis."""
    return [
        ImageRow(f"ISIC_{n:07}", f"HAM_{n % lesions:07}", CLASS_ORDER[n % lesions % len(CLASS_ORDER)])
        for n in range(images)
    ]


WHOLE = drawn_release()


def lesions_of(rows: list[ImageRow]) -> set[str]:
    return {row.lesion_id for row in rows}


def test_sealed_and_the_five_folds_share_no_lesion_and_are_everything_together() -> None:
    parts = [choose(WHOLE, split) for split in (*FOLD_NAMES, "sealed")]
    assert sum(map(len, parts)) == len(WHOLE)
    assert sum(len(lesions_of(part)) for part in parts) == HAM10000_LESIONS
    assert choose(WHOLE, "all") == WHOLE
    assert lesions_of(choose(WHOLE, "development")) == lesions_of(WHOLE) - lesions_of(choose(WHOLE, "sealed"))


def test_a_fifth_of_the_lesions_of_each_diagnosis_is_sealed() -> None:
    total, sealed = (
        Counter({row.lesion_id: row.dx for row in rows}.values()) for rows in (WHOLE, choose(WHOLE, "sealed"))
    )
    assert {dx: sealed[dx] for dx in total} == {dx: round(0.2 * count) for dx, count in total.items()}


def test_sealed_lesions_are_those_that_come_first_by_their_hash() -> None:
    sealed = sealed_lesions(WHOLE)
    for dx in Diagnosis:
        own = lesions_of([row for row in WHOLE if row.dx is dx])
        assert max(map(sealed_key, own & sealed)) < min(map(sealed_key, own - sealed))


@given(st.randoms())
def test_the_order_of_the_table_does_not_matter(shuffle) -> None:
    rows = [ImageRow(f"I{n}", f"L{n // 2}", CLASS_ORDER[n // 2 % 7]) for n in range(90)]
    mixed = rows[:]
    shuffle.shuffle(mixed)
    assert sealed_lesions(mixed) == sealed_lesions(rows)


def test_a_table_that_is_not_the_whole_release_has_no_sealed_split() -> None:
    part = choose(WHOLE, "development")
    assert not is_whole_ham10000(part)
    assert known_sealed(part) == frozenset()
    with pytest.raises(ValueError, match="whole HAM10000"):
        choose(part, "sealed")


def test_a_table_of_the_right_size_with_other_lesions_is_not_ham10000() -> None:
    assert not is_whole_ham10000([*WHOLE[:-1], ImageRow("X", "OTHER_1", Diagnosis.NV)])


def test_a_fold_column_is_believed_and_without_one_the_hash_decides() -> None:
    rows = [ImageRow("a", "L1", Diagnosis.NV, fold=3), ImageRow("b", "L1", Diagnosis.NV)]
    assert choose(rows[:1], "fold-3") == rows[:1]
    assert choose(rows[1:], f"fold-{fold_of('L1')}") == rows[1:]


def test_a_trial_takes_the_same_images_whatever_their_order() -> None:
    some = take(WHOLE, 50)
    assert len(some) == 50
    assert set(some) == set(take(WHOLE[::-1], 50))
    assert set(take(WHOLE, 20)) < set(some)
    assert take(WHOLE, None) == WHOLE


# --- the images of this machine --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def here(shared_data: Path) -> list[dict[str, str]]:
    with (shared_data / "ham10000" / "metadata.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_fold_column_of_the_images_here_is_the_hash(here: list[dict[str, str]]) -> None:
    assert [row["image_id"] for row in here if int(row["fold"]) != fold_of(row["lesion_id"])] == []


def test_no_lesion_here_can_be_a_sealed_one(here: list[dict[str, str]]) -> None:
    """These are the last four fifths of each diagnosis by hash: their first hash lies near a fifth of the range."""
    first = defaultdict(lambda: 1.0)
    counts = Counter({row["lesion_id"]: row["dx"] for row in here}.values())
    for row in here:
        first[row["dx"]] = min(first[row["dx"]], int(sealed_key(row["lesion_id"]), 16) / 2**256)
    large = [dx for dx, count in counts.items() if count > 500]
    assert large
    assert all(0.15 < first[dx] < 0.25 for dx in large), dict(first)
    assert all(first[dx] > 0.05 for dx in counts), dict(first)
