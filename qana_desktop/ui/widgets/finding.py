"""Which class a lesion is of, or which words name it: for an assessment and for an outcome."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from qana_desktop.triage.case import Finding
from qana_desktop.triage.diagnosis import FULL_NAMES, Diagnosis, LesionClass
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.widgets.forms import ChoiceField, FormColumn, TextField

OTHER = None


class FindingFields(QWidget):
    """Which class, or which words."""

    def __init__(self, theme: Theme, form: FormColumn, label: str) -> None:
        super().__init__()
        options: list[tuple[LesionClass | None, str]] = [(d, tr(FULL_NAMES[d])) for d in Diagnosis]
        options.append((OTHER, tr("Something else")))
        self.diagnosis = ChoiceField[LesionClass | None](theme, label, options, prompt=tr("Choose"))
        self.words = TextField(theme, tr("In words"), tr("The diagnosis in words, or more about it"))
        form.add(self.diagnosis, self.words)

    def finding(self) -> Finding | None:
        """Return what was entered; None when nothing is chosen, or there are no words for something else."""
        if not self.diagnosis.choice.chosen:
            return None
        diagnosis, words = self.diagnosis.value, self.words.text
        return Finding(diagnosis, words) if diagnosis is not None or words else None

    def show_finding(self, finding: Finding | None) -> None:
        """Show what was entered before."""
        choice = self.diagnosis.choice
        self.words.edit.setText(finding.words if finding is not None else "")
        if finding is None:
            choice.setCurrentIndex(-1)
            return
        if finding.diagnosis is not None and finding.diagnosis not in choice.values:
            choice.add(finding.diagnosis, FULL_NAMES[finding.diagnosis])
        choice.choose(finding.diagnosis)
