"""The ruler on the image: two clicks, or arrows and Enter; and the scale bar of an image whose scale is known."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen

from qana_desktop.ui.presenters.ruler import Line, Ruler, bar_length, bar_text
from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.views.canvas import ImageCanvas

ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
SETS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
STEP, FINE = 8, 1
"""Screen pixels that an arrow moves the cross, and with Ctrl."""


class RulerTool:
    """Layer and tool of one canvas. `changed` is called when there is something else to say, `left` on Esc."""

    def __init__(
        self, theme: Theme, canvas: ImageCanvas, changed: Callable[[], None], left: Callable[[], None]
    ) -> None:
        self._theme, self._canvas, self._changed, self._left = theme, canvas, changed, left
        self.ruler = Ruler()
        self._at: QPointF | None = None
        self._by_keys = False

    def show(self, ruler: Ruler) -> None:
        """Show this ruler."""
        self.ruler = ruler
        self._canvas.update()
        self._changed()

    # --- tool ---

    def pressed(self, event: QMouseEvent) -> bool:
        """Set a point with the left button."""
        if event.button() is not Qt.MouseButton.LeftButton or self._canvas.picture is None:
            return False
        self._at, self._by_keys = event.position(), False
        self._set()
        return True

    def hovered(self, event: QMouseEvent) -> bool:
        """Let the begun line follow the mouse."""
        self._at, self._by_keys = event.position(), False
        if self.ruler.begun is not None:
            self._canvas.update()
        return True

    def key(self, event: QKeyEvent) -> bool:
        """Move a cross with the arrows, set points with Enter, take back with Backspace, leave with Esc."""
        key = Qt.Key(event.key())
        shifted = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if shifted or key not in (*ARROWS, *SETS, Qt.Key.Key_Backspace, Qt.Key.Key_Escape):
            return False
        if event.type() is QEvent.Type.ShortcutOverride:
            return True
        if key in ARROWS:
            self._move(*ARROWS[key], FINE if event.modifiers() & Qt.KeyboardModifier.ControlModifier else STEP)
        elif key in SETS:
            self._at = self._at or self._canvas.rect().toRectF().center()
            self._set()
        elif key == Qt.Key.Key_Backspace:
            self.show(self.ruler.taken_back())
        else:
            self._left()
        return True

    def _move(self, right: int, down: int, step: int) -> None:
        start = self._at or self._canvas.rect().toRectF().center()
        room = self._canvas.rect()
        self._at = QPointF(
            min(max(0.0, start.x() + right * step), room.width()), min(max(0.0, start.y() + down * step), room.height())
        )
        self._by_keys = True
        self._canvas.update()

    def _set(self) -> None:
        if self._at is not None:
            point = self._canvas.to_screen().inverted()[0].map(self._at)
            self.show(self.ruler.clicked((point.x(), point.y())))

    # --- layer ---

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """Draw the lines with their lengths, the begun one, and the cross of the keys."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for line in self.ruler.lines:
            self._draw_line(painter, canvas, line)
        own = canvas is self._canvas and canvas.tool is self
        if own and self.ruler.begun is not None and self._at is not None:
            end = canvas.to_screen().inverted()[0].map(self._at)
            self._draw_line(painter, canvas, Line(self.ruler.begun, (end.x(), end.y())))
        if own and self._by_keys and self._at is not None:
            self._draw_cross(painter, self._at, 4 * self._theme.unit)

    def _draw_line(self, painter: QPainter, canvas: ImageCanvas, line: Line) -> None:
        screen = canvas.to_screen()
        start, end = screen.map(QPointF(*line.start)), screen.map(QPointF(*line.end))
        for colour, width in (("#000000", 4.0), ("#ffffff", 2.0)):
            painter.setPen(QPen(QColor(colour), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(start, end)
        for point in (start, end):
            self._draw_cross(painter, point, 1.5 * self._theme.unit)
        middle = (start + end) / 2
        draw_plate(painter, self._theme, self.ruler.text(line), middle + QPointF(2 * self._theme.unit, 0))

    def _draw_cross(self, painter: QPainter, at: QPointF, arm: float) -> None:
        for colour, width in (("#000000", 4.0), ("#ffffff", 2.0)):
            painter.setPen(QPen(QColor(colour), width))
            painter.drawLine(at - QPointF(arm, 0), at + QPointF(arm, 0))
            painter.drawLine(at - QPointF(0, arm), at + QPointF(0, arm))


class ScaleBarLayer:
    """A bar of a round length at the lower right edge; nothing without a known scale."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self.mm_per_pixel: float | None = None

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """Draw the bar and its length."""
        if self.mm_per_pixel is None:
            return
        unit = self._theme.unit
        screen_per_pixel = canvas.zoom / canvas.devicePixelRatioF()
        mm, long = bar_length(self.mm_per_pixel, screen_per_pixel, canvas.width())
        right, below = canvas.width() - 4 * unit, canvas.height() - 4 * unit
        for colour, width in (("#000000", 5.0), ("#ffffff", 3.0)):
            painter.setPen(QPen(QColor(colour), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            painter.drawLine(QPointF(right - long, below), QPointF(right, below))
            for x in (right - long, right):
                painter.drawLine(QPointF(x, below - 1.5 * unit), QPointF(x, below + 1.5 * unit))
        height = QFontMetricsF(self._theme.font()).height()
        draw_plate(painter, self._theme, bar_text(mm), QPointF(right - long, below - height - 3 * unit))


def draw_plate(painter: QPainter, theme: Theme, text: str, at: QPointF, *, bold: bool = False) -> QRectF:
    """Draw a short text on a ground of its own, its upper left corner at `at`; return the ground."""
    painter.setFont(theme.font(bold=bold))
    metrics, unit = QFontMetricsF(theme.font(bold=bold)), theme.unit
    plate = QRectF(at.x(), at.y(), metrics.horizontalAdvance(text) + 3 * unit, metrics.height() + unit)
    painter.fillRect(plate, QColor(theme.colours.raised))
    painter.setPen(QColor(theme.colours.text))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
    return plate
