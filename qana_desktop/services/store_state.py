"""How far the way into the case store has been gone, and who is to get in: words that cost nothing to load."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from qana_desktop.triage.access import Role


class StoreState(StrEnum):
    """Where the store stands. `CLOSED`: it is there (or looked for), and its key has not been found yet."""

    NONE = "none"
    CLOSED = "closed"
    SIGNED_OUT = "signed-out"
    LOCKED = "locked"
    OPEN = "open"


@dataclass(frozen=True)
class NewUser:
    """Somebody who is to get into a new store."""

    name: str
    role: Role
    password: str
