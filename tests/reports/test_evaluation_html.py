"""The page of an evaluation needs nothing but itself, says what it must, and lets no text become markup."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from qana_desktop.reports.evaluation_html import evaluation_page, n_text, value_text
from qana_desktop.reports.plots import Line, matrix, plot
from qana_desktop.triage.dataset import ImageRow
from qana_desktop.triage.diagnosis import Diagnosis
from qana_desktop.triage.evaluation import AKIDA_NOTE, INTENDED_USE
from qana_desktop.triage.held_out import NOT_HONEST, HeldOut, Standing
from qana_desktop.triage.resampling import Figure
from qana_desktop.triage.scoring import score
from tests.support.bundles import small_policy
from tests.support.evaluations import METHOD, made_answer, made_evaluation

NASTY = '<script>alert("x")</script>'


class Markup(HTMLParser):
    """Every tag with its attributes; fails on tags that are not closed in order."""

    VOID = frozenset({"meta", "rect", "path"})

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(page: str) -> Markup:
    markup = Markup()
    markup.feed(page)
    markup.close()
    assert markup.open == []
    return markup


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    page = evaluation_page(made_evaluation())
    tags = parsed(page).tags
    assert {tag for tag, _ in tags}.isdisjoint({"script", "link", "img", "iframe", "object", "a", "base", "form"})
    assert not any(name in {"src", "href", "onload", "onclick"} for _, attributes in tags for name in attributes)
    assert not re.search(r"https?:|url\(|@import", page)


def test_the_page_has_the_four_plots_each_with_a_name() -> None:
    page = evaluation_page(made_evaluation())
    names = re.findall(r'<svg role="img"[^>]*><title>([^<]+)</title>', page)
    assert names == ["Reliability", "Confusion matrix", "ROC curves", "Risk against coverage"]


def test_the_page_is_made_for_light_dark_and_paper() -> None:
    page = evaluation_page(made_evaluation())
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_the_page_says_its_intended_use() -> None:
    assert INTENDED_USE in evaluation_page(made_evaluation())


def test_doubt_about_the_split_is_the_first_thing_that_the_page_says() -> None:
    page = evaluation_page(made_evaluation(HeldOut(Standing.INCLUDED, f"{NOT_HONEST} 3 images.", 3, 2)))
    assert f'<p class="warning">{NOT_HONEST} 3 images.</p>' in page
    assert page.index(NOT_HONEST) < page.index("<h2>")
    assert 'class="warning"' not in evaluation_page(made_evaluation())


def test_figures_of_an_akida_engine_carry_their_note() -> None:
    assert AKIDA_NOTE.replace("'", "&#x27;") in evaluation_page(made_evaluation(notes=(AKIDA_NOTE,)))


@pytest.mark.parametrize("kind", ["site", "note", "bundle"])
def test_no_text_of_a_data_set_or_a_bundle_becomes_markup(kind: str) -> None:
    evaluation = made_evaluation(notes=(NASTY,) if kind == "note" else (), site=NASTY if kind == "site" else "back")
    if kind == "bundle":
        evaluation = replace(evaluation, method=replace(METHOD, bundle=NASTY))
    page = evaluation_page(evaluation)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    parsed(page)


def test_a_handful_of_images_still_makes_a_page() -> None:
    page = evaluation_page(made_evaluation(count=3))
    parsed(page)
    assert "n too small" in page
    assert "no image" in page
    assert not re.search(r"\bnan\b", page)


def test_images_that_were_all_refused_still_make_a_page() -> None:
    evaluation = made_evaluation()
    rows = [ImageRow("I", "L", Diagnosis.NV)]
    refused = score(rows, [made_answer(8)], small_policy(), seed=1, rounds=3)
    parsed(evaluation_page(replace(evaluation, scores=refused)))


def test_a_figure_without_a_value_or_an_interval_says_so() -> None:
    assert value_text(Figure(0.5, 0.25, 0.75, 1234, 900)) == "0.500 [0.250, 0.750]"
    assert value_text(Figure(0.5, None, None, 3, 1)) == "0.500 [n too small]"
    assert value_text(Figure(None, None, None, 3, 2)) == "n too small"
    assert value_text(Figure(None, None, None, 0, 0)) == "no image"
    assert n_text(Figure(0.5, 0.25, 0.75, 1234, 900)) == "1,234 of 900 lesions"


def test_a_curve_lies_in_its_frame_with_its_ends_in_the_corners() -> None:
    svg = plot("Curve", x_label="x", y_label="y", lines=[Line("one", (0.0, 1.0), (0.0, 1.0))])
    path = re.search(r'class="curve c0" d="M([\d. L]+)"', svg)
    assert path is not None
    (x0, y0), (x1, y1) = (tuple(map(float, point.split())) for point in path.group(1).split("L"))
    frame = re.search(r'<rect class="axis" x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"', svg)
    assert frame is not None
    left, top, width, height = map(int, frame.groups())
    assert (x0, y0) == (left, top + height)
    assert (x1, y1) == (left + width, top)


def test_curves_are_told_apart_by_more_than_colour() -> None:
    svg = plot("Curves", x_label="x", y_label="y", lines=[Line(str(n), (0.0, 1.0), (0.0, 1.0)) for n in range(8)])
    dashes = re.findall(r'<path class="curve c\d"(?: stroke-dasharray="([\d ]+)")? d="M\d+ \d+h24"/>', svg)
    assert len(set(dashes)) == 8


def test_a_matrix_shows_each_count_and_its_share_of_the_row() -> None:
    svg = matrix("Table", ["a", "b"], ["a", "b", "refused"], [[3, 1, 0], [1, 300, 0]])
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert texts[4:9] == ["3", "75 %", "1", "25 %", "0"]
    assert "&lt;1 %" in texts
