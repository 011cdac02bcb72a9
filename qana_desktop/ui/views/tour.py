"""The tour of the first start: one part of the window after the other, in a few words. It can be left at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import SMALL, TITLE, Theme
from qana_desktop.ui.widgets.forms import button
from qana_desktop.ui.widgets.labels import TextLabel


@dataclass(frozen=True, eq=False)
class Stop:
    """One part of the window and what is said of it."""

    target: QWidget
    title: str
    text: str


class Frame(QWidget):
    """The line around the part that is spoken of. It takes no clicks."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the line."""
        with QPainter(self) as painter:
            width = max(3, self._theme.unit // 2)
            painter.setPen(QPen(QColor(self._theme.colours.focus), width))
            painter.drawRect(self.rect().adjusted(width // 2, width // 2, -width, -width))


class Tour(QFrame):
    """A card beside each stop, with Next, Back and Skip. `ended` is sent when it is done or skipped."""

    ended = Signal()

    def __init__(self, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._theme, self._window = theme, window
        self._stops: list[Stop] = []
        self._at = 0
        self.setProperty("role", "popover")
        self.setAccessibleName(tr("Tour"))
        self.frame = Frame(theme, window)
        self.title, self.text = TextLabel(theme, TITLE, bold=True), TextLabel(theme)
        self.count = TextLabel(theme, SMALL, role="muted")
        self.count.setWordWrap(False)
        self.skip = button(tr("Skip the tour"), tr("Leave the tour; it is in the menu if you want it (Esc)"), self.end)
        self.back = button(tr("Back"), tr("The part before"), lambda: self._go(self._at - 1))
        self.forward = button(tr("Next"), tr("The next part"), self._next, role="primary")
        self._lay_out()
        self.hide()
        self.frame.hide()
        window.installEventFilter(self)

    def start(self, stops: Sequence[Stop]) -> None:
        """Begin with the first stop that can be seen."""
        self._stops = [stop for stop in stops if stop.target.isVisible()]
        if self._stops:
            self._go(0)

    def end(self) -> None:
        """Leave."""
        self.hide()
        self.frame.hide()
        self.ended.emit()

    def event(self, event: QEvent) -> bool:
        """Take Esc before the window's own commands do."""
        asks = event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
        if asks and cast(QKeyEvent, event).key() == Qt.Key.Key_Escape:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc leaves."""
        if event.key() == Qt.Key.Key_Escape:
            self.end()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay beside the part when the window changes its size."""
        if event.type() is QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def _lay_out(self) -> None:
        unit = self._theme.unit
        row = QHBoxLayout()
        row.addWidget(self.count)
        row.addStretch(1)
        for each in self._buttons():
            row.addWidget(each)
        self._column = layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * unit, 3 * unit, 4 * unit, 3 * unit)
        layout.setSpacing(2 * unit)
        layout.addWidget(self.title)
        layout.addWidget(self.text)
        layout.addLayout(row)

    def _buttons(self) -> tuple[QPushButton, ...]:
        return self.skip, self.back, self.forward

    def _next(self) -> None:
        if self._at + 1 < len(self._stops):
            self._go(self._at + 1)
        else:
            self.end()

    def _go(self, number: int) -> None:
        self._at = max(0, number)
        stop = self._stops[self._at]
        self.title.say(stop.title)
        self.text.say(stop.text)
        self.count.say(tr("{n} of {total}", n=self._at + 1, total=len(self._stops)))
        last = self._at + 1 == len(self._stops)
        self.forward.setText(tr("Done") if last else tr("Next"))
        self.forward.setAccessibleName(self.forward.text())
        self.back.setEnabled(self._at > 0)
        self._place()
        self.forward.setFocus(Qt.FocusReason.OtherFocusReason)

    def _place(self) -> None:
        """Put the frame around the part and the card where it covers least of it, inside the window."""
        target, unit = self._stops[self._at].target, self._theme.unit
        around = QRect(target.mapTo(self._window, QPoint()), target.size())
        self.frame.setGeometry(around)
        for each in (self.count, *self._buttons()):
            each.ensurePolished()
            each.updateGeometry()
        least = self._column.minimumSize().width() + 4 * unit  # a style may still widen a button by its frame
        self.setFixedWidth(min(max(90 * unit, least), self._window.width() - 4 * unit))
        height = self.heightForWidth(self.width())
        self.resize(self.width(), max(height, self.sizeHint().height()))
        self._column.activate()
        room = self._window.rect().adjusted(2 * unit, 2 * unit, -2 * unit, -2 * unit)
        self.move(_beside(around, self.rect(), room, 2 * unit))
        for widget in (self.frame, self):
            widget.show()
            widget.raise_()


def _beside(around: QRect, card: QRect, room: QRect, gap: int) -> QPoint:
    """Return a corner for the card: right of the part, left of it, below or above, else in its middle."""
    middle = around.center() - card.center()
    corners = [
        QPoint(around.right() + gap, middle.y()),
        QPoint(around.left() - gap - card.width(), middle.y()),
        QPoint(middle.x(), around.bottom() + gap),
        QPoint(middle.x(), around.top() - gap - card.height()),
        middle,
    ]
    free = [corner for corner in corners if not QRect(corner, card.size()).intersects(around)]
    fitting = [corner for corner in free if _moved_in(corner, card, room) == corner]
    for corner in (*fitting, *free):
        moved = _moved_in(corner, card, room)
        if not QRect(moved, card.size()).intersects(around):
            return moved
    return _moved_in(middle, card, room)


def _moved_in(corner: QPoint, card: QRect, room: QRect) -> QPoint:
    x = max(room.left(), min(corner.x(), room.right() - card.width()))
    y = max(room.top(), min(corner.y(), room.bottom() - card.height()))
    return QPoint(x, y)
