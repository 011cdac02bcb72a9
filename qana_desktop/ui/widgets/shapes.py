"""The shapes of triage and of engine states: each group has its own, so that colour never carries the meaning alone."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from qana_desktop.ui.presenters.engine import Health
from qana_desktop.ui.presenters.entries import Group


def triage_path(group: Group, box: QRectF) -> QPainterPath:
    """Return a group's shape inside a square box: ◆ ▲ ■ ● and a ring for unread."""
    path = QPainterPath()
    if group is Group.REVIEW_NOW:
        path.addPolygon(_polygon(box, (0.5, 0.06), (1.0, 0.94), (0.0, 0.94), (0.5, 0.06)))
    elif group is Group.REVIEW:
        path.addRect(box.adjusted(box.width() * 0.1, box.height() * 0.1, -box.width() * 0.1, -box.height() * 0.1))
    elif group is Group.CANNOT_ASSESS:
        path.addPolygon(_polygon(box, (0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.0, 0.5), (0.5, 0.0)))
    else:
        inset = box.width() * 0.06
        path.addEllipse(box.adjusted(inset, inset, -inset, -inset))
    return path


def draw_triage(painter: QPainter, group: Group, box: QRectF, colour: str) -> None:
    """Draw a group's shape, filled; unread is a ring: nothing is known."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if group is Group.UNREAD:
        width = max(1.5, box.width() * 0.14)
        painter.setPen(QPen(QColor(colour), width))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(box.adjusted(width, width, -width, -width))
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawPath(triage_path(group, box))
    painter.restore()


def draw_health(painter: QPainter, health: Health, box: QRectF, colour: str) -> None:
    """Draw an engine's state: full disc, half disc, ring, cross."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(colour), max(1.5, box.width() * 0.16)))
    inner = box.adjusted(1.5, 1.5, -1.5, -1.5)
    if health is Health.BROKEN:
        painter.drawLine(inner.topLeft(), inner.bottomRight())
        painter.drawLine(inner.topRight(), inner.bottomLeft())
    else:
        painter.setBrush(QColor(colour) if health is Health.GOOD else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(inner)
    if health is Health.PENDING:
        painter.setBrush(QColor(colour))
        painter.drawPie(inner, 90 * 16, 180 * 16)
    painter.restore()


def _polygon(box: QRectF, *points: tuple[float, float]) -> QPolygonF:
    return QPolygonF([QPointF(box.x() + x * box.width(), box.y() + y * box.height()) for x, y in points])
