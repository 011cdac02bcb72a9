"""The Performance page: what the network did here, as tables and pictures, for one version at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QStandardPaths, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from qana_desktop.reports.performance_tables import Panel
from qana_desktop.services.store_state import StoreState
from qana_desktop.triage.access import Permission
from qana_desktop.ui.pages import Page, PageContext
from qana_desktop.ui.presenters.performance import PerformancePresenter, cell_words
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import LARGE, TITLE, Theme
from qana_desktop.ui.widgets.forms import ChoiceField, button, named
from qana_desktop.ui.widgets.labels import TextLabel, hairline
from qana_desktop.ui.widgets.plot import PlotView

if TYPE_CHECKING:
    from qana_desktop.services.performance_desk import PerformanceDesk

_MOST_ROWS = 14
"""Rows of a table that are shown without scrolling in it."""


class PerformancePage(Page):
    """Counts at the first visit and when asked; holds nothing while the store is closed."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context, self._theme, self._store = context, context.theme, context.store
        self.presenter = PerformancePresenter(context.bridge, self._desk, self)
        self.ask_for_path: Callable[[], Path | None] = lambda: _ask_for_path(self)
        self.panels: list[PanelView] = []
        self._make()
        self.store_changed()

    def entered(self) -> None:
        """Count, if it has not been done."""
        self.store_changed()

    def store_changed(self) -> None:
        """Count once someone may see the cases; forget everything when nobody may."""
        is_open = self._store.state is StoreState.OPEN
        self.body.setCurrentWidget(self._counted if is_open else self._closed)
        if not is_open and self._store.state is not StoreState.LOCKED:
            self._forget()
        elif is_open and self.isVisible() and self.presenter.found is None and not self.presenter.busy:
            self.presenter.count()

    @property
    def idle(self) -> bool:
        """Whether nothing is being counted."""
        return not self.presenter.busy

    # --- what the presenter tells

    def show_head(self, head: str, versions: Sequence[tuple[str, str]], chosen: str) -> None:
        """Show what was counted, and take the tables of an earlier count away."""
        self.head.say(head)
        self.version.choice.fill(versions)
        self.version.choice.choose(chosen)
        self.version.setVisible(len(versions) > 1)
        self._clear()

    def add_panel(self, panel: Panel) -> None:
        """Show one more table."""
        view = PanelView(self._theme, panel)
        self.panels.append(view)
        self._column.insertWidget(self._column.count() - 1, view)

    def show_state(self, text: str, *, busy: bool, fault: bool) -> None:
        """Show a sentence, and what can be done."""
        self.state.setProperty("role", "fault" if fault else "muted")
        self.state.style().polish(self.state)
        self.state.say(text)
        self.again.setText(tr("Stop") if busy else tr("Count again"))
        self.again.setAccessibleName(self.again.text())
        self.save.setEnabled(self.presenter.found is not None and not busy and self._store.can_save(Permission.ENTER))

    # --- building

    def _make(self) -> None:
        theme = self._theme
        title = TextLabel(theme, LARGE, bold=True)
        title.say(tr("What the network did here"))
        self.head, self.state = TextLabel(theme), TextLabel(theme, role="muted")
        hint = tr("Answers and scores are compared within one version only")
        self.version: ChoiceField[str] = ChoiceField(theme, tr("Version of the network"), (), hint)
        self.version.choice.picked.connect(self.presenter.count)
        self.version.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.version.hide()
        self.again = button(tr("Count again"), tr("Count the case store anew, or stop counting"), self._again)
        self.save = button(tr("Save tables …"), tr("Save all tables as CSV, without names; it is recorded"), self._save)
        self.save.setEnabled(False)
        top = QHBoxLayout()
        top.setSpacing(2 * theme.unit)
        top.addWidget(self.version)
        top.addStretch(1)
        for one in (self.again, self.save):
            top.addWidget(one, 0, Qt.AlignmentFlag.AlignBottom)
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        self._column.setSpacing(4 * theme.unit)
        self._column.setContentsMargins(*[6 * theme.unit] * 4)
        for widget in (title, self.head):
            self._column.addWidget(widget)
        self._column.addLayout(top)
        self._column.addWidget(self.state)
        self._column.addStretch(1)
        self._counted = QScrollArea()
        self._counted.setWidgetResizable(True)
        self._counted.setWidget(inner)
        named(self._counted, tr("Figures of the case store"))
        self._closed = self._closed_view()
        self.body = QStackedWidget()
        for view in (self._closed, self._counted):
            self.body.addWidget(view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.body)

    def _closed_view(self) -> QWidget:
        made = QWidget()
        text = TextLabel(self._theme)
        text.say(tr("The figures are counted from the case store. Open it and sign in first."))
        go = button(tr("Go to the cases"), tr("Open the case store"), lambda: self._context.go(Command.CASES))
        column = QVBoxLayout(made)
        column.setContentsMargins(*[6 * self._theme.unit] * 4)
        column.addWidget(text)
        column.addWidget(go, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        return made

    # --- what a person does

    def _again(self) -> None:
        if self.presenter.busy:
            self.presenter.cancel()
        else:
            found = self.presenter.found
            self.presenter.count(found.bundle if found is not None and found.bundle else None)

    def _save(self) -> None:
        path = self.ask_for_path()
        if path is not None:
            self.presenter.save(path)

    # --- inside

    def _desk(self) -> PerformanceDesk:
        from qana_desktop.services.performance_desk import PerformanceDesk

        clinic = self._store.clinic
        if clinic is None:
            raise ValueError("there is no place for a case store")
        return PerformanceDesk(clinic.store, clinic.desk.allowed)

    def _forget(self) -> None:
        self.presenter.forget()
        self.head.say("")
        self._clear()

    def _clear(self) -> None:
        for view in self.panels:
            self._column.removeWidget(view)
            view.hide()
            view.deleteLater()
        self.panels = []


class PanelView(QWidget):
    """Title, what it means, what must not be read into it, a picture, the table."""

    def __init__(self, theme: Theme, panel: Panel) -> None:
        super().__init__()
        self.panel = panel
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * theme.unit)
        column.addWidget(hairline())
        title = TextLabel(theme, TITLE, bold=True)
        title.say(panel.title)
        explains = TextLabel(theme, role="muted")
        explains.say(panel.explains)
        warning = TextLabel(theme, bold=True)
        warning.say(panel.warning)
        for label in (title, explains, warning):
            column.addWidget(label)
        if panel.picture is not None:
            column.addWidget(PlotView(theme, panel.title, panel.picture))
        if panel.rows:
            self.table = _table(theme, panel)
            column.addWidget(self.table)


