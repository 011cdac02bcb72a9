"""One's own opinion on a case: finding, action, note, scores, and the reason where it departs from the reading."""

from __future__ import annotations

from collections.abc import Callable

from qana_desktop.services.case_desk import CaseDesk
from qana_desktop.services.queues import SECOND_READING, take_out
from qana_desktop.triage.case import (
    Action,
    ClinicalAssessment,
    Filed,
    SecondReading,
)
from qana_desktop.ui.presenters.kept import OpenCase, action_word, departs, latest_reading
from qana_desktop.ui.store_session import StoreSession
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.widgets.dermoscopy_scores import DermoscopyScores
from qana_desktop.ui.widgets.finding import FindingFields
from qana_desktop.ui.widgets.forms import ChoiceField, FormColumn, NoteField, TextField, button, check


class AssessmentForm(FormColumn):
    """Enters and corrects the person's own opinion on the open case; a second reader's, where another was first."""

    def __init__(self, theme: Theme, store: StoreSession, done: Callable[[str], None]) -> None:
        super().__init__(theme, tr("Your assessment"))
        self._store, self._done = store, done
        self._opened: OpenCase | None = None
        self._mine: Filed[ClinicalAssessment] | None = None
        self._second = self._hidden = False
        self._filled: tuple[object, ...] = ()
        self.finding = FindingFields(theme, self, tr("Finding"))
        self.action = ChoiceField[Action](
            theme, tr("What to do"), [(a, action_word(a)) for a in Action], prompt=tr("Choose")
        )
        self.reason = TextField(
            theme, tr("Why it departs from the reading"), tr("Your reason; it stays beside your assessment")
        )
        self.scores = DermoscopyScores(theme)
        self.wants_scores = check(tr("ABCD and 7-point"), tr("Count the criteria of both rules"))
        self.wants_scores.toggled.connect(self.scores.setVisible)
        self.scores.hide()
        self.note = NoteField(theme, tr("Note"), tr("Free text; it stays in the encrypted store"))
        self.save = button(tr("Save"), tr("Save your assessment"), self._save, role="primary")
        self.add(self.action, self.reason, self.note, self.wants_scores, self.scores)
        self.add_row(self.save)
        self.finding.diagnosis.choice.currentIndexChanged.connect(lambda _index: self._show_reason())

    def show_case(self, opened: OpenCase, user: str, *, hidden: bool) -> None:
        """Show the form for this person."""
        case = opened.case
        self._opened, self._hidden = opened, hidden
        mine = [filed for filed in case.assessments if filed.by == user]
        self._mine = mine[-1] if mine else None
        self._second = self._mine is None and bool(case.assessments)
        title = tr("Second reading") if self._second else tr("Your assessment")
        whose = opened.by(case.assessments[0].by) if self._second else ""
        text = tr("{name} assessed this case first.", name=whose) if self._second and not hidden else ""
        self.entitle(title, text)
        self._fill(self._mine.value if self._mine is not None else None)
        signed = bool(case.sign_offs) and self._mine is not None
        self.save.setText(tr("Save addendum") if signed else tr("Save"))
        self.save.setAccessibleName(self.save.text())
        self.say("")
        self._show_reason()

    @property
    def changed(self) -> bool:
        """Whether something stands here that is not saved."""
        return self._raw() != self._filled

    def save_then(self, then: Callable[[], None]) -> None:
        """Save, and go on when it is saved."""
        self._save(then)

    def _fill(self, value: ClinicalAssessment | None) -> None:
        self.finding.show_finding(value.finding if value is not None else None)
        self.action.choice.setCurrentIndex(-1)
        if value is not None:
            self.action.choice.choose(value.action)
        self.reason.edit.setText(value.override_reason if value is not None else "")
        self.note.edit.setPlainText(value.note if value is not None else "")
        abcd, seven = (value.abcd, value.seven_point) if value is not None else (None, None)
        self.scores.show_scores(abcd, seven)
        self.wants_scores.setChecked(abcd is not None or seven is not None)

        self._filled = self._raw()

    def _raw(self) -> tuple[object, ...]:
        """What stands in the fields, whole or not."""
        finding, action = self.finding, self.action.choice
        return (
            finding.diagnosis.choice.currentIndex(),
            finding.words.text,
            action.currentIndex(),
            self.reason.text,
            self.note.text,
            self.scores.scores(),
        )

    def _show_reason(self) -> None:
        self.reason.setVisible(self._departs() and not self._second and not self._hidden)

    def _departs(self) -> bool:
        finding = self.finding.finding()
        reading = latest_reading(self._opened.case) if self._opened is not None else None
        return finding is not None and departs(finding, reading)

    def _value(self) -> ClinicalAssessment | None:
        finding = self.finding.finding()
        if finding is None or not self.action.choice.chosen:
            return None
        abcd, seven = self.scores.scores()
        reason = self.reason.text if not self.reason.isHidden() else ""
        return ClinicalAssessment(finding, self.action.value, self.note.text, abcd, seven, reason)

    def _save(self, then: Callable[[], None] = lambda: None) -> None:
        value, opened, mine = self._value(), self._opened, self._mine
        if opened is None:
            return
        if value is None:
            self.say(tr("Choose a finding and what to do; say in words what something else is."))
            return
        if not self.reason.isHidden() and not value.override_reason:
            self.say(tr("Your finding is another one than the reading's. Say why in a few words."))
            self.reason.edit.setFocus()
            return
        self.say("")
        self.busy(True)
        encounter = opened.case.encounter.entity

        def saved(_filed: object) -> None:
            self.busy(False)
            self._filled = self._raw()
            self._done(encounter)
            then()

        if self._second:
            first = opened.case.assessments[0].value
            second = SecondReading(value.finding, value.action, value.finding == first.finding, value.note)
            self._store.run(lambda desk: _read_second(desk, encounter, second), saved, self.refuse, stores=True)
        elif mine is None or opened.case.sign_offs:
            self._store.run(lambda desk: desk.assess(encounter, value), saved, self.refuse, stores=True)
        else:
            self._store.run(lambda desk: desk.correct(mine, value), saved, self.refuse, stores=True)


def _read_second(desk: CaseDesk, encounter: str, second: SecondReading) -> None:
    desk.read_second(encounter, second)
    take_out(desk, desk.open_case(encounter), SECOND_READING)
