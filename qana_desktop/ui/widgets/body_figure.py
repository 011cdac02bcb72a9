"""A calm figure of the body, front and back, made of simple shapes: one path for each region.

The patient's right is on the left of the front view, as when one stands before a person.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from math import hypot

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainterPath, QPainterPathStroker, QTransform

from qana_desktop.triage.body_sites import Site

WIDTH, HEIGHT = 100.0, 206.0
"""Size of one figure in its own units."""

MIDDLE = WIDTH / 2

_LIMBS = {
    "upper arm": ((32, 39, 9.5), (28, 52, 8.6), (24.6, 68, 7.4)),
    "forearm": ((24.3, 70, 7.6), (22, 80, 7.4), (18.2, 98, 4.8)),
    "hand": ((17.9, 100, 5.0), (16.4, 106, 6.4), (14.6, 113, 3.6)),
    "thigh": ((41.3, 102, 15.6), (41, 118, 14.4), (40.6, 144, 10.0)),
    "lower leg": ((40.5, 147, 9.8), (40, 160, 10.4), (40.2, 187, 5.8)),
    "foot": ((40, 190, 6.4), (38.4, 195, 7.6), (35.4, 199, 6.0)),
}
"""The limbs on the viewer's left: points of the middle line (x, y) with the width there. The other side is mirrored."""


@cache
def regions(*, back: bool) -> tuple[tuple[Site, QPainterPath], ...]:
    """Return the regions of one view with their paths; what is drawn later lies on top."""
    head = QPainterPath()
    head.addEllipse(QPointF(MIDDLE, 15), 9.5, 12)
    crown = QPainterPath()
    crown.addRect(QRectF(0, 0, WIDTH, 22 if back else 9))
    neck = _rounded(QRectF(45, 26, 10, 8), 2)
    trunk = _back() if back else _front()
    found: list[tuple[Site, QPainterPath]] = [(Site.NECK, neck)]
    found += _limbs(back=back)
    found += trunk
    if not back:
        found += [(Site.RIGHT_EAR, _ellipse(40, 16, 1.8, 3)), (Site.LEFT_EAR, _ellipse(60, 16, 1.8, 3))]
        found.append((Site.FACE, head.subtracted(crown)))
    else:
        found.append((Site.NECK, head.subtracted(crown)))
    found.append((Site.SCALP, head.intersected(crown)))
    return tuple(found)


def middle_of(path: QPainterPath) -> QPointF:
    """Return where the first marker of a region is drawn."""
    return path.boundingRect().center()


def _limbs(*, back: bool) -> list[tuple[Site, QPainterPath]]:
    made = []
    for name, line in _LIMBS.items():
        shape = _limb(line)
        # Seen from the front, what is on the viewer's left is the patient's right.
        for side, path in (("left" if back else "right", shape), ("right" if back else "left", _mirrored(shape))):
            made.append((Site(f"{side} {name}"), path))
    return made


def _front() -> list[tuple[Site, QPainterPath]]:
    trunk = _trunk()
    return [
        (Site.GENITAL, _between(trunk, 93.4, 120)),
        (Site.ABDOMEN, _between(trunk, 64.4, 92.6)),
        (Site.CHEST, _between(trunk, 0, 63.6)),
    ]


def _back() -> list[tuple[Site, QPainterPath]]:
    trunk = _trunk()
    return [
        (Site.BUTTOCKS, _between(trunk, 88.4, 120)),
        (Site.LOWER_BACK, _between(trunk, 65.4, 87.6)),
        (Site.UPPER_BACK, _between(trunk, 0, 64.6)),
    ]


@cache
def silhouette() -> QPainterPath:
    """Return the outline of the whole body, as it lies below the regions of both views."""
    whole = QPainterPath()
    for _site, path in (*regions(back=False), *regions(back=True)):
        whole = whole.united(path)
    stroker = QPainterPathStroker()
    stroker.setWidth(2.4)
    stroker.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return whole.united(stroker.createStroke(whole)).simplified()


def _trunk() -> QPainterPath:
    """Shoulders, waist and hips in one curve, its right half the mirror of its left."""
    path = QPainterPath(QPointF(50, 31))
    path.cubicTo(QPointF(45, 33), QPointF(40, 33.5), QPointF(36, 34.5))
    path.cubicTo(QPointF(32.5, 36), QPointF(33, 44), QPointF(34.5, 52))
    path.cubicTo(QPointF(35.5, 62), QPointF(37.5, 68), QPointF(37, 76))
    path.cubicTo(QPointF(36.5, 84), QPointF(33.6, 88), QPointF(33.6, 97))
    path.cubicTo(QPointF(33.6, 101), QPointF(36, 103.5), QPointF(41, 104.5))
    path.cubicTo(QPointF(45, 105.5), QPointF(48, 107), QPointF(50, 107))
    path.closeSubpath()
    return path.united(_mirrored(path)).simplified()


def _between(path: QPainterPath, top: float, bottom: float) -> QPainterPath:
    band = QPainterPath()
    band.addRect(QRectF(0, top, WIDTH, bottom - top))
    return path.intersected(band)


def _limb(line: tuple[tuple[float, float, float], ...]) -> QPainterPath:
    """Discs along the line, joined by their common outlines: rounded at both ends, as wide as the points say."""
    path = QPainterPath()
    for (x, y, width), (to_x, to_y, to_width) in pairwise(line):
        path = path.united(_cone(QPointF(x, y), width / 2, QPointF(to_x, to_y), to_width / 2))
    return path.simplified()


def _cone(start: QPointF, wide: float, end: QPointF, narrow: float) -> QPainterPath:
    along = end - start
    length = hypot(along.x(), along.y())
    across = QPointF(-along.y(), along.x()) / length
    path = QPainterPath(start + across * wide)
    path.lineTo(end + across * narrow)
    path.lineTo(end - across * narrow)
    path.lineTo(start - across * wide)
    path.closeSubpath()
    for centre, radius in ((start, wide), (end, narrow)):
        disc = QPainterPath()
        disc.addEllipse(centre, radius, radius)
        path = path.united(disc)
    return path


def _mirrored(path: QPainterPath) -> QPainterPath:
    return QTransform().translate(WIDTH, 0).scale(-1, 1).map(path)


def _rounded(rect: QRectF, radius: float) -> QPainterPath:
    path = QPainterPath()
    path.addRoundedRect(rect, radius, radius)
    return path


def _ellipse(x: float, y: float, across: float, down: float) -> QPainterPath:
    path = QPainterPath()
    path.addEllipse(QPointF(x, y), across, down)
    return path
