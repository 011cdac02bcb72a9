"""Every control of the case store's pages and sheets has a name, a tooltip, a key, and room for its text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QPlainTextEdit, QWidget

from qana_desktop.ui.shortcuts import Command
from tests.support.hands import Hands
from tests.ui.test_widget_walk import INTERACTIVE, enlarge, font_at, is_cut, of_qt, text_of

__all__ = ["font_at"]

CONTROLS = (*INTERACTIVE, QComboBox, QPlainTextEdit)


def parts(root: QWidget) -> list[QWidget]:
    found = [widget for widget in root.findChildren(QWidget) if widget.isVisible()]
    found = [widget for widget in found if not widget.objectName().startswith("qt_") and not of_qt(widget)]
    return [widget for widget in found if not isinstance(widget.parentWidget(), QComboBox)]


def check(root: QWidget) -> None:
    controls = [widget for widget in parts(root) if isinstance(widget, CONTROLS)]
    assert controls
    assert not [repr(widget) for widget in controls if not widget.accessibleName()]
    assert not [f"{widget!r} {widget.accessibleName()}" for widget in controls if not widget.toolTip()]
    enabled = [widget for widget in controls if widget.isEnabled()]
    tab = Qt.FocusPolicy.TabFocus
    assert not [f"{widget!r} {widget.accessibleName()}" for widget in enabled if not widget.focusPolicy() & tab]


@pytest.mark.usefixtures("font_at")
@pytest.mark.parametrize(("theme", "share"), [("light", 1.0), ("dark", 2.0)])
def test_every_control_of_the_store_is_named_and_nothing_is_cut(
    at_work: Callable[..., Hands], clinic_day: Path, theme: str, share: float
) -> None:
    enlarge(share)
    hands = at_work(clinic_day / "b-m71.png", theme=theme, size=(1900, 1400))

    def walk(root: QWidget) -> None:
        check(root)
        hands.qtbot.waitUntil(lambda: _nothing_is_cut(root))

    hands.do(Command.CASES)
    walk(hands.window)
    hands.make_store()
    hands.do(Command.TRIAGE)
    hands.do(Command.KEEP)
    sheet = hands.window.triage.keeper.sheet
    assert sheet is not None
    hands.settle()
    walk(sheet)
    sheet.form.pseudonym.edit.setText("P-1")
    hands.qtbot.waitUntil(lambda: not sheet.busy)
    hands.settle()
    sheet.keep.click()
    hands.qtbot.waitUntil(lambda: not sheet.isVisible(), timeout=20_000)
    hands.do(Command.CASES)
    hands.qtbot.waitUntil(lambda: hands.rows() == ["P-1"] and hands.window.idle)
    hands.settle()
    for tab in range(4):
        hands.cases.panel.show_tab(tab)
        walk(hands.window)
    hands.do(Command.LOCK)
    walk(hands.window)


def _nothing_is_cut(root: QWidget) -> None:
    assert not [f"{widget!r}: {text_of(widget)!r}" for widget in parts(root) if is_cut(widget)]
