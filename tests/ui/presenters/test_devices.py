"""The panel of boards, decided without a window: live state, clock, last error, library, mapping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from qana_desktop.engines.contract import EngineInfo, EngineState
from qana_desktop.engines.machine import BoardPlace
from qana_desktop.engines.watch import BoardsChanged
from qana_desktop.ui.presenters.devices import BoardView, DevicesPresenter
from tests.support.fake_boards import GONE, FakeBoardDesk, FakeCare
from tests.support.inline_runner import InlineRunner
from tests.support.inline_runner import Screen as NoticeScreen

WHEEL = Path("akida.whl")


class Screen:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.board: BoardView | None = None
        self.library = ""
        self.can_remove = False
        self.maps: list[str] = []
        self.asked: list[str] = []
        self.told: list[str] = []

    def show_board(self, board: BoardView) -> None:
        self.board = board

    def show_library(self, text: str, *, can_remove: bool) -> None:
        self.library, self.can_remove = text, can_remove

    def show_maps(self, lines: Sequence[str]) -> None:
        self.maps = list(lines)

    def ask_about(self, lines: Sequence[str]) -> None:
        self.asked = list(lines)

    def tell(self, text: str) -> None:
        self.told.append(text)


class Panel:
    def __init__(self) -> None:
        self.screen, self.runner, self.desk, self.care = Screen(), InlineRunner(), FakeBoardDesk(), FakeCare()
        self.notices = NoticeScreen()
        self.looks = 0
        self.presenter = DevicesPresenter(self.runner, self.screen, self.notices, lambda: self.care, self._look)
        self.presenter.attach(self.desk)

    @property
    def board(self) -> BoardView:
        assert self.screen.board is not None
        return self.screen.board

    def settle(self) -> None:
        self.runner.settle(lambda: True)

    def _look(self) -> None:
        self.looks += 1


@pytest.fixture
def panel() -> Panel:
    return Panel()


def test_an_open_panel_shows_clock_power_and_that_no_temperature_is_told(panel):
    panel.presenter.open()
    assert panel.board.power == "Power: 1010 mW by the board's own meter, floor 903 mW"
    assert panel.board.temperature == "Temperature: the Akida library tells none."
    assert (panel.board.clock, panel.board.clocks) == ("Performance", ("Performance", "Economy", "LowPower"))
    assert "pci-0000:03:00.0" in panel.board.detail


def test_a_board_without_a_meter_is_never_shown_with_zero(panel):
    panel.desk.answer = replace(panel.desk.answer, power_mw=None, floor_mw=None)
    panel.presenter.refresh()
    assert panel.board.power == "Power: not known from this board."


def test_an_engine_that_is_no_board_is_asked_nothing(panel):
    panel.desk.info = EngineInfo("onnx-cpu", "ONNX Runtime", "1", "", EngineState.READY)
    panel.presenter.refresh()
    assert panel.desk.asked == 0
    assert panel.board.power == "Power: this engine is no board."
    assert panel.board.clocks == ()


def test_a_lost_board_is_asked_nothing_and_its_last_error_stays_after_it_came_back(panel):
    panel.desk.become(EngineState.LOST, GONE)
    panel.settle()
    panel.presenter.refresh()
    assert panel.desk.asked == 0
    assert panel.board.state == "lost"
    panel.presenter.restart()
    panel.settle()
    assert panel.desk.restarts == 1
    assert panel.board.state == "ready"
    assert panel.board.last_error == f"Last error: {GONE.sentence()}"


def test_a_clock_is_set_and_shown(panel):
    panel.presenter.refresh()
    panel.presenter.set_clock("Economy")
    assert panel.board.clock == "Economy"


def test_each_board_says_whether_the_network_fits_and_why_not(panel):
    panel.presenter.map_network()
    assert panel.screen.maps == [
        "AKD1000: fits, 3 of 78 neural processors, passes: 1. Memory: program 4 KiB.",
        "AKD1500: does not fit. This version of the network does not fit onto AKD1500. Choose another board.",
    ]


def test_a_file_is_shown_with_its_hash_and_added_only_when_a_person_agrees(panel):
    panel.presenter.offer(WHEEL)
    assert f"SHA-256 {' '.join(['abababab'] * 8)}" in panel.screen.asked
    assert panel.care.held == []
    panel.presenter.agree()
    assert len(panel.care.held) == 1
    assert panel.screen.can_remove
    assert panel.looks == 1
    panel.presenter.agree()
    assert len(panel.care.held) == 1


def test_a_file_that_a_person_declines_is_not_added(panel):
    panel.presenter.offer(WHEEL)
    panel.presenter.decline()
    panel.presenter.agree()
    assert panel.care.held == []


def test_a_file_that_is_no_library_is_refused_with_the_reason(panel):
    panel.presenter.offer(Path("bad.whl"))
    assert panel.screen.told[-1] == "The file was not added. It is no wheel. Choose another."
    assert panel.screen.asked == []


def test_the_library_can_be_removed(panel):
    panel.presenter.offer(WHEEL)
    panel.presenter.agree()
    panel.presenter.remove()
    assert panel.care.held == []
    assert not panel.screen.can_remove
    assert panel.looks == 2


def test_a_board_that_appears_is_told_and_engines_are_looked_for_again(panel):
    place = BoardPlace("akida1", "pci-0000:07:00.0", usable=True)
    panel.desk.boards_changed(BoardsChanged(appeared=(place,), vanished=()))
    panel.settle()
    assert "pci-0000:07:00.0" in panel.notices.notices["boards"].text
    assert panel.looks == 1
    panel.desk.boards_changed(BoardsChanged(appeared=(), vanished=(place,)))
    panel.settle()
    assert "boards" not in panel.notices.notices
    assert panel.looks == 2


def test_nothing_is_followed_after_it_was_detached(panel):
    panel.presenter.detach()
    assert (panel.desk.listeners, panel.desk.board_listeners) == ([], [])


def test_nothing_happens_before_there_is_a_desk():
    screen = Screen()
    presenter = DevicesPresenter(InlineRunner(), screen, NoticeScreen(), FakeCare, lambda: None)
    presenter.open()
    presenter.restart()
    presenter.set_clock("Economy")
    presenter.detach()
    assert screen.board is None
