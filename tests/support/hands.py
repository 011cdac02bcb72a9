"""A person at the window who works with the case store."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from qana_desktop.services.store_state import StoreState
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.views.cases import CasesPage
from tests.support.stores import PASSWORD
from tests.ui.conftest import Opened


class Hands:
    """A person at the window."""

    def __init__(self, qtbot: QtBot, opened: Opened) -> None:
        self.qtbot, self.opened, self.window = qtbot, opened, opened.window

    def settle(self) -> None:
        self.qtbot.waitUntil(lambda: self.window.idle, timeout=20_000)

    def do(self, command: Command) -> None:
        assert self.window.actions_[command].isEnabled(), command
        self.window.actions_[command].trigger()
        self.settle()

    @property
    def cases(self) -> CasesPage:
        page = self.window.deck.page(Command.CASES)
        assert isinstance(page, CasesPage)
        return page

    def make_store(self, *, passphrase: str | None = None) -> str:
        """Go through the first run and return the recovery code."""
        self.do(Command.CASES)
        create = self.cases.gate.creating
        create.clinician.name.edit.setText("Clara")
        for fields in (create.clinician, create.admin):
            fields.password.edit.setText(PASSWORD)
            fields.again.edit.setText(PASSWORD)
        if passphrase is not None:
            create.wants_passphrase.setChecked(True)
            create.passphrase.edit.setText(passphrase)
            create.again.edit.setText(passphrase)
        create.make.click()
        self.qtbot.waitUntil(lambda: self.cases.gate.showing_code, timeout=20_000)
        code = self.cases.gate.coding.shown.text()
        self.cases.gate.coding.kept.setChecked(True)
        self.cases.gate.coding.done.click()
        self.qtbot.waitUntil(lambda: self.window.store.state is StoreState.OPEN, timeout=20_000)
        self.settle()
        return code

    def keep_shown(self, pseudonym: str, site: str = "upper back") -> None:
        self.do(Command.TRIAGE)
        self.do(Command.KEEP)
        sheet = self.window.triage.keeper.sheet
        assert sheet is not None
        sheet.form.pseudonym.edit.setText(pseudonym)
        sheet.form.site.setCurrentText(site)
        self.qtbot.waitUntil(lambda: not sheet.busy)
        self.settle()
        sheet.keep.click()
        self.qtbot.waitUntil(lambda: not sheet.isVisible(), timeout=20_000)
        self.settle()

    def texts(self) -> str:
        return "\n".join(label.text() for label in self.cases.findChildren(QLabel) if label.isVisible())

    def rows(self) -> list[str]:
        model = self.cases.model
        return [row.pseudonym for number in range(model.rowCount()) if (row := model.row(number)) is not None]


def sign_in(hands: Hands, name: str) -> None:
    """Sign in at whatever asks for it."""
    gate = hands.window.cover if hands.window.store.covers else hands.cases.gate
    assert gate is not None
    hands.qtbot.waitUntil(lambda: name in gate.signing.name.choice.values)
    gate.signing.name.choice.choose(name)
    gate.signing.password.edit.setText(PASSWORD)
    gate.signing.go.click()
    hands.qtbot.waitUntil(lambda: hands.window.store.user is not None and hands.window.store.user.name == name)
    hands.qtbot.waitUntil(lambda: hands.window.store.state is StoreState.OPEN)
    hands.settle()
