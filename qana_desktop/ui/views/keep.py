"""The sheet that keeps images of the session: whose they are, and what is in the store already."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QStringListModel, Qt
from PySide6.QtWidgets import QComboBox, QCompleter, QDialog, QHBoxLayout, QVBoxLayout, QWidget

from qana_desktop.services.contract import TriageDeskLike
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.triage.body_sites import Site
from qana_desktop.triage.case import ClinicalAssessment, Filed, Lesion, Patient, Sex
from qana_desktop.triage.outcome import Reading
from qana_desktop.triage.worklist import WorklistRow
from qana_desktop.ui.bridge import Bridge
from qana_desktop.ui.presenters.body_map import place_name, site_name
from qana_desktop.ui.presenters.entries import Entry
from qana_desktop.ui.presenters.keep import Sharing, Whose, known_sentence, pseudonym_of, sharing_word, to_keep
from qana_desktop.ui.presenters.kept import sex_word
from qana_desktop.ui.soon import Soon
from qana_desktop.ui.store_session import LONG_LANE, StoreSession
from qana_desktop.ui.texts import grouped, tr, trn
from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.widgets.forms import ChoiceField, Field, FormColumn, TextField, button, check, named

if TYPE_CHECKING:
    from qana_desktop.services.case_desk import CaseDesk
    from qana_desktop.services.keeping import KeepingDesk, Kept

Chosen = Sequence[tuple[Entry, Reading]]


class KeepForm(FormColumn):
    """Patient, lesion, reason."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, tr("Keep in the case store"))
        self.sharing = ChoiceField[Sharing](theme, tr("These images"), [(s, sharing_word(s)) for s in Sharing])
        self.pseudonym = TextField(theme, tr("Patient's pseudonym"), tr("For example the number in your records"))
        self.suggestions = QStringListModel(self)
        completer = QCompleter(self.suggestions, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.pseudonym.edit.setCompleter(completer)
        self.name = TextField(theme, tr("Name (if you want)"), tr("Stays in the encrypted store"))
        self.birth_year = TextField(theme, tr("Year of birth"), tr("Four digits, or empty"))
        self.sex = ChoiceField[Sex | None](
            theme, tr("Sex"), [(None, tr("Not entered")), *((s, sex_word(s)) for s in Sex)]
        )
        self.lesion = ChoiceField[str](theme, tr("Lesion"), [("", tr("New lesion"))])
        self.site = QComboBox()
        self.site.setEditable(True)
        self._sites = {site_name(site): site.value for site in Site}
        self.site.addItems(["", *self._sites])
        self.site_field = Field(theme, tr("Body site"), self.site, tr("Choose, or type where the lesion is"))
        line = self.site.lineEdit()
        if line is not None:
            named(line, tr("Body site"), tr("Choose, or type where the lesion is"))
        self.reason = TextField(theme, tr("Reason of the visit (if you want)"))
        self.also_known = check(tr("Keep them once more"), tr("Also keep images that are in the store already"))
        self.add(self.sharing, self.pseudonym)
        self.add_row(self.name, self.birth_year, self.sex, stretch=False)
        self.add(self.lesion, self.site_field, self.reason, self.also_known)

    def problem(self) -> str:
        """Return what is missing, "" when nothing is."""
        by_file = self.sharing.value is Sharing.BY_FILE and not self.sharing.isHidden()
        if not self.pseudonym.text and not by_file:
            return tr("Type the patient's pseudonym.")
        year = self.birth_year.text
        if year and not (year.isdecimal() and 1850 <= int(year) <= 2200):
            return tr("A year of birth has four digits, like 1961.")
        return ""

    def new_patient(self) -> Patient:
        """Return the patient as typed."""
        year = self.birth_year.text
        return Patient(self.pseudonym.text, self.name.text or None, int(year) if year else None, self.sex.value)

    def new_lesion(self) -> Lesion:
        """Return the lesion as typed."""
        typed = self.site.currentText().strip()
        return Lesion(self._sites.get(typed, typed))

    def show_lesions(self, lesions: Sequence[Filed[Lesion]]) -> None:
        """Offer the lesions of a known patient."""
        known = [(one.entity, place_name(one.value.body_site)) for one in lesions]
        self.lesion.choice.fill([("", tr("New lesion")), *known])


class KeepSheet(QDialog):
    """Keeps `chosen`; `done` gets what was kept."""

    def __init__(
        self,
        theme: Theme,
        parent: QWidget,
        bridge: Bridge,
        store: StoreSession,
        triage: TriageDeskLike,
        share: float,
        done: Callable[[Kept], None],
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Keep"))
        self._bridge, self._store, self._triage, self._share, self._done = bridge, store, triage, share, done
        self._chosen: Chosen = ()
        self.own: dict[int, ClinicalAssessment] = {}
        """What the clinician found before the answer was shown, by entry: filed with the image."""
        self._known: dict[str, str] = {}
        self._patient: WorklistRow | None = None
        self._cancelled = threading.Event()
        self._looking = Soon(250, self)
        self._looking.due.connect(self._look_up)
        self.form = KeepForm(theme)
        self.keep = button(tr("Keep"), tr("Keep images and readings in the case store"), self._keep, role="primary")
        self.keep.setDefault(True)
        self.cancel = button(tr("Cancel"), tr("Keep nothing (Esc)"), self.reject)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self.cancel)
        foot.addWidget(self.keep)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * theme.unit, 4 * theme.unit, 4 * theme.unit, 3 * theme.unit)
        layout.setSpacing(3 * theme.unit)
        layout.addWidget(self.form)
        layout.addStretch(1)
        layout.addLayout(foot)
        self.setMinimumWidth(120 * theme.unit)
        self.form.pseudonym.edit.textChanged.connect(lambda _text: self._looking.ask())
        self.form.lesion.choice.picked.connect(lambda _value: self._arrange())
        self.form.sharing.choice.picked.connect(lambda _value: self._arrange())

    def show_images(self, chosen: Chosen) -> None:
        """Ask about these images."""
        self._chosen, self._known, self._patient = chosen, {}, None
        self._cancelled.clear()
        self.form.busy(False)
        self.keep.setEnabled(True)
        self.form.say("")
        one = len(chosen) == 1
        what = chosen[0][0].title if one else trn(len(chosen), "{n} image", "{n} images")
        self.form.entitle(tr("Keep in the case store"), what)
        self.form.sharing.setVisible(not one)
        self.form.sharing.choice.choose(Sharing.ONE_LESION if one else Sharing.BY_FILE)
        self.form.pseudonym.edit.setText(pseudonym_of(chosen[0][0]) if one else "")
        self.form.pseudonym.edit.selectAll()
        self.form.pseudonym.edit.setFocus(Qt.FocusReason.OtherFocusReason)
        self.form.show_lesions(())
        self._arrange()
        sha256s = [reading.image_sha256 for _entry, reading in chosen if reading.image_sha256]
        self._ask(lambda desk: desk.known(sha256s), self._show_known)

    @property
    def busy(self) -> bool:
        """Whether a pseudonym is still being looked up."""
        return self._looking.waits

    def reject(self) -> None:
        """Keep nothing; what is under way is stopped, and nothing of it stays in a case."""
        self._cancelled.set()
        super().reject()

    # --- inside ---

    def _ask(self, work: Callable[[KeepingDesk], object], done: Callable[..., None]) -> None:
        store, triage = self._store, self._triage

        def with_desk(desk: CaseDesk) -> object:
            from qana_desktop.services.keeping import KeepingDesk

            clinic = store.clinic
            assert clinic is not None  # noqa: S101 - `run` does nothing without one
            return work(KeepingDesk(clinic.store, desk, triage))

        store.run(with_desk, done)

    def _show_known(self, known: dict[str, str]) -> None:
        self._known = known
        self.form.say(known_sentence(len(known), len(self._chosen)))
        self._arrange()

    def _look_up(self) -> None:
        typed = self.form.pseudonym.text
        self._ask(lambda desk: (desk.suggest(typed), desk.find_patient(typed)), self._show_patient)

    def _show_patient(self, found: tuple[tuple[str, ...], WorklistRow | None]) -> None:
        suggested, row = found
        self.form.suggestions.setStringList(list(suggested))
        before = self._patient.patient if self._patient is not None else ""
        self._patient = row if row is not None and self.form.pseudonym.text else None
        if self._patient is None:
            self.form.show_lesions(())
        elif self._patient.patient != before:
            patient = self._patient.patient
            self._store.run(lambda desk: desk.lesions_of(patient), self._show_lesions)
        self._arrange()

    def _show_lesions(self, lesions: tuple[Filed[Lesion], ...]) -> None:
        self.form.show_lesions(lesions)
        self._arrange()

    def _arrange(self) -> None:
        form, new = self.form, self._patient is None
        by_file = form.sharing.value is Sharing.BY_FILE and not form.sharing.isHidden()
        form.pseudonym.setVisible(not by_file)
        for field in (form.name, form.birth_year, form.sex):
            field.setVisible(new and not by_file)
        single = form.sharing.value is Sharing.ONE_LESION or form.sharing.isHidden()
        form.lesion.setVisible(not new and single)
        form.site_field.setVisible(form.lesion.isHidden() or not form.lesion.value)
        form.also_known.setVisible(bool(self._known))

    def _keep(self) -> None:
        problem = self.form.problem()
        form = self.form
        chosen = [
            (entry, reading)
            for entry, reading in self._chosen
            if reading.image_sha256 not in self._known or form.also_known.isChecked()
        ]
        if not problem and not chosen:
            problem = tr("These images are in the case store already. Tick the box to keep them once more.")
        if problem:
            form.say(problem)
            return
        form.say("")
        form.busy(True)
        self.keep.setEnabled(False)
        self._start(chosen)

    def _start(self, chosen: Chosen) -> None:
        sharing = Sharing.ONE_LESION if self.form.sharing.isHidden() else self.form.sharing.value
        typed, share, store, triage = self.form.pseudonym.text, self._share, self._store, self._triage
        new_patient = None if sharing is Sharing.BY_FILE else self.form.new_patient()
        new_lesion = self.form.new_lesion()
        lesion = new_lesion if self.form.lesion.isHidden() else self.form.lesion.value or new_lesion
        reason, own = self.form.reason.text, self.own

        def work(desk: CaseDesk) -> Kept:
            from qana_desktop.services.keeping import KeepingDesk

            clinic = store.clinic
            assert clinic is not None  # noqa: S101 - `run` does nothing without one
            keeping = KeepingDesk(clinic.store, desk, triage)
            known = keeping.find_patient(typed) if new_patient is not None else None
            patient = known.patient if known is not None else new_patient or ""
            whose = Whose(patient, lesion, reason)
            wanted = to_keep(chosen, sharing, whose, own)
            return keeping.keep(keeping.with_known_patients(wanted), reread_share=share, report=self._report)

        self._store.run(work, self._kept, self._not_kept, stores=True, lane=LONG_LANE)

    def _report(self, done: int, total: int) -> None:
        """From the worker: tell how far it is; raises when the person or the program wants no more."""
        if self._cancelled.is_set() or self._store.ending.is_set():
            raise KnownError(Fault("keep-cancelled", tr("It was cancelled. Nothing was kept."), ""))
        self._bridge.post(lambda: self._show_progress(done, total))

    def _show_progress(self, done: int, total: int) -> None:
        text = tr("Keeping {k} of {n}", k=grouped(min(done + 1, total)), n=grouped(total)) if total > 1 else ""
        self.form.entitle(tr("Keep in the case store"), text)

    def _kept(self, kept: Kept) -> None:
        self.accept()
        self._done(kept)

    def _not_kept(self, fault: Fault) -> None:
        self.keep.setEnabled(True)
        self.form.refuse(fault)
