"""Opens a store with what a person or the computer has: keychain, recovery code, passphrase; and renews the ways."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qana_desktop.store.faults import translated
from qana_desktop.store.keys import KeyFile, SlotKind, StoreKeys
from qana_desktop.store.store import SYSTEM, Clock, Store, utc_now
from qana_desktop.store.swap import finish_swap
from qana_desktop.system.recovery_code import new_recovery_code
from qana_desktop.system.secrets import USUAL_COST, Argon2Cost, Keychain, KeychainFailed, NoKeychain
from qana_desktop.triage.audit import Head

NO_KEYCHAIN: Final = NoKeychain()
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class Credentials:
    """What there is to open a store with. What a person gave comes before the keychain."""

    keychain: Keychain = NO_KEYCHAIN
    recovery_code: str | None = None
    passphrase: str | None = None


def create_store(
    folder: Path,
    *,
    keychain: Keychain,
    passphrase: str | None = None,
    clock: Clock = utc_now,
    cost: Argon2Cost = USUAL_COST,
) -> str:
    """Make a store and return its recovery code, which is shown once and kept nowhere.

    Without keychain and passphrase, the code is the only way in. Raises StoreError, KeychainFailed.
    """
    keys, code = StoreKeys.new(), new_recovery_code()
    key_file = lock_keys(KeyFile.new(), keys, code, keychain=keychain, passphrase=passphrase, cost=cost)
    Store.create(folder, key_file, keys, clock=clock)
    return code


def lock_keys(
    key_file: KeyFile,
    keys: StoreKeys,
    code: str,
    *,
    keychain: Keychain,
    passphrase: str | None,
    cost: Argon2Cost = USUAL_COST,
) -> KeyFile:
    """Return the key file with all ways made anew: recovery code, keychain if there is one, passphrase if given."""
    fresh = key_file.without(*SlotKind).with_recovery(keys, code)
    if passphrase is not None:
        fresh = fresh.with_passphrase(keys, passphrase, cost)
    return fresh.with_keychain(keys, keychain) if keychain.available() else fresh


def unlock(folder: Path, given: Credentials) -> tuple[KeyFile, StoreKeys]:
    """Return the key file and the keys; raises StoreError, BadRecoveryCode, KeychainFailed, BadJson."""
    with translated():
        finish_swap(folder)
        key_file = KeyFile.read(folder)
    if given.recovery_code is not None:
        return key_file, key_file.open_with_recovery(given.recovery_code)
    if given.passphrase is not None:
        return key_file, key_file.open_with_passphrase(given.passphrase)
    return key_file, key_file.open_with_keychain(given.keychain)


def open_store(folder: Path, given: Credentials, *, read_only: bool = False, clock: Clock = utc_now) -> Store:
    """Open a store; after a recovery code was needed, the keychain is given a key again.

    Raises as `unlock` and `Store.open` do.
    """
    key_file, keys = unlock(folder, given)
    anchor = read_anchor(given.keychain, key_file.store_id)
    witnesses = [] if anchor is None or read_only else [anchor]
    store = Store.open(folder, key_file, keys, witnesses=witnesses, read_only=read_only, clock=clock)
    if given.recovery_code is not None and store.read_only is None and given.keychain.available():
        renew_keychain(store, given.keychain)
    return store


def renew_keychain(store: Store, keychain: Keychain) -> None:
    """Let the keychain open this store from now on; raises KeychainFailed, StoreError."""
    key_file = store.key_file.with_keychain(store.keys, keychain)
    with translated():
        key_file.write(store.folder)
    store.key_file = key_file
    store.record("key-way-renewed", by=SYSTEM, note=str(SlotKind.KEYCHAIN))


# --- a witness of the audit record outside the folder ---


def anchor_head(store: Store, keychain: Keychain) -> None:
    """Keep the audit record's head in the keychain: shows a whole folder that was replaced by an older copy.

    Called when a session starts and ends. Does nothing where there is no keychain or the store is read-only.
    """
    if store.read_only is not None or not keychain.available():
        return
    try:
        keychain.write(_anchor_name(store.key_file.store_id), store.head.count.to_bytes(8, "big") + store.head.mac)
    except KeychainFailed as error:
        _LOG.warning("audit head not anchored: %s", error.fault.code)


def read_anchor(keychain: Keychain, store_id: str) -> Head | None:
    """Return the head that `anchor_head` kept last on this computer; None when there is none."""
    if not keychain.available():
        return None
    try:
        raw = keychain.read(_anchor_name(store_id))
    except KeychainFailed:
        return None
    return Head(int.from_bytes(raw[:8], "big"), raw[8:]) if raw is not None and len(raw) == 40 else None


def forget_anchor(keychain: Keychain, store_id: str) -> None:
    """Forget the witness: an older state of the store was put back on purpose. Raises KeychainFailed."""
    if keychain.available():
        keychain.forget(_anchor_name(store_id))


def _anchor_name(store_id: str) -> str:
    return f"head-{store_id}"
