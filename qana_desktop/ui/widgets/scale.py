"""The malignancy sum on a line from 0 to 1, against the printed cuts of the bundle."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from qana_desktop.ui.presenters.reading import Cut, Scale
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import SMALL, Theme
from qana_desktop.ui.widgets.shapes import draw_triage


class MalignancyScale(QWidget):
    """A line with a ring at the value, and each cut as a tick with the shape of the triage that begins there."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._scale: Scale | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.updateGeometry)
        theme.changed.connect(self.update)

    def show_scale(self, scale: Scale | None) -> None:
        """Show a scale, or none."""
        self._scale = scale
        self.setVisible(scale is not None)
        if scale is not None:
            name = tr("Malignancy {number} on a scale from 0 to 1", number=scale.text)
            self.setAccessibleName(name)
            self.setAccessibleDescription(scale.sentence)
            self.setToolTip(f"{name}. {scale.sentence}")
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size: a line, a ring, and a row of numbers."""
        metrics = QFontMetricsF(self._theme.font(SMALL))
        width = metrics.horizontalAdvance("0.00") * 4
        return QSize(round(width), round(metrics.height()) + 6 * self._theme.unit)

    def minimumSizeHint(self) -> QSize:
        """Return the size hint."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw line, cuts and value."""
        if self._scale is not None:
            with QPainter(self) as painter:
                self._paint(painter, self._scale)

    def _paint(self, painter: QPainter, scale: Scale) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._theme.font(SMALL))
        colours, unit = self._theme.colours, self._theme.unit
        line = QRectF(2 * unit, 2.5 * unit, self.width() - 4 * unit, 0)
        painter.setPen(QPen(QColor(colours.outline), max(2.0, unit / 2)))
        painter.drawLine(line.topLeft(), line.topRight())
        for cut, room in zip(scale.cuts, self._rooms(scale.cuts, line), strict=True):
            self._draw_cut(painter, cut, line, room)
        centre = QPointF(line.x() + scale.value * line.width(), line.y())
        painter.setPen(QPen(QColor(colours.raised), unit / 2))
        painter.setBrush(QColor(colours.text))
        painter.drawEllipse(centre, unit * 1.6, unit * 1.6)

    def _draw_cut(self, painter: QPainter, cut: Cut, line: QRectF, room: QRectF) -> None:
        colours, unit = self._theme.colours, self._theme.unit
        x = line.x() + cut.value * line.width()
        painter.setPen(QPen(QColor(colours.text), max(1.5, unit / 3)))
        painter.drawLine(QPointF(x, line.y() - 2 * unit), QPointF(x, line.y() + 2 * unit))
        side = room.height() * 0.6
        shape = QRectF(room.x(), room.y() + (room.height() - side) / 2, side, side)
        draw_triage(painter, cut.group, shape, colours.triage(cut.group))
        painter.setPen(QColor(colours.text))
        painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, cut.text)

    def _rooms(self, cuts: tuple[Cut, ...], line: QRectF) -> list[QRectF]:
        """Return a place below the line for each cut's number, apart from one another, as near as they can be."""
        metrics = QFontMetricsF(self.font() if not cuts else self._theme.font(SMALL))
        height, unit = metrics.height(), self._theme.unit
        rooms: list[QRectF] = []
        left = 0.0
        for cut in cuts:
            width = metrics.horizontalAdvance(cut.text) + height * 0.6 + unit
            x = max(left, line.x() + cut.value * line.width() - width / 2)
            rooms.append(QRectF(x, line.y() + 2.5 * unit, width, height))
            left = x + width + 2 * unit
        limit = float(self.width())
        for room in reversed(rooms):
            room.moveRight(min(room.right(), limit))
            limit = room.x() - 2 * unit
        return rooms
