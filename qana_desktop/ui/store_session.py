"""The case store as the window sees it: who is signed in, work in the background, the lock after a time of rest."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication

from qana_desktop.services.store_state import NewUser, StoreState
from qana_desktop.system.faults import Fault
from qana_desktop.triage.access import Permission, User
from qana_desktop.ui.presenters.notices import Notice, Tone
from qana_desktop.ui.presenters.runner import NoticeBoard, Runner

if TYPE_CHECKING:
    from qana_desktop.services.case_desk import CaseDesk
    from qana_desktop.services.clinic import Clinic

T = TypeVar("T")

LANE, LONG_LANE = "store", "store-long"
LOOK_MS = 500
"""How often it is asked whether the time of rest is over, in milliseconds."""

_ACTS = frozenset({QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.Wheel})


class StoreSession(QObject):
    """Asks the clinic in the background. `changed`: another state or person; `stored`: the store has something new.

    `make` makes the clinic, in the background: what it needs takes a while to load. Without it (no folder for it) the
    state is NONE and nothing can be made.
    """

    changed = Signal()
    stored = Signal()

    def __init__(self, runner: Runner, notices: NoticeBoard, make: Callable[[], Clinic] | None) -> None:
        super().__init__()
        self._runner, self._notices, self._make = runner, notices, make
        self._making = threading.Lock()
        self.clinic: Clinic | None = None
        self._clinic_made: Clinic | None = None
        self._closed = self._covered = False
        self._app: QApplication | None = None
        self.ending = threading.Event()
        """Set at the end of the program: long work looks at it."""
        self._told = self._now()
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.look)
        self._ways: frozenset[str] = frozenset()
        self.names: tuple[str, ...] = ()
        self.opening_fault: Fault | None = None

    # --- what is so ---

    @property
    def state(self) -> StoreState:
        """Where the store stands."""
        if self.clinic is None:
            return StoreState.NONE if self._make is None else StoreState.CLOSED
        return self.clinic.state

    @property
    def user(self) -> User | None:
        """Who is signed in, also behind a locked screen."""
        filed = self.clinic.desk.user if self.clinic is not None and self.clinic.is_open else None
        return None if filed is None else filed.value

    @property
    def user_id(self) -> str:
        """The id of who is signed in, "" for nobody."""
        filed = self.clinic.desk.user if self.clinic is not None and self.clinic.is_open else None
        return "" if filed is None else filed.entity

    @property
    def read_only(self) -> Fault | None:
        """Why nothing can be saved; None when everything can, or nothing is open."""
        return self.clinic.desk.read_only if self.clinic is not None and self.clinic.is_open else None

    @property
    def covers(self) -> bool:
        """Whether everything about patients must be hidden: someone was here and the screen is locked."""
        return self._covered or self.state is StoreState.LOCKED

    @property
    def ways(self) -> frozenset[str]:
        """The ways into the store, as of the last look at it."""
        return self._ways

    def may(self, permission: Permission) -> bool:
        """Whether the person in front may do that now."""
        user = self.user
        return self.state is StoreState.OPEN and user is not None and user.may(permission)

    def can_save(self, permission: Permission = Permission.ENTER) -> bool:
        """Whether this person can save something of this kind now."""
        return self.may(permission) and self.read_only is None

    # --- work ---

    def run(
        self,
        work: Callable[[CaseDesk], T],
        done: Callable[[T], None],
        failed: Callable[[Fault], None] | None = None,
        *,
        stores: bool = False,
        lane: str = LANE,
    ) -> None:
        """Do `work` with the case desk in the background; faults become a banner unless `failed` takes them.

        `stores`: afterwards, everyone is told that the store has something new.
        """
        clinic = self.clinic
        if clinic is None:
            return

        def arrived(result: T) -> None:
            done(result)
            if stores:
                self.stored.emit()
            self.look()

        self._runner.run(lane, lambda: work(clinic.desk), arrived, lambda fault: self._failed(fault, failed))

    def tell(self, fault: Fault) -> None:
        """Show a banner for something that was not done."""
        self._notices.show_notice(Notice("store", Tone.WARNS, fault.sentence()))

    # --- making, opening, signing in ---

    def start(self, *, auto_lock_minutes: int) -> None:
        """Open the store by the keychain, if there is one; called once, after the first paint."""
        make = self._make
        if make is None:
            return

        def made(clinic: Clinic) -> None:
            self.clinic = clinic
            self.set_auto_lock(auto_lock_minutes)
            self._timer.start()
            self.look()
            self.try_again()

        self._runner.run(LANE, lambda: self._made(make), made)

    def close(self) -> None:
        """Sign out and close, now or when the clinic has been made. Waits for what is being written."""
        with self._making:
            self._closed = True
            clinic = self._clinic_made
        if clinic is not None:
            clinic.close()

    def try_again(self) -> None:
        """Open the store by the keychain, if there is one and it is not open."""
        clinic = self.clinic
        if clinic is not None and self.state is StoreState.CLOSED:
            self.opening_fault = None
            self._runner.run(LANE, lambda: _opened_by_keychain(clinic), self._found, self._not_opened)

    def create(
        self,
        people: tuple[NewUser, ...],
        passphrase: str | None,
        done: Callable[[str], None],
        failed: Callable[[Fault], None],
    ) -> None:
        """Make the store; `done` gets the recovery code."""
        clinic = self._must()

        def made(found: tuple[str, tuple[str, ...]]) -> None:
            self.names = found[1]
            done(found[0])
            self.look()

        self._runner.run(LANE, lambda: (clinic.create(people, passphrase=passphrase), clinic.names()), made, failed)

    def open(
        self, failed: Callable[[Fault], None], *, recovery_code: str | None = None, passphrase: str | None = None
    ) -> None:
        """Open the store by what a person typed."""
        clinic = self._must()

        def work() -> tuple[frozenset[str], tuple[str, ...]]:
            clinic.open(recovery_code=recovery_code, passphrase=passphrase)
            return clinic.ways(), clinic.names()

        self._runner.run(LANE, work, self._found, failed)

    def sign_in(self, name: str, password: str, failed: Callable[[Fault], None]) -> None:
        """Sign in or unlock."""
        clinic = self._must()

        def done(_user: object) -> None:
            self._covered = False
            self.look()

        self._runner.run(LANE, lambda: clinic.sign_in(name, password), done, failed)

    def refresh_names(self) -> None:
        """Find out who may sign in now."""
        clinic = self._must()

        def keep(names: tuple[str, ...]) -> None:
            self.names = names

        self._runner.run(LANE, clinic.names, keep, self.tell)

    def has_keychain(self, done: Callable[[bool], None]) -> None:
        """Find out whether this computer has a keychain."""
        clinic = self._must()
        self._runner.run(LANE, lambda: clinic.keychain.available(), done)

    def code_kept(self) -> None:
        """Record that the recovery code was written down."""
        clinic = self._must()
        self._runner.run(LANE, clinic.note_code_kept, lambda _done: None, self.tell)

    # --- locking ---

    def set_auto_lock(self, minutes: int) -> None:
        """Lock after so many minutes of rest; 0 is never."""
        if self.clinic is not None:
            self.clinic.set_auto_lock(60.0 * minutes if minutes else math.inf)

    def lock(self) -> None:
        """Lock now."""
        if self.clinic is not None and self.user is not None:
            self.clinic.desk.lock()
            self.look()

    def sign_out(self) -> None:
        """End the session; what is on the screen stays covered until somebody signs in."""
        if self.user is not None:
            self._covered = True
            clinic = self._must()
            clinic.desk.lock()
            self.look()
            self._runner.run(LANE, clinic.desk.sign_out, lambda _done: self.look(), self.tell)

    def watch(self, app: QApplication) -> None:
        """Take each key and each movement of the pointer as a sign that someone is there."""
        self._app = app
        app.installEventFilter(self)

    def detach(self) -> None:
        """Watch no more, and stop long work: the end of the program."""
        self._timer.stop()
        self.ending.set()
        if self._app is not None:
            self._app.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Note that someone is there; every event goes its way."""
        if event.type() in _ACTS and self.clinic is not None and self.clinic.is_open:
            self.clinic.desk.acted()
        return False

    def look(self) -> None:
        """Tell if the state or the person is another one than before."""
        now = self._now()
        if now != self._told:
            self._told = now
            self.changed.emit()

    # --- inside ---

    def _made(self, make: Callable[[], Clinic]) -> Clinic:
        clinic = make()
        with self._making:
            self._clinic_made = clinic
            late = self._closed
        if late:
            clinic.close()
        return clinic

    def _now(self) -> tuple[StoreState, User | None, Fault | None, bool]:
        return self.state, self.user, self.read_only, self._covered

    def _must(self) -> Clinic:
        if self.clinic is None:
            raise ValueError("there is no place for a case store")
        return self.clinic

    def _found(self, found: tuple[frozenset[str], tuple[str, ...]]) -> None:
        self._ways, self.names = found
        self.opening_fault = None
        self.look()

    def _not_opened(self, fault: Fault) -> None:
        self.opening_fault = fault
        clinic = self._must()
        self._runner.run(LANE, clinic.ways, self._keep_ways, self.tell)

    def _keep_ways(self, ways: frozenset[str]) -> None:
        self._ways = ways
        self.changed.emit()

    def _failed(self, fault: Fault, failed: Callable[[Fault], None] | None) -> None:
        self.look()
        (failed or self.tell)(fault)


def _opened_by_keychain(clinic: Clinic) -> tuple[frozenset[str], tuple[str, ...]]:
    ways = clinic.ways()
    clinic.open()
    return ways, clinic.names()
