"""Clinician first, on the Triage page: one's own finding stands before the network's answer is shown."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from qana_desktop.triage.case import Action, ClinicalAssessment
from qana_desktop.triage.outcome import CannotAssess
from qana_desktop.ui.presenters.entries import Entry
from qana_desktop.ui.presenters.kept import action_word
from qana_desktop.ui.presenters.worklist import Worklist
from qana_desktop.ui.settings import AnswerOrder, WindowSettings
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.views.reading import ReadingPanel
from qana_desktop.ui.widgets.finding import FindingFields
from qana_desktop.ui.widgets.forms import ChoiceField, FormColumn, button


class OwnForm(FormColumn):
    """Finding and action."""

    def __init__(self, theme: Theme, entered: Callable[[ClinicalAssessment], None]) -> None:
        super().__init__(
            theme,
            tr("Your finding first"),
            tr("The network's answer is shown when you have entered your own. It is kept with the image."),
        )
        self._entered = entered
        self.finding = FindingFields(theme, self, tr("Finding"))
        self.action = ChoiceField[Action](
            theme, tr("What to do"), [(a, action_word(a)) for a in Action], prompt=tr("Choose")
        )
        self.enter = button(tr("Enter and show"), tr("Enter your finding and show the answer"), self._enter)
        self.add(self.action)
        self.add_row(self.enter)

    def clear(self) -> None:
        """Ask about another image."""
        self.finding.show_finding(None)
        self.action.choice.setCurrentIndex(-1)
        self.say("")

    def _enter(self) -> None:
        finding = self.finding.finding()
        if finding is None or not self.action.choice.chosen:
            self.say(tr("Choose a finding and what to do; say in words what something else is."))
            return
        self._entered(ClinicalAssessment(finding, self.action.value))


class AnswerPane(QStackedWidget):
    """The right side of the Triage page: the reading, or what must come first. `entered`: an answer may be seen now."""

    entered = Signal(int)

    def __init__(self, theme: Theme, reading: ReadingPanel, worklist: Worklist, settings: WindowSettings) -> None:
        super().__init__()
        self._worklist, self._settings = worklist, settings
        self.own: dict[int, ClinicalAssessment] = {}
        self._entry_id = -1
        self.form = OwnForm(theme, self._enter)
        first = QWidget()
        first.setObjectName("readingBody")
        layout = QVBoxLayout(first)
        layout.setContentsMargins(3 * theme.unit, 3 * theme.unit, 3 * theme.unit, 3 * theme.unit)
        layout.addWidget(self.form)
        layout.addStretch(1)
        self._reading, self._first = reading, first
        self.addWidget(reading)
        self.addWidget(first)

    def use_settings(self) -> None:
        """Hide or show answers, as the settings say now."""
        first = self._settings.answer_order is AnswerOrder.CLINICIAN_FIRST
        self._worklist.hides_new = first
        self._worklist.set_hidden(lambda entry_id: first and entry_id not in self.own)

    def show_entry(self, entry: Entry) -> None:
        """Show the side that this image needs."""
        reading = entry.reading
        waits = entry.hidden and reading is not None and not isinstance(reading.outcome, CannotAssess)
        if waits and entry.entry_id != self._entry_id:
            self.form.clear()
        self._entry_id = entry.entry_id
        self.setCurrentWidget(self._first if waits else self._reading)

    def _enter(self, assessment: ClinicalAssessment) -> None:
        self.own[self._entry_id] = assessment
        self._worklist.set_hidden(lambda entry_id: entry_id not in self.own)
        self.entered.emit(self._entry_id)
