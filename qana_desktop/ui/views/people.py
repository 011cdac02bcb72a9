"""The people of the case store, for its administrator: who may sign in, as what; new ones, new passwords."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QGridLayout, QWidget

from qana_desktop.store.users import Users
from qana_desktop.system.faults import Fault
from qana_desktop.triage.access import Permission, Role, User
from qana_desktop.triage.case import Filed
from qana_desktop.ui.store_session import LANE, StoreSession
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.views.sheets import Sheet
from qana_desktop.ui.views.store_create import PersonFields
from qana_desktop.ui.widgets.forms import Choice, ChoiceField, FormColumn, button, named
from qana_desktop.ui.widgets.labels import TextLabel, hairline


def role_word(role: Role) -> str:
    """Return what a role is called."""
    return {
        Role.VIEWER: tr("Viewer"),
        Role.CLINICIAN: tr("Clinician"),
        Role.APPROVER: tr("Approver"),
        Role.ADMIN: tr("Administrator"),
    }[role]


def role_text(role: Role) -> str:
    """Return what a role may do."""
    return {
        Role.VIEWER: tr("sees cases"),
        Role.CLINICIAN: tr("sees, enters, assesses and signs"),
        Role.APPROVER: tr("does that, and approves updates of the network"),
        Role.ADMIN: tr("enters, and manages people and keys; signs nothing"),
    }[role]


class PeopleSheet(Sheet):
    """Lists all people, and adds one."""

    def __init__(self, theme: Theme, parent: QWidget, store: StoreSession) -> None:
        super().__init__(theme, parent, tr("People"))
        self._theme, self._store = theme, store
        self.column = FormColumn(theme, tr("People"), self._roles())
        self._rows = QWidget()
        self.grid = QGridLayout(self._rows)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setHorizontalSpacing(3 * theme.unit)
        self.grid.setColumnStretch(0, 1)
        self.fields = PersonFields(theme, tr("Somebody new"), "")
        self.role = ChoiceField[Role](theme, tr("Role"), [(role, role_word(role)) for role in Role])
        self.role.choice.choose(Role.CLINICIAN)
        self.add_person = button(tr("Add"), tr("Let this person sign in"), self._add, role="primary")
        self.set_password = button(
            tr("Set new password"), tr("Give the person with this name the password above"), self._set_password
        )
        self.column.add(self._rows, hairline(), self.fields, self.role)
        self.column.add_row(self.add_person, self.set_password)
        self.body.addWidget(self.column)
        self.body.addStretch(1)
        self.people: tuple[Filed[User], ...] = ()
        self.refresh()

    def refresh(self) -> None:
        """Show who there is."""
        self._run(lambda users: users.all(), self._show)

    def _roles(self) -> str:
        return "\n".join(f"{role_word(role)}: {role_text(role)}." for role in Role)

    def _show(self, people: tuple[Filed[User], ...]) -> None:
        self.people = people
        while self.grid.count():
            item = self.grid.takeAt(0)
            if item is not None and (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for row, filed in enumerate(people):
            name = TextLabel(self._theme)
            name.say(filed.value.name if filed.value.active else tr("{name} (left)", name=filed.value.name))
            role: Choice[Role] = Choice([(one, role_word(one)) for one in Role])
            named(role, tr("Role of {name}", name=filed.value.name), tr("Give another role"))
            role.choose(filed.value.role)
            role.picked.connect(self._role_giver(filed))
            leaves = filed.value.active
            text = tr("Leaves") if leaves else tr("Comes back")
            hint = tr("This person may not sign in any more") if leaves else tr("This person may sign in again")
            there = button(text, hint, self._door(filed))
            there.setAccessibleName(f"{text}: {filed.value.name}")
            for column, widget in enumerate((name, role, there)):
                self.grid.addWidget(widget, row, column)

    def _role_giver(self, filed: Filed[User]) -> Callable[[Role], None]:
        return lambda role: self._change(filed, role=role)

    def _door(self, filed: Filed[User]) -> Callable[[], None]:
        return lambda: self._change(filed, active=not filed.value.active)

    def _add(self) -> None:
        problem = self.fields.problem()
        self.column.say(problem)
        if not problem:
            new = self.fields.user(self.role.value)
            by = self._store.user_id
            self._run(lambda users: users.add(new.name, new.role, new.password, by=by), self._done)

    def _set_password(self) -> None:
        problem = self.fields.problem()
        name = self.fields.name.text.casefold()
        found = next((one for one in self.people if one.value.name.casefold() == name), None)
        if not problem and found is None:
            problem = tr("There is nobody of this name.")
        self.column.say(problem)
        if not problem and found is not None:
            password, by, user = self.fields.password.text, self._store.user_id, found.entity
            self._run(lambda users: users.set_password(user, password, by=by), self._done)

    def _change(self, filed: Filed[User], *, role: Role | None = None, active: bool | None = None) -> None:
        by = self._store.user_id
        self._run(lambda users: users.change(filed, by=by, role=role, active=active), self._done)

    def _done(self, _result: object) -> None:
        self.fields.forget()
        self.fields.name.edit.clear()
        self.column.busy(False)
        self.column.say("")
        self._store.refresh_names()
        self.refresh()

    def _refused(self, fault: Fault) -> None:
        self.column.refuse(fault)
        self.refresh()

    def _run(self, work: Callable[[Users], object], done: Callable[..., None]) -> None:
        clinic = self._store.clinic
        if clinic is None:
            return

        def allowed(desk: object) -> object:
            clinic.desk.allowed(Permission.MANAGE)
            return work(clinic.users)

        self._store.run(allowed, done, self._refused, lane=LANE)
