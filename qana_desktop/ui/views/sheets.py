"""Sheets that only tell: the keys, and the list of what could not be opened."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from qana_desktop.ui.presenters.notices import Refusal
from qana_desktop.ui.shortcuts import Shortcut
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme


def key_text(shortcut: Shortcut) -> str:
    """Return a command's keys as the system writes them."""
    native = QKeySequence.SequenceFormat.NativeText
    return tr(" or ").join(QKeySequence(keys).toString(native) for keys in shortcut.keys)


class Sheet(QDialog):
    """A dialog with a title, something to read and a close button."""

    def __init__(self, theme: Theme, parent: QWidget, title: str) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setWindowTitle(title)
        self.body = QVBoxLayout()
        close = QPushButton(tr("Close"))
        close.setAccessibleName(tr("Close"))
        close.setToolTip(tr("Close this sheet (Esc)"))
        close.clicked.connect(self.close)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setSpacing(3 * theme.unit)
        layout.addLayout(self.body, 1)
        layout.addLayout(foot)
        self.resize(self.sizeHint())

    def sizeHint(self) -> QSize:
        """Return room for two columns of text."""
        return QSize(100 * self.fontMetrics().averageCharWidth(), 160 * self._theme.unit)


class RefusalSheet(Sheet):
    """What could not be opened: name, what happened, what to do."""

    def __init__(self, theme: Theme, parent: QWidget, refusals: Sequence[Refusal]) -> None:
        super().__init__(theme, parent, tr("Could not be opened"))
        self.table = QTableWidget(len(refusals), 3)
        self.table.setHorizontalHeaderLabels([tr("Name"), tr("What happened"), tr("What to do")])
        self.table.setAccessibleName(tr("Items that could not be opened"))
        self.table.setToolTip(tr("Items that could not be opened, with the reason"))
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.setAlternatingRowColors(True)
        self.table.setWordWrap(True)
        for row, refusal in enumerate(refusals):
            for column, text in enumerate((refusal.label, refusal.message, refusal.remedy)):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.table.setItem(row, column, item)
        width = self.fontMetrics().averageCharWidth()
        for column, letters in enumerate((24, 40)):
            self.table.setColumnWidth(column, letters * width)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.resizeRowsToContents()
        self.body.addWidget(self.table)
