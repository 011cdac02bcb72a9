"""The cases of the store as Qt's list model: as many rows as there are cases, fetched page by page when drawn."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from qana_desktop.system.faults import Fault
from qana_desktop.triage.worklist import Urgency, WorklistQuery, WorklistRow
from qana_desktop.ui.store_session import StoreSession

PAGE, KEPT_PAGES = 200, 40
PAGES_LANE = "store-pages"
ROW_ROLE = Qt.ItemDataRole.UserRole
"""The `WorklistRow` of a row, None while it is fetched."""

Index = QModelIndex | QPersistentModelIndex


class CasesModel(QAbstractListModel):
    """`counted` carries the number of cases of each urgency that the other filters let through.

    `arrived`: rows look different now, and the view is to be drawn again.
    """

    counted = Signal(object)
    arrived = Signal()

    def __init__(self, store: StoreSession, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.query = WorklistQuery(limit=PAGE)
        self._count = 0
        self._pages: OrderedDict[int, tuple[WorklistRow, ...]] = OrderedDict()
        self._stale: set[int] = set()
        self._asked: set[int] = set()
        self._round = 0
        self._counting = False
        self.settling = False
        """Whether rows are being exchanged: where the list's mark goes meanwhile is nobody's choice."""

    @property
    def busy(self) -> bool:
        """Whether pages or counts are still on their way."""
        return self._counting or bool(self._asked)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Return the number of cases that the query finds."""
        return 0 if parent.isValid() else self._count

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the row of the store for `ROW_ROLE`; the delegate puts it into words."""
        if not index.isValid() or role not in {ROW_ROLE, Qt.ItemDataRole.DisplayRole}:
            return None
        row = self.row(index.row())
        return row if role == ROW_ROLE else (row.pseudonym if row is not None else "…")

    def row(self, number: int) -> WorklistRow | None:
        """Return a case, None while its page is fetched."""
        page, place = divmod(number, PAGE)
        rows = self._pages.get(page)
        if rows is None or page in self._stale:
            self._ask(page)
        else:
            self._pages.move_to_end(page)
        return rows[place] if rows is not None and place < len(rows) else None

    def row_of(self, encounter: str) -> int | None:
        """Return where a case is, as far as pages were fetched."""
        for page, rows in self._pages.items():
            for place, row in enumerate(rows):
                if row.encounter == encounter:
                    return page * PAGE + place
        return None

    def ask_for(self, query: WorklistQuery) -> None:
        """Show other cases."""
        self.query = replace(query, limit=PAGE, offset=0, after=None)
        self.beginResetModel()
        self._count = 0
        self._pages.clear()
        self._stale.clear()
        self.endResetModel()
        self.reload()

    def reload(self) -> None:
        """Fetch anew; what was shown stays until the new rows are there, and so does the place in the list."""
        self._round += 1
        self._stale = set(self._pages)
        self._asked.clear()
        self._counting = True
        query, asked_in = self.query, self._round
        self._store.run(
            lambda desk: (desk.counts(query), desk.worklist(query)),
            lambda found: self._counted(asked_in, *found),
            lambda fault: self._not_counted(asked_in, fault),
            lane=PAGES_LANE,
        )

    def forget(self) -> None:
        """Hold nothing of the store: nobody is signed in."""
        self._round += 1
        self.beginResetModel()
        self._count, self._counting = 0, False
        self._pages.clear()
        self._stale.clear()
        self._asked.clear()
        self.endResetModel()

    def _ask(self, page: int) -> None:
        # One at a time: what was drawn while someone drags through the list is out of sight when its turn comes.
        # The view is drawn again after each, and asks for what is in sight then.
        if self._asked or self._counting:
            return
        self._asked.add(page)
        query, asked_in = replace(self.query, offset=page * PAGE), self._round
        self._store.run(
            lambda desk: desk.worklist(query),
            lambda rows: self._arrived(asked_in, page, rows),
            lambda _fault: self._asked.discard(page),
            lane=PAGES_LANE,
        )

    def _counted(self, asked_in: int, counts: dict[Urgency, int], first: tuple[WorklistRow, ...]) -> None:
        if asked_in != self._round:
            return
        self._counting = False
        wanted = self.query.urgencies
        self.settling = True
        self._resize(sum(count for urgency, count in counts.items() if not wanted or urgency in wanted))
        self._keep(0, first)
        self.counted.emit(counts)
        self.arrived.emit()
        self.settling = False

    def _not_counted(self, asked_in: int, fault: Fault) -> None:
        if asked_in == self._round:
            self._counting = False
            if fault.code not in {"screen-locked", "not-signed-in"}:
                self._store.tell(fault)

    def _resize(self, count: int) -> None:
        if count > self._count:
            self.beginInsertRows(QModelIndex(), self._count, count - 1)
            self._count = count
            self.endInsertRows()
        elif count < self._count:
            self.beginRemoveRows(QModelIndex(), count, self._count - 1)
            self._count = count
            self.endRemoveRows()

    def _arrived(self, asked_in: int, page: int, rows: tuple[WorklistRow, ...]) -> None:
        if asked_in != self._round:
            return
        self._asked.discard(page)
        self._keep(page, rows)
        self.arrived.emit()

    def _keep(self, page: int, rows: tuple[WorklistRow, ...]) -> None:
        self._pages[page] = rows
        self._pages.move_to_end(page)
        self._stale.discard(page)
        while len(self._pages) > KEPT_PAGES:
            self._stale.discard(self._pages.popitem(last=False)[0])
