"""A stage for single widgets: a theme, a bridge that runs real work, drawn pictures, compared images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QScrollBar,
    QWidget,
)

from qana_desktop.services.synthetic_lesions import Look, draw_lesion
from qana_desktop.triage.outcome import Outcome, Provenance, Reading
from qana_desktop.ui.presenters.compare import Compared
from qana_desktop.ui.theme.manager import Theme, ThemeChoice
from qana_desktop.ui.widgets.labels import ElidedLabel
from tests.support.fake_desks import reading_of

CONTROLS = (QAbstractButton, QLineEdit, QAbstractItemView, QAbstractSlider, QComboBox)


def make_theme(choice: str = "light") -> Theme:
    """Return a theme for the test's application."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    return Theme(app, ThemeChoice(choice))


def at_size(theme: Theme, share: float) -> None:
    """Make the program's font larger and the theme follow; `font_kept` puts it back."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    font = QFont(app.font())
    font.setPointSizeF(font.pointSizeF() * share)
    app.setFont(font)
    theme.apply()


MOLE = Look("mole", network=0.6, globules=0.4)


def lesion(look: Look = MOLE, seed: int = 3) -> npt.NDArray[np.uint8]:
    """Return a drawn lesion, uint8 RGB."""
    return np.ascontiguousarray(draw_lesion(look, seed))


def compared(
    title: str,
    when: str,
    load: Callable[[], npt.NDArray[np.uint8]] = lesion,
    outcome: Outcome | None = None,
    *,
    bundle: str = "one-bundle",
    mm_per_pixel: float | None = None,
) -> Compared:
    """Return an image to compare, read by the named bundle if there is an outcome."""
    reading: Reading | None = None
    if outcome is not None:
        reading = reading_of(title, outcome)
        if isinstance(reading.provenance, Provenance):
            reading = replace(reading, provenance=replace(reading.provenance, bundle=bundle))
    return Compared(title, when, load, reading, mm_per_pixel)


def controls(root: QWidget) -> list[QWidget]:
    """Return all visible controls below a widget; what Qt itself puts inside of them is left out."""
    found = [widget for widget in root.findChildren(QWidget) if widget.isVisible() and isinstance(widget, CONTROLS)]
    inner = (QLineEdit, QAbstractItemView, QComboBox)
    return [
        widget
        for widget in found
        if not isinstance(widget.parentWidget(), inner)
        and not isinstance(widget, QScrollBar)
        and not widget.objectName().startswith("qt_")
    ]


def shortcomings(root: QWidget) -> list[str]:
    """Return what keeps a widget from being used by everybody: no name, no tooltip, no Tab, text that is cut."""
    from PySide6.QtCore import Qt

    found = []
    for widget in controls(root):
        where = f"{type(widget).__name__} {widget.accessibleName()!r}"
        if not widget.accessibleName():
            found.append(f"{where}: no name")
        if not widget.toolTip():
            found.append(f"{where}: no tooltip")
        if widget.isEnabled() and not widget.focusPolicy() & Qt.FocusPolicy.TabFocus and not _of_a_group(widget):
            found.append(f"{where}: not reached with Tab")
        if isinstance(widget, QAbstractButton) and _smaller(widget, widget.sizeHint().width()):
            found.append(f"{where}: cut, {widget.width()} of {widget.sizeHint().width()}")
    labels = [label for label in root.findChildren(QLabel) if label.isVisible() and not isinstance(label, ElidedLabel)]
    return found + [f"label {one.text()!r}: cut, {one.size()} of {one.sizeHint()}" for one in labels if _cut(one)]


def _of_a_group(widget: QWidget) -> bool:
    return isinstance(widget, QAbstractButton) and widget.group() is not None


def _smaller(widget: QWidget, width: int) -> bool:
    return widget.width() < width


def _cut(label: QLabel) -> bool:
    if label.wordWrap():
        return label.height() < label.heightForWidth(label.width())
    return bool(label.text()) and label.width() < label.sizeHint().width()
