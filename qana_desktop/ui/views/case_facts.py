"""What staff enter about a case: outcome with its proof, skin tone as seen, labels, the queue for a second reader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from qana_desktop.services.queues import QUEUES, SECOND_READING, put_in, take_out
from qana_desktop.triage.case import ProofSource, ProvenOutcome, SkinTone, SkinToneScale, Tags
from qana_desktop.ui.presenters.kept import OpenCase, finding_word, source_word
from qana_desktop.ui.store_session import StoreSession
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.widgets.finding import FindingFields
from qana_desktop.ui.widgets.forms import ChoiceField, FormColumn, NoteField, TextField, button
from qana_desktop.ui.widgets.labels import hairline

FITZPATRICK, MONK = 6, 10


class OutcomeForm(FormColumn):
    """What the lesion turned out to be."""

    def __init__(self, theme: Theme, store: StoreSession, done: Callable[[str], None]) -> None:
        super().__init__(theme, tr("Outcome"), tr("What the lesion turned out to be, and how that is known."))
        self._store, self._done = store, done
        self._opened: OpenCase | None = None
        self.source = ChoiceField[ProofSource](theme, tr("Proof"), [(s, source_word(s)) for s in ProofSource])
        self.add(self.source)
        self.finding = FindingFields(theme, self, tr("Result"))
        self.reported = TextField(theme, tr("Reported on"), tr("The day of the report, like 2026-01-31"))
        self.note = NoteField(theme, tr("Note"), lines=2)
        self.save = button(tr("Enter outcome"), tr("Enter the outcome of this lesion"), self._save)
        self.add(self.reported, self.note)
        self.add_row(self.save)

    def show_case(self, opened: OpenCase) -> None:
        """Show what is known already."""
        self._opened = opened
        known = [
            f"{finding_word(o.value.finding)} · {source_word(o.value.source)} {o.value.reported}"
            for o in opened.case.outcomes
        ]
        nothing = tr("What the lesion turned out to be, and how that is known.")
        self.entitle(tr("Outcome"), "\n".join(known) or nothing)
        self.reported.edit.setText(date.today().isoformat())
        self.note.edit.clear()
        self.finding.show_finding(None)
        self.say("")

    def _save(self) -> None:
        finding, opened = self.finding.finding(), self._opened
        if opened is None:
            return
        if finding is None:
            self.say(tr("Choose a result, or say in words what it was."))
            return
        try:
            day = date.fromisoformat(self.reported.text).isoformat()
        except ValueError:
            self.say(tr("Type the day of the report like 2026-01-31."))
            return
        self.say("")
        outcome = ProvenOutcome(finding, self.source.value, day, self.note.text)
        lesion, encounter = opened.case.lesion.entity, opened.case.encounter.entity
        self.busy(True)

        def saved(_filed: object) -> None:
            self.busy(False)
            self._done(encounter)

        self._store.run(lambda desk: desk.record_outcome(lesion, outcome), saved, self.refuse, stores=True)


class FactsForm(FormColumn):
    """Skin tone, labels, queue."""

    def __init__(self, theme: Theme, store: StoreSession, done: Callable[[str], None]) -> None:
        super().__init__(theme, tr("Patient and case"))
        self._store, self._done = store, done
        self._opened: OpenCase | None = None
        tones: list[tuple[SkinTone | None, str]] = [(None, tr("Not entered"))]
        tones += [
            (SkinTone(SkinToneScale.FITZPATRICK, n), tr("Fitzpatrick {n}", n=n)) for n in range(1, FITZPATRICK + 1)
        ]
        tones += [(SkinTone(SkinToneScale.MONK, n), tr("Monk {n}", n=n)) for n in range(1, MONK + 1)]
        hint = tr("As you see it on the patient; the program never guesses it from pixels")
        self.tone = ChoiceField[SkinTone | None](theme, tr("Skin tone"), tones, hint)
        self.tags = TextField(theme, tr("Labels"), tr("Labels of this case, with commas between them"))
        self.save = button(tr("Save"), tr("Save skin tone and labels"), self._save)
        self.second = button(
            tr("Ask for a second reading"), tr("Put this case into the queue of second readings"), self._ask_second
        )
        self.outcome = OutcomeForm(theme, store, done)
        self.add(self.tone, self.tags)
        self.add_row(self.save)
        self.add_row(self.second)
        self.add(hairline(), self.outcome)

    def show_case(self, opened: OpenCase) -> None:
        """Show what is known."""
        self._opened = opened
        case = opened.case
        self.tone.choice.choose(case.skin_tone.value if case.skin_tone is not None else None)
        labels = case.tags.value.labels if case.tags is not None else ()
        self.tags.edit.setText(", ".join(label for label in labels if label not in QUEUES))
        waits = SECOND_READING in labels
        self.second.setText(tr("No second reading") if waits else tr("Ask for a second reading"))
        self.second.setAccessibleName(self.second.text())
        self.say("")
        self.outcome.show_case(opened)

    def _save(self) -> None:
        opened, tone = self._opened, self.tone.value
        if opened is None:
            return
        case, encounter = opened.case, opened.case.encounter.entity
        before = case.tags.value.labels if case.tags is not None else ()
        typed = {" ".join(label.split()) for label in self.tags.text.split(",") if label.strip()}
        labels = tuple(sorted(typed | {label for label in before if label in QUEUES}))
        known = case.skin_tone.value if case.skin_tone is not None else None
        if tone != known and tone is not None:
            self._store.run(
                lambda desk: desk.set_skin_tone(case.patient.entity, tone), self._saved, self.refuse, stores=True
            )
        if labels != before:
            self._store.run(lambda desk: desk.set_tags(encounter, Tags(labels)), self._saved, self.refuse, stores=True)

    def _ask_second(self) -> None:
        opened = self._opened
        if opened is None:
            return
        case = opened.case
        labels = case.tags.value.labels if case.tags is not None else ()
        change = take_out if SECOND_READING in labels else put_in
        self._store.run(lambda desk: change(desk, case, SECOND_READING), self._saved, self.refuse, stores=True)

    def _saved(self, _done: object) -> None:
        if self._opened is not None:
            self._done(self._opened.case.encounter.entity)
