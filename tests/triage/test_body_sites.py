"""Words of sites: every known localisation is understood, and none is placed more exactly than it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.triage.body_sites import Site, site_of, sites_of

HAM10000 = (
    "abdomen", "acral", "back", "chest", "ear", "face", "foot", "genital", "hand", "lower extremity", "neck", "scalp",
    "trunk", "unknown", "upper extremity",
)  # fmt: skip
ISIC = (
    "anterior torso", "head/neck", "lateral torso", "lower extremity", "oral/genital", "palms/soles", "posterior torso",
    "upper extremity",
)  # fmt: skip


@pytest.mark.parametrize("word", [*HAM10000, *ISIC])
def test_every_published_word_is_understood(word: str) -> None:
    assert bool(sites_of(word)) == (word != "unknown")


@pytest.mark.parametrize("site", list(Site))
def test_what_the_store_keeps_comes_back(site: Site) -> None:
    assert site_of(site.value) is site
    assert site_of(site.value.upper()) is site


def test_a_coarse_word_is_not_placed() -> None:
    assert site_of("back") is None
    assert site_of("lower extremity") is None
    assert set(sites_of("back")) == {Site.UPPER_BACK, Site.LOWER_BACK}


def test_a_side_makes_it_exact() -> None:
    assert site_of("hand, left") is Site.LEFT_HAND
    assert site_of("Right forearm") is Site.RIGHT_FOREARM
    assert all(site.value.startswith("left") for site in sites_of("left upper extremity"))


@given(st.text(max_size=60))
def test_any_text_is_taken(text: str) -> None:
    assert set(sites_of(text)) <= set(Site)
