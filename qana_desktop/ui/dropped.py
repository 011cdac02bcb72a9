"""What a drop or the clipboard carries: files and folders, or an image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QImage

ENCODED = ("image/png", "image/jpeg", "image/tiff", "image/webp", "image/bmp")
"""Formats that are taken as they are: the network then sees the pixels that were copied."""


def paths_in(mime: QMimeData) -> list[Path]:
    """Return the local files and folders, in their order."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


def encoder_of(mime: QMimeData) -> Callable[[], bytes] | None:
    """Return what makes an image file's bytes out of a copied image (for a worker), None when there is no image."""
    for name in ENCODED:
        if mime.hasFormat(name):
            data = bytes(mime.data(name).data())
            return lambda: data
    if not mime.hasImage():
        return None
    image = QImage(mime.imageData())
    return None if image.isNull() else lambda: encode_png(image)


def takes(mime: QMimeData) -> bool:
    """Return whether there is something to open in it."""
    return bool(paths_in(mime)) or mime.hasImage() or any(mime.hasFormat(name) for name in ENCODED)


def encode_png(image: QImage) -> bytes:
    """Return a picture as PNG, without loss. Takes tens of milliseconds per megapixel: for a worker."""
    import cv2
    import numpy as np

    rgba = image.convertToFormat(QImage.Format.Format_RGB888)
    pixels = np.frombuffer(rgba.constBits(), np.uint8).reshape(rgba.height(), rgba.bytesPerLine())
    rgb = pixels[:, : 3 * rgba.width()].reshape(rgba.height(), rgba.width(), 3)
    _done, png = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return bytes(png.tobytes())
