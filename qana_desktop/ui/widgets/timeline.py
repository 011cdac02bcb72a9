"""The timeline of a lesion: a list of days with thumbnails or triage shapes; an image can be opened from it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QPainter, QPixmap
from PySide6.QtWidgets import QListWidgetItem, QVBoxLayout, QWidget

from qana_desktop.ui.presenters.timeline import Event, networks_sentence
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import SMALL, Theme
from qana_desktop.ui.widgets.chooser import ArrowList
from qana_desktop.ui.widgets.labels import TextLabel
from qana_desktop.ui.widgets.shapes import draw_triage

KEY = Qt.ItemDataRole.UserRole


class LesionTimeline(QWidget):
    """Shows events, newest first. `chosen` carries an image's key."""

    chosen = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._events: tuple[Event, ...] = ()
        self._thumbnails: dict[str, QImage] = {}
        self.list = ArrowList()
        self.list.setAccessibleName(tr("Timeline of this lesion"))
        self.list.setToolTip(tr("Newest first; Enter opens an image"))
        self.networks, self.empty = TextLabel(theme, SMALL), TextLabel(theme, role="muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.unit)
        for part in (self.networks, self.empty, self.list):
            layout.addWidget(part)
        self.list.itemActivated.connect(self._activated)
        theme.changed.connect(self._fill)
        self._fill()

    def show_events(self, events: Sequence[Event]) -> None:
        """Show these events."""
        self._events = tuple(events)
        self._fill()

    def show_thumbnail(self, key: str, image: QImage) -> None:
        """Show an image's thumbnail in its line."""
        self._thumbnails[key] = image
        for row, event in enumerate(self._events):
            if event.key == key:
                self.list.item(row).setIcon(self._icon(event))

    def _fill(self) -> None:
        side = 10 * self._theme.unit
        self.list.setIconSize(QSize(side, side))
        self.list.clear()
        for event in self._events:
            item = QListWidgetItem(self._icon(event), event.line)
            item.setData(KEY, event.key)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, event.line.replace("\n", ", "))
            item.setToolTip(event.line)
            self.list.addItem(item)
        self.networks.say(networks_sentence(self._events))
        self.empty.say("" if self._events else tr("Nothing is kept of this lesion yet."))
        self.list.setVisible(bool(self._events))

    def _activated(self, item: QListWidgetItem) -> None:
        if item.data(KEY):
            self.chosen.emit(item.data(KEY))

    def _icon(self, event: Event) -> QIcon:
        """A thumbnail with the shape in its corner, or the shape alone; nothing for what is not an image."""
        side, ratio = 10 * self._theme.unit, self.devicePixelRatioF()
        pixmap = QPixmap(round(side * ratio), round(side * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        thumbnail = self._thumbnails.get(event.key) if event.key else None
        with QPainter(pixmap) as painter:
            if thumbnail is not None:
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
                size = thumbnail.size().scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio)
                room = QRectF((side - size.width()) / 2, (side - size.height()) / 2, size.width(), size.height())
                painter.drawImage(room, thumbnail)
            if event.group is not None:
                box = 0.42 * side
                at = QRectF(side - box, side - box, box, box) if thumbnail is not None else _middle(side, box)
                if thumbnail is not None:
                    painter.fillRect(at.adjusted(-1, -1, 1, 1), self._theme.colours.raised)
                draw_triage(painter, event.group, at, self._theme.colours.triage(event.group))
        icon = QIcon(pixmap)
        icon.addPixmap(pixmap, QIcon.Mode.Selected)
        return icon


def _middle(side: float, box: float) -> QRectF:
    return QRectF((side - box) / 2, (side - box) / 2, box, box)
