"""One line of triage: shape, word, number, as below an image that is compared or in a timeline."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from qana_desktop.ui.presenters.entries import Group
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import TITLE, Theme
from qana_desktop.ui.widgets.shapes import draw_triage


class TriageLine(QWidget):
    """Shape and word, then the number; nothing is cut."""

    def __init__(self, theme: Theme, size: float = TITLE) -> None:
        super().__init__()
        self._theme, self._size = theme, size
        self._group, self._word, self._number = Group.UNREAD, "", ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.updateGeometry)
        theme.changed.connect(self.update)

    def show_line(self, group: Group, word: str, number: str) -> None:
        """Show one answer; without a number the word stands alone."""
        self._group, self._word, self._number = group, word, number
        spoken = tr("{word}, malignancy {number}", word=word, number=number) if number else word
        self.setAccessibleName(spoken)
        self.setToolTip(spoken)
        self.updateGeometry()
        self.update()

    @property
    def text(self) -> str:
        """Word and number as they stand there."""
        return f"{self._word}  {self._number}" if self._number else self._word

    def sizeHint(self) -> QSize:
        """Return the size at which nothing is cut."""
        metrics = QFontMetricsF(self._theme.font(self._size, bold=True))
        width = metrics.capHeight() * 1.15 + 2 * self._theme.unit + metrics.horizontalAdvance(self.text)
        return QSize(round(width) + self._theme.unit, round(metrics.height()))

    def minimumSizeHint(self) -> QSize:
        """Return the size hint."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the line."""
        with QPainter(self) as painter:
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        font = self._theme.font(self._size, bold=True)
        side = QFontMetricsF(font).capHeight() * 1.15
        box = QRectF(1, (self.height() - side) / 2, side, side)
        draw_triage(painter, self._group, box, self._theme.colours.triage(self._group))
        painter.setFont(font)
        painter.setPen(QColor(self._theme.colours.text))
        room = QRectF(box.right() + 2 * self._theme.unit, 0, self.width(), self.height())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text)
