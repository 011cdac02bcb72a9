"""The real panel of boards: every control named and reachable, asked only while open, and it says what was pressed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QComboBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from qana_desktop.engines.contract import EngineState
from qana_desktop.ui.theme.manager import Theme, ThemeChoice
from qana_desktop.ui.views.devices import BoardPanel
from tests.support.fake_boards import GONE, FakeBoardDesk, FakeCare
from tests.support.inline_runner import InlineRunner
from tests.support.inline_runner import Screen as NoticeScreen


class Shown:
    def __init__(self, qtbot: QtBot, theme: ThemeChoice) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self.window = QWidget()
        qtbot.addWidget(self.window)
        self.desk, self.care, self.runner = FakeBoardDesk(), FakeCare(), InlineRunner()
        look = Theme(app, theme)
        self.panel = BoardPanel(look, self.runner, self.window, NoticeScreen(), lambda: None, lambda: self.care)
        self.panel.attach(self.desk)
        self.panel.open()
        self.dialog = self.panel.dialog
        qtbot.waitExposed(self.dialog)


@pytest.fixture(params=[ThemeChoice.LIGHT, ThemeChoice.DARK])
def shown(request: pytest.FixtureRequest, qtbot: QtBot) -> Iterator[Shown]:
    one = Shown(qtbot, request.param)
    yield one
    one.dialog.close()


def test_every_control_has_a_name_a_hint_and_a_place_in_the_tab_order(shown: Shown) -> None:
    controls = [*shown.dialog.findChildren(QPushButton), *shown.dialog.findChildren(QComboBox)]
    assert len(controls) >= 8
    for control in controls:
        assert control.accessibleName()
        assert control.toolTip()
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_the_live_state_is_shown_and_followed(shown: Shown) -> None:
    assert shown.dialog.power.text().startswith("Power: 1010 mW")
    assert shown.dialog.clock.currentText() == "Performance"
    shown.desk.become(EngineState.LOST, GONE)
    shown.runner.settle(lambda: True)
    assert shown.dialog.state.text() == "lost"
    assert "The Akida board is gone" in shown.dialog.last_error.text()
    shown.dialog.restart.click()
    shown.runner.settle(lambda: True)
    assert shown.desk.restarts == 1
    assert shown.dialog.state.text() == "ready"


def test_a_clock_mode_that_a_person_picks_is_set(shown: Shown) -> None:
    shown.dialog.clock.textActivated.emit("Economy")
    assert shown.desk.answer.clock == "Economy"
    assert shown.dialog.clock.currentText() == "Economy"


def test_it_asks_for_the_state_only_while_it_is_open(shown: Shown) -> None:
    timer = shown.dialog._timer
    assert timer.isActive()
    asked = shown.desk.asked
    timer.timeout.emit()
    assert shown.desk.asked == asked + 1
    shown.dialog.reject()
    assert not timer.isActive()


def test_a_file_is_added_only_after_its_hash_was_shown_and_agreed_to(shown: Shown, tmp_path) -> None:
    dialog = shown.dialog
    dialog.wheel_chosen.emit(tmp_path / "akida.whl")
    assert "SHA-256" in dialog.offer.text()
    assert dialog.agree.isVisible()
    assert shown.care.held == []
    dialog.agree.click()
    assert len(shown.care.held) == 1
    assert not dialog.agree.isVisible()
    assert dialog.remove.isVisible()
    dialog.remove.click()
    assert shown.care.held == []


def test_whether_the_network_fits_is_shown_for_each_board(shown: Shown) -> None:
    shown.dialog.map.click()
    assert "AKD1000: fits" in shown.dialog.maps.text()
    assert "AKD1500: does not fit" in shown.dialog.maps.text()
