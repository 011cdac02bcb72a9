"""Holdouts stay what they were: pinned, assigned for good, apart from training, and counted."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.learning.holdouts import (
    HoldoutRefused,
    Look,
    Role,
    holdout_from_bytes,
    holdout_to_bytes,
    looks_warning,
    overlaps,
    role_of,
)
from qana_desktop.learning.memory import LocalCase
from qana_desktop.learning.protocol import Protocol
from qana_desktop.network.serialise import arrays_to_bytes
from tests.support.learning_world import cases

LESIONS = ("HAM_1", "HAM_2", "lésion")
LABELS = np.array([0, 4, 6])
FEATURES = np.arange(3 * 2 * 5, dtype=np.uint8).reshape(3, 2, 5) % 16


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_holdout_reads_back_as_written() -> None:
    content = holdout_to_bytes(LESIONS, LABELS, FEATURES)
    holdout = holdout_from_bytes(content, sha256=sha256(content))
    assert holdout.lesions == LESIONS
    assert holdout.labels.tolist() == [0, 4, 6]
    assert np.array_equal(holdout.features, FEATURES)


def test_a_holdout_with_one_changed_label_is_not_the_pinned_one() -> None:
    pinned = sha256(holdout_to_bytes(LESIONS, LABELS, FEATURES))
    with pytest.raises(HoldoutRefused, match="not the one that was pinned"):
        holdout_from_bytes(holdout_to_bytes(LESIONS, np.array([0, 5, 6]), FEATURES), sha256=pinned)


@pytest.mark.parametrize(
    "arrays",
    [
        {"labels": LABELS.astype(np.uint8), "features": FEATURES},
        {"lesions": np.array([b"a", b"a", b"b"]), "labels": LABELS.astype(np.uint8), "features": FEATURES},
        {"lesions": np.array([b"a", b"c", b"b"]), "labels": LABELS.astype(np.uint8), "features": FEATURES + 10},
        {"lesions": np.array([b"a", b"c", b"b"]), "labels": LABELS, "features": FEATURES},
        {"lesions": np.array([b"a", b"c"]), "labels": LABELS.astype(np.uint8), "features": FEATURES},
        {"lesions": np.array([b"a", b"c", b"b"]), "labels": LABELS.astype(np.uint8), "features": FEATURES[:, 0]},
    ],
)
def test_a_pinned_file_that_is_no_holdout_is_refused(arrays: dict[str, np.ndarray]) -> None:
    content = arrays_to_bytes(arrays)
    with pytest.raises(HoldoutRefused, match="cannot be read"):
        holdout_from_bytes(content, sha256=sha256(content))


def test_a_file_of_something_else_is_refused_and_bad_cases_are_not_written() -> None:
    with pytest.raises(HoldoutRefused, match="not a file of plain arrays"):
        holdout_from_bytes(b"no", sha256=sha256(b"no"))
    with pytest.raises(ValueError, match="comes twice"):
        holdout_to_bytes(("a", "a", "b"), LABELS, FEATURES)
    with pytest.raises(ValueError, match="bytes"):
        holdout_to_bytes(("a" * 65, "a", "b"), LABELS, FEATURES)


@given(st.text(), st.text())
def test_a_patient_has_one_role_for_good_and_a_larger_share_takes_nobody_out(patient: str, salt: str) -> None:
    small, large = Protocol(local_share=0.2), Protocol(local_share=0.4)
    role = role_of(patient, site_salt=salt, protocol=small)
    assert role is role_of(patient, site_salt=salt, protocol=small)
    if role is Role.HOLDOUT:
        assert role_of(patient, site_salt=salt, protocol=large) is Role.HOLDOUT


def test_the_share_of_patients_is_as_the_protocol_says_and_another_salt_chooses_others() -> None:
    def chosen(salt: str) -> set[int]:
        return {n for n in range(4000) if role_of(f"p{n}", site_salt=salt, protocol=Protocol()) is Role.HOLDOUT}

    assert 0.27 < len(chosen("a")) / 4000 < 0.33
    assert chosen("a") != chosen("b")


def test_a_case_of_the_same_patient_lesion_or_picture_overlaps_and_others_do_not() -> None:
    holdout = cases(["mel"] * 20, seed=1)
    apart = cases(["mel"] * 20, seed=2)
    assert list(overlaps(apart, holdout)) == []
    assert list(overlaps(apart, ())) == []
    guilty = (
        replace(apart[0], patient=holdout[3].patient),
        replace(apart[1], lesion=holdout[4].lesion),
        replace(apart[2], features=holdout[5].features[::-1]),
    )
    found = list(overlaps((*guilty, apart[3]), holdout))
    assert [overlap.holdout_lesion for overlap in found] == [holdout[n].lesion for n in (3, 4, 5)]
    assert [overlap.training_lesion for overlap in found] == [case.lesion for case in guilty]
    assert "patient" in found[0].sentence
    assert "lesion" in found[1].sentence
    assert "picture" in found[2].sentence


@given(st.integers(0, 19), st.integers(0, 1))
def test_a_picture_that_differs_in_one_level_is_still_found(which: int, view: int) -> None:
    holdout = cases(["nv"] * 20, seed=1)
    changed = holdout[which].features.copy()
    changed[view, 7] = changed[view, 7] - 1 if changed[view, 7] else 1
    copy = LocalCase("someone", "something", "nv", changed)
    assert [overlap.holdout_lesion for overlap in overlaps([copy], holdout)] == [holdout[which].lesion]


def test_a_holdout_wears_out_by_the_versions_that_it_judged() -> None:
    looks = [Look(f"version-{n}", "2026-01-01T00:00:00Z") for n in range(20)]
    assert looks_warning(looks, 300, Protocol()) is None
    assert looks_warning(looks + looks, 300, Protocol()) is None
    warning = looks_warning([*looks, Look("one-more", "2026-01-02T00:00:00Z")], 300, Protocol())
    assert warning is not None
    assert "21 versions" in warning
