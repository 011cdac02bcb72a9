"""Pictures for the screen: decoded in the background, kept in a bounded shelf, shrunk in halves for smooth zooming."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, QSize, Signal
from PySide6.QtGui import QImage

from qana_desktop.services.sources import ImageSource
from qana_desktop.system.faults import Fault
from qana_desktop.ui.presenters.runner import Runner

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qana_desktop.services.contract import TriageDeskLike

T = TypeVar("T")

THUMBNAIL_SIDE = 96
KEPT_THUMBNAILS, KEPT_PICTURES = 800, 4
SMALLEST_LEVEL = 400
"""Halving stops when the longest side would fall below this: painting such an image is quick at any zoom."""


@dataclass(frozen=True)
class Picture:
    """An image in full size and in halves of it, ready to paint. `levels[0]` is the original."""

    levels: tuple[QImage, ...]

    @property
    def size(self) -> QSize:
        """Size in image pixels."""
        return self.levels[0].size()

    def level_for(self, scale: float) -> QImage:
        """Return the smallest level that has a pixel for each screen pixel at `scale` (screen per image pixel)."""
        best = self.levels[0]
        for level in self.levels[1:]:
            if level.width() < scale * self.levels[0].width():
                break
            best = level
        return best


def to_image(rgb: npt.NDArray[np.uint8]) -> QImage:
    """Return a picture of uint8 RGB (H, W, 3) that owns its pixels, in the layout that paints fastest."""
    import cv2

    bgra = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA)
    height, width = bgra.shape[:2]
    wrapped = QImage(bgra.data, width, height, 4 * width, QImage.Format.Format_RGB32)
    return wrapped.copy()


def to_picture(rgb: npt.NDArray[np.uint8]) -> Picture:
    """Return the levels of uint8 RGB (H, W, 3). Takes milliseconds per megapixel: for a worker."""
    import cv2
    import numpy as np

    levels = [to_image(rgb)]
    while max(rgb.shape[:2]) >= 2 * SMALLEST_LEVEL:
        height, width = rgb.shape[:2]
        rgb = np.asarray(cv2.resize(rgb, (width // 2, height // 2), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        levels.append(to_image(rgb))
    return Picture(tuple(levels))


class PictureShelf(QObject):
    """Thumbnails and pictures by entry id. Asking is immediate; what is missing is fetched and then announced."""

    thumbnail_ready = Signal(int)
    picture_ready = Signal(int)

    def __init__(self, runner: Runner) -> None:
        super().__init__()
        self._runner = runner
        self._desk: TriageDeskLike | None = None
        self._thumbnails: OrderedDict[int, QImage | Fault] = OrderedDict()
        self._pictures: OrderedDict[int, Picture | Fault] = OrderedDict()
        self._asked: set[tuple[str, int]] = set()

    def attach(self, desk: TriageDeskLike) -> None:
        """Fetch from this desk from now on."""
        self._desk = desk

    def thumbnail(self, entry_id: int, source: ImageSource) -> QImage | None:
        """Return a thumbnail, or None while it is fetched or when there is none."""
        desk = self._desk
        if entry_id in self._thumbnails:
            self._thumbnails.move_to_end(entry_id)
            found = self._thumbnails[entry_id]
            return found if isinstance(found, QImage) else None
        if desk is not None:
            self._ask(
                ("thumbnails", entry_id),
                lambda: to_image(desk.display_image(source, longest_side=THUMBNAIL_SIDE)),
                lambda image: self._keep_thumbnail(entry_id, image),
            )
        return None

    def picture(self, entry_id: int, source: ImageSource) -> Picture | Fault | None:
        """Return a picture, the reason why there is none, or None while it is fetched."""
        desk = self._desk
        if entry_id in self._pictures:
            self._pictures.move_to_end(entry_id)
            return self._pictures[entry_id]
        if desk is not None:
            self._ask(
                ("pictures", entry_id),
                lambda: to_picture(desk.display_image(source)),
                lambda picture: self._keep_picture(entry_id, picture),
            )
        return None

    def forget(self, entry_ids: Iterable[int]) -> None:
        """Fetch pictures and thumbnails again: these files are opened anew and may have changed."""
        for entry_id in entry_ids:
            self._pictures.pop(entry_id, None)
            self._thumbnails.pop(entry_id, None)

    def _ask(self, what: tuple[str, int], work: Callable[[], T], keep: Callable[[T | Fault], None]) -> None:
        if what in self._asked:
            return
        self._asked.add(what)

        def arrived(result: T | Fault) -> None:
            self._asked.discard(what)
            keep(result)

        self._runner.run(what[0], work, arrived, arrived)

    def _keep_thumbnail(self, entry_id: int, image: QImage | Fault) -> None:
        self._thumbnails[entry_id] = image
        while len(self._thumbnails) > KEPT_THUMBNAILS:
            self._thumbnails.popitem(last=False)
        self.thumbnail_ready.emit(entry_id)

    def _keep_picture(self, entry_id: int, picture: Picture | Fault) -> None:
        self._pictures[entry_id] = picture
        while len(self._pictures) > KEPT_PICTURES:
            self._pictures.popitem(last=False)
        self.picture_ready.emit(entry_id)
