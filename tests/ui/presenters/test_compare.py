"""Linked views are one arithmetic; scores stand side by side only when one network gave both."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.triage.outcome import CannotAssess
from qana_desktop.ui.presenters.compare import compare_view
from qana_desktop.ui.presenters.linked import ImageView, Link, link_by_scale, link_of, turned
from tests.support.fake_desks import BLURRED, assessed, reading_of
from tests.support.stage import compared

place = st.floats(-2, 2)
views = st.builds(ImageView, place, place, st.floats(10, 1e5), st.integers(0, 3))
links = st.builds(Link, st.floats(0.1, 10), st.integers(0, 3), place, place)


def on_screen(view: ImageView, x: float, y: float) -> tuple[float, float]:
    """Where a point of an image (short sides from its middle) lies from the middle of the screen, in pixels."""
    right, down = turned(x - view.x, y - view.y, view.turns)
    return right * view.span, down * view.span


@given(links, views)
def test_following_there_and_back_is_where_one_was(link: Link, view: ImageView) -> None:
    back = link.today(link.earlier(view))
    assert (back.x, back.y, back.span) == pytest.approx((view.x, view.y, view.span), abs=1e-9)
    assert back.turns == view.turns


@given(links, views, place, place)
def test_a_point_and_its_fellow_lie_on_the_same_place_of_the_screen(
    link: Link, view: ImageView, x: float, y: float
) -> None:
    right, down = turned(x, y, link.turns)
    fellow = (link.ratio * right + link.dx, link.ratio * down + link.dy)
    assert on_screen(link.earlier(view), *fellow) == pytest.approx(on_screen(view, x, y), rel=1e-6, abs=1e-4)


@given(views, views)
def test_a_link_made_from_two_views_keeps_them(today: ImageView, earlier: ImageView) -> None:
    followed = link_of(today, earlier).earlier(today)
    assert (followed.x, followed.y, followed.span) == pytest.approx((earlier.x, earlier.y, earlier.span), abs=1e-6)
    assert followed.turns == earlier.turns


def test_with_both_scales_a_millimetre_is_as_long_in_both() -> None:
    today, earlier = ImageView(0, 0, 600, 0), link_by_scale(12.0, 8.0).earlier(ImageView(0, 0, 600, 0))
    assert earlier.span / 8.0 == pytest.approx(today.span / 12.0)
    assert link_by_scale(12.0, None) == Link()


def test_scores_of_one_network_stand_side_by_side_with_their_change() -> None:
    view = compare_view(
        compared("a", "2024-03-01", outcome=assessed(0.31)), compared("b", "2025-03-01", outcome=assessed(0.58))
    )
    assert (view.other.number, view.this.number) == ("0.31", "0.58")
    assert view.change == "Malignancy 0.31 in the other image, 0.58 in this one, read by one network."
    assert view.banner == ""


def test_scores_of_two_networks_are_not_compared_and_it_says_why() -> None:
    view = compare_view(
        compared("a", "2024-03-01", outcome=assessed(0.31), bundle="first"),
        compared("b", "2025-03-01", outcome=assessed(0.58), bundle="second"),
    )
    assert (view.other.number, view.this.number, view.change) == ("", "", "")
    assert "different networks" in view.banner
    assert "first" in view.banner
    assert "second" in view.banner
    assert view.other.word == "Review"


@pytest.mark.parametrize("outcome", [None, CannotAssess(BLURRED)])
def test_a_missing_answer_is_never_compared(outcome: CannotAssess | None) -> None:
    view = compare_view(compared("a", "", outcome=outcome), compared("b", "", outcome=assessed(0.58)))
    assert (view.this.number, view.change) == ("", "")
    assert view.banner.startswith("There is no score for the other image")


def test_earlier_and_later_are_said_only_where_both_days_are_known() -> None:
    old, new = (replace(compared("a", ""), taken=day) for day in ("2024-03-01T09:00:00", "2026-03-01"))
    assert compare_view(old, new).other.heading == "Earlier image"
    assert compare_view(new, old).other.heading == "Later image"
    assert compare_view(replace(old, taken=""), new).other.heading == "Other image"
    assert compare_view(replace(new, taken="2026-03-01T10:00:00"), new).other.heading == "Other image"


def test_two_readings_of_unknown_origin_are_not_taken_for_the_same_network() -> None:
    reading = replace(reading_of("a", assessed(0.4)), provenance=None)
    image = replace(compared("a", ""), reading=reading)
    assert compare_view(image, image).change == ""
