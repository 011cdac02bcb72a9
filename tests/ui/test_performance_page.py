"""The Performance page on a real store: counted in the background, told apart by version, gone when nobody is here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from qana_desktop.triage.access import Role
from qana_desktop.triage.site_figures import share
from qana_desktop.ui.pages import PageContext
from qana_desktop.ui.presenters.performance import cell_words
from qana_desktop.ui.settings import WindowSettings
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.views.performance import PerformancePage
from qana_desktop.ui.widgets.plot import PlotView
from tests.support.signed_in import SignedIn, signed_in
from tests.support.site import fill_site
from tests.support.stage import at_size, make_theme, shortcomings

gone_to: list[Command] = []


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SignedIn]:
    with signed_in(tmp_path / "store") as made:
        yield made


def opened(place: SignedIn, qtbot: QtBot, tmp_path: Path, *, theme: str = "light") -> PerformancePage:
    context = PageContext(
        make_theme(theme), place.bridge, None, WindowSettings(tmp_path), place.notices, place.session,
        lambda: None, gone_to.append,
    )  # fmt: skip
    page = PerformancePage(context)
    qtbot.addWidget(page)
    page.resize(1200, 900)
    page.show()
    page.entered()
    place.settle(qtbot)
    return page


def tables(page: PerformancePage) -> dict[str, list[list[str]]]:
    return {
        view.panel.key: [
            [view.table.item(row, column).text() for column in range(view.table.columnCount())]
            for row in range(view.table.rowCount())
        ]
        for view in page.panels
        if view.panel.rows
    }


def test_the_store_is_counted_at_the_first_visit(place: SignedIn, qtbot: QtBot, tmp_path: Path) -> None:
    fill_site(place.clinic.store, cases=60)
    page = opened(place, qtbot, tmp_path)
    shown = tables(page)
    assert "60 images of 60 cases, 2026-01 to 2026-06" in page.head.text()
    assert shown["overrides"][0][0] == "Overridden with a reason"
    assert len(shown["months"]) == 6
    assert {row[2] for row in shown["energy"]} == {"measured for the whole processor package"}
    assert page.findChildren(PlotView)
    assert page.save.isEnabled()


def test_the_tables_are_saved_with_the_numbers_of_the_screen(place: SignedIn, qtbot: QtBot, tmp_path: Path) -> None:
    fill_site(place.clinic.store, cases=30)
    page = opened(place, qtbot, tmp_path)
    page.ask_for_path = lambda: tmp_path / "a.csv"
    qtbot.mouseClick(page.save, Qt.MouseButton.LeftButton)
    place.settle(qtbot)
    assert "Saved as a.csv" in page.state.text()
    assert (tmp_path / "a.csv").read_text("utf-8-sig").startswith("table,version,row,column,value")
    qtbot.mouseClick(page.save, Qt.MouseButton.LeftButton)
    place.settle(qtbot)
    assert "something at the place" in page.state.text()


def test_nothing_is_held_when_nobody_is_signed_in(place: SignedIn, qtbot: QtBot, tmp_path: Path) -> None:
    fill_site(place.clinic.store, cases=12)
    page = opened(place, qtbot, tmp_path)
    place.clinic.desk.sign_out()
    page.store_changed()
    assert page.panels == []
    assert page.presenter.found is None
    assert page.body.currentWidget() is page._closed


def test_an_empty_store_says_what_is_missing(place: SignedIn, qtbot: QtBot, tmp_path: Path) -> None:
    page = opened(place, qtbot, tmp_path)
    assert "No image of the case store was read" in page.head.text()
    assert not page.findChildren(PlotView)


def test_a_viewer_sees_and_does_not_save(qtbot: QtBot, tmp_path: Path) -> None:
    with signed_in(tmp_path / "store", role=Role.VIEWER) as place:
        fill_site(place.clinic.store, cases=12)
        page = opened(place, qtbot, tmp_path)
        assert page.panels
        assert not page.save.isEnabled()


def test_cells_are_words_and_what_is_missing_is_no_zero() -> None:
    assert cell_words(None) == "-"
    assert cell_words(share(3, 5)) == "3 of 5"
    assert cell_words(share(0, 0)) == "none"
    assert cell_words(share(15, 30)).replace("\u00a0", " ") == "50 % (33 to 67), 15 of 30"
    assert cell_words(12_500) == "12,500"


@pytest.mark.usefixtures("font_kept")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [1.0, 2.0])
def test_every_control_can_be_used_by_everybody(
    place: SignedIn, qtbot: QtBot, tmp_path: Path, theme: str, size: float
) -> None:
    fill_site(place.clinic.store, cases=24)
    page = opened(place, qtbot, tmp_path, theme=theme)
    at_size(page._theme, size)
    page.resize(round(1200 * size), 900)
    qtbot.waitUntil(lambda: shortcomings(page) == [], timeout=5000)
