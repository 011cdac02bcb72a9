"""The answer, readable from two metres: one shape, one word, one number."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from qana_desktop.ui.presenters.entries import Group
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import HEADLINE, LARGE, SMALL, Theme
from qana_desktop.ui.theme.stylesheet import RADIUS
from qana_desktop.ui.widgets.shapes import draw_triage


class Headline(QWidget):
    """Shape and word on the left, the malignancy number on the right, on the group's soft ground.

    The word shrinks from headline to large size before the panel must grow.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._group, self._word, self._number = Group.UNREAD, "", ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.updateGeometry)
        theme.changed.connect(self.update)

    def show_answer(self, group: Group, word: str, number: str) -> None:
        """Show one answer; without a number the word stands alone."""
        self._group, self._word, self._number = group, word, number
        spoken = tr("{word}, malignancy {number}", word=word, number=number) if number else word
        self.setAccessibleName(spoken)
        self.setToolTip(tr("{spoken}. Triage of this image.", spoken=spoken))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size at which nothing is cut."""
        unit = self._theme.unit
        return QSize(self.width_for(self._word, self._number), round(self._metrics(HEADLINE).height()) + 7 * unit)

    def width_for(self, word: str, number: str) -> int:
        """Return the least width at which such an answer is not cut."""
        return round(self._width_at(LARGE, word, number)) + 6 * self._theme.unit

    def minimumSizeHint(self) -> QSize:
        """Return the size hint: the answer is never cut."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the answer."""
        with QPainter(self) as painter:
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        colours, unit = self._theme.colours, self._theme.unit
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.ground(self._group)))
        painter.drawRoundedRect(QRectF(self.rect()), RADIUS, RADIUS)
        size = HEADLINE if self._width_at(HEADLINE, self._word, self._number) + 6 * unit <= self.width() else LARGE
        metrics = self._metrics(size)
        side = metrics.capHeight() * 1.15
        box = QRectF(3 * unit, (self.height() - side) / 2, side, side)
        draw_triage(painter, self._group, box, colours.triage(self._group))
        self._texts(
            painter, QRectF(box.right() + 3 * unit, 0, self.width() - box.right() - 6 * unit, self.height()), size
        )

    def _texts(self, painter: QPainter, room: QRectF, size: float) -> None:
        left = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.setPen(QColor(self._theme.colours.text))
        painter.setFont(self._theme.font(size, bold=True))
        painter.drawText(room, left, self._word)
        if not self._number:
            return
        metrics = self._metrics(size)
        caption = QFontMetricsF(self._theme.font(SMALL))
        number = QRectF(
            room.right() - self._number_width(size, self._number),
            room.y(),
            self._number_width(size, self._number),
            room.height(),
        )
        block = metrics.capHeight() + caption.height()
        top = room.y() + (room.height() - block) / 2
        right = Qt.AlignmentFlag.AlignRight
        painter.drawText(
            QRectF(number.x(), top + metrics.capHeight() - metrics.ascent(), number.width(), metrics.height()),
            right | Qt.AlignmentFlag.AlignTop,
            self._number,
        )
        painter.setFont(self._theme.font(SMALL))
        painter.drawText(
            QRectF(number.x(), top + metrics.capHeight() + 1, number.width(), caption.height()), right, tr("malignancy")
        )

    def _metrics(self, size: float) -> QFontMetricsF:
        return QFontMetricsF(self._theme.font(size, bold=True))

    def _number_width(self, size: float, number: str) -> float:
        caption = QFontMetricsF(self._theme.font(SMALL)).horizontalAdvance(tr("malignancy"))
        return max(self._metrics(size).horizontalAdvance(number), caption) + 1

    def _width_at(self, size: float, word: str, number: str) -> float:
        metrics, unit = self._metrics(size), self._theme.unit
        right = self._number_width(size, number) + 3 * unit if number else 0.0
        return metrics.capHeight() * 1.15 + 3 * unit + metrics.horizontalAdvance(word) + right
