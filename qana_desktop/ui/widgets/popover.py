"""Details behind an info button: names and values in two columns, closed by Esc or a click elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QVBoxLayout, QWidget

from qana_desktop.ui.presenters.measures import DetailRow
from qana_desktop.ui.theme.manager import SMALL, Theme
from qana_desktop.ui.widgets.labels import TextLabel


class Popover(QFrame):
    """A small panel below the button that opened it."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._theme = theme
        self.setProperty("role", "popover")
        self._title = TextLabel(theme, SMALL, role="heading")
        self._grid = QGridLayout()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * theme.unit, 3 * theme.unit, 4 * theme.unit, 3 * theme.unit)
        layout.addWidget(self._title)
        layout.addLayout(self._grid)
        self._grid.setHorizontalSpacing(4 * theme.unit)
        self._grid.setVerticalSpacing(theme.unit)

    def show_rows(self, title: str, rows: Sequence[DetailRow]) -> None:
        """Fill the panel."""
        self._title.say(title)
        self.setAccessibleName(title)
        self.setAccessibleDescription("; ".join(f"{row.name}: {row.value}" for row in rows))
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        width = self.fontMetrics().averageCharWidth()
        for number, row in enumerate(rows):
            name, value = TextLabel(self._theme, role="muted"), TextLabel(self._theme)
            name.setWordWrap(False)
            name.setText(row.name)
            value.setText(_breakable(row.value))
            value.setFixedWidth(42 * width)
            self._grid.addWidget(name, number, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(value, number, 1)
        self.adjustSize()

    def open_at(self, anchor: QWidget) -> None:
        """Open above or below `anchor`, inside the screen."""
        self.adjustSize()
        screen = anchor.screen().availableGeometry()
        corner = anchor.mapToGlobal(QPoint(anchor.width() - self.width(), anchor.height()))
        if corner.y() + self.height() > screen.bottom():
            corner = anchor.mapToGlobal(QPoint(anchor.width() - self.width(), -self.height()))
        corner.setX(max(screen.left(), corner.x()))
        self.move(corner)
        self.show()


def _breakable(value: str) -> str:
    """Let long ids break across lines: a zero-width space after every 16 characters of a long word."""
    if len(value) <= 32 or " " in value:
        return value
    return "\u200b".join(value[i : i + 16] for i in range(0, len(value), 16))