def _table(theme: Theme, panel: Panel) -> QTableWidget:
    table = QTableWidget(len(panel.rows), len(panel.columns))
    named(table, panel.title, panel.explains)
    table.setHorizontalHeaderLabels(list(panel.columns))
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setTabKeyNavigation(False)
    table.setAlternatingRowColors(True)
    table.setWordWrap(False)
    table.verticalHeader().hide()
    for row, cells in enumerate(panel.rows):
        for column, cell in enumerate(cells):
            item = QTableWidgetItem(cell_words(cell))
            if not isinstance(cell, str):
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            table.setItem(row, column, item)
    for column, cell in enumerate(panel.rows[0]):
        side = Qt.AlignmentFlag.AlignLeft if isinstance(cell, str) else Qt.AlignmentFlag.AlignRight
        if (head := table.horizontalHeaderItem(column)) is not None:
            head.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
    table.resizeColumnsToContents()
    shown = min(len(panel.rows), _MOST_ROWS) * table.verticalHeader().defaultSectionSize()
    table.setFixedHeight(shown + table.horizontalHeader().sizeHint().height() + theme.unit)
    return table


def _ask_for_path(parent: QWidget) -> Path | None:
    folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    options = QFileDialog.Option.DontConfirmOverwrite
    title, kinds = tr("Save the tables"), tr("CSV files (*.csv)")
    place = str(Path(folder) / "performance.csv")
    chosen, _kind = QFileDialog.getSaveFileName(parent, title, place, kinds, options=options)
    return Path(chosen) if chosen else None
