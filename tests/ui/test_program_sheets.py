"""Settings, keys, help and tour of the real window: what is chosen holds and is remembered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt, QUrl
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from qana_desktop.system.language import LANGUAGES
from qana_desktop.system.paths import Paths
from qana_desktop.system.resources import assets_dir
from qana_desktop.ui.presenters.keys import WEIGHTY, changes, refusal, rekeyed
from qana_desktop.ui.settings import AUTO_LOCKS, FILE, REREAD_SHARES, SCALES, AnswerOrder, WindowSettings
from qana_desktop.ui.shortcuts import Command, shortcut_table
from qana_desktop.ui.theme.manager import ThemeChoice
from qana_desktop.ui.theme.palette import CONTRAST
from qana_desktop.ui.views.help import TOPICS, title_of, topic_text
from qana_desktop.ui.views.keys import KeysSheet
from qana_desktop.ui.views.settings import SettingsSheet
from qana_desktop.ui.window import MainWindow
from tests.ui.conftest import Opened, OpenWindow

OpenSheet = Callable[[], tuple[Opened, SettingsSheet]]


@pytest.fixture
def settings_open(open_window: OpenWindow, font_kept: None) -> OpenSheet:
    """Open the window with its settings."""

    def open_it() -> tuple[Opened, SettingsSheet]:
        opened = open_window()
        opened.window.actions_[Command.SETTINGS].trigger()
        sheet = opened.window.sheets.settings
        assert sheet is not None
        assert sheet.isVisible()
        return opened, sheet

    return open_it


def pick(field: object, value: object) -> None:
    """Choose in a list as a person does."""
    choice = field.choice  # type: ignore[attr-defined]
    choice.choose(value)
    choice.activated.emit(choice.currentIndex())


def test_what_is_chosen_is_stored_at_once(settings_open: OpenSheet, paths: Paths) -> None:
    _opened, sheet = settings_open()
    pick(sheet.language, "de")
    pick(sheet.order, AnswerOrder.CLINICIAN_FIRST)
    pick(sheet.reread, 0.1)
    pick(sheet.lock, 2)
    sheet.second.click()
    stored = WindowSettings(paths.config)
    assert (stored.language, stored.answer_order, stored.reread_share) == ("de", AnswerOrder.CLINICIAN_FIRST, 0.1)
    assert (stored.auto_lock_minutes, stored.second_reader) == (2, False)


def test_theme_and_size_of_text_hold_at_once(settings_open: OpenSheet, qapp: QApplication, paths: Paths) -> None:
    opened, sheet = settings_open()
    before = qapp.font().pointSizeF()
    pick(sheet.theme, ThemeChoice.CONTRAST)
    pick(sheet.scale, 150)
    assert opened.window._theme.colours is CONTRAST
    assert qapp.font().pointSizeF() == pytest.approx(1.5 * before)
    assert WindowSettings(paths.config).scale == 150
    pick(sheet.scale, 100)


def test_a_watched_folder_is_shown_and_can_be_forgotten(settings_open: OpenSheet, paths: Paths, tmp_path: Path) -> None:
    _opened, sheet = settings_open()
    assert not sheet.forget.isEnabled()
    sheet._use_folder(tmp_path)
    assert sheet.folder.text() == str(tmp_path)
    assert WindowSettings(paths.config).watch_folder == tmp_path
    sheet.forget.click()
    assert WindowSettings(paths.config).watch_folder is None


def test_it_is_said_where_the_language_is_chosen_that_nobody_reviewed_the_translations(
    settings_open: OpenSheet,
) -> None:
    _opened, sheet = settings_open()
    pick(sheet.language, "fr")
    assert "not yet reviewed" in sheet.review.text()
    pick(sheet.language, "en")
    assert "not yet reviewed" not in sheet.review.text()


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_any_file_of_settings_reads_as_settings(tmp_path_factory: pytest.TempPathFactory, junk: str) -> None:
    folder = tmp_path_factory.mktemp("config")
    names = ["theme", "language", "scale", "auto-lock-minutes", "answer-order", "second-reader", "reread-share"]
    (folder / FILE).write_text("[General]\n" + "".join(f"{name}={junk}\n" for name in names), encoding="utf-8")
    stored = WindowSettings(folder)
    assert stored.scale in SCALES
    assert stored.auto_lock_minutes in AUTO_LOCKS
    assert stored.reread_share in REREAD_SHARES
    assert isinstance(stored.theme, ThemeChoice)
    assert isinstance(stored.answer_order, AnswerOrder)


# --- keys


@pytest.fixture
def keys_open(open_window: OpenWindow, qtbot: QtBot) -> Callable[[], tuple[MainWindow, KeysSheet]]:
    """Open the window with its keys."""

    def open_it() -> tuple[MainWindow, KeysSheet]:
        window = open_window().window
        window.actions_[Command.KEYS].trigger()
        sheet = window.sheets.keys
        assert sheet is not None
        return window, sheet

    return open_it


def press(qtbot: QtBot, sheet: KeysSheet, command: Command, key: Qt.Key, held: Qt.KeyboardModifier) -> None:
    """Press a command's button, then new keys."""
    keys = sheet.buttons[command]
    keys.click()
    qtbot.keyClick(keys, key, held)


NONE, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


