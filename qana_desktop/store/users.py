"""Users, their passwords, and signing in with a wait after wrong passwords. Failures count across restarts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from qana_desktop.store import records
from qana_desktop.store.faults import StoreError
from qana_desktop.store.records import Put
from qana_desktop.store.schema import CREDENTIAL
from qana_desktop.store.store import Store, Transaction
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_, _
from qana_desktop.system.secrets import USUAL_COST, Argon2Cost, PasswordHash
from qana_desktop.triage.access import MIN_PASSWORD, Role, User, still_to_wait
from qana_desktop.triage.case import Filed

_NOBODY: Final = "nobody"


class SignInRefused(StoreError):
    """Wrong name or password, a user who left, or too many tries."""


class Users:
    """The users of a store. `cost` is that of new password hashes."""

    def __init__(self, store: Store, *, cost: Argon2Cost = USUAL_COST) -> None:
        self._store, self._cost = store, cost

    def all(self) -> tuple[Filed[User], ...]:
        """Return all users, those who left too, oldest first."""
        with self._store.reading() as connection:
            return records.all_of(connection, User)

    def add(self, name: str, role: Role, password: str, *, by: str) -> Filed[User]:
        """Add a user; raises StoreError for a name that is taken or a short password."""
        hashed = self._hash(password)
        entity, user = records.new_id(), User(name, role)
        with self._store.reading() as connection:
            if _credential(connection, name) is not None:
                raise StoreError(_taken(name))
        with self._store.filing(by=by, what=_("add a user")) as filing:
            filed = filing.put(Put(user, entity))
            row = {"user": entity, "name_key": _name_key(name), "password": hashed, "failures": 0, "last_failure": ""}
            filing.action.connection.execute(sa.insert(CREDENTIAL).values(row))
            _record_password(filing.action, entity, hashed)
        return Filed(filed.seq, entity, filed.version, None, user, filed.at, filed.by)

    def change(self, user: Filed[User], *, by: str, role: Role | None = None, active: bool | None = None) -> None:
        """Give another role, or let a user leave or come back; raises ChangedMeanwhile. The last admin stays."""
        value = replace(
            user.value,
            role=user.value.role if role is None else role,
            active=user.value.active if active is None else active,
        )
        admins = [one.entity for one in self.all() if one.value.role is Role.ADMIN and one.value.active]
        if admins == [user.entity] and not (value.active and value.role is Role.ADMIN):
            raise StoreError(_LAST_ADMIN)
        self._store.file([Put(value, user.entity, based_on=user.version)], by=by, what=_("change a user"))

    def set_password(self, user: str, password: str, *, by: str) -> None:
        """Give a user a new password and clear the failures; raises StoreError."""
        hashed = self._hash(password)
        with self._store.transaction(by) as action:
            change = sa.update(CREDENTIAL).where(CREDENTIAL.c.user == user)
            action.connection.execute(change.values(password=hashed, failures=0, last_failure=""))
            _record_password(action, user, hashed)

    def sign_in(self, name: str, password: str) -> Filed[User]:
        """Return the user; raises SignInRefused. Takes the same time for a wrong name as for a wrong password.

        In a store that is open for reading only, nothing is recorded and failures are not counted.
        """
        with self._store.reading() as connection:
            row = _credential(connection, name)
        if row is None:
            PasswordHash.of(password, self._cost)
            self._note(lambda action: action.record("sign-in-failed", note=_("no such user")), _NOBODY)
            raise SignInRefused(_WRONG)
        self._wait_is_over(row)
        with self._store.reading() as connection:
            user = records.current(connection, User, row.user, even_withdrawn=True)
        if not PasswordHash.from_text(row.password).fits(password) or not user.value.active or user.withdrawn:
            self._note(lambda action: _count_failure(action, row), row.user)
            raise SignInRefused(_WRONG)
        self._note(lambda action: _clear_failures(action, row), row.user)
        return user

    def _note(self, what: Callable[[Transaction], None], by: str) -> None:
        if self._store.read_only is None:
            with self._store.transaction(by) as action:
                what(action)

    def _wait_is_over(self, row: sa.Row[Any]) -> None:
        if row.failures == 0:
            return
        age = (self._store.clock() - datetime.fromisoformat(row.last_failure)).total_seconds()
        seconds = still_to_wait(row.failures, age)
        if seconds > 0:
            raise SignInRefused(_wait(seconds))

    def _hash(self, password: str) -> str:
        check_password(password)
        return PasswordHash.of(password, self._cost).to_text()


def check_password(password: str) -> None:
    """Raise StoreError for a password that is too short."""
    if len(password) < MIN_PASSWORD:
        raise StoreError(_SHORT)


def password_mark(hashed: str) -> str:
    """Return what the audit record keeps of a password's hash."""
    return hashlib.sha256(hashed.encode()).hexdigest()


def _credential(connection: sa.Connection, name: str) -> sa.Row[Any] | None:
    return connection.execute(sa.select(CREDENTIAL).where(CREDENTIAL.c.name_key == _name_key(name))).first()


def _name_key(name: str) -> str:
    return " ".join(name.casefold().split())


def _record_password(action: Transaction, user: str, hashed: str) -> None:
    action.record("password-set", kind="user", entity=user, after=password_mark(hashed))


def _count_failure(action: Transaction, row: sa.Row[Any]) -> None:
    change = sa.update(CREDENTIAL).where(CREDENTIAL.c.user == row.user)
    action.connection.execute(change.values(failures=CREDENTIAL.c.failures + 1, last_failure=action.at))
    action.record("sign-in-failed", kind="user", entity=row.user)


def _clear_failures(action: Transaction, row: sa.Row[Any]) -> None:
    change = sa.update(CREDENTIAL).where(CREDENTIAL.c.user == row.user)
    action.connection.execute(change.values(failures=0, last_failure=""))
    action.record("signed-in", kind="user", entity=row.user)


_WRONG = Fault("sign-in-wrong", N_("This name and password do not belong together."), N_("Type both again."))
_SHORT = Fault(
    "password-short",
    N_("The password is shorter than {count} characters.").format(count=MIN_PASSWORD),
    N_("Choose a longer one: a few words do."),
)
_LAST_ADMIN = Fault(
    "last-admin",
    N_("This is the only administrator; without one, nobody could manage the store."),
    N_("Name another one first."),
)


def _taken(name: str) -> Fault:
    return Fault("user-exists", _("There is already a user {name}.").format(name=name), _("Choose another name."))


def _wait(seconds: float) -> Fault:
    return Fault(
        "sign-in-wait",
        _("There were too many wrong passwords. The next try is possible in {seconds} seconds.").format(
            seconds=max(1, round(seconds))
        ),
        _("Wait, or ask an administrator for a new password."),
    )
