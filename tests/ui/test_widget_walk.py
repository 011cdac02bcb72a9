"""Every control of the real window has a name, a tooltip and room for its text, in both themes and at large fonts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QLabel,
    QLineEdit,
    QMenu,
    QWidget,
)
from pytestqt.qtbot import QtBot

from qana_desktop.ui.presenters.notices import Refusal
from qana_desktop.ui.shortcuts import Command, shortcut_table
from qana_desktop.ui.widgets.bars import ClassBars
from qana_desktop.ui.widgets.headline import Headline
from qana_desktop.ui.widgets.labels import ElidedLabel
from qana_desktop.ui.widgets.scale import MalignancyScale
from tests.ui.conftest import Opened, OpenWindow

INTERACTIVE = (QAbstractButton, QLineEdit, QAbstractItemView)


@pytest.fixture
def font_at() -> Iterator[None]:
    """Put the program's font back after the test."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    font = QFont(app.font())
    yield
    app.setFont(font)


def enlarge(share: float) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    font = QFont(app.font())
    font.setPointSizeF(font.pointSizeF() * share)
    app.setFont(font)


def everything_open(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path, theme: str, name: str) -> Opened:
    """Open the window on one image with banners, chooser and sheets open."""
    opened = open_window(clinic_day / name, theme=theme, size=(1600, 1200))
    qtbot.waitUntil(lambda: opened.window.idle)
    window = opened.window
    opened.devices.lose()
    window.actions_[Command.ENGINE].trigger()
    window.actions_[Command.KEYS].trigger()
    window.show_refusals([Refusal("a.jpg", "The file is empty, so it was not read.", "Copy it again.")])
    qtbot.waitUntil(lambda: window.idle and len(window.engines.rows) == 3)
    return opened


def visible(opened: Opened) -> list[QWidget]:
    # Qt's own parts (scroll bars, the clear button of a line edit, header views) are named and sized by Qt.
    found = [widget for widget in opened.window.findChildren(QWidget) if widget.isVisible()]
    return [widget for widget in found if not widget.objectName().startswith("qt_") and not of_qt(widget)]


def of_qt(widget: QWidget) -> bool:
    parent = widget.parentWidget()
    return isinstance(parent, QLineEdit | QAbstractItemView) or isinstance(widget, QMenu)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["b-m71.png", "c-blurred.png"])
def test_every_control_has_an_accessible_name_and_a_tooltip(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path, theme: str, name: str
) -> None:
    opened = everything_open(qtbot, open_window, clinic_day, theme, name)
    controls = [widget for widget in visible(opened) if isinstance(widget, INTERACTIVE)]
    assert len(controls) > 15
    nameless = [repr(widget) for widget in controls if not widget.accessibleName()]
    silent = [repr(widget) for widget in controls if not widget.toolTip()]
    assert not nameless
    assert not silent


def test_every_control_can_be_reached_with_the_tab_key(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened = everything_open(qtbot, open_window, clinic_day, "light", "b-m71.png")
    controls = [widget for widget in visible(opened) if isinstance(widget, INTERACTIVE) and widget.isEnabled()]
    unreachable = [
        f"{widget!r} {widget.accessibleName()}"
        for widget in controls
        if not widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    assert not unreachable


@pytest.mark.usefixtures("font_at")
@pytest.mark.parametrize("share", [1.0, 2.0, 2.5])
@pytest.mark.parametrize("name", ["b-m71.png", "c-blurred.png"])
def test_no_text_is_cut(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path, share: float, name: str) -> None:
    enlarge(share)
    opened = everything_open(qtbot, open_window, clinic_day, "light", name)

    def nothing_is_cut() -> None:
        # Asked again until layouts have settled: a banner puts its answers below the sentence when room is short.
        assert not [f"{widget!r}: {text_of(widget)!r}" for widget in visible(opened) if is_cut(widget)]

    qtbot.waitUntil(nothing_is_cut)


def text_of(widget: QWidget) -> str:
    return widget.text() if isinstance(widget, QLabel | QAbstractButton) else widget.accessibleName()


def is_cut(widget: QWidget) -> bool:
    if isinstance(widget, ElidedLabel):
        return widget.height() < widget.fontMetrics().height() or not widget.toolTip()
    if isinstance(widget, QLabel):
        if widget.wordWrap():
            return widget.height() < widget.heightForWidth(widget.width())
        return bool(widget.text()) and widget.width() < widget.sizeHint().width()
    if isinstance(widget, QAbstractButton | QLineEdit):
        needed = widget.sizeHint() if isinstance(widget, QAbstractButton) else widget.minimumSizeHint()
        return widget.width() < needed.width() or widget.height() < needed.height()
    if isinstance(widget, Headline | ClassBars | MalignancyScale):
        needed = widget.minimumSizeHint()
        return widget.width() < needed.width() or widget.height() < needed.height()
    return False


def test_the_image_keeps_half_of_a_common_screen(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened = open_window(clinic_day, size=(1440, 900))
    qtbot.waitUntil(lambda: opened.window.idle)
    assert opened.window.image.canvas.width() >= 720


def test_every_command_has_a_hint_and_no_key_serves_two() -> None:
    table = shortcut_table()
    keys = [key for shortcut in table for key in shortcut.keys]
    assert {shortcut.command for shortcut in table} == set(Command)
    assert all(shortcut.hint and shortcut.text for shortcut in table)
    assert len(keys) == len(set(keys))
