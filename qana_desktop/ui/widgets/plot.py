"""A plot of points with their intervals: shares over months, or what was seen against what was said."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from qana_desktop.reports.performance_tables import Curve, Dot, Picture
from qana_desktop.ui.texts import percent, tr
from qana_desktop.ui.theme.manager import SMALL, Theme

_TICKS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
_DASHES: Final = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)
"""Colour never alone tells curves apart."""
_MOST_LABELS: Final = 12


class PlotView(QWidget):
    """Draws one picture; the table below it has the same numbers."""

    def __init__(self, theme: Theme, title: str, picture: Picture) -> None:
        super().__init__()
        self._theme, self._picture = theme, picture
        self.setAccessibleName(tr("Picture: {title}", title=title))
        self.setAccessibleDescription(tr("The table below has the same numbers."))
        self.setToolTip(tr("Points with their 95 % intervals; the table below has the same numbers"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Return a picture's usual size."""
        return QSize(140 * self._theme.unit, 68 * self._theme.unit)

    def minimumSizeHint(self) -> QSize:
        """Return the least at which labels do not meet."""
        return QSize(80 * self._theme.unit, 68 * self._theme.unit)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw frame, curves and legend."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(self._theme.font(SMALL))
            self._frame(painter)
            for index, curve in enumerate(self._picture.curves):
                self._curve(painter, curve, index)
            self._legend(painter)

    # --- places

    @property
    def _box(self) -> QRectF:
        unit = self._theme.unit
        bottom = 13 * unit
        width = self.width() - 20 * unit
        if not self._picture.labels:
            width = min(width, self.height() - bottom - 8 * unit)
        return QRectF(16 * unit, 8 * unit, width, self.height() - bottom - 8 * unit)

    def _at(self, x: float, y: float) -> QPointF:
        box, labels = self._box, self._picture.labels
        share = (x + 0.5) / len(labels) if labels else x
        return QPointF(box.left() + share * box.width(), box.bottom() - min(y / self._picture.top, 1.0) * box.height())

    # --- parts

    def _frame(self, painter: QPainter) -> None:
        box, colours, unit = self._box, self._theme.colours, self._theme.unit
        painter.setPen(QPen(QColor(colours.hairline), 1))
        for tick in _TICKS:
            y = self._at(0, tick * self._picture.top).y()
            painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
        painter.setPen(QColor(colours.muted))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for tick in _TICKS:
            y = self._at(0, tick * self._picture.top).y()
            painter.drawText(
                QRectF(0, y - 2 * unit, box.left() - unit, 4 * unit), right, percent(tick * self._picture.top)
            )
        painter.drawText(
            QRectF(box.left(), 0, box.width(), 6 * unit), Qt.AlignmentFlag.AlignLeft, self._picture.y_title
        )
        self._below(painter)
        if not self._picture.labels:
            painter.setPen(QPen(QColor(colours.outline), 1, Qt.PenStyle.DashLine))
            painter.drawLine(self._at(0, 0), self._at(1, 1))

    def _below(self, painter: QPainter) -> None:
        box, unit, labels = self._box, self._theme.unit, self._picture.labels
        middle = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        places = list(enumerate(labels)) if labels else [(tick, f"{tick:.2g}") for tick in _TICKS]
        every = max(1, -(-len(labels) // _MOST_LABELS))
        for number, (place, text) in enumerate(places):
            if number % every == 0:
                x = self._at(float(place), 0).x()
                painter.drawText(QRectF(x - 10 * unit, box.bottom() + unit, 20 * unit, 5 * unit), middle, text)
        title = QRectF(box.left(), box.bottom() + 6 * unit, box.width(), 5 * unit)
        painter.drawText(title, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, self._picture.x_title)

    def _curve(self, painter: QPainter, curve: Curve, index: int) -> None:
        colour = self._colour(index)
        painter.setPen(QPen(colour, 2, _DASHES[index % len(_DASHES)]))
        points = [self._at(dot.x, dot.y) for dot in curve.dots]
        if curve.joined and len(points) > 1:
            painter.drawPolyline(points)
        for dot in curve.dots:
            self._dot(painter, dot, colour, index)

    def _dot(self, painter: QPainter, dot: Dot, colour: QColor, index: int) -> None:
        painter.setPen(QPen(colour, 1))
        shift = QPointF(index * self._theme.unit, 0) if self._picture.labels else QPointF()
        painter.drawLine(self._at(dot.x, dot.low) + shift, self._at(dot.x, dot.high) + shift)
        painter.setBrush(colour)
        radius = self._theme.unit * 0.9
        if index % 2:
            painter.drawRect(QRectF(self._at(dot.x, dot.y) - QPointF(radius, radius), QSizeF(2 * radius, 2 * radius)))
        else:
            painter.drawEllipse(self._at(dot.x, dot.y), radius, radius)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _legend(self, painter: QPainter) -> None:
        if len(self._picture.curves) < 2:
            return
        unit, x = self._theme.unit, self._box.right()
        for index, curve in reversed(list(enumerate(self._picture.curves))):
            width = painter.fontMetrics().horizontalAdvance(curve.name)
            x -= width + 2 * unit
            painter.setPen(QColor(self._theme.colours.text))
            painter.drawText(QRectF(x, 0, width + unit, 6 * unit), Qt.AlignmentFlag.AlignLeft, curve.name)
            x -= 8 * unit
            painter.setPen(QPen(self._colour(index), 2, _DASHES[index % len(_DASHES)]))
            painter.drawLine(QPointF(x, 2 * unit), QPointF(x + 6 * unit, 2 * unit))
            x -= 3 * unit

    def _colour(self, index: int) -> QColor:
        colours = self._theme.colours
        return QColor((colours.accent, colours.review, colours.cannot)[index % 3])