def test_a_changed_key_works_at_once_and_is_remembered(
    keys_open: Callable[[], tuple[MainWindow, KeysSheet]], qtbot: QtBot, paths: Paths
) -> None:
    window, sheet = keys_open()
    press(qtbot, sheet, Command.ROTATE, Qt.Key.Key_G, NONE)
    assert window.actions_[Command.ROTATE].shortcut().toString() == "G"
    assert "(G)" in window.actions_[Command.ROTATE].toolTip()
    window.close()
    assert WindowSettings(paths.config).keys() == {"rotate": ("G",)}


def test_a_key_that_serves_another_command_is_refused_with_a_sentence(
    keys_open: Callable[[], tuple[MainWindow, KeysSheet]], qtbot: QtBot
) -> None:
    window, sheet = keys_open()
    press(qtbot, sheet, Command.ROTATE, Qt.Key.Key_F, NONE)
    assert sheet.said.text() == "F is the key of “Fit” already. Choose another one, or change that first."
    assert window.actions_[Command.ROTATE].shortcut().toString() == "R"


def test_escape_leaves_a_key_delete_takes_it_away_and_all_can_be_put_back(
    keys_open: Callable[[], tuple[MainWindow, KeysSheet]], qtbot: QtBot, paths: Paths
) -> None:
    window, sheet = keys_open()
    press(qtbot, sheet, Command.ROTATE, Qt.Key.Key_Escape, NONE)
    assert window.actions_[Command.ROTATE].shortcut().toString() == "R"
    press(qtbot, sheet, Command.ROTATE, Qt.Key.Key_Delete, NONE)
    assert window.actions_[Command.ROTATE].shortcuts() == []
    sheet.reset.click()
    assert window.actions_[Command.ROTATE].shortcut().toString() == "R"
    assert WindowSettings(paths.config).keys() == {}


def test_no_single_key_signs_takes_back_or_ends(
    keys_open: Callable[[], tuple[MainWindow, KeysSheet]], qtbot: QtBot
) -> None:
    window, sheet = keys_open()
    for command in WEIGHTY:
        assert all(
            key.startswith(("Ctrl+", "Alt+")) for s in window.actions_.table if s.command is command for key in s.keys
        )
        assert "single key" in refusal(window.actions_.table, command, "G")
    press(qtbot, sheet, Command.SIGN, Qt.Key.Key_G, NONE)
    assert window.actions_[Command.SIGN].shortcut().toString() == "Ctrl+Return"
    press(qtbot, sheet, Command.SIGN, Qt.Key.Key_G, CTRL)
    assert window.actions_[Command.SIGN].shortcut().toString() == "Ctrl+G"


def test_stored_keys_that_may_not_be_are_left_out() -> None:
    table = shortcut_table()
    changed = {"rotate": ("C",), "sign": ("X",), "fit": ("G",), "no-such-command": ("Q",), "search": ("Tab",)}
    result = rekeyed(table, changed)
    assert changes(result, table) == {"fit": ("G",)}


# --- help


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_has_a_text_and_a_title(topic: str, language: str) -> None:
    text, _spoken = topic_text(topic, language, assets_dir() / "help")
    assert text.startswith("# ")
    assert title_of(text)
    assert len(text) > 200 if language != "zh_CN" else len(text) > 80


def test_help_shows_topics_and_its_links_stay_inside(open_window: OpenWindow) -> None:
    window = open_window().window
    window.actions_[Command.HELP].trigger()
    sheet = window.sheets.help
    assert sheet is not None
    assert sheet.topics.count() == len(TOPICS)
    assert "First steps" in sheet.page.toPlainText()
    sheet.page.anchorClicked.emit(QUrl("operating-point.md"))
    assert "The operating point" in sheet.page.toPlainText()
    sheet.page.anchorClicked.emit(QUrl("https://example.org/energy"))
    assert sheet.page.source().isEmpty()


def test_a_topic_that_is_not_translated_is_english_and_says_so(tmp_path: Path) -> None:
    for language, topic in (("en", "start"), ("en", "energy"), ("de", "start")):
        (tmp_path / language).mkdir(exist_ok=True)
        (tmp_path / language / f"{topic}.md").write_text(f"# {language} {topic}\n", encoding="utf-8")
    assert topic_text("start", "de", tmp_path) == ("# de start\n", True)
    assert topic_text("energy", "de", tmp_path) == ("# en energy\n", False)


# --- the tour


def test_the_tour_goes_through_the_window_and_is_not_shown_again(open_window: OpenWindow, paths: Paths) -> None:
    window = open_window().window
    window.start_first_tour()
    tour = window.sheets.tour
    assert tour is not None
    seen = []
    while tour.isVisible():
        seen.append(tour.title.text())
        tour.forward.click()
    assert len(seen) == 6
    assert len(set(seen)) == 6
    assert WindowSettings(paths.config).tour_done
    window.start_first_tour()
    assert not tour.isVisible()


def test_the_tour_can_be_skipped_at_once_and_taken_again_from_the_menu(
    open_window: OpenWindow, qtbot: QtBot, paths: Paths
) -> None:
    window = open_window().window
    window.start_first_tour()
    tour = window.sheets.tour
    assert tour is not None
    qtbot.keyClick(tour.forward, Qt.Key.Key_Escape)
    assert not tour.isVisible()
    assert WindowSettings(paths.config).tour_done
    window.actions_[Command.TOUR].trigger()
    assert tour.isVisible()


def test_the_card_of_the_tour_stays_inside_a_small_window(open_window: OpenWindow) -> None:
    window = open_window(size=(1000, 700)).window
    window.start_tour()
    tour = window.sheets.tour
    assert tour is not None
    while tour.isVisible():
        assert window.rect().contains(tour.geometry())
        tour.forward.click()
