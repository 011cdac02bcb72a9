"""Who may do what, how long to wait after a wrong password, and when the screen locks: rules, no storage, no clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

FREE_TRIES: Final = 3
LONGEST_WAIT_S: Final = 900.0
MIN_PASSWORD: Final = 10
"""Characters; NIST SP 800-63B asks for length, not for kinds of characters."""
MIN_PASSPHRASE: Final = 12
"""Characters of the passphrase that opens a store."""


class Role(StrEnum):
    """A user's role. Each later one may also do what the earlier may, except that an admin signs nothing."""

    VIEWER = "viewer"
    CLINICIAN = "clinician"
    APPROVER = "approver"
    ADMIN = "admin"


class Permission(StrEnum):
    """Something a user may or may not do."""

    SEE = "see"
    ENTER = "enter"
    SIGN = "sign"
    APPROVE = "approve"
    MANAGE = "manage"


_CLINICAL: Final = frozenset({Permission.SEE, Permission.ENTER, Permission.SIGN})
PERMISSIONS: Final = MappingProxyType(
    {
        Role.VIEWER: frozenset({Permission.SEE}),
        Role.CLINICIAN: _CLINICAL,
        Role.APPROVER: _CLINICAL | {Permission.APPROVE},
        Role.ADMIN: frozenset({Permission.SEE, Permission.ENTER, Permission.MANAGE}),
    }
)
"""What each role may do: managing users and keys, and answering for patients, are different people's work."""


@dataclass(frozen=True)
class User:
    """A user of the program. The password is kept apart, as a memory-hard hash."""

    name: str
    role: Role
    active: bool = True

    def __post_init__(self) -> None:
        if not self.name.strip() or self.name != self.name.strip():
            raise ValueError("a user has a name without spaces around it")

    def may(self, permission: Permission) -> bool:
        """Whether this user may do that."""
        return self.active and permission in PERMISSIONS[self.role]


def wait_after(failures: int) -> float:
    """Seconds to wait after so many wrong passwords in a row: none for three, then 2, 4, 8 ... up to 15 minutes."""
    over = failures - FREE_TRIES
    if over < 0:
        return 0.0
    return LONGEST_WAIT_S if over > 9 else min(LONGEST_WAIT_S, 2.0 ** (over + 1))


def still_to_wait(failures: int, seconds_since_last: float) -> float:
    """Seconds still to wait. A negative age (the clock was set back) counts as none at all: the wait starts again."""
    return max(0.0, wait_after(failures) - max(0.0, seconds_since_last))


@dataclass(frozen=True)
class AutoLock:
    """Locks after `limit` seconds without a person's action, by a monotonic clock: setting the clock is no key."""

    limit: float
    last_action: float
    locked: bool = False

    def acted(self, now: float) -> AutoLock:
        """A person did something. A locked screen stays locked."""
        checked = self.checked(now)
        return checked if checked.locked else replace(checked, last_action=now)

    def checked(self, now: float) -> AutoLock:
        """Return the state at `now`."""
        return replace(self, locked=self.locked or now - self.last_action >= self.limit)

    def unlocked(self, now: float) -> AutoLock:
        """A person gave the password."""
        return replace(self, locked=False, last_action=now)
