"""What a walk over the widgets asks: who can be worked, who has a name, whose text has room, who shows the focus."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QGraphicsView,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QRadioButton,
    QScrollArea,
    QScrollBar,
    QTabBar,
    QTextEdit,
    QWidget,
)

from qana_desktop.ui.widgets.bars import ClassBars
from qana_desktop.ui.widgets.headline import Headline
from qana_desktop.ui.widgets.labels import ElidedLabel
from qana_desktop.ui.widgets.scale import MalignancyScale

INTERACTIVE = (
    QAbstractButton,
    QLineEdit,
    QAbstractItemView,
    QComboBox,
    QAbstractSpinBox,
    QAbstractSlider,
    QPlainTextEdit,
    QTextEdit,
    QTabBar,
    QGraphicsView,
)


def shown_widgets(*roots: QWidget) -> list[QWidget]:
    """Return the widgets that a person sees. Qt's own parts are named and sized by Qt."""
    found = [widget for root in roots for widget in (root, *root.findChildren(QWidget)) if widget.isVisible()]
    return [
        widget for widget in dict.fromkeys(found) if not widget.objectName().startswith("qt_") and not of_qt(widget)
    ]


def of_qt(widget: QWidget) -> bool:
    """Whether Qt made a widget as a part of another: the clear button, a header, the field of a spin box."""
    parent = widget.parentWidget()
    parts = (QLineEdit, QAbstractItemView, QAbstractSpinBox, QComboBox, QTabBar)
    return isinstance(parent, parts) or isinstance(widget, QMenu | QScrollBar)


def controls(widgets: list[QWidget]) -> list[QWidget]:
    """Return those that can be worked."""
    return [widget for widget in widgets if isinstance(widget, INTERACTIVE)]


def label_of(widget: QWidget) -> str:
    """Return words that tell a person which widget is meant."""
    text = widget.text() if isinstance(widget, QLabel | QAbstractButton | QLineEdit) else ""
    return f"{type(widget).__name__} {widget.accessibleName() or widget.objectName()!r} {text[:60]!r}"


def nameless(widget: QWidget) -> bool:
    """Whether a control has no accessible name."""
    return not widget.accessibleName()


def silent(widget: QWidget) -> bool:
    """Whether a control tells nothing: no tooltip, and no text of its own."""
    return not widget.toolTip() and not (isinstance(widget, QAbstractButton) and widget.text())


def out_of_reach(widget: QWidget) -> bool:
    """Whether the Tab key does not come to an enabled control. A group of radio buttons is one stop."""
    if not widget.isEnabled() or isinstance(widget, QRadioButton):
        return False
    return not widget.focusPolicy() & Qt.FocusPolicy.TabFocus


def is_cut(widget: QWidget) -> bool:
    """Whether a text has less room than it needs."""
    if isinstance(widget, ElidedLabel):
        return widget.height() < widget.fontMetrics().height() or not widget.toolTip()
    if isinstance(widget, QLabel):
        if widget.wordWrap():
            return widget.height() < widget.heightForWidth(widget.width())
        return bool(widget.text()) and widget.width() < widget.sizeHint().width()
    if isinstance(widget, QCheckBox | QRadioButton | QAbstractButton):
        needed = widget.sizeHint()
        return widget.width() < needed.width() or widget.height() < needed.height()
    if isinstance(widget, QLineEdit | QComboBox | Headline | ClassBars | MalignancyScale):
        needed = widget.minimumSizeHint()
        return widget.width() < needed.width() or widget.height() < needed.height()
    return False


def hidden_by_its_area(widget: QWidget) -> bool:
    """Whether a widget sticks out sideways of a scroll area that cannot be scrolled sideways: it is cut as well."""
    if not isinstance(widget, (QLabel, *INTERACTIVE)):
        return False
    area = widget.parentWidget()
    while area is not None and not isinstance(area, QScrollArea):
        area = area.parentWidget()
    if area is None or area.horizontalScrollBarPolicy() != Qt.ScrollBarPolicy.ScrollBarAlwaysOff:
        return False
    left = widget.mapTo(area.viewport(), widget.rect().topLeft()).x()
    right = widget.mapTo(area.viewport(), widget.rect().topRight()).x()
    return left < -1 or right > area.viewport().width() + 1


def sheets_open() -> Iterator[QDialog]:
    """Return the dialogs on the screen."""
    return (widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QDialog) and widget.isVisible())
