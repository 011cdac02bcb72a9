"""The case store of this computer, from the first start to the end: made, opened, signed in, locked, closed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from qana_desktop.services.case_desk import AUTO_LOCK_S, CaseDesk
from qana_desktop.services.store_state import NewUser, StoreState
from qana_desktop.store.faults import NO_STORE, StoreError, translated
from qana_desktop.store.keys import KEY_FILE, KeyFile, SlotKind
from qana_desktop.store.store import SYSTEM, Clock, Store, utc_now
from qana_desktop.store.swap import finish_swap
from qana_desktop.store.unlock import NO_KEYCHAIN, Credentials, anchor_head, create_store, open_store
from qana_desktop.store.users import Users, check_password
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import _
from qana_desktop.system.secrets import USUAL_COST, Argon2Cost, Keychain, OsKeychain
from qana_desktop.triage.access import User
from qana_desktop.triage.case import Filed

STORE_FOLDER: Final = "store"
"""Name of the store's folder in the program's data folder."""
KEYCHAIN: Final = "QANA_KEYCHAIN"
"""Set to `none`, it makes the program leave the computer's keychain alone."""


def usual_keychain() -> Keychain:
    """Return this computer's keychain, or none if there is none or it was asked to be left alone."""
    if os.environ.get(KEYCHAIN) == "none":
        return NO_KEYCHAIN
    keychain = OsKeychain()
    return keychain if keychain.available() else NO_KEYCHAIN


def time_since_start() -> float:
    """Seconds by a clock that nobody can set and, where the system has one, that goes on while the computer sleeps."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class Clinic:
    """One store folder with its users and the desk. Safe between threads; opening and signing in take a moment.

    `keychain` is asked for at the first use: loading the system's takes a while.
    """

    def __init__(
        self,
        folder: Path,
        keychain: Callable[[], Keychain] = lambda: NO_KEYCHAIN,
        *,
        clock: Clock = utc_now,
        cost: Argon2Cost = USUAL_COST,
        monotonic: Callable[[], float] = time_since_start,
    ) -> None:
        self.folder, self._clock, self._cost, self._monotonic = folder, clock, cost, monotonic
        self._find_keychain = keychain
        self._known_keychain: Keychain | None = None
        self._guard = threading.RLock()
        self._open: tuple[Store, Users, CaseDesk] | None = None
        self._auto_lock_s = AUTO_LOCK_S
        self._ended = False

    @property
    def state(self) -> StoreState:
        """Where the store stands now; immediate."""
        opened = self._open
        if opened is None:
            return StoreState.CLOSED if (self.folder / KEY_FILE).exists() else StoreState.NONE
        if opened[2].user is None:
            return StoreState.SIGNED_OUT
        return StoreState.LOCKED if opened[2].locked else StoreState.OPEN

    @property
    def is_open(self) -> bool:
        """Whether the store is open, whoever is signed in; immediate, without a look at the disk."""
        return self._open is not None

    @property
    def desk(self) -> CaseDesk:
        """The case desk; raises StoreError while the store is not open."""
        return self._parts()[2]

    @property
    def store(self) -> Store:
        """The open store, for desks that stand beside the case desk; raises StoreError while it is not open."""
        return self._parts()[0]

    @property
    def users(self) -> Users:
        """The users of the open store; raises StoreError while it is not open."""
        return self._parts()[1]

    @property
    def keychain(self) -> Keychain:
        """The computer's keychain, or one that says it is none."""
        with self._guard:
            if self._known_keychain is None:
                self._known_keychain = self._find_keychain()
            return self._known_keychain

    # --- making and opening ---

    def ways(self) -> frozenset[SlotKind]:
        """Return the ways in that were set up; raises StoreError, BadJson."""
        with translated():
            finish_swap(self.folder)
            return KeyFile.read(self.folder).kinds() if self.state is not StoreState.NONE else frozenset()

    def create(self, people: tuple[NewUser, ...], *, passphrase: str | None) -> str:
        """Make the store with its users, open it, and return the recovery code, which nothing keeps.

        The first of `people` is the administrator. Raises StoreError, KeychainFailed; nothing is made then.
        """
        for one in people:
            check_password(one.password)
        if len({one.name.casefold() for one in people}) != len(people):
            raise StoreError(_same_names())
        with self._guard:
            with translated():
                self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            code = create_store(
                self.folder, keychain=self.keychain, passphrase=passphrase, clock=self._clock, cost=self._cost
            )
            self._enter(Credentials(self.keychain, recovery_code=code))
            for one in people:
                self.users.add(one.name, one.role, one.password, by=SYSTEM)
            anchor_head(self.store, self.keychain)
        return code

    def open(self, *, recovery_code: str | None = None, passphrase: str | None = None) -> None:
        """Open the store by what is given, else by the keychain; raises StoreError, BadRecoveryCode, KeychainFailed."""
        with self._guard:
            if self._open is None:
                self._enter(Credentials(self.keychain, recovery_code, passphrase))

    def note_code_kept(self) -> None:
        """Record that the person in front says that the recovery code was written down."""
        if self.store.read_only is None:
            self.store.record("recovery-code-noted", by=SYSTEM)

    # --- people ---

    def names(self) -> tuple[str, ...]:
        """Return the names of those who may sign in, in the order of their entry."""
        return tuple(user.value.name for user in self.users.all() if user.value.active and not user.withdrawn)

    def sign_in(self, name: str, password: str) -> Filed[User]:
        """Sign in, also in place of another person; raises SignInRefused."""
        desk, before = self.desk, self.desk.user
        user = desk.sign_in(name, password)
        if before is not None and before.entity != user.entity and self.store.read_only is None:
            self.store.record("signed-out", by=before.entity)
        return user

    def set_auto_lock(self, seconds: float) -> None:
        """Lock after so many seconds without a person's action, from now on; infinity is never."""
        with self._guard:
            self._auto_lock_s = seconds
            if self._open is not None:
                self._open[2].set_auto_lock(seconds)

    def close(self) -> None:
        """Sign out and close for good. Safe to call twice; an opening under way is undone when it is through."""
        with self._guard:
            self._ended = True
            opened, self._open = self._open, None
        if opened is not None:
            _leave(opened)

    # --- inside ---

    def _parts(self) -> tuple[Store, Users, CaseDesk]:
        opened = self._open
        if opened is None:
            raise StoreError(_not_open() if self.state is StoreState.CLOSED else NO_STORE)
        return opened

    def _enter(self, given: Credentials) -> None:
        store = open_store(self.folder, given, clock=self._clock)
        users = Users(store, cost=self._cost)
        desk = CaseDesk(store, users, keychain=self.keychain, auto_lock_s=self._auto_lock_s, monotonic=self._monotonic)
        if self._ended:
            _leave((store, users, desk))
            raise StoreError(_not_open())
        self._open = store, users, desk


def _leave(opened: tuple[Store, Users, CaseDesk]) -> None:
    store, _users, desk = opened
    try:
        desk.sign_out()
    finally:
        store.close()


def _not_open() -> Fault:
    return Fault("store-not-open", _("The case store is not open."), _("Open it on the Cases page."))


def _same_names() -> Fault:
    return Fault(
        "user-names-same",
        _("Two people cannot have the same name in the case store."),
        _("Give the administrator and the clinician different names."),
    )
