"""The work of the `store` commands. Secrets come from a prompt, in scripts from the environment, never as options."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Final

import typer

from qana_desktop.cli import exit_codes
from qana_desktop.cli.progress import progress_bar
from qana_desktop.cli.terminal import tell, tell_fault, write_line
from qana_desktop.services.clinic import STORE_FOLDER, usual_keychain
from qana_desktop.services.jobs import Progress
from qana_desktop.store import stats as counting
from qana_desktop.store.audit_faults import ALL, ASKED
from qana_desktop.store.backup import age_of, heal_images, make_backup, renew_data_key, restore
from qana_desktop.store.faults import StoreError, StoreReadOnly, translated
from qana_desktop.store.keys import SlotKind
from qana_desktop.store.store import SYSTEM, Store, utc_now
from qana_desktop.store.unlock import (
    Credentials,
    anchor_head,
    create_store,
    forget_anchor,
    lock_keys,
    open_store,
    read_anchor,
    renew_keychain,
    unlock,
)
from qana_desktop.store.users import Users, check_password
from qana_desktop.store.verify import Report, Verdict, verify
from qana_desktop.system.faults import Fault
from qana_desktop.system.paths import find_paths
from qana_desktop.system.recovery_code import new_recovery_code
from qana_desktop.triage.access import Permission, Role, User
from qana_desktop.triage.case import Filed

CODE: Final = "QANA_RECOVERY_CODE"
PASSPHRASE: Final = "QANA_PASSPHRASE"  # noqa: S105 - the name of a variable
PASSWORD: Final = "QANA_PASSWORD"  # noqa: S105 - the name of a variable


def run_init(folder: Path | None, admin: str, *, passphrase: bool) -> int:
    """Make the store, then its first administrator; show the code only when both are there."""
    keychain, place = usual_keychain(), place_of(folder)
    ask_words = passphrase or not keychain.available()
    words = secret(PASSPHRASE, "New passphrase", confirm=True) if ask_words else None
    password = secret(PASSWORD, "Password of the administrator", confirm=True)
    check_password(password)
    with translated():
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    code = create_store(place, keychain=keychain, passphrase=words)
    with closing(open_store(place, Credentials(recovery_code=code))) as store:
        Users(store).add(admin, Role.ADMIN, password, by=SYSTEM)
        anchor_head(store, keychain)
    _show_code(code)
    write_line(str(place))
    return exit_codes.ALL_READ


def run_verify(folder: Path | None, given: Credentials, *, accept: str | None, user: str, as_json: bool) -> int:
    """Check, tell, and say by the exit code whether everything holds."""
    with closing(open_store(place_of(folder), given, read_only=accept is None)) as store, _progress() as report:
        if accept is not None and store.read_only in ALL:
            store.accept_head(by=_administrator(store, user).entity, reason=accept)
        if store.read_only not in {None, ASKED} and store.read_only is not None:
            tell_fault(store.read_only)
        anchor = read_anchor(given.keychain, store.key_file.store_id)
        verdict = verify(store, witnesses=[anchor] if anchor is not None and accept is None else [], report=report)
        if accept is not None:
            anchor_head(store, given.keychain)
    _show_verdict(verdict, as_json=as_json)
    return exit_codes.ALL_READ if verdict.good else exit_codes.SOME_NOT


def run_backup(folder: Path | None, given: Credentials, destination: Path) -> int:
    """Make a backup and name its folder on stdout."""
    with closing(open_store(place_of(folder), given)) as store, _progress() as report:
        made, verdict = make_backup(store, destination, by=SYSTEM, report=report)
        anchor_head(store, given.keychain)
    _show_verdict(verdict, as_json=False)
    write_line(str(made))
    return exit_codes.ALL_READ


def run_restore(folder: Path | None, given: Credentials, source: Path) -> int:
    """Restore, record it, and let this computer's keychain open the store from now on."""
    place = place_of(folder)
    key_file, keys = unlock(source, given)
    with _progress() as report:
        old, verdict = restore(source, place, key_file, keys, report=report)
    forget_anchor(given.keychain, key_file.store_id)
    with closing(Store.open(place, key_file, keys)) as store:
        store.record("restored", by=SYSTEM, note=verdict.head)
        if given.keychain.available():
            renew_keychain(store, given.keychain)
        anchor_head(store, given.keychain)
    if old is not None:
        tell(f"The store that was there before is kept beside it, as {old.name}.")
    _show_verdict(verdict, as_json=False)
    write_line(str(place))
    return exit_codes.ALL_READ


