"""The real window, from a folder to readings and through what may go wrong."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from qana_desktop.app import Options, build
from qana_desktop.engines.contract import EngineInfo, EngineState
from qana_desktop.system.faults import Fault
from qana_desktop.system.paths import Paths
from qana_desktop.triage.outcome import CannotAssess
from qana_desktop.ui.desks import Desks
from qana_desktop.ui.pictures import Picture
from qana_desktop.ui.presenters.entries import Group
from qana_desktop.ui.shortcuts import Command
from tests.support.fake_desks import (
    LOST,
    NOT_AN_IMAGE,
    FakeDeviceDesk,
    FakeTriageDesk,
    draw_lesion,
    outcome_by_name,
)
from tests.ui.conftest import Opened, OpenWindow


def shown_name(opened: Opened) -> str:
    return opened.window.image.caption.text()


def settle(qtbot: QtBot, opened: Opened) -> None:
    qtbot.waitUntil(lambda: opened.window.idle)


def texts(opened: Opened) -> str:
    return "\n".join(label.text() for label in opened.window.reading_panel.findChildren(QLabel) if label.isVisible())


def answer(opened: Opened, key: str, label: str) -> None:
    banner = opened.window.banners.banner(key)
    assert banner is not None
    next(button for button in banner.buttons if button.text() == label).click()


def test_a_folder_from_the_command_line_is_read_and_stands_in_order_of_urgency(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path
) -> None:
    opened = open_window(clinic_day)
    settle(qtbot, opened)
    model = opened.window.model
    assert [model.entry_at(row).title for row in range(model.rowCount())] == [
        "c-blurred.png",
        "b-m71.png",
        "d-m31.png",
        "a-m05.png",
    ]
    assert opened.window.foot.session.text().startswith("4 readings this session")


def test_the_first_image_is_shown_with_its_reading(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened = open_window(clinic_day / "b-m71.png")
    settle(qtbot, opened)
    assert shown_name(opened) == "b-m71.png"
    assert opened.window.reading_panel.headline.accessibleName() == "Review now, malignancy 0.71"
    assert "Finds 70\u00a0%" in texts(opened)
    assert "Energy not available on this engine" in texts(opened)
    assert opened.window.image.canvas.zoom > 0


def test_next_and_previous_walk_the_list(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened = open_window(clinic_day)
    settle(qtbot, opened)
    window = opened.window
    window.list_panel.list.setCurrentIndex(window.model.index(0))
    window.actions_[Command.NEXT].trigger()
    settle(qtbot, opened)
    assert shown_name(opened) == "b-m71.png"
    window.actions_[Command.PREVIOUS].trigger()
    window.actions_[Command.PREVIOUS].trigger()
    assert shown_name(opened) == "c-blurred.png"


def test_cancel_stops_and_the_rest_can_be_read_later(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened = open_window()
    opened.triage.gate = threading.Semaphore(1)
    opened.window.open_paths([clinic_day])
    qtbot.waitUntil(lambda: len(opened.triage.read_labels) == 1 and len(opened.window.worklist) == 4)
    assert opened.window.progress.share is not None
    opened.window.actions_[Command.CANCEL].trigger()
    opened.triage.gate.release(100)
    qtbot.waitUntil(lambda: not opened.window.batch.running)
    unread = len(opened.window.worklist.unread_ids())
    assert unread > 0
    assert opened.window.progress.share is None
    opened.window.actions_[Command.READ_UNREAD].trigger()
    settle(qtbot, opened)
    assert opened.window.worklist.unread_ids() == []


def test_the_window_answers_while_an_engine_hangs(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened = open_window()
    opened.triage.gate = threading.Semaphore(0)
    opened.window.open_paths([clinic_day])
    qtbot.waitUntil(lambda: opened.window.model.rowCount() == 4)
    opened.window.actions_[Command.NEXT].trigger()
    qtbot.waitUntil(lambda: shown_name(opened) == "b-m71.png")
    opened.window.list_panel.search.setText("m31")
    assert opened.window.model.rowCount() == 1
    opened.window.close()
    assert opened.devices.closed


def test_a_lost_engine_asks_in_a_banner_and_try_again_reads_the_rest(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path
) -> None:
    opened = open_window()
    opened.triage.lose_before = "c-blurred"
    opened.window.open_paths([clinic_day])
    qtbot.waitUntil(lambda: opened.window.banners.banner("engine") is not None and not opened.window.batch.running)
    assert len(opened.window.worklist.unread_ids()) == 2
    assert opened.window.list_panel.chips.chip(Group.UNREAD).text() == "2"
    assert opened.window.top.engine.text() == "ONNX Runtime · lost"
    answer(opened, "engine", "Try again")
    settle(qtbot, opened)
    assert opened.window.worklist.unread_ids() == []
    assert opened.window.banners.banner("engine") is None


def test_another_engine_is_chosen_in_the_chooser_and_remembered(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path
) -> None:
    opened = open_window()
    opened.triage.lose_before = "c-blurred"
    opened.window.open_paths([clinic_day])
    qtbot.waitUntil(lambda: opened.window.banners.banner("engine") is not None and not opened.window.batch.running)
    answer(opened, "engine", "Choose another engine")
    qtbot.waitUntil(lambda: len(opened.window.engines.rows) == 3)
    row = next(row for row in opened.window.engines.rows if row.line.engine_id == "second")
    row.use.click()
    settle(qtbot, opened)
    assert opened.window.worklist.unread_ids() == []
    opened.window.close()
    again = open_window()
    assert again.preferred == ["second"]


def test_cannot_assess_can_be_read_anyway_and_is_marked(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path
) -> None:
    opened = open_window(clinic_day / "c-blurred.png")
    settle(qtbot, opened)
    panel = opened.window.reading_panel
    assert "Take it again with the lens on the skin." in texts(opened)
    panel.read_anyway.click()
    settle(qtbot, opened)
    assert "Read anyway, against the check" in texts(opened)
    assert not panel.read_anyway.isVisible()


def test_files_and_folders_can_be_dropped(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened = open_window()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(clinic_day))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, mime, buttons, keys)
    QApplication.sendEvent(opened.window, enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, mime, buttons, keys)
    QApplication.sendEvent(opened.window, drop)
    qtbot.waitUntil(lambda: len(opened.window.worklist) == 4)
    settle(qtbot, opened)


def test_text_cannot_be_dropped(qtbot: QtBot, open_window: OpenWindow) -> None:
    opened = open_window()
    mime = QMimeData()
    mime.setText("no file")
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, mime, buttons, keys)
    enter.ignore()
    QApplication.sendEvent(opened.window, enter)
    assert not enter.isAccepted()


def test_a_copied_image_is_pasted_without_loss(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened = open_window()
    original = QImage(str(clinic_day / "b-m71.png")).convertToFormat(QImage.Format.Format_RGB32)
    QGuiApplication.clipboard().setImage(original)
    opened.window.actions_[Command.PASTE].trigger()
    qtbot.waitUntil(lambda: len(opened.window.worklist) == 1)
    settle(qtbot, opened)
    entry = opened.window.worklist.entry(0)
    assert entry.title == "Pasted image 1"
    assert QImage.fromData(entry.source.data).convertToFormat(QImage.Format.Format_RGB32) == original


def test_what_is_opened_is_shown_and_no_earlier_reading_stands_beside_it(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path
) -> None:
    opened = open_window(clinic_day / "a-m05.png")
    settle(qtbot, opened)
    assert shown_name(opened) == "a-m05.png"
    opened.window.open_paths([clinic_day / "b-m71.png"])
    qtbot.waitUntil(lambda: len(opened.window.worklist) == 2)
    assert shown_name(opened) == "b-m71.png"
    settle(qtbot, opened)
    assert opened.window.reading_panel.headline.accessibleName() == "Review now, malignancy 0.71"


def test_a_file_that_was_no_image_is_seen_once_it_was_mended_and_opened_again(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path
) -> None:
    file = tmp_path / "copied-m71.png"
    file.write_bytes(b"half")
    opened = open_window()
    opened.triage.outcome = lambda _name: CannotAssess(NOT_AN_IMAGE)
    opened.window.open_paths([file])
    qtbot.waitUntil(lambda: len(opened.window.worklist) == 1)
    settle(qtbot, opened)
    entry = opened.window.worklist.entry(0)
    assert isinstance(opened.window.shelf.picture(0, entry.source), Fault)
    opened.triage.outcome = outcome_by_name
    draw_lesion(file, seed=3)
    opened.window.open_paths([file])
    qtbot.waitUntil(lambda: isinstance(opened.window.shelf.picture(0, entry.source), Picture))
    settle(qtbot, opened)
    assert opened.window.worklist.entry(0).group is Group.REVIEW_NOW


def test_copied_files_are_pasted_as_files(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened = open_window()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(clinic_day / "a-m05.png"))])
    QGuiApplication.clipboard().setMimeData(mime)
    opened.window.actions_[Command.PASTE].trigger()
    qtbot.waitUntil(lambda: len(opened.window.worklist) == 1)
    assert opened.window.worklist.entry(0).source.path == clinic_day / "a-m05.png"
    settle(qtbot, opened)


def test_an_empty_clipboard_says_what_to_copy(qtbot: QtBot, open_window: OpenWindow) -> None:
    opened = open_window()
    QGuiApplication.clipboard().setText("words")
    opened.window.actions_[Command.PASTE].trigger()
    assert opened.window.banners.banner("opening") is not None


def test_the_empty_window_offers_demonstration_images(qtbot: QtBot, open_window: OpenWindow) -> None:
    opened = open_window()
    settle(qtbot, opened)
    assert opened.window.empty.isVisible()
    opened.window.empty.buttons[-1].click()
    qtbot.waitUntil(lambda: len(opened.window.worklist) == 2)
    settle(qtbot, opened)
    assert not opened.window.empty.isVisible()


def test_a_file_that_is_no_image_is_shown_with_the_reason(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_text("not an image")
    opened = open_window(broken)
    settle(qtbot, opened)
    assert "not an image" in opened.window.image.canvas.accessibleDescription()


def test_filter_chips_show_one_group(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened = open_window(clinic_day)
    settle(qtbot, opened)
    chip = opened.window.list_panel.chips.chip(Group.REVIEW_NOW)
    chip.click()
    assert [opened.window.model.entry_at(0).title, opened.window.model.rowCount()] == ["b-m71.png", 1]
    chip.click()
    assert opened.window.model.rowCount() == 4


def test_keys_work_and_typing_a_search_does_not_trigger_them(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path
) -> None:
    opened = open_window(clinic_day)
    settle(qtbot, opened)
    window = opened.window
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    qtbot.keyClick(window.list_panel.list, Qt.Key.Key_R)
    assert window.image.canvas.turns == 1
    qtbot.keyClick(window.list_panel.list, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert window.list_panel.search.hasFocus()
    qtbot.keyClicks(window.list_panel.search, "r1")
    assert window.list_panel.search.text() == "r1"
    assert window.image.canvas.turns == 1
    qtbot.keyClick(window.list_panel.search, Qt.Key.Key_Escape)
    assert window.list_panel.search.text() == ""
    assert window.list_panel.list.hasFocus()


def test_the_theme_changes_and_is_remembered(qtbot: QtBot, open_window: OpenWindow) -> None:
    opened = open_window(theme=None)
    before = opened.window.grab().toImage().pixelColor(3, 300).lightness()
    opened.window.actions_[Command.THEME].trigger()
    after = opened.window.grab().toImage().pixelColor(3, 300).lightness()
    assert (before > 128) != (after > 128)
    opened.window.close()
    again = open_window(theme=None)
    assert (again.window.grab().toImage().pixelColor(3, 300).lightness() > 128) == (after > 128)


def test_place_and_panels_are_remembered_and_no_file_name_is(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path, own_home: Path
) -> None:
    opened = open_window(clinic_day, size=(790, 555))
    settle(qtbot, opened)
    opened.window.actions_[Command.READING].trigger()
    opened.window.close()
    again = open_window(size=None)
    assert again.window.triage.answer.isHidden()
    assert again.window.height() == 555
    kept = [path.read_bytes() for path in own_home.rglob("*") if path.is_file()]
    assert kept
    assert not any(b"b-m71" in content or b"day" in content for content in kept)


def test_closing_ends_the_desks_and_all_threads(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened = open_window(clinic_day)
    opened.window.close()
    assert opened.devices.closed
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("lane-", "job-"))]


def test_an_error_in_a_slot_is_recorded_and_told(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", lambda *_error: None)
    opened = open_window()
    sys.excepthook(ValueError, ValueError("secret"), None)
    banner = opened.window.banners.banner("bug")
    assert banner is not None
    assert "secret" not in banner.notice.text


@pytest.mark.expects_log("unexpected error in a worker")
def test_a_bug_in_a_worker_is_told_at_once_and_again_at_the_next_start(qtbot: QtBot, open_window: OpenWindow) -> None:
    def broken() -> None:
        raise RuntimeError("a secret")

    opened = open_window()
    settle(qtbot, opened)
    opened.program.bridge.run("opening", broken, lambda _nothing: None)
    qtbot.waitUntil(lambda: opened.window.banners.banner("bug") is not None)
    opened.window.close()
    again = open_window()
    banner = again.window.banners.banner("crash")
    assert banner is not None
    assert "secret" not in banner.notice.text


def test_five_hundred_images_are_all_read_and_shown(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    first = draw_lesion(tmp_path / "000-m71.png", seed=1, size=(60, 45)).read_bytes()
    for number in range(1, 500):
        (tmp_path / f"{number:03d}-m{number % 100:02d}.png").write_bytes(first)
    opened = open_window(tmp_path)
    qtbot.waitUntil(lambda: len(opened.window.worklist) == 500, timeout=20_000)
    qtbot.waitUntil(lambda: opened.window.idle, timeout=60_000)
    assert sum(opened.window.worklist.counts().values()) == 500
    assert opened.window.worklist.counts()[Group.UNREAD] == 0
    assert opened.window.worklist.entry(1).same_as == "000-m71.png"


def test_a_window_closed_before_the_engine_is_there_leaves_no_engine_behind(qtbot: QtBot, paths: Paths) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    begun, go_on = threading.Event(), threading.Event()
    devices = FakeDeviceDesk()
    triage = FakeTriageDesk(devices)

    def compose(_paths: Paths, _engine_id: str | None) -> Desks:
        begun.set()
        go_on.wait(10)
        return Desks(triage, devices, Path, devices.close)

    program = build(app, paths, compose, theme="light")
    program.open(Options((), demo=False, theme=None, screenshot=None, size=None))
    qtbot.waitUntil(begun.is_set)
    threading.Timer(0, go_on.set).start()
    program.window.close()
    assert devices.closed
    program.window.deleteLater()


def test_an_engine_that_does_not_start_asks_and_images_can_still_be_seen(
    qtbot: QtBot, paths: Paths, clinic_day: Path
) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    devices = FakeDeviceDesk()
    triage = FakeTriageDesk(devices)
    devices.infos[""] = EngineInfo("", "No engine", "", "", EngineState.UNAVAILABLE, LOST)
    devices.chosen = ""
    program = build(app, paths, lambda _p, _e: Desks(triage, devices, Path, devices.close, LOST), theme="light")
    program.open(Options((clinic_day,), demo=False, theme=None, screenshot=None, size=None))
    window = program.window
    qtbot.waitUntil(lambda: window.idle and window.banners.banner("engine") is not None)
    banner = window.banners.banner("engine")
    assert banner is not None
    assert [button.text() for button in banner.buttons] == ["Choose another engine", "Leave unread"]
    assert len(window.worklist.unread_ids()) == 4
    assert "could not" not in window.image.canvas.accessibleDescription()
    window.close()
    window.deleteLater()
