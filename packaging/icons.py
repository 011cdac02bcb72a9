"""Draws the program's icon from assets/qana-desktop.svg for installers: PNG files, ICO for Windows, ICNS for macOS."""

from __future__ import annotations

import os
import struct
from pathlib import Path

ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)
ICNS_SIZES = {b"icp4": 16, b"icp5": 32, b"ic07": 128, b"ic08": 256, b"ic09": 512, b"ic10": 1024}


def png(svg: Path, size: int) -> bytes:
    """Return the drawing as a PNG of `size` by `size` pixels."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QBuffer, QIODevice
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(str(svg)).render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(buffer.data().data())


def write_ico(svg: Path, target: Path) -> None:
    """Write an ICO file that holds a PNG for each size (Windows Vista and later read these)."""
    drawings = [png(svg, size) for size in ICO_SIZES]
    place = 6 + 16 * len(drawings)
    entries, body = b"", b""
    for size, drawing in zip(ICO_SIZES, drawings, strict=True):
        entries += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(drawing), place + len(body))
        body += drawing
    target.write_bytes(struct.pack("<HHH", 0, 1, len(drawings)) + entries + body)


def write_icns(svg: Path, target: Path) -> None:
    """Write an ICNS file that holds a PNG for each size (macOS 10.7 and later read these)."""
    drawings = [(kind, png(svg, size)) for kind, size in ICNS_SIZES.items()]
    body = b"".join(kind + struct.pack(">I", 8 + len(drawing)) + drawing for kind, drawing in drawings)
    target.write_bytes(b"icns" + struct.pack(">I", 8 + len(body)) + body)