def run_heal(folder: Path | None, given: Credentials, source: Path) -> int:
    """Heal images from a backup that the same code, passphrase or keychain opens."""
    _key_file, backup_keys = unlock(source, given)
    with closing(open_store(place_of(folder), given)) as store:
        healed, still_bad = heal_images(store, source, backup_keys, by=SYSTEM)
        anchor_head(store, given.keychain)
    tell(f"{healed} images healed, {still_bad} still damaged.")
    return exit_codes.SOME_NOT if still_bad else exit_codes.ALL_READ


def run_rekey(folder: Path | None, given: Credentials, user: str, *, ways_only: bool, new_passphrase: bool) -> int:
    """Renew the ways to the key, and unless told otherwise the key itself; show the new code when it is valid."""
    with closing(open_store(place_of(folder), given)) as store, _progress() as report:
        who = _administrator(store, user).entity
        had_words = SlotKind.PASSPHRASE in store.key_file.kinds()
        words = secret(PASSPHRASE, "New passphrase", confirm=True) if new_passphrase or had_words else None
        keys, code = store.keys if ways_only else store.keys.renewed(), new_recovery_code()
        key_file = lock_keys(store.key_file, keys, code, keychain=given.keychain, passphrase=words)
        if ways_only:
            store.record("key-ways-renewed", by=who)
            with translated():
                key_file.write(store.folder)
        else:
            _show_verdict(renew_data_key(store, keys, key_file, by=who, report=report), as_json=False)
    _show_code(code)
    return exit_codes.ALL_READ


def run_stats(folder: Path | None, given: Credentials, *, as_json: bool) -> int:
    """Count and tell."""
    with closing(open_store(place_of(folder), given, read_only=True)) as store:
        counts = counting.count(store)
    if as_json:
        write_line(json.dumps(asdict(counts)))
        return exit_codes.ALL_READ
    for kind, number in counts.records.items():
        write_line(f"{kind}: {number}")
    write_line(f"audit entries: {counts.entries} (head {counts.head})")
    write_line(f"database: {counts.database_bytes / 1e6:.1f} MB, images: {counts.image_bytes / 1e6:.1f} MB")
    write_line(f"last backup: {_backup_age(counts.last_backup)}")
    return exit_codes.ALL_READ


def ask_keys(recovery_code: bool, passphrase: bool) -> Credentials:
    """Return what opens the store: what the options ask a person for, else what the environment or the keychain has."""
    code = os.environ.get(CODE) or (secret(CODE, "Recovery code") if recovery_code else None)
    words = os.environ.get(PASSPHRASE) or (secret(PASSPHRASE, "Passphrase") if passphrase else None)
    return Credentials(usual_keychain(), code, None if code else words)


def place_of(folder: Path | None) -> Path:
    """Return the folder of the store: the given one, else the usual one."""
    return folder.absolute() if folder is not None else find_paths().data / STORE_FOLDER


def secret(variable: str, question: str, *, confirm: bool = False) -> str:
    """Return a secret from the environment, or ask a person for it."""
    found = os.environ.get(variable)
    return found or str(typer.prompt(question, hide_input=True, confirmation_prompt=confirm, err=True))


def _administrator(store: Store, name: str) -> Filed[User]:
    if store.read_only is not None and store.read_only not in ALL:
        raise StoreReadOnly(store.read_only)
    user = Users(store).sign_in(name, secret(PASSWORD, f"Password of {name}"))
    if not user.value.may(Permission.MANAGE):
        raise StoreError(_NOT_ADMIN)
    return user


def _show_code(code: str) -> None:
    tell("Recovery code (print it, keep it locked away from this computer; it is shown only now):")
    write_line(code)
    tell("Whoever has it and a copy of the store can read all cases. Without it, a lost keychain loses the store.")


def _show_verdict(verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        write_line(json.dumps(asdict(verdict)))
        return
    for problem in verdict.problems:
        tell(f"{problem.part}: {problem.what}")
    counts = f"{verdict.records} records, {verdict.entries} audit entries, {verdict.images} images read"
    tell(f"{counts}: {'everything holds' if verdict.good else 'not everything holds'}. Audit head {verdict.head}.")
    if verdict.unlisted_images:
        tell(f"{verdict.unlisted_images} images belong to no case: an entry was interrupted before it was saved.")


def _backup_age(made_at: str | None) -> str:
    if made_at is None:
        return "never"
    age = age_of(made_at, utc_now())
    if age is None:
        return f"{made_at}, which is in the future: the clock was set"
    days = age // timedelta(days=1)
    return f"{made_at} ({'today' if days == 0 else f'{days} days ago'})"


@contextmanager
def _progress() -> Iterator[Report]:
    with progress_bar() as show:
        yield lambda what, done, total: show(Progress(done, total, what))


_NOT_ADMIN = Fault("not-admin", "Only an administrator may do this.", "Ask one.")
