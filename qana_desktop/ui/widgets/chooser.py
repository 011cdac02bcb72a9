"""A list that opens below its button; the arrow is drawn here, in the colour of the text."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QComboBox

from qana_desktop.ui.theme.manager import Theme

MOVING = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End)


def keeps_arrows(event: QEvent) -> bool:
    """Take arrows for the control that has the focus, before the window's own keys do; return whether it was done."""
    if event.type() is not QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
    if plain and Qt.Key(event.key()) in MOVING:
        event.accept()
        return True
    return False


class Chooser(QComboBox):
    """A combo box with an arrow that is seen in both themes; Up and Down choose here, not the next image."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def event(self, event: QEvent) -> bool:
        """Keep the arrows."""
        return keeps_arrows(event) or super().event(event)

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
