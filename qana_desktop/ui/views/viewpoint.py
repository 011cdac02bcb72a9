"""Where one looks at an image from: zoom, turn and middle, as arithmetic that knows no widget."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QTransform

from qana_desktop.ui.presenters.linked import ImageView, turned

MOST, LEAST = 32.0, 0.01


class Viewpoint:
    """`zoom` is screen pixels per image pixel; `fits` says that the whole image stays in sight.

    `size` is the image's in its pixels, `room` the widget's in its own, `ratio` screen pixels for one of those.
    """

    def __init__(self) -> None:
        self.size, self.room, self.ratio = QSize(1, 1), QSize(1, 1), 1.0
        self.zoom, self.fits, self.turns = 1.0, True, 0
        self._middle = QPointF()

    @property
    def scale(self) -> float:
        """Widget coordinates per image pixel."""
        return self.zoom / self.ratio

    @property
    def turned_size(self) -> QSize:
        """The image's size as it lies on the screen."""
        return self.size.transposed() if self.turns % 2 else self.size

    @property
    def view(self) -> ImageView:
        """What part of the image is seen."""
        short, whole = min(self.size.width(), self.size.height()), self.turned_size
        x, y = (self._middle.x() - whole.width() / 2) / short, (self._middle.y() - whole.height() / 2) / short
        return ImageView(*turned(x, y, -self.turns), self.zoom * short, self.turns)

    def see(self, view: ImageView) -> None:
        """See this part of the image."""
        self.fits, self.turns = False, view.turns
        short, whole = min(self.size.width(), self.size.height()), self.turned_size
        x, y = turned(view.x, view.y, view.turns)
        self._middle = QPointF(x * short + whole.width() / 2, y * short + whole.height() / 2)
        self.zoom = _held(view.span / short)

    def fit(self) -> None:
        """See all of it."""
        self.fits, whole = True, self.turned_size
        self._middle = QPointF(whole.width() / 2, whole.height() / 2)
        wide = self.room.width() * self.ratio / max(1, whole.width())
        high = self.room.height() * self.ratio / max(1, whole.height())
        self.zoom = min(wide, high)

    def zoom_at(self, zoom: float, where: QPointF) -> None:
        """Change the zoom so that what is under `where` stays there."""
        self.fits = False
        away = where - QPointF(self.room.width() / 2, self.room.height() / 2)
        under = self._middle + away / self.scale
        self.zoom = _held(zoom)
        self._middle = under - away / self.scale
        self._keep_in_sight()

    def turn(self) -> None:
        """Turn by a quarter, clockwise."""
        whole = self.turned_size
        self._middle = QPointF(whole.height() - self._middle.y(), self._middle.x())
        self.turns = (self.turns + 1) % 4
        if self.fits:
            self.fit()

    def pan(self, right: float, down: float) -> None:
        """See what lies further right and down, in widget coordinates."""
        self.fits = False
        self._middle += QPointF(right, down) / self.scale
        self._keep_in_sight()

    def to_screen(self) -> QTransform:
        """From image pixels to widget coordinates: turn, then scale, then move the middle to the middle."""
        whole = self.turned_size
        transform = QTransform()
        transform.translate(self.room.width() / 2, self.room.height() / 2)
        transform.scale(self.scale, self.scale)
        transform.translate(whole.width() / 2 - self._middle.x(), whole.height() / 2 - self._middle.y())
        transform.rotate(90 * self.turns)
        transform.translate(-self.size.width() / 2, -self.size.height() / 2)
        return transform

    def _keep_in_sight(self) -> None:
        whole = self.turned_size
        self._middle.setX(min(max(0.0, self._middle.x()), whole.width()))
        self._middle.setY(min(max(0.0, self._middle.y()), whole.height()))


def _held(zoom: float) -> float:
    return min(MOST, max(LEAST, zoom))
