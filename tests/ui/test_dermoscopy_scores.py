"""Both scores can be entered with keys alone; what was not counted is no score."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from qana_desktop.triage.case import Abcd, SevenPoint
from qana_desktop.ui.widgets.dermoscopy_scores import DermoscopyScores
from tests.support.stage import at_size, make_theme, shortcomings


def opened(qtbot: QtBot, theme: str = "light") -> DermoscopyScores:
    form = DermoscopyScores(make_theme(theme))
    qtbot.addWidget(form)
    form.resize(420, 820)
    form.show()
    form.activateWindow()
    qtbot.waitUntil(form.isActiveWindow)
    return form


def typed(keys: str) -> None:
    for key in keys.split():
        focus = QApplication.focusWidget()
        assert focus is not None
        QTest.keySequence(focus, QKeySequence(key))


def test_an_empty_form_is_no_score(qtbot: QtBot) -> None:
    form = opened(qtbot)
    assert form.scores() == (None, None)
    assert "Count all four" in form.abcd_result.text()


def test_four_digits_are_an_abcd_score(qtbot: QtBot) -> None:
    form = opened(qtbot)
    form.rows["asymmetry"].setFocus()
    typed("2 4 3")
    assert form.scores()[0] is None
    typed("2")
    assert form.scores()[0] == Abcd(2, 4, 3, 2)
    assert form.abcd_result.text() == "Total 5.5 (above 5.45: highly suspicious of melanoma)"


def test_arrows_change_backspace_clears_and_impossible_digits_do_nothing(qtbot: QtBot) -> None:
    form = opened(qtbot)
    row = form.rows["asymmetry"]
    row.setFocus()
    typed("Right Right Right Right")
    assert row.value == 2
    typed("Left")
    assert row.value == 1
    typed("7")
    assert row.value == 1
    row.setFocus()
    typed("Backspace")
    assert row.value is None
    assert row.accessibleName() == "Asymmetry: not entered"


def test_the_keys_of_the_window_wait_while_a_count_has_the_focus(qtbot: QtBot) -> None:
    form = opened(qtbot)
    heard: list[bool] = []
    action = QAction("1:1", form)
    action.setShortcut("1")
    action.triggered.connect(heard.append)
    form.addAction(action)
    form.rows["border"].setFocus()
    typed("1")
    assert form.rows["border"].value == 1
    assert not heard


def test_digits_tick_criteria_and_both_cuts_are_named(qtbot: QtBot) -> None:
    form = opened(qtbot)
    form.ticks["atypical_network"].setFocus()
    typed("2 7")
    assert form.scores()[1] == SevenPoint(blue_white_veil=True, regression=True)
    assert form.seven_result.text() == "3 of 10 points, cut 3 (1998) reached; 2 of 7 criteria, cut 1 (2011) reached"
    typed("2")
    assert "1 of 10 points, cut 3 (1998) not reached; 1 of 7 criteria, cut 1 (2011) reached" in form.seven_result.text()


def test_none_of_them_is_an_answer_and_clear_takes_it_back(qtbot: QtBot) -> None:
    form = opened(qtbot)
    form.ticks["regression"].setFocus()
    typed("0")
    assert form.scores()[1] == SevenPoint()
    qtbot.mouseClick(form.clear, Qt.MouseButton.LeftButton)
    assert form.scores() == (None, None)


def test_what_was_entered_before_is_shown(qtbot: QtBot) -> None:
    form = opened(qtbot)
    before = (Abcd(1, 0, 2, 3), SevenPoint(atypical_vessels=True))
    form.show_scores(*before)
    assert form.scores() == before
    form.show_scores(None, SevenPoint())
    assert form.scores() == (None, SevenPoint())


@pytest.mark.usefixtures("font_kept")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("share", [1.0, 2.0])
def test_everything_has_a_name_and_room(qtbot: QtBot, theme: str, share: float) -> None:
    form = opened(qtbot, theme)
    form.resize(round(420 * share), 820)
    at_size(form._theme, share)
    qtbot.waitUntil(lambda: not shortcomings(form))
