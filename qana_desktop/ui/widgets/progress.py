"""The progress line at the top edge of the window: the only motion."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme


class ProgressLine(QWidget):
    """A thin line that fills from left to right; empty when nothing runs. Its height never changes."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._share: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Progress"))
        theme.changed.connect(self.update)

    @property
    def share(self) -> float | None:
        """How much is done, 0 to 1; None when nothing runs."""
        return self._share

    def show_share(self, share: float | None) -> None:
        """Show how much is done."""
        self._share = share
        self.setAccessibleDescription("" if share is None else f"{share * 100:.0f} %")
        self.update()

    def sizeHint(self) -> QSize:
        """Return the height of the line."""
        return QSize(0, self._theme.unit - 1)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the line."""
        with QPainter(self) as painter:
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        painter.fillRect(self.rect(), QColor(self._theme.colours.raised))
        if self._share is not None:
            painter.fillRect(self.rect(), QColor(self._theme.colours.track))
            room = QRectF(0, 0, self.width() * max(0.01, self._share), self.height())
            painter.fillRect(room, QColor(self._theme.colours.accent))
