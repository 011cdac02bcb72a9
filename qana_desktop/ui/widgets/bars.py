"""The seven classes: full name, two digits, and a thin bar below; malignant classes look different and say so."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from qana_desktop.ui.presenters.reading import Bar
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import BODY, Theme


class ClassBars(QWidget):
    """Rows of bars, the most probable first. The named class is set in bold; classes of the set carry a dot."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._bars: tuple[Bar, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.updateGeometry)
        theme.changed.connect(self.update)

    def show_bars(self, bars: Sequence[Bar]) -> None:
        """Show these classes."""
        self._bars = tuple(bars)
        self.setAccessibleName(tr("Class probabilities"))
        self.setAccessibleDescription("; ".join(_spoken(bar) for bar in self._bars))
        self.setVisible(bool(bars))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size at which no name is cut."""
        metrics = QFontMetricsF(self._theme.font(BODY, bold=True))
        widest = max((metrics.horizontalAdvance(bar.name) for bar in self._bars), default=0.0)
        number = metrics.horizontalAdvance(">0.99") + 4 * self._theme.unit
        return QSize(round(widest + number) + self._mark(), round(self._row() * len(self._bars)))

    def minimumSizeHint(self) -> QSize:
        """Return the size hint: a class name is never cut."""
        return self.sizeHint()

    def event(self, event: QEvent) -> bool:
        """Give each row its own tooltip: the code, and what the marks mean."""
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = int(event.pos().y() / self._row())
            if 0 <= row < len(self._bars):
                QToolTip.showText(event.globalPos(), _spoken(self._bars[row]), self)
                return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the rows."""
        with QPainter(self) as painter:
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number, bar in enumerate(self._bars):
            self._draw(painter, bar, QRectF(0, number * self._row(), self.width(), self._row()))

    def _draw(self, painter: QPainter, bar: Bar, row: QRectF) -> None:
        colours, unit = self._theme.colours, self._theme.unit
        font = self._theme.font(BODY, bold=bar.named)
        height = QFontMetricsF(font).height()
        text = QRectF(row.x() + self._mark(), row.y(), row.width() - self._mark(), height)
        painter.setFont(font)
        painter.setPen(QColor(colours.text if bar.in_set or bar.named else colours.muted))
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, bar.name)
        painter.drawText(text, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, bar.text)
        painter.setPen(Qt.PenStyle.NoPen)
        if bar.in_set:
            dot = unit * 1.25
            painter.setBrush(QColor(colours.text))
            painter.drawEllipse(QRectF(row.x(), row.y() + (height - dot) / 2, dot, dot))
        track = QRectF(text.x(), row.y() + height + 1, text.width(), unit)
        painter.setBrush(QColor(colours.track))
        painter.drawRoundedRect(track, unit / 2, unit / 2)
        if bar.probability > 0:
            track.setWidth(max(float(unit), track.width() * bar.probability))
            painter.setBrush(QColor(colours.bar_malignant if bar.malignant else colours.bar))
            painter.drawRoundedRect(track, unit / 2, unit / 2)

    def _mark(self) -> int:
        return round(self._theme.unit * 2.5)

    def _row(self) -> float:
        return QFontMetricsF(self._theme.font(BODY, bold=True)).height() + self._theme.unit * 2.75


def _spoken(bar: Bar) -> str:
    parts = [tr("{name} ({code}) {text}", name=bar.name, code=bar.code, text=bar.text)]
    parts.append(tr("malignant or pre-malignant") if bar.malignant else tr("benign"))
    if bar.in_set:
        parts.append(tr("could be this"))
    if bar.named:
        parts.append(tr("the network's answer"))
    return ", ".join(parts)
