"""Draws images with an adjustment: only the part that is seen is computed, and kept until it changes."""

from __future__ import annotations

import math

from PySide6.QtCore import QRect, QRectF, QSize
from PySide6.QtGui import QImage

from qana_desktop.ui.presenters.adjustment import AS_TAKEN, Adjustment, Matrix

BLUE_FIRST = (2, 1, 0)
"""QImage's Format_RGB32 lies in memory as B, G, R, and a byte without meaning."""


class Adjuster:
    """Adjusts parts of images for one canvas. The images themselves stay as they are."""

    def __init__(self) -> None:
        self.adjustment: Adjustment = AS_TAKEN
        self._kept: tuple[tuple[int, QRect, Adjustment], QImage] | None = None

    def part(self, level: QImage, size: QSize, seen: QRectF) -> tuple[QRectF, QImage]:
        """Return what to draw, and where in pixels of the full image (`size`); `seen` is the part that is in sight."""
        if not self.adjustment.changes:
            return QRectF(0, 0, size.width(), size.height()), level
        across, down = level.width() / size.width(), level.height() / size.height()
        left, top = math.floor(seen.left() * across) - 1, math.floor(seen.top() * down) - 1
        right, bottom = math.ceil(seen.right() * across) + 1, math.ceil(seen.bottom() * down) + 1
        box = QRect(left, top, right - left, bottom - top).intersected(level.rect())
        where = QRectF(box.x() / across, box.y() / down, box.width() / across, box.height() / down)
        return where, self._adjusted(level, box)

    def _adjusted(self, level: QImage, box: QRect) -> QImage:
        if box.isEmpty():
            return QImage()
        key = (level.cacheKey(), box, self.adjustment)
        if self._kept is None or self._kept[0] != key:
            self._kept = (key, apply_matrix(level.copy(box), self.adjustment.matrix()))
        return self._kept[1]


def apply_matrix(image: QImage, matrix: Matrix) -> QImage:
    """Return a new image (Format_RGB32) of `image` (Format_RGB32) with `matrix` applied to R, G, B and cut to 0-255."""
    import cv2
    import numpy as np

    source = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    stored = np.zeros((4, 5))
    for row, colour in enumerate(BLUE_FIRST):
        stored[row, list(BLUE_FIRST)] = matrix[colour][:3]
        stored[row, 4] = matrix[colour][3]
    stored[3, 4] = 255
    made = np.ascontiguousarray(cv2.transform(source[:, : image.width()], stored))
    return QImage(made.data, image.width(), image.height(), 4 * image.width(), QImage.Format.Format_RGB32).copy()
