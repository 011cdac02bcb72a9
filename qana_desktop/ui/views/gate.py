"""The way into the case store: make it, open it, sign in, unlock. Shown on the Cases page, and over all when locked."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from qana_desktop.services.store_state import StoreState
from qana_desktop.system.faults import Fault
from qana_desktop.ui.store_session import StoreSession
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.views.store_create import CodePanel, CreatePanel
from qana_desktop.ui.widgets.forms import ChoiceField, FormColumn, TextField, button

PASSPHRASE = "passphrase"  # noqa: S105 - the name of a way into the store (`SlotKind`)


class OpenPanel(FormColumn):
    """Asks for the recovery code or the passphrase, when the keychain does not open the store."""

    def __init__(self, theme: Theme, store: StoreSession) -> None:
        super().__init__(theme, tr("Open the case store"))
        self._store = store
        self.passphrase = TextField(theme, tr("Passphrase"), tr("The passphrase of the case store"), secret=True)
        self.code = TextField(theme, tr("Recovery code"), tr("The code from the printed sheet, 28 characters"))
        self.open = button(tr("Open"), tr("Open the case store"), self._open, role="primary")
        for field in (self.passphrase, self.code):
            field.edit.returnPressed.connect(self._open)
        self.add(self.passphrase, self.code)
        self.again = button(tr("Try again"), tr("Ask the keychain of this computer once more"), store.try_again)
        self.add_row(self.open, self.again)

    def refresh(self) -> None:
        """Show the ways that exist, and why the keychain did not do."""
        fault = self._store.opening_fault
        self.entitle(tr("Open the case store"), fault.sentence() if fault is not None else tr("Looking for the key."))
        self.passphrase.setVisible(PASSPHRASE in self._store.ways)
        self.busy(fault is None)

    def _open(self) -> None:
        code, words = self.code.text, self.passphrase.text
        if not code and not words:
            self.say(tr("Type the passphrase or the recovery code."))
            return
        self.say("")
        self.busy(True)
        self._store.open(self.refuse, recovery_code=code or None, passphrase=words or None)

    def forget(self) -> None:
        """Forget what was typed."""
        self.code.edit.clear()
        self.passphrase.edit.clear()
        self.say("")


class SignInPanel(FormColumn):
    """Asks who is there, or for the password of who was."""

    def __init__(self, theme: Theme, store: StoreSession) -> None:
        super().__init__(theme, tr("Sign in"))
        self._store = store
        self.name = ChoiceField[str](theme, tr("Name"), ())
        self.password = TextField(theme, tr("Password"), tr("Your password for the case store"), secret=True)
        self.password.edit.returnPressed.connect(self._sign_in)
        self.go = button(tr("Sign in"), tr("Sign in"), self._sign_in, role="primary")
        self.add(self.name, self.password)
        self.add_row(self.go)

    def refresh(self) -> None:
        """Show who can sign in; behind a locked screen, who was here comes first."""
        chosen = self.name.choice.currentText()
        self.name.choice.fill([(name, name) for name in self._store.names])
        user = self._store.user
        self.name.choice.choose(user.name if user is not None else chosen)
        locked = user is not None
        title = tr("Locked") if locked else tr("Sign in")
        text = tr("Nothing about patients is shown until a password is given.") if locked else ""
        self.entitle(title, text)
        self.go.setText(tr("Unlock") if locked else tr("Sign in"))
        self.go.setAccessibleName(self.go.text())
        self.busy(False)

    def forget(self) -> None:
        """Forget what was typed."""
        self.password.edit.clear()
        self.say("")

    def _sign_in(self) -> None:
        if not self.password.text:
            self.say(tr("Type the password."))
            return
        self.say("")
        self.busy(True)
        self._store.sign_in(self.name.value, self.password.text, self._refused)

    def _refused(self, fault: Fault) -> None:
        self.refuse(fault)
        self.password.edit.clear()
        self.password.edit.setFocus(Qt.FocusReason.OtherFocusReason)


class StoreGate(QScrollArea):
    """Shows the step that comes next. `leave` goes back to triage without a store."""

    def __init__(self, theme: Theme, store: StoreSession, leave: Callable[[], object]) -> None:
        super().__init__()
        self._store = store
        self.setObjectName("gate")
        self.setWidgetResizable(True)
        self.setAccessibleName(tr("The way into the case store"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.creating = CreatePanel(theme, store, self._show_code, leave)
        self.coding = CodePanel(theme, self._code_kept)
        self.opening = OpenPanel(theme, store)
        self.signing = SignInPanel(theme, store)
        self._stack = QStackedWidget()
        for panel in (self.creating, self.coding, self.opening, self.signing):
            panel.column.addStretch(1)
            self._stack.addWidget(panel)
        self._stack.setMaximumWidth(110 * theme.unit)
        self._stack.setMinimumWidth(70 * theme.unit)
        body = QWidget()
        body.setObjectName("empty")
        across = QHBoxLayout()
        across.addStretch(1)
        across.addWidget(self._stack, 4)
        across.addStretch(1)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(4 * theme.unit, 6 * theme.unit, 4 * theme.unit, 4 * theme.unit)
        layout.addLayout(across)
        layout.addStretch(1)
        self.setWidget(body)

    @property
    def showing_code(self) -> bool:
        """Whether the recovery code is on the screen: nothing may take its place but the person's word."""
        return self._stack.currentWidget() is self.coding

    def refresh(self) -> None:
        """Show the step for the state of the store."""
        if self.showing_code:
            return
        state = self._store.state
        if state is StoreState.NONE:
            self.creating.refresh()
            self._show(self.creating)
        elif state is StoreState.CLOSED:
            self.opening.refresh()
            self._show(self.opening)
        elif state is StoreState.OPEN:
            self.forget()
        else:
            self.signing.refresh()
            self._show(self.signing)

    def forget(self) -> None:
        """Forget what was typed."""
        self.opening.forget()
        self.signing.forget()

    def focus(self) -> None:
        """Put the keys where typing begins."""
        panel = self._stack.currentWidget()
        edit = (
            self.signing.password.edit
            if panel is self.signing
            else self.creating.clinician.name.edit
            if panel is self.creating
            else self.opening.code.edit
        )
        edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show(self, panel: QWidget) -> None:
        if self._stack.currentWidget() is not panel:
            self._stack.setCurrentWidget(panel)

    def _show_code(self, code: str) -> None:
        self.coding.show_code(code)
        self._stack.setCurrentWidget(self.coding)

    def _code_kept(self) -> None:
        self._store.code_kept()
        self._stack.setCurrentWidget(self.signing)
        self.refresh()
        self.creating.enter()
