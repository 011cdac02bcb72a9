"""The clinician's scores: weights, ranges and cuts as they were published."""

from __future__ import annotations

from dataclasses import astuple, fields, replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.triage.case import Abcd, SevenPoint
from qana_desktop.triage.dermoscopy_scores import (
    ABCD_LEAST,
    ABCD_MOST,
    SEVEN_POINT_WEIGHTS,
    AbcdVerdict,
    abcd_verdict,
    revised_seven_points,
    seven_points,
    total_dermoscopy_score,
)

abcds = st.builds(Abcd, st.integers(0, 2), st.integers(0, 8), st.integers(1, 6), st.integers(1, 5))
checklists = st.builds(SevenPoint, *[st.booleans()] * 7)
ORDER = list(AbcdVerdict)


def every_abcd() -> list[Abcd]:
    return [Abcd(*counts) for counts in product(range(3), range(9), range(1, 7), range(1, 6))]


def test_the_score_goes_from_one_to_eight_point_nine() -> None:
    totals = [total_dermoscopy_score(abcd) for abcd in every_abcd()]
    assert len(totals) == 810
    assert (min(totals), max(totals)) == (1.0, 8.9)
    assert total_dermoscopy_score(ABCD_LEAST) == 1.0
    assert total_dermoscopy_score(ABCD_MOST) == 8.9


@pytest.mark.parametrize(
    ("abcd", "total", "verdict"),
    [
        (Abcd(0, 0, 2, 2), 2.0, AbcdVerdict.BENIGN),
        (Abcd(1, 4, 3, 3), 4.7, AbcdVerdict.BENIGN),
        (Abcd(1, 5, 3, 3), 4.8, AbcdVerdict.SUSPICIOUS),
        (Abcd(2, 3, 3, 2), 5.4, AbcdVerdict.SUSPICIOUS),
        (Abcd(2, 4, 3, 2), 5.5, AbcdVerdict.HIGHLY_SUSPICIOUS),
        (Abcd(2, 8, 6, 5), 8.9, AbcdVerdict.HIGHLY_SUSPICIOUS),
    ],
)
def test_the_cuts_lie_between_whole_tenths(abcd: Abcd, total: float, verdict: AbcdVerdict) -> None:
    assert total_dermoscopy_score(abcd) == total
    assert abcd_verdict(abcd) is verdict


@given(abcds)
def test_the_score_is_the_one_that_is_stored_with_the_assessment(abcd: Abcd) -> None:
    assert total_dermoscopy_score(abcd) == abcd.total


@given(abcds, st.sampled_from([field.name for field in fields(Abcd)]))
def test_more_of_anything_is_never_less_suspicious(abcd: Abcd, name: str) -> None:
    if getattr(abcd, name) == getattr(ABCD_MOST, name):
        return
    more = replace(abcd, **{name: getattr(abcd, name) + 1})
    assert total_dermoscopy_score(more) > total_dermoscopy_score(abcd)
    assert ORDER.index(abcd_verdict(more)) >= ORDER.index(abcd_verdict(abcd))


@given(checklists)
def test_both_checklists_count_the_same_criteria(found: SevenPoint) -> None:
    standard, revised = seven_points(found), revised_seven_points(found)
    assert standard.total == found.total
    assert revised.total == sum(astuple(found)) <= standard.total <= 2 * revised.total
    assert revised.reached == any(astuple(found))
    assert standard.reached == (standard.total >= 3)
    assert revised.reached or not standard.reached


def test_criteria_and_their_points_are_those_of_the_paper() -> None:
    assert list(SEVEN_POINT_WEIGHTS) == [field.name for field in fields(SevenPoint)]
    assert seven_points(SevenPoint(*[True] * 7)).total == 10
    one_major, one_minor = SevenPoint(blue_white_veil=True), SevenPoint(regression=True)
    assert not seven_points(one_major).reached
    assert seven_points(replace(one_major, regression=True)).reached
    assert revised_seven_points(one_minor).reached
