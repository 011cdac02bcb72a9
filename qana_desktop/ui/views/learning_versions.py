"""Right half of the Learning page: what is in use, training, the versions, the gate's verdict, and who decides."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from qana_desktop.ui.presenters.learning import LearningView, VerdictView, VersionLine
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import TITLE, Theme
from qana_desktop.ui.widgets.forms import NoteField, button, named
from qana_desktop.ui.widgets.labels import TextLabel, hairline
from qana_desktop.ui.widgets.progress import ProgressLine


class LearningVersions(QWidget):
    """Shows versions and says what a person pressed."""

    train_pressed = Signal()
    calibrate_pressed = Signal()
    cancel_pressed = Signal()
    chosen_changed = Signal(str)
    judge_pressed = Signal(str)
    decided = Signal(str, bool, str)
    activate_pressed = Signal(str)
    roll_back_pressed = Signal(str, bool)
    dossier_pressed = Signal(str)
    picture_wanted = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._lines: tuple[VersionLine, ...] = ()
        self._pictures: tuple[str, ...] = ()
        self._view: LearningView | None = None
        self._busy = False
        self._layout = QVBoxLayout(self)
        margin = 4 * theme.unit
        self._layout.setContentsMargins(margin, margin, margin, margin)
        self._layout.setSpacing(2 * theme.unit)
        self._use_part()
        self._layout.addWidget(hairline())
        self._train_part()
        self._layout.addWidget(hairline())
        self._list_part()
        self._verdict_part()
        self._layout.addStretch(1)
        self.show_verdict("", None)
        self._refresh()

    def show_view(self, view: LearningView) -> None:
        """Show how things stand; the chosen version stays chosen."""
        self._view = view
        self.in_use.say(view.in_use)
        self.notes.say("\n".join(view.notes))
        self._fill(view.versions)
        self._refresh()

    def show_verdict(self, version: str, verdict: VerdictView | None) -> None:
        """Show what the gate said; the version is chosen in the list."""
        rows = [row for row, line in enumerate(self._lines) if line.id == version]
        if rows and self.list.currentRow() != rows[0]:
            self.list.blockSignals(True)
            self.list.setCurrentRow(rows[0])
            self.list.blockSignals(False)
        self.headline.say(verdict.headline if verdict else "")
        self.power.say("\n".join((*verdict.power, *verdict.warnings)) if verdict else "")
        self.lines.clear()
        for line in verdict.lines if verdict else ():
            self.lines.addItem(f"{'✓' if line.holds else '✗'}  {line.sentence}")
        self.lines.setVisible(verdict is not None)
        self.turned_title.say(verdict.turned_title if verdict else "")
        self._pictures = tuple(case.picture for case in verdict.turned) if verdict else ()
        self.turned.clear()
        for case in verdict.turned if verdict else ():
            words = case.title if case.picture else tr("{case} (of the factory: no image is here)", case=case.title)
            self.turned.addItem(QListWidgetItem(words))
        self.turned.setVisible(bool(self._pictures))
        self._refresh()

    def show_progress(self, what: str, share: float | None) -> None:
        """Show what runs; "" for nothing."""
        self._busy = bool(what)
        self.running.say(what)
        self.progress.show_share((share if share is not None else 0.02) if what else None)
        self._refresh()

    def tell(self, sentence: str) -> None:
        """Say what came of it."""
        self.said.say(sentence)
        self.said.setAccessibleName(sentence)

    @property
    def chosen(self) -> VersionLine | None:
        """The version that is chosen."""
        row = self.list.currentRow()
        return self._lines[row] if 0 <= row < len(self._lines) else None

    # --- building

    def _use_part(self) -> None:
        self.in_use = self._label(TITLE, bold=True)
        self.notes = self._label(role="fault")
        self.why_back = NoteField(self._theme, tr("Reason for going back"), tr("It is recorded"), lines=1)
        self.why_back.edit.textChanged.connect(self._refresh)
        self.back = button(
            tr("Go back to the version before"),
            tr("One step, at once; cases that were read in between are put into a queue"),
            lambda: self.roll_back_pressed.emit(self.why_back.text, False),
        )
        self.factory = button(
            tr("Go back to the factory version"),
            tr("The version that came with the program is always there"),
            lambda: self.roll_back_pressed.emit(self.why_back.text, True),
        )
        self._layout.addWidget(self.why_back)
        self._row(self.back, self.factory)

    def _train_part(self) -> None:
        self.about = self._label(role="muted")
        self.about.say(
            tr(
                "Training works on a copy. The result is tested on cases that nothing was learnt from; only if every "
                "line of the test holds, and an approver who did not train it agrees, can it come into use."
            )
        )
        self.train = button(
            tr("Train and test"),
            tr("Learn from all confirmed cases, then test the result; takes less than a minute"),
            self.train_pressed.emit,
            role="primary",
        )
        self.calibrate = button(
            tr("Set to our camera"),
            tr("Take the colours of the newest images of an ordinary mix into the network; no diagnosis is needed"),
            self.calibrate_pressed.emit,
        )
        self.cancel = button(tr("Stop"), tr("Stop what runs; nothing half-done stays"), self.cancel_pressed.emit)
        self._row(self.train, self.calibrate, self.cancel)
        self.progress = ProgressLine(self._theme)
        self._layout.addWidget(self.progress)
        self.running = self._label(role="muted")
        self.said = self._label(bold=True)

    def _list_part(self) -> None:
        self.title = self._label(TITLE, bold=True)
        self.list = self._list(tr("Versions"), tr("Versions of the network that were trained here, newest first"))
        self.list.currentRowChanged.connect(lambda _row: self._chosen())

    def _verdict_part(self) -> None:
        self.headline = self._label(TITLE, bold=True)
        self.power = self._label(role="muted")
        self.lines = self._list(tr("Lines of the test"), tr("Every line of the test; failed lines first"))
        self.turned_title = self._label(bold=True)
        self.turned = self._list(tr("Cases that turned"), tr("Choose one to see its image"))
        self.turned.currentRowChanged.connect(self._show_turned)
        self.reason = NoteField(self._theme, tr("Why you decide so"), tr("A reason is needed; it is recorded"), lines=1)
        self.reason.edit.textChanged.connect(self._refresh)
        self._layout.addWidget(self.reason)
        self.approve = button(
            tr("Approve"), tr("Decide for this version, after its test"), lambda: self._decide(True), role="primary"
        )
        self.reject = button(tr("Reject"), tr("Decide against this version"), lambda: self._decide(False))
        self.activate = button(
            tr("Put in use"),
            tr("Test every engine with it, then read with it from the next start on"),
            lambda: self._with_chosen(self.activate_pressed.emit),
        )
        self.judge = button(
            tr("Test again"),
            tr("Test it once more; each test wears the test cases out a little"),
            lambda: self._with_chosen(self.judge_pressed.emit),
        )
        self.dossier = button(
            tr("Save the dossier"),
            tr("Write all that is on record about this version as PDF or JSON, without names of patients"),
            lambda: self._with_chosen(self.dossier_pressed.emit),
        )
        self._row(self.approve, self.reject, self.activate)
        self.who = self._label(role="muted")
        self._row(self.judge, self.dossier)

    def _list(self, name: str, hint: str) -> QListWidget:
        made = QListWidget()
        made.setWordWrap(True)
        made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        made.setResizeMode(QListWidget.ResizeMode.Adjust)
        named(made, name, hint)
        self._layout.addWidget(made)
        return made

    def _label(self, size: float = 1.0, *, bold: bool = False, role: str = "") -> TextLabel:
        label = TextLabel(self._theme, size, bold=bold, role=role)
        label.say("")
        self._layout.addWidget(label)
        return label

    def _row(self, *widgets: QWidget) -> None:
        row = QHBoxLayout()
        for widget in widgets:
            row.addWidget(widget)
        row.addStretch(1)
        self._layout.addLayout(row)

    # --- inside

    def _fill(self, lines: Sequence[VersionLine]) -> None:
        kept = self.chosen.id if self.chosen is not None else ""
        self._lines = tuple(lines)
        self.list.blockSignals(True)
        self.list.clear()
        for line in self._lines:
            self.list.addItem(f"{'● ' if line.in_use else ''}{line.title} · {line.state}\n{line.detail}")
        rows = [row for row, line in enumerate(self._lines) if line.id == kept]
        self.list.setCurrentRow(rows[0] if rows else -1)
        self.list.blockSignals(False)

    def _chosen(self) -> None:
        self.reason.edit.clear()
        line = self.chosen
        self.chosen_changed.emit(line.id if line is not None else "")
        self._refresh()

    def _show_turned(self, row: int) -> None:
        if 0 <= row < len(self._pictures) and self._pictures[row]:
            self.picture_wanted.emit(self._pictures[row])

    def _decide(self, agrees: bool) -> None:
        if (line := self.chosen) is not None:
            self.decided.emit(line.id, agrees, self.reason.text)

    def _with_chosen(self, emit: object) -> None:
        if (line := self.chosen) is not None and callable(emit):
            emit(line.id)

    def _refresh(self) -> None:
        view, line, free = self._view, self.chosen, not self._busy
        self.title.say(tr("Versions that were trained here") if self._lines else tr("No version was trained here yet"))
        self.list.setVisible(bool(self._lines))
        for shown, rows in ((self.list, 4), (self.lines, 9), (self.turned, 4)):
            shown.setFixedHeight(min(rows, max(1, shown.count())) * 11 * self._theme.unit + 4)
        back = view is not None and view.can_roll_back
        for widget in (self.why_back, self.back, self.factory):
            widget.setVisible(back)
        for widget in (self.back, self.factory):
            widget.setEnabled(free and bool(self.why_back.text))
        self.train.setEnabled(free and view is not None and view.can_train)
        self.calibrate.setEnabled(free and view is not None and view.can_calibrate)
        self.cancel.setVisible(self._busy)
        self.progress.setVisible(self._busy)
        for widget in (self.reason, self.approve, self.reject, self.activate, self.judge, self.dossier):
            widget.setVisible(line is not None)
        self.who.say(
            tr("Who trained a version does not decide about it: an approver who did not train it has to.")
            if line is not None and not line.can_approve
            else ""
        )
        decides = free and line is not None and line.can_approve and bool(self.reason.text)
        self.approve.setEnabled(decides)
        self.reject.setEnabled(decides)
        self.activate.setEnabled(free and line is not None and line.can_activate)
        self.judge.setEnabled(free and line is not None and line.can_judge)
        self.dossier.setEnabled(free)
