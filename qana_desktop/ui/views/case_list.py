"""The left side of the Cases page: views, search, filters with counts, the store's worklist, the backup's light."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QInputDialog,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from qana_desktop.services.queues import RE_READ, SECOND_READING
from qana_desktop.triage.worklist import CaseState, Urgency, WorklistQuery, WorklistRow
from qana_desktop.ui.models.cases import ROW_ROLE, CasesModel
from qana_desktop.ui.presenters.entries import Group
from qana_desktop.ui.presenters.kept import GROUPS, row_group, row_line, row_number, row_title
from qana_desktop.ui.settings import WindowSettings
from qana_desktop.ui.texts import tr, trn
from qana_desktop.ui.theme.manager import BODY, SMALL, Theme
from qana_desktop.ui.views.worklist import FilterChips
from qana_desktop.ui.widgets.forms import Choice, button, named
from qana_desktop.ui.widgets.labels import TextLabel
from qana_desktop.ui.widgets.shapes import draw_triage

Index = QModelIndex | QPersistentModelIndex
SEARCH_PAUSE_MS = 200
"""How long typing must pause before the store is searched, in milliseconds."""


@dataclass(frozen=True)
class SavedView:
    """A way to look at the worklist. It never holds what was searched for: that may name a patient."""

    name: str
    states: tuple[CaseState, ...] = ()
    tag: str = ""
    urgencies: tuple[Urgency, ...] = ()

    def query(self, text: str) -> WorklistQuery:
        """Return the query of this view with a search."""
        return WorklistQuery(text, self.urgencies, self.states, tag=self.tag)


def shipped_views() -> list[SavedView]:
    """Return the views that are always there."""
    return [
        SavedView(tr("To do"), (CaseState.OPEN, CaseState.AMENDED)),
        SavedView(tr("Second reading"), tag=SECOND_READING),
        SavedView(tr("Read again"), tag=RE_READ),
        SavedView(tr("Signed"), (CaseState.SIGNED,)),
        SavedView(tr("All cases")),
    ]


def views_from(text: str) -> list[SavedView]:
    """Read the views that a person saved; what is damaged is left out."""
    try:
        found = json.loads(text or "[]")
        return [
            SavedView(
                str(one["name"]),
                tuple(CaseState(state) for state in one["states"]),
                str(one["tag"]),
                tuple(Urgency(urgency) for urgency in one["urgencies"]),
            )
            for one in found
        ]
    except (ValueError, KeyError, TypeError):
        return []


def views_to(views: list[SavedView]) -> str:
    """Return the views as text for the settings."""
    return json.dumps(
        [{"name": v.name, "states": v.states, "tag": v.tag, "urgencies": [int(u) for u in v.urgencies]} for v in views]
    )


class CaseDelegate(QStyledItemDelegate):
    """Draws a case in two lines: whose it is and what was found, with shape and number."""

    def __init__(self, theme: Theme, parent: QWidget, clinician_first: Callable[[], bool]) -> None:
        super().__init__(parent)
        self._theme, self._clinician_first = theme, clinician_first

    @property
    def height(self) -> int:
        """Height of two lines, in pixels."""
        metrics, small = QFontMetrics(self._theme.font(BODY)), QFontMetrics(self._theme.font(SMALL))
        return metrics.height() + small.height() + 3 * self._theme.unit

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the height of two lines."""
        return QSize(30 * self._theme.unit, self.height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one line; one that is still fetched stays empty."""
        row = index.data(ROW_ROLE)
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        colours, unit = self._theme.colours, self._theme.unit
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(colours.selected))
            painter.fillRect(QRect(rect.x(), rect.y(), unit - 1, rect.height()), QColor(colours.accent))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(colours.sunken))
        if isinstance(row, WorklistRow):
            self._draw(painter, rect, row)
        painter.restore()

    def _draw(self, painter: QPainter, rect: QRect, row: WorklistRow) -> None:
        colours, unit = self._theme.colours, self._theme.unit
        hidden = self._clinician_first() and row.state is CaseState.OPEN
        group = row_group(row, hidden=hidden)
        bold = self._theme.font(BODY, bold=True)
        metrics = QFontMetrics(bold)
        side = metrics.capHeight() * 1.25
        box = QRectF(rect.x() + 3 * unit, rect.y() + 2 * unit, side, side)
        draw_triage(painter, group, box, colours.triage(group))
        room = metrics.horizontalAdvance(">0.99") + unit
        number = QRect(rect.right() - 2 * unit - room, rect.y() + unit, room, metrics.height() + unit)
        painter.setFont(bold)
        painter.setPen(QColor(colours.text))
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(number, flags, row_number(row, hidden=hidden))
        left = round(box.right()) + 2 * unit
        self._line(
            painter, BODY, colours.text, left, number.left() - unit, rect.y() + round(1.5 * unit), row_title(row)
        )
        below = row_line(row, datetime.now(UTC), hidden=hidden)
        top = rect.y() + round(1.5 * unit) + QFontMetrics(self._theme.font(BODY)).height()
        self._line(painter, SMALL, colours.muted, left, rect.right() - 2 * unit, top, below)

    def _line(self, painter: QPainter, size: float, colour: str, left: int, right: int, top: int, text: str) -> None:
        font = self._theme.font(size)
        metrics = QFontMetrics(font)
        painter.setFont(font)
        painter.setPen(QColor(colour))
        elided = metrics.elidedText(text, Qt.TextElideMode.ElideRight, right - left)
        painter.drawText(left, top + metrics.ascent(), elided)


class CaseList(QWidget):
    """`selected` carries the encounter that a person chose."""

    selected = Signal(object)

    def __init__(
        self, theme: Theme, model: CasesModel, settings: WindowSettings, clinician_first: Callable[[], bool]
    ) -> None:
        super().__init__()
        self.setObjectName("worklist")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme, self.model, self._settings = theme, model, settings
        self._own = views_from(settings.case_views)
        self._counts = dict.fromkeys(Urgency, 0)
        self.views: Choice[SavedView] = Choice()
        named(self.views, tr("View"), tr("Which cases are shown"))
        self._fill_views()
        self.views.picked.connect(lambda _view: self._ask())
        self.save_view = button(tr("Save view"), tr("Keep these filters under a name"), self._save_view)
        self.search = self._make_search()
        self.chips = FilterChips(theme)
        self.chips.chosen.connect(self._filter)
        self.list = self._make_list(clinician_first)
        self._nothing = TextLabel(theme, role="muted")
        self._group: Group | None = None
        self._place = 0
        self.backup = TextLabel(theme, SMALL)
        self.back_up = button(tr("Back up now"), tr("Copy the case store and read the copy back"), lambda: None)
        self._lay_out()
        model.counted.connect(self._show_counts)
        self.chips.show_counts(dict.fromkeys(Group, 0), None)

    def start(self) -> None:
        """Show the first view."""
        self._ask()

    def step(self, by: int) -> None:
        """Select the next case, or the one before; after the marked one has left, those around its place."""
        current = self.list.currentIndex()
        row = current.row() + by if current.isValid() else self._place if by > 0 else self._place - 1
        if 0 <= row < self.model.rowCount():
            self.list.setCurrentIndex(self.model.index(row))

    def mark(self, encounter: str) -> None:
        """Mark the case that is open, and no other: another's line beside it would mislead."""
        row = self.model.row_of(encounter)
        current = self.list.currentIndex()
        if row is None:
            self._place = max(0, current.row()) if current.isValid() else self._place
            self.list.setCurrentIndex(QModelIndex())
        elif row != current.row():
            self.list.setCurrentIndex(self.model.index(row))

    def choose_view(self, name: str) -> None:
        """Show a view by its name."""
        self.views.setCurrentText(name)
        self._ask()

    def _lay_out(self) -> None:
        unit = self._theme.unit
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * unit, 2 * unit, 2 * unit, 2 * unit)
        layout.setSpacing(2 * unit)
        top = QHBoxLayout()
        top.addWidget(self.views, 1)
        top.addWidget(self.save_view)
        layout.addLayout(top)
        layout.addWidget(self.search)
        layout.addWidget(self.chips)
        layout.addWidget(self._nothing)
        layout.addWidget(self.list, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.backup, 1)
        foot.addWidget(self.back_up)
        layout.addLayout(foot)

    def _make_search(self) -> QLineEdit:
        search = QLineEdit()
        search.setPlaceholderText(tr("Search"))
        named(search, tr("Search cases"), tr("Search pseudonym, name, site, reason and labels (Ctrl+F)"))
        search.setClearButtonEnabled(True)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(SEARCH_PAUSE_MS)
        self._pause.timeout.connect(self._ask)
        search.textChanged.connect(lambda _text: self._pause.start())
        return search

    @property
    def waits(self) -> bool:
        """Whether a search is still to begin."""
        return self._pause.isActive()

    def _make_list(self, clinician_first: Callable[[], bool]) -> QTableView:
        """One column of rows of one height: a list view would lay out a hundred thousand rows for each page."""
        view = QTableView()
        view.setObjectName("cases")
        view.setModel(self.model)
        self._delegate = CaseDelegate(self._theme, view, clinician_first)
        view.setItemDelegate(self._delegate)
        view.setShowGrid(False)
        view.setTabKeyNavigation(False)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.horizontalHeader().hide()
        view.horizontalHeader().setStretchLastSection(True)
        view.verticalHeader().hide()
        view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        view.setMouseTracking(True)
        named(view, tr("Cases"), tr("Cases in order of urgency, then the one that waits longest"))
        view.selectionModel().currentChanged.connect(self._current_changed)
        self._theme.changed.connect(lambda: self._size_rows(view))
        self._size_rows(view)
        return view

    def _size_rows(self, view: QTableView) -> None:
        view.verticalHeader().setDefaultSectionSize(self._delegate.height)

    def _current_changed(self, current: QModelIndex) -> None:
        row = self.model.row(current.row()) if current.isValid() and not self.model.settling else None
        if row is not None:
            self.selected.emit(row.encounter)

    def _ask(self) -> None:
        self._pause.stop()
        view = self.views.value
        query = view.query(self.search.text().strip())
        if self._group is not None:
            wanted = tuple(urgency for urgency, group in GROUPS.items() if group is self._group)
            query = WorklistQuery(query.text, wanted, query.states, tag=query.tag)
        self.model.ask_for(query)

    def _filter(self, group: Group | None) -> None:
        self._group = group
        self._ask()

    def _show_counts(self, counts: dict[Urgency, int]) -> None:
        groups = dict.fromkeys(Group, 0)
        for urgency, count in counts.items():
            groups[GROUPS[urgency]] += count
        self.chips.show_counts(groups, self._group)
        searched = bool(self.search.text().strip())
        found = trn(self.model.rowCount(), "{n} case", "{n} cases")
        nothing = tr("No case holds these words.") if searched else self._no_case()
        self._nothing.say("" if self.model.rowCount() and not searched else found if self.model.rowCount() else nothing)

    def _no_case(self) -> str:
        return tr("No case here. Images are kept on the Triage page, with Ctrl+S.")

    def _fill_views(self) -> None:
        self.views.fill([(view, view.name) for view in (*shipped_views(), *self._own)])

    def _save_view(self) -> None:
        name, given = QInputDialog.getText(self, tr("Save view"), tr("Name of the view"))
        if given and name.strip():
            self.keep_view(name.strip())

    def keep_view(self, name: str) -> None:
        """Keep the filters that are on under a name."""
        query = self.model.query
        view = SavedView(name, query.states, query.tag, query.urgencies)
        self._own = [one for one in self._own if one.name != name] + [view]
        self._settings.case_views = views_to(self._own)
        self._fill_views()
        self.views.choose(view)
