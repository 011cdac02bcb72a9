"""A real clinic with someone signed in, and a store session on it, for views that show cases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pytestqt.qtbot import QtBot

from qana_desktop.services.clinic import Clinic, NewUser
from qana_desktop.triage.access import Role
from qana_desktop.ui.bridge import Bridge
from qana_desktop.ui.presenters.notices import Notice
from qana_desktop.ui.store_session import StoreSession
from tests.support.stores import PASSPHRASE, PASSWORD, QUICK


class Notices:
    """Banners that were shown."""

    def __init__(self) -> None:
        self.shown: dict[str, Notice] = {}

    def show_notice(self, notice: Notice) -> None:
        self.shown[notice.key] = notice

    def drop_notice(self, key: str) -> None:
        self.shown.pop(key, None)


@dataclass
class SignedIn:
    """The parts that a page is made of."""

    clinic: Clinic
    bridge: Bridge
    session: StoreSession
    notices: Notices
    bugs: list[BaseException]

    def settle(self, qtbot: QtBot) -> None:
        """Wait until nothing is under way; a bug in a worker fails here."""
        qtbot.waitUntil(lambda: self.bridge.idle, timeout=60_000)
        assert self.bugs == []


@contextmanager
def signed_in(folder: Path, *, role: Role = Role.CLINICIAN) -> Iterator[SignedIn]:
    """Make a clinic in `folder`, sign its user of this role in, and end everything."""
    clinic = Clinic(folder, cost=QUICK)
    people = (NewUser("Ada", Role.ADMIN, PASSWORD), NewUser("Clara", role, PASSWORD))
    clinic.create(people, passphrase=PASSPHRASE)
    clinic.sign_in("Clara", PASSWORD)
    bugs: list[BaseException] = []
    bridge, notices = Bridge(bugs.append), Notices()
    session = StoreSession(bridge, notices, lambda: clinic)
    session.clinic = clinic
    try:
        yield SignedIn(clinic, bridge, session, notices, bugs)
    finally:
        bridge.close()
        bridge.join(10)
        clinic.close()
