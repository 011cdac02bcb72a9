"""A list that opens below its button; the arrow is drawn here, in the colour of the text."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QComboBox

from qana_desktop.ui.theme.manager import Theme


class Chooser(QComboBox):
    """A combo box with an arrow that is seen in both themes."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the box, then the arrow."""
        super().paintEvent(event)
        unit, colours = self._theme.unit, self._theme.colours
        tip = QPointF(self.width() - 3.5 * unit, self.height() / 2 + unit * 0.6)
        arrow = QPolygonF([tip + QPointF(-1.2 * unit, -1.2 * unit), tip, tip + QPointF(1.2 * unit, -1.2 * unit)])
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(colours.text if self.isEnabled() else colours.muted), max(1.5, unit / 2.5)))
            painter.drawPolyline(arrow)
