"""Sheets that only tell: the keys, and the list of what could not be opened."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from qana_desktop.ui.presenters.notices import Refusal
from qana_desktop.ui.shortcuts import Chapter, Shortcut
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import TITLE, Theme
from qana_desktop.ui.widgets.labels import TextLabel


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


class KeysSheet(Sheet):
    """All commands with their keys."""

    def __init__(self, theme: Theme, parent: QWidget, shortcuts: Sequence[Shortcut]) -> None:
        super().__init__(theme, parent, tr("Keys"))
        content = QWidget()
        grid = QGridLayout(content)
        grid.setHorizontalSpacing(4 * theme.unit)
        grid.setVerticalSpacing(2 * theme.unit)
        grid.setColumnStretch(2, 1)
        for chapter in Chapter:
            self._chapter(grid, chapter, [s for s in shortcuts if s.chapter is chapter and s.keys])
        mouse = TextLabel(theme, role="muted")
        mouse.say(
            tr("Mouse: wheel zooms at the cursor, drag moves the image, double click changes between fit and 1:1.")
        )
        grid.addWidget(mouse, grid.rowCount(), 0, 1, 3)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setAccessibleName(tr("Keys"))
        scroll.setWidget(content)
        self.body.addWidget(scroll)

    def _chapter(self, grid: QGridLayout, chapter: Chapter, shortcuts: Sequence[Shortcut]) -> None:
        title = TextLabel(self._theme, TITLE, bold=True)
        title.say(tr(chapter.value))
        grid.addWidget(title, grid.rowCount(), 0, 1, 3)
        for shortcut in shortcuts:
            row = grid.rowCount()
            for column, text in enumerate((key_text(shortcut), shortcut.text, shortcut.hint)):
                label = TextLabel(self._theme, bold=column == 0, role="muted" if column == 2 else "")
                label.setWordWrap(column == 2)
                label.say(text)
                grid.addWidget(label, row, column, Qt.AlignmentFlag.AlignTop)


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
