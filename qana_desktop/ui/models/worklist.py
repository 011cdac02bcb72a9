"""The worklist as Qt's list model: rows follow the presenter, thumbnails are asked for when a row is drawn."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from qana_desktop.ui.pictures import PictureShelf
from qana_desktop.ui.presenters.entries import Entry
from qana_desktop.ui.presenters.reading import row_line, row_spoken
from qana_desktop.ui.presenters.worklist import Worklist
from qana_desktop.ui.soon import Soon

ENTRY_ROLE = Qt.ItemDataRole.UserRole
"""The `Entry` of a row."""

Index = QModelIndex | QPersistentModelIndex


class WorklistModel(QAbstractListModel):
    """One row per visible entry. Sends `counted` when the counts beside the filters change."""

    counted = Signal()

    def __init__(self, worklist: Worklist, shelf: PictureShelf, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worklist, self._shelf = worklist, shelf
        self._ids: list[int] = worklist.visible_ids()
        self.soon = Soon(40, self)
        self.soon.due.connect(self.counted)
        worklist.listen(self)
        shelf.thumbnail_ready.connect(self._thumbnail_ready)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Return the number of visible entries."""
        return 0 if parent.isValid() else len(self._ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return what a role shows of an entry."""
        if not index.isValid():
            return None
        entry = self._worklist.entry(self._ids[index.row()])
        if role == ENTRY_ROLE:
            return entry
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.title
        if role == Qt.ItemDataRole.DecorationRole:
            return self._shelf.thumbnail(entry.entry_id, entry.source)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return row_spoken(entry)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{entry.source.label}\n{row_line(entry)}"
        return None

    def entry_at(self, row: int) -> Entry:
        """Return the entry of a row."""
        return self._worklist.entry(self._ids[row])

    def entry_after(self, entry_id: int) -> Entry | None:
        """Return the entry below another, None for the last and for hidden ones."""
        row = self._worklist.row_of(entry_id)
        return None if row is None or row + 1 >= len(self._ids) else self.entry_at(row + 1)

    def index_of(self, entry_id: int) -> QModelIndex:
        """Return the row of an entry, an invalid index when it is hidden."""
        row = self._worklist.row_of(entry_id)
        return QModelIndex() if row is None else self.index(row)

    # --- what the worklist tells ---

    def rows_inserted(self, row: int, entry_ids: Sequence[int]) -> None:
        """Entries appeared."""
        self.beginInsertRows(QModelIndex(), row, row + len(entry_ids) - 1)
        self._ids[row:row] = entry_ids
        self.endInsertRows()

    def row_moved(self, row: int, to: int) -> None:
        """An entry changed its place."""
        self.beginMoveRows(QModelIndex(), row, row, QModelIndex(), to if to < row else to + 1)
        self._ids.insert(to, self._ids.pop(row))
        self.endMoveRows()

    def row_removed(self, row: int) -> None:
        """An entry is hidden."""
        self.beginRemoveRows(QModelIndex(), row, row)
        del self._ids[row]
        self.endRemoveRows()

    def rows_changed(self, first: int, last: int) -> None:
        """Entries look different."""
        self.dataChanged.emit(self.index(first), self.index(last))

    def rows_reset(self, entry_ids: Sequence[int]) -> None:
        """Filter or search changed."""
        self.beginResetModel()
        self._ids = list(entry_ids)
        self.endResetModel()

    def counts_changed(self) -> None:
        """The counts changed: told soon, not for each of hundreds."""
        self.soon.ask()

    def _thumbnail_ready(self, entry_id: int) -> None:
        index = self.index_of(entry_id)
        if index.isValid():
            self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])
