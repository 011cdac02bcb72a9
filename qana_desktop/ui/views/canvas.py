"""The image, edge to edge on neutral grey: zoom at the cursor, pan, fit, 1:1, quarter turns.

What lies on the image (heat-map, ruler, scale bar, an earlier image) is a `Layer`: the canvas knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from qana_desktop.ui.adjusting import Adjuster
from qana_desktop.ui.pictures import Picture
from qana_desktop.ui.presenters.adjustment import Adjustment
from qana_desktop.ui.presenters.linked import ImageView
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import TITLE, Theme
from qana_desktop.ui.views.layers import Layer, Tool
from qana_desktop.ui.views.viewpoint import Viewpoint

STEP = 1.25
SHARP_FROM = 3.0
"""From this zoom on pixels are drawn as squares: smoothing would invent structure that the camera did not see."""

PAN_SHARE = 1 / 8
"""How much of the window one key press moves the image."""

PAN_KEYS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class ImageCanvas(QWidget):
    """Draws one picture. Zoom is screen pixels per image pixel; `zoomed` sends it whenever it changes.

    `viewed` is sent when another part is seen, `pictured` when another image is shown or none, `restyled` when it looks
    otherwise.
    """

    zoomed = Signal(float)
    viewed = Signal()
    pictured = Signal()
    restyled = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._picture: Picture | None = None
        self._message = ""
        self._seen = Viewpoint()
        self._grabbed: QPointF | None = None
        self._dropping = False
        self._adjuster = Adjuster()
        self.layers: list[Layer] = []
        self.tool: Tool | None = None
        self.label = ""
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Image"))
        self.setToolTip("")
        theme.changed.connect(self.update)

    # --- what is shown ---

    def show_picture(self, picture: Picture | None, label: str, message: str = "") -> None:
        """Show a picture from the start: fitted and upright. Without one, show a sentence."""
        self._picture, self._message, self.label = picture, message, label
        self._seen.turns = 0
        self._show_cursor()
        size = f"{picture.size.width()} x {picture.size.height()}" if picture else message
        self.setAccessibleDescription(f"{label}, {size}")
        self.fit()
        self.pictured.emit()

    def replace_picture(self, picture: Picture) -> None:
        """Put a finer picture of the same image in place, at the same view if a person has changed it."""
        self._picture = picture
        self._seen.size = picture.size
        self.fit() if self._seen.fits else self.update()
        self.pictured.emit()

    def adjust(self, adjustment: Adjustment) -> None:
        """Change how the image looks on this screen; its pixels, and what a network gets, stay as they are."""
        self._adjuster.adjustment = adjustment
        self.update()
        self.restyled.emit()

    @property
    def adjustment(self) -> Adjustment:
        """How the image is changed for the screen."""
        return self._adjuster.adjustment

    def show_drop(self, dropping: bool) -> None:
        """Show that something may be dropped here."""
        self._dropping = dropping
        self.update()

    @property
    def picture(self) -> Picture | None:
        """What is shown."""
        return self._picture

    @property
    def message(self) -> str:
        """The sentence that is shown in place of an image."""
        return self._message

    @property
    def zoom(self) -> float:
        """Screen pixels per image pixel."""
        return self._seen.zoom

    @property
    def turns(self) -> int:
        """Quarter turns clockwise, 0 to 3."""
        return self._seen.turns

    @property
    def view(self) -> ImageView:
        """What part of the image is seen."""
        return self._seen.view

    def show_view(self, view: ImageView) -> None:
        """See this part of the image. Sends no `viewed`: whoever leads another canvas is not led back."""
        if self._picture is not None:
            self._change(lambda: self._seen.see(view), tells=False)

    def to_screen(self) -> QTransform:
        """Return the way from image pixels to widget coordinates."""
        self._measure()
        return self._seen.to_screen()

    # --- what a person does ---

    def fit(self) -> None:
        """Show the whole image; it stays fitted while the window changes its size."""
        self._seen.fits = True
        self._change(self._seen.fit if self._picture is not None else _nothing)

    def one_to_one(self) -> None:
        """Show one image pixel on one screen pixel, around the present middle."""
        self._zoom_at(1.0, self._middle())

    def zoom_in(self) -> None:
        """Enlarge around the middle."""
        self._zoom_at(self.zoom * STEP, self._middle())

    def zoom_out(self) -> None:
        """Make smaller around the middle."""
        self._zoom_at(self.zoom / STEP, self._middle())

    def rotate(self) -> None:
        """Turn the view by a quarter, clockwise."""
        if self._picture is not None:
            self._change(self._seen.turn)

    def pan(self, right: float, down: float) -> None:
        """See what lies further right and down, in this widget's coordinates."""
        if self._picture is not None:
            self._change(lambda: self._seen.pan(right, down))

    def use_tool(self, tool: Tool | None) -> None:
        """Give clicks and keys to a tool first, or to none."""
        self.tool = tool
        self._show_cursor()
        self.update()

    def _zoom_at(self, zoom: float, where: QPointF) -> None:
        if self._picture is not None:
            self._change(lambda: self._seen.zoom_at(zoom, where))

    def _middle(self) -> QPointF:
        return QPointF(self.width() / 2, self.height() / 2)

    def _change(self, change: Callable[[], None], *, tells: bool = True) -> None:
        """Look from elsewhere, and tell what follows from it."""
        self._measure()
        before = self._seen.zoom
        change()
        if self._seen.zoom != before:
            self.zoomed.emit(self._seen.zoom)
        self.update()
        if tells:
            self.viewed.emit()

    def _measure(self) -> None:
        self._seen.size = self._picture.size if self._picture is not None else QSize(1, 1)
        self._seen.room, self._seen.ratio = self.size(), self.devicePixelRatioF()

    def _show_cursor(self) -> None:
        if self.tool is not None and self._picture is not None:
            self.setCursor(Qt.CursorShape.CrossCursor)
        else:
            self.setCursor(Qt.CursorShape.OpenHandCursor if self._picture else Qt.CursorShape.ArrowCursor)

    # --- Qt ---

    def sizeHint(self) -> QSize:
        """Return a comfortable size; the window gives what it has."""
        return QSize(600, 450)

    def minimumSizeHint(self) -> QSize:
        """Return the least size at which a lesion can be seen."""
        return QSize(50 * self._theme.unit, 40 * self._theme.unit)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep a fitted image fitted."""
        if self._seen.fits:
            self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the cursor."""
        steps = event.angleDelta().y() / 120
        if steps:
            self._zoom_at(self.zoom * STEP**steps, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the image."""
        if self.tool is not None and self.tool.pressed(event):
            return
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton) and self._picture:
            self._grabbed = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the image."""
        if self._grabbed is None:
            if self.tool is not None:
                self.tool.hovered(event)
            return
        moved = event.position() - self._grabbed
        self._grabbed = event.position()
        self.pan(-moved.x(), -moved.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go of the image."""
        self._grabbed = None
        self._show_cursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Change between the whole image and 1:1 at the cursor."""
        if self.tool is not None:
            return
        if self._seen.fits:
            self._zoom_at(1.0, event.position())
        else:
            self.fit()

    def event(self, event: QEvent) -> bool:
        """Let a tool have its keys before the window's shortcuts."""
        override = event.type() is QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent) and self.tool is not None and self.tool.key(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move with Shift and the arrows; other keys are the tool's or the window's."""
        if self.tool is not None and self.tool.key(event):
            return
        shifted = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if shifted and Qt.Key(event.key()) in PAN_KEYS:
            right, down = PAN_KEYS[Qt.Key(event.key())]
            self.pan(right * self.width() * PAN_SHARE, down * self.height() * PAN_SHARE)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the image, or the sentence."""
        with QPainter(self) as painter:
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        painter.fillRect(self.rect(), QColor(self._theme.colours.canvas))
        if self._picture is not None:
            self.draw_picture(painter, self._picture, self.to_screen())
            for layer in self.layers:
                painter.save()
                layer.paint(painter, self)
                painter.restore()
        elif self._message:
            self._draw_message(painter)
        if self._dropping:
            self._draw_frame(painter, self._theme.unit)
        elif self.hasFocus():
            self._draw_frame(painter, 2)

    def draw_picture(self, painter: QPainter, picture: Picture, to_screen: QTransform) -> None:
        """Draw a picture where `to_screen` (image pixels to this canvas) says, adjusted as this canvas is."""
        scale = to_screen.map(QPointF(1, 0)) - to_screen.map(QPointF(0, 0))
        zoom = max(abs(scale.x()), abs(scale.y())) * self.devicePixelRatioF()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, zoom < SHARP_FROM)
        painter.save()
        painter.setTransform(to_screen, combine=True)
        seen = to_screen.inverted()[0].mapRect(QRectF(self.rect()))
        part, image = self._adjuster.part(picture.level_for(zoom), picture.size, seen)
        painter.drawImage(part, image)
        painter.restore()

    def _draw_frame(self, painter: QPainter, width: int) -> None:
        """Draw two lines: one of them stands out, whatever the image's edge looks like."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for inset, colour in ((width / 2, self._theme.colours.focus), (1.5 * width, self._theme.colours.raised)):
            painter.setPen(QPen(QColor(colour), width))
            painter.drawRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset))

    def _draw_message(self, painter: QPainter) -> None:
        painter.setFont(self._theme.font(TITLE))
        room = self.rect().adjusted(40, 40, -40, -40)
        flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
        text = painter.boundingRect(room, flags, self._message)
        pad = 3 * self._theme.unit
        painter.fillRect(text.adjusted(-pad, -pad, pad, pad), QColor(self._theme.colours.raised))
        painter.setPen(QColor(self._theme.colours.text))
        painter.drawText(room, flags, self._message)


def _nothing() -> None:
    pass
