"""The image, edge to edge on neutral grey: zoom at the cursor, pan, fit, 1:1, quarter turns.

What lies on the image (heat-map, ruler, scale bar, an earlier image) is a `Layer`: the canvas knows none of them.
"""

from __future__ import annotations

from typing import Protocol

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
from qana_desktop.ui.presenters.linked import ImageView, turned
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import TITLE, Theme

STEP = 1.25
MOST, LEAST = 32.0, 0.01
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


class Layer(Protocol):
    """Something drawn on the image."""

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """Draw in the canvas' own coordinates; `canvas.to_screen()` leads there from image pixels."""
        ...


class Tool(Protocol):
    """Something that takes clicks and keys before the canvas does; each method returns whether it took the event."""

    def pressed(self, event: QMouseEvent) -> bool:
        """A mouse button was pressed."""
        ...

    def hovered(self, event: QMouseEvent) -> bool:
        """The mouse moved."""
        ...

    def key(self, event: QKeyEvent) -> bool:
        """A key was pressed. Asked twice: also before the window's own keys, with an event of ShortcutOverride."""
        ...


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
        self._zoom, self._fits, self._turns = 1.0, True, 0
        self._centre = QPointF()
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
        self._turns = 0
        self._show_cursor()
        size = f"{picture.size.width()} x {picture.size.height()}" if picture else message
        self.setAccessibleDescription(f"{label}, {size}")
        self.fit()
        self.pictured.emit()

    def replace_picture(self, picture: Picture) -> None:
        """Put a finer picture of the same image in place, at the same view if a person has changed it."""
        self._picture = picture
        self.fit() if self._fits else self.update()
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
        return self._zoom

    @property
    def turns(self) -> int:
        """Quarter turns clockwise, 0 to 3."""
        return self._turns

    @property
    def view(self) -> ImageView:
        """What part of the image is seen."""
        size, turned_size = self._size(), self._turned_size()
        short = min(size.width(), size.height())
        x = (self._centre.x() - turned_size.width() / 2) / short
        y = (self._centre.y() - turned_size.height() / 2) / short
        return ImageView(*turned(x, y, -self._turns), self._zoom * short, self._turns)

    def show_view(self, view: ImageView) -> None:
        """See this part of the image. Sends no `viewed`: whoever leads another canvas is not led back."""
        if self._picture is None:
            return
        size = self._size()
        short = min(size.width(), size.height())
        self._fits, self._turns = False, view.turns
        x, y = turned(view.x, view.y, view.turns)
        whole = self._turned_size()
        self._centre = QPointF(x * short + whole.width() / 2, y * short + whole.height() / 2)
        self._set_zoom(min(MOST, max(LEAST, view.span / short)))
        self.update()

    # --- what a person does ---

    def fit(self) -> None:
        """Show the whole image; it stays fitted while the window changes its size."""
        self._fits = True
        if self._picture is not None:
            size = self._turned_size()
            self._centre = QPointF(size.width() / 2, size.height() / 2)
            room = self.devicePixelRatioF()
            wide = self.width() * room / max(1, size.width())
            high = self.height() * room / max(1, size.height())
            self._set_zoom(min(wide, high))
        self._moved()

    def one_to_one(self) -> None:
        """Show one image pixel on one screen pixel, around the present middle."""
        self._zoom_at(1.0, QPointF(self.width() / 2, self.height() / 2))

    def zoom_in(self) -> None:
        """Enlarge around the middle."""
        self._zoom_at(self._zoom * STEP, QPointF(self.width() / 2, self.height() / 2))

    def zoom_out(self) -> None:
        """Make smaller around the middle."""
        self._zoom_at(self._zoom / STEP, QPointF(self.width() / 2, self.height() / 2))

    def rotate(self) -> None:
        """Turn the view by a quarter, clockwise."""
        if self._picture is None:
            return
        size = self._turned_size()
        self._centre = QPointF(size.height() - self._centre.y(), self._centre.x())
        self._turns = (self._turns + 1) % 4
        self.fit() if self._fits else self._moved()

    def pan(self, right: float, down: float) -> None:
        """See what lies further right and down, in screen pixels."""
        if self._picture is None:
            return
        self._fits = False
        self._centre += QPointF(right, down) / self._scale()
        self._keep_in_sight()
        self._moved()

    # --- Qt ---

    def sizeHint(self) -> QSize:
        """Return a comfortable size; the window gives what it has."""
        return QSize(600, 450)

    def minimumSizeHint(self) -> QSize:
        """Return the least size at which a lesion can be seen."""
        return QSize(50 * self._theme.unit, 40 * self._theme.unit)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep a fitted image fitted."""
        if self._fits:
            self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the cursor."""
        steps = event.angleDelta().y() / 120
        if steps:
            self._zoom_at(self._zoom * STEP**steps, event.position())
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
        if self._fits:
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

    # --- arithmetic ---

    def _scale(self) -> float:
        return self._zoom / self.devicePixelRatioF()

    def _size(self) -> QSize:
        return self._picture.size if self._picture else QSize(1, 1)

    def _turned_size(self) -> QSize:
        size = self._size()
        return size.transposed() if self._turns % 2 else size

    def to_screen(self) -> QTransform:
        """From image pixels to widget coordinates: turn, then scale, then move the middle to the middle."""
        size = self._size()
        turned = self._turned_size()
        transform = QTransform()
        transform.translate(self.width() / 2, self.height() / 2)
        transform.scale(self._scale(), self._scale())
        transform.translate(turned.width() / 2 - self._centre.x(), turned.height() / 2 - self._centre.y())
        transform.rotate(90 * self._turns)
        transform.translate(-size.width() / 2, -size.height() / 2)
        return transform

    def _zoom_at(self, zoom: float, where: QPointF) -> None:
        """Change the zoom so that what is under `where` stays there."""
        if self._picture is None:
            return
        self._fits = False
        from_middle = where - QPointF(self.width() / 2, self.height() / 2)
        under = self._centre + from_middle / self._scale()
        self._set_zoom(min(MOST, max(LEAST, zoom)))
        self._centre = under - from_middle / self._scale()
        self._keep_in_sight()
        self._moved()

    def _moved(self) -> None:
        self.update()
        self.viewed.emit()

    def _show_cursor(self) -> None:
        if self.tool is not None and self._picture is not None:
            self.setCursor(Qt.CursorShape.CrossCursor)
        else:
            self.setCursor(Qt.CursorShape.OpenHandCursor if self._picture else Qt.CursorShape.ArrowCursor)

    def use_tool(self, tool: Tool | None) -> None:
        """Give clicks and keys to a tool first, or to none."""
        self.tool = tool
        self._show_cursor()
        self.update()

    def _keep_in_sight(self) -> None:
        size = self._turned_size()
        self._centre.setX(min(max(0.0, self._centre.x()), size.width()))
        self._centre.setY(min(max(0.0, self._centre.y()), size.height()))

    def _set_zoom(self, zoom: float) -> None:
        if zoom != self._zoom:
            self._zoom = zoom
            self.zoomed.emit(zoom)
