"""Labels of the window: wrapped text at a type size, elided one-liners, hairlines."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget

from qana_desktop.ui.theme.manager import BODY, Theme


class TextLabel(QLabel):
    """Wrapped text that can be selected with the mouse, at a share of the system's font size."""

    def __init__(self, theme: Theme, size: float = BODY, *, bold: bool = False, role: str = "") -> None:
        super().__init__()
        self._theme, self._size, self._bold = theme, size, bold
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setProperty("role", role)
        theme.changed.connect(self._restyle)
        self._restyle()

    def say(self, text: str) -> None:
        """Show `text`; an empty one hides the label."""
        self.setText(text)
        self.setVisible(bool(text))

    def _restyle(self) -> None:
        self.setFont(self._theme.font(self._size, bold=self._bold))


class ElidedLabel(QLabel):
    """One line; what does not fit is cut in the middle and given whole in the tooltip."""

    def __init__(self, theme: Theme, size: float = BODY, *, role: str = "") -> None:
        super().__init__()
        self._theme, self._size = theme, size
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setProperty("role", role)
        theme.changed.connect(self._restyle)
        self._restyle()

    def say(self, text: str, tooltip: str = "") -> None:
        """Show `text`, whole in the tooltip, with more in it if given."""
        self.setText(text)
        self.setToolTip(tooltip or text)
        self.setAccessibleName(text)

    def minimumSizeHint(self) -> QSize:
        """Return a width for a few letters: this label may always shrink."""
        return QSize(self.fontMetrics().averageCharWidth() * 6, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the text, elided."""
        with QPainter(self) as painter:
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        metrics: QFontMetrics = self.fontMetrics()
        text = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), int(self.alignment()) | int(Qt.AlignmentFlag.AlignVCenter), text)

    def _restyle(self) -> None:
        self.setFont(self._theme.font(self._size))


def hairline(parent: QWidget | None = None) -> QFrame:
    """Return a separator."""
    line = QFrame(parent)
    line.setProperty("role", "line")
    line.setFixedHeight(1)
    return line
