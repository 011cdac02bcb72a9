"""The right side of the Cases page: the open case's reading, the assessment with its signature, facts, history."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from qana_desktop.services.sources import ImageSource
from qana_desktop.triage.access import Permission
from qana_desktop.triage.case import FiledImage
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.triage.worklist import CaseState, state_of
from qana_desktop.ui.presenters.entries import Entry
from qana_desktop.ui.presenters.kept import OpenCase, case_title, day_of, history_of, patient_line, state_word
from qana_desktop.ui.presenters.reading import reading_view
from qana_desktop.ui.store_session import StoreSession
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import BODY, SMALL, TITLE, Theme
from qana_desktop.ui.views.assessment import AssessmentForm
from qana_desktop.ui.views.case_facts import FactsForm
from qana_desktop.ui.views.reading import ReadingPanel
from qana_desktop.ui.widgets.forms import named
from qana_desktop.ui.widgets.labels import TextLabel, hairline
from qana_desktop.ui.widgets.tall_area import TallArea
from qana_desktop.ui.widgets.triage_line import TriageLine


class HistoryView(QWidget):
    """What happened to the lesion, newest first."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2 * theme.unit)
        self._layout.addStretch(1)

    def show_case(self, opened: OpenCase, *, hidden: bool) -> None:
        """Show the events."""
        while self._layout.count() > 1:
            item = self._layout.takeAt(0)
            if item is not None and (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for event in reversed(history_of(opened, hidden=hidden)):
            when, what = TextLabel(self._theme, SMALL, role="muted"), TextLabel(self._theme)
            when.say(day_of(event.when))
            what.say(event.what)
            self._layout.insertWidget(0, hairline())
            self._layout.insertWidget(0, what)
            self._layout.insertWidget(0, when)


class CasePanel(QWidget):
    """Shows one case. `sign_pressed`: the person wants to answer for it."""

    sign_pressed = Signal()
    report_pressed = Signal()

    def __init__(self, theme: Theme, store: StoreSession, done: Callable[[str], None]) -> None:
        super().__init__()
        self.setObjectName("reading")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme, self._store = theme, store
        self._opened: OpenCase | None = None
        self.title = TextLabel(theme, TITLE, bold=True)
        self.patient = TextLabel(theme, SMALL, role="muted")
        self.state = TextLabel(theme, SMALL)
        self.answer = TriageLine(theme, BODY)
        self.reading = ReadingPanel(theme)
        self.hidden = TextLabel(theme)
        self.hidden.say(tr("The network's answer is shown when you have entered your own assessment."))
        self.assessment = AssessmentForm(theme, store, done)
        self.facts = FactsForm(theme, store, done)
        self.history = HistoryView(theme)
        self.sign = QPushButton(tr("Sign off"))
        self.sign.setProperty("role", "primary")
        named(self.sign, tr("Sign off"), tr("Answer for this case as it stands (Ctrl+Enter)"))
        self.sign.clicked.connect(self.sign_pressed)
        self.report = QPushButton(tr("Report"))
        named(self.report, tr("Report"), tr("Report of this case: look, print, save as PDF (Ctrl+P)"))
        self.report.clicked.connect(self.report_pressed)
        self.stack = QStackedWidget()
        self.tabs: list[QPushButton] = []
        self._lay_out()
        self.show_tab(1)

    def show_case(
        self, opened: OpenCase, shown: FiledImage | None, policy: ReadingPolicy | None, *, hidden: bool
    ) -> None:
        """Show a case with the reading of one of its images."""
        fresh = self._opened is None or self._opened.case.encounter.entity != opened.case.encounter.entity
        self._opened = opened
        case, user = opened.case, self._store.user_id
        self.title.say(case_title(case))
        self.patient.say(patient_line(case))
        state = state_of(case)
        self.state.say(tr("This case is {state}.", state=state_word(state)))
        self._show_reading(shown, policy, hidden=hidden)
        may_sign = self._store.can_save(Permission.SIGN)
        if fresh or not self.assessment.changed or not may_sign:
            self.assessment.show_case(opened, user, hidden=hidden)
        self.assessment.setEnabled(may_sign)
        self.sign.setEnabled(may_sign and state is not CaseState.SIGNED)
        self.facts.show_case(opened)
        self.facts.setEnabled(self._store.can_save())
        self.history.show_case(opened, hidden=hidden)
        self.setVisible(True)

    def forget(self) -> None:
        """Hold no case."""
        self._opened = None
        self.setVisible(False)

    def show_tab(self, number: int) -> None:
        """Show reading (0), assessment (1), facts (2) or history (3)."""
        self.tabs[number].setChecked(True)
        self.stack.setCurrentIndex(number)

    def sizeHint(self) -> QSize:
        """Return the width of a reading."""
        return self.reading.sizeHint()

    def _show_reading(self, shown: FiledImage | None, policy: ReadingPolicy | None, *, hidden: bool) -> None:
        readings = shown.readings if shown is not None else ()
        self.hidden.setVisible(hidden)
        self.answer.setVisible(not hidden and bool(readings))
        if hidden or not readings or shown is None:
            self.reading.show_reading(None)
            return
        newest = readings[-1].value
        ours = newest.provenance is not None and policy is not None
        label = shown.image.value.sha256
        entry = Entry(0, ImageSource(label, data=b"-"), label, tuple(filed.value for filed in readings))
        view = reading_view(entry, policy if ours else None)
        self.reading.show_reading(view)
        name = next((bar.name for bar in view.bars if bar.named), "")
        self.answer.show_line(view.group, f"{view.word} · {name}" if name else view.word, view.number)
        self.reading.read_anyway.hide()

    def _lay_out(self) -> None:
        unit = self._theme.unit
        head = QWidget()
        column = QVBoxLayout(head)
        column.setContentsMargins(3 * unit, 3 * unit, 3 * unit, unit)
        column.setSpacing(unit)
        for label in (self.title, self.patient, self.answer, self.state):
            column.addWidget(label)
        column.addLayout(self._make_tabs())
        first = QWidget()
        layout = QVBoxLayout(first)
        layout.setContentsMargins(0, 0, 0, 0)
        self.hidden.setContentsMargins(3 * unit, 3 * unit, 3 * unit, 0)
        layout.addWidget(self.hidden)
        layout.addWidget(self.reading, 1)
        self.stack.addWidget(first)
        for body, name in (
            (self.assessment, tr("Assessment")),
            (self.facts, tr("Facts")),
            (self.history, tr("History")),
        ):
            self.stack.addWidget(self._scrolled(body, name))
        foot = QHBoxLayout()
        foot.setContentsMargins(3 * unit, unit, 3 * unit, 2 * unit)
        foot.addWidget(self.report)
        foot.addStretch(1)
        foot.addWidget(self.sign)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(head)
        outer.addWidget(hairline())
        outer.addWidget(self.stack, 1)
        outer.addWidget(hairline())
        outer.addLayout(foot)

    def _make_tabs(self) -> QHBoxLayout:
        row, group = QHBoxLayout(), QButtonGroup(self)
        row.setSpacing(self._theme.unit)
        names = (
            (tr("Reading"), tr("What the network read")),
            (tr("Assessment"), tr("Your own assessment")),
            (tr("Facts"), tr("Outcome, skin tone, labels")),
            (tr("History"), tr("What happened to this lesion")),
        )
        for number, (name, hint) in enumerate(names):
            tab = QPushButton(name)
            tab.setProperty("role", "chip")
            tab.setCheckable(True)
            named(tab, name, hint)
            tab.clicked.connect(lambda _on, n=number: self.show_tab(n))
            group.addButton(tab)
            self.tabs.append(tab)
            row.addWidget(tab)
        row.addStretch(1)
        return row

    def _scrolled(self, body: QWidget, name: str) -> TallArea:
        unit = self._theme.unit
        inner = QWidget()
        inner.setObjectName("readingBody")
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(3 * unit, 3 * unit, 3 * unit, 3 * unit)
        layout.addWidget(body)
        layout.addStretch(1)
        area = TallArea(inner)
        area.setObjectName("readingScroll")
        area.setAccessibleName(name)
        return area
