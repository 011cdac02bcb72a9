"""The first run of the case store: who is here, how it opens, and the recovery code that is shown once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QFont, QFontDatabase, QTextDocument
from PySide6.QtPrintSupport import QPrintDialog, QPrinter
from PySide6.QtWidgets import QFileDialog

from qana_desktop.services.store_state import NewUser
from qana_desktop.triage.access import MIN_PASSPHRASE, MIN_PASSWORD, Role
from qana_desktop.ui.store_session import StoreSession
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import TITLE, Theme
from qana_desktop.ui.widgets.forms import FormColumn, TextField, button, check
from qana_desktop.ui.widgets.labels import TextLabel


class PersonFields(FormColumn):
    """Name and password of somebody."""

    def __init__(self, theme: Theme, title: str, text: str) -> None:
        super().__init__(theme, title, text)
        least = tr("At least {n} characters: a few words do", n=MIN_PASSWORD)
        self.name = TextField(theme, tr("Name"), tr("The name under which this person signs in"))
        self.password = TextField(theme, tr("Password"), least, secret=True)
        self.again = TextField(theme, tr("Password, once more"), least, secret=True)
        self.add(self.name)
        self.add_row(self.password, self.again, stretch=False)

    def problem(self) -> str:
        """Return what is missing, "" when nothing is."""
        if not self.name.text:
            return tr("Type a name.")
        if len(self.password.text) < MIN_PASSWORD:
            return tr("The password is shorter than {n} characters. A few words do.", n=MIN_PASSWORD)
        if self.password.text != self.again.text:
            return tr("The two passwords are not the same. Type both again.")
        return ""

    def user(self, role: Role) -> NewUser:
        """Return who was entered."""
        return NewUser(self.name.text, role, self.password.text)

    def forget(self) -> None:
        """Forget the passwords."""
        self.password.edit.clear()
        self.again.edit.clear()


class CreatePanel(FormColumn):
    """Makes the store."""

    def __init__(
        self, theme: Theme, store: StoreSession, made: Callable[[str], None], leave: Callable[[], object]
    ) -> None:
        super().__init__(
            theme,
            tr("Keep cases on this computer"),
            tr(
                "Now images are read and nothing is kept. A case store keeps them with their readings and your "
                "assessments: encrypted, with a record of every action. You can go on without it."
            ),
        )
        self._store, self._made, self._asked = store, made, False
        self._first: NewUser | None = None
        self.clinician = PersonFields(theme, tr("You"), tr("As a clinician, you enter, assess and sign."))
        self.admin = PersonFields(
            theme,
            tr("Administrator"),
            tr("Manages people and keys, and signs nothing. This may be you, under another name."),
        )
        self.admin.name.edit.setText(tr("Administrator"))
        self.wants_passphrase = check(
            tr("Let a passphrase open the store, too"), tr("Useful when the store may be moved to another computer")
        )
        self.no_keychain = TextLabel(theme, role="muted")
        self.no_keychain.say(tr("This computer has no keychain, so a passphrase opens the store at each start."))
        least = tr("At least {n} characters: four or five words", n=MIN_PASSPHRASE)
        self.passphrase = TextField(theme, tr("Passphrase of the store"), least, secret=True)
        self.again = TextField(theme, tr("Passphrase, once more"), least, secret=True)
        self.wants_passphrase.toggled.connect(self._show_passphrase)
        self.make = button(tr("Make the case store"), tr("Make the encrypted store"), self._make, role="primary")
        self.not_now = button(tr("Not now"), tr("Go on without keeping anything"), leave)
        self.add(self.clinician, self.admin, self.no_keychain, self.wants_passphrase, self.passphrase, self.again)
        self.column.removeWidget(self._fault)
        self.add(self._fault)
        self.add_row(self.make, self.not_now)
        self._has_keychain(True)

    def refresh(self) -> None:
        """Find out, once, whether there is a keychain."""
        possible = self._store.clinic is not None
        self.make.setEnabled(possible)
        if possible and not self._asked:
            self._asked = True
            self._store.has_keychain(self._has_keychain)

    def enter(self) -> None:
        """Sign in who was entered first, now that the code is kept."""
        first, self._first = self._first, None
        if first is not None:
            self._store.sign_in(first.name, first.password, self._store.tell)

    def _has_keychain(self, there: bool) -> None:
        self.no_keychain.setVisible(not there)
        self.wants_passphrase.setVisible(there)
        self.wants_passphrase.setChecked(not there)
        self._show_passphrase(not there)

    def _show_passphrase(self, shown: bool) -> None:
        self.passphrase.setVisible(shown)
        self.again.setVisible(shown)

    def _make(self) -> None:
        words = self.passphrase.text if self.wants_passphrase.isChecked() else None
        problem = self.clinician.problem() or self.admin.problem() or self._problem_of(words)
        self.say(problem)
        if problem:
            return
        people = self.admin.user(Role.ADMIN), self.clinician.user(Role.CLINICIAN)
        self.busy(True)
        self._store.create(people, words, lambda code: self._done(code, people[1]), self.refuse)

    def _problem_of(self, words: str | None) -> str:
        if words is None:
            return ""
        if len(words) < MIN_PASSPHRASE:
            return tr("The passphrase is shorter than {n} characters. Four or five words do.", n=MIN_PASSPHRASE)
        return "" if words == self.again.text else tr("The two passphrases are not the same. Type both again.")

    def _done(self, code: str, first: NewUser) -> None:
        self._first = first
        for fields in (self.clinician, self.admin):
            fields.forget()
        self.passphrase.edit.clear()
        self.again.edit.clear()
        self.busy(False)
        self._made(code)


class CodePanel(FormColumn):
    """Shows the recovery code, once, with ways to bring it onto paper."""

    def __init__(self, theme: Theme, done: Callable[[], None]) -> None:
        super().__init__(
            theme,
            tr("Write the recovery code down"),
            tr(
                "It opens the store when this computer's keychain or the passphrase is lost, and a backup on another "
                "computer. It is shown only now. Keep it on paper, locked away from this computer: whoever has it and "
                "a copy of the store can read all cases. Without it, a lost key loses the store."
            ),
        )
        self._code = ""
        self.shown = TextLabel(theme, TITLE, bold=True)
        self.kept = check(
            tr("I have written it down or printed it"), tr("The code cannot be shown again; a new one can be made")
        )
        self.done = button(tr("Done"), tr("Hide the code and go on"), self._finish, role="primary")
        self.done.setEnabled(False)
        self.kept.toggled.connect(self.done.setEnabled)
        self._then = done
        self.add(self.shown)
        self.add_row(
            button(tr("Print"), tr("Print a sheet with the code"), self._print),
            button(tr("Save"), tr("Save a sheet with the code, for example on a memory stick"), self._save),
        )
        self.add(self.kept)
        self.add_row(self.done)

    def show_code(self, code: str) -> None:
        """Show a new code."""
        self._code = code
        self.kept.setChecked(False)
        self.shown.say(code)
        font = QFont(self.shown.font())
        font.setFamily(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family())
        self.shown.setFont(font)
        self.shown.setAccessibleName(tr("Recovery code {code}", code=" ".join(code)))

    def _finish(self) -> None:
        self._code = ""
        self.shown.say("")
        self.shown.setAccessibleName("")
        self._then()

    def _print(self) -> None:
        printer = QPrinter()
        if QPrintDialog(printer, self).exec():
            document = QTextDocument()
            document.setPlainText(sheet_of(self._code))
            document.print_(printer)

    def _save(self) -> None:
        title, kinds = tr("Save the recovery code"), tr("Text (*.txt)")
        name, _kind = QFileDialog.getSaveFileName(self, title, "qana-recovery-code.txt", kinds)
        if name:
            self.save_to(Path(name))

    def save_to(self, path: Path) -> None:
        """Save the sheet."""
        try:
            path.write_text(sheet_of(self._code), encoding="utf-8")
        except OSError as error:
            self.say(tr("The sheet could not be saved: {why}. Choose another place.", why=error.strerror or ""))


def sheet_of(code: str) -> str:
    """Return the text of the sheet."""
    return tr(
        "QANA Desktop: recovery code of the case store\n\n{code}\n\n"
        "Opens the store when the keychain or the passphrase is lost, and backups on another computer.\n"
        "Keep it locked away from the computer. Whoever has it and a copy of the store can read all cases.\n"
        "Making new keys makes this sheet void, but it still opens backups made before.\n",
        code=code,
    )
