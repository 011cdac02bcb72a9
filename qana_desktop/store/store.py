"""An open case store: one transaction per action, the audit record with each, read-only when in doubt."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from qana_desktop.store import audit_faults, cases, records
from qana_desktop.store.audit_log import AuditLog
from qana_desktop.store.blobs import BLOB_FOLDER, BlobStore
from qana_desktop.store.connection import WRITES, make_database, open_engine
from qana_desktop.store.dbcopy import copy_database
from qana_desktop.store.faults import (
    ALREADY_THERE,
    DAMAGED,
    IN_USE,
    READ_ONLY_DISK,
    StoreError,
    StoreReadOnly,
    fault_of_system,
    translated,
)
from qana_desktop.store.files import PARTIAL, flush_folder
from qana_desktop.store.head import HeadFile
from qana_desktop.store.keys import KEY_FILE, KeyFile, StoreKeys
from qana_desktop.store.migrate import check_version, migrate, must_be_current
from qana_desktop.store.migrations import STEPS, Step
from qana_desktop.store.records import Put
from qana_desktop.store.schema import BLOB, CHANGE_SET, SITE
from qana_desktop.store.swap import finish_swap, partial_of
from qana_desktop.system.faults import Fault
from qana_desktop.system.single_instance import InstanceLock
from qana_desktop.triage.audit import AuditEvent, Head, check_chain
from qana_desktop.triage.case import CaseImage, Filed, Kind, Value
from qana_desktop.triage.outcome import Reading

DATABASE: Final = "cases.db"
SYSTEM: Final = "system"
"""Who acts when no person does: migrations, repairs."""
BEFORE_UPDATE: Final = "before-update"
_TAIL: Final = 1000
_CLOCK_TOLERANCE: Final = timedelta(minutes=1)
_LOG = logging.getLogger(__name__)

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The computer's clock."""
    return datetime.now(UTC)


@dataclass
class Transaction:
    """One action under way: its connection, its time, and the events that will be recorded with it."""

    connection: sa.Connection
    at: str
    by: str
    events: list[AuditEvent] = field(default_factory=list)

    def record(self, action: str, **facts: str) -> None:
        """Have an event recorded when the transaction commits. `facts` are fields of `AuditEvent`."""
        self.events.append(AuditEvent(at=self.at, by=self.by, action=action, **facts))


class Filing:
    """A change under way: versions that are filed together and can be undone together."""

    def __init__(self, blobs: BlobStore, action: Transaction, change_set: int, note: str) -> None:
        self.action, self.change_set, self.touched = action, change_set, dict[str, None]()
        self._blobs, self._note = blobs, note

    def put(self, item: Put) -> Filed[Value]:
        """File one version and have it recorded; raises as `records.put` does, BlobDamaged."""
        connection = self.action.connection
        if isinstance(item.value, CaseImage):
            self._list_blobs(item.value)
        written = records.put(connection, item, change_set=self.change_set, at=self.action.at, by=self.action.by)
        source = item.value.provenance if isinstance(item.value, Reading) else None
        self.action.record(
            _deed(item),
            kind=str(written.kind),
            entity=item.entity,
            before=written.before,
            after=written.after,
            bundle=source.bundle if source else "",
            engine=source.engine if source else "",
            note=self._note,
        )
        if item.based_on > 0 or written.kind not in {Kind.PATIENT, Kind.LESION}:  # new ones have no encounters yet
            self.touched.update(dict.fromkeys(cases.encounters_of(connection, written.kind, item.entity)))
        return written.filed

    def _list_blobs(self, image: CaseImage) -> None:
        connection = self.action.connection
        for sha256 in filter(None, (image.sha256, image.thumbnail_sha256)):
            size = len(self._blobs.read(sha256))
            known = sa.select(BLOB.c.sha256).where(BLOB.c.sha256 == sha256)
            if connection.execute(known).first() is None:
                connection.execute(sa.insert(BLOB).values(sha256=sha256, size=size, at=self.action.at))


class Store:
    """A case store of this folder. Methods may be called from any thread; writes wait for each other."""

    def __init__(self, folder: Path, key_file: KeyFile, keys: StoreKeys, engine: sa.Engine, clock: Clock) -> None:
        self.folder, self.key_file, self.keys, self.engine, self.clock = folder, key_file, keys, engine, clock
        self.log = AuditLog(key_file.store_id, keys.site)
        self.blobs = BlobStore(folder / BLOB_FOLDER, keys.blobs)
        self.read_only: Fault | None = None
        self._head_file = HeadFile(folder, key_file.store_id, keys.seal)
        self._lock = threading.RLock()
        self._folder_lock: InstanceLock | None = None
        self._head = Head(0, b"")
        self._last_at = ""

    # --- making, opening, closing ---

    @staticmethod
    def create(folder: Path, key_file: KeyFile, keys: StoreKeys, *, clock: Clock = utc_now) -> None:
        """Make an empty store, whole or not at all; raises StoreError when there is one."""
        if folder.exists() and any(folder.iterdir()):
            raise StoreError(ALREADY_THERE)
        with translated():
            partial = partial_of(folder)
            (partial / BLOB_FOLDER).mkdir(mode=0o700, parents=True)
            partial.chmod(0o700)
            make_database(partial / DATABASE, keys.database)
            key_file.write(partial)
            store = Store(partial, key_file, keys, open_engine(partial / DATABASE, keys.database), clock)
            store._first_rows()
            store.close()
            if folder.exists():
                folder.rmdir()
            partial.rename(folder)
            flush_folder(folder.parent)

    @staticmethod
    def open(
        folder: Path,
        key_file: KeyFile,
        keys: StoreKeys,
        *,
        witnesses: Iterable[Head] = (),
        read_only: bool = False,
        older_too: bool = False,
        clock: Clock = utc_now,
        steps: Mapping[int, Step] = STEPS,
    ) -> Store:
        """Open a store; one program at a time may write to it.

        A store whose folder cannot be written to, or whose audit record does not hold, opens for reading only:
        `read_only` says why. `older_too` lets an earlier version's be opened for reading: to copy it, no more. Raises
        StoreError (in use, damaged, from a later version, a migration that failed).
        """
        with translated():
            finish_swap(folder)
        on_writable_disk = _can_write(folder)
        writable = on_writable_disk and not read_only
        lock = take_lock(folder) if writable else None
        try:
            engine = open_engine(folder / DATABASE, keys.database, mode=_mode(folder, writable, on_writable_disk))
            store = Store(folder, key_file, keys, engine, clock)
            done = store._reach_version(steps, writable=writable, older_too=older_too)
            store._start(writable=writable, asked=read_only, witnesses=tuple(witnesses))
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        store._folder_lock = lock
        for version in done if store.read_only is None else ():
            store.record("store-updated", by=SYSTEM, note=f"database version {version}")
        return store

    def close(self) -> None:
        """End all connections and give the folder free. Safe to call twice."""
        lock = self.close_locked()
        if lock is not None:
            lock.release()

    def close_locked(self) -> InstanceLock | None:
        """End all connections and return the lock on the folder, for whoever exchanges it; None if there is none."""
        with self._lock:
            self.engine.dispose()
            lock, self._folder_lock = self._folder_lock, None
        return lock

    @property
    def database(self) -> Path:
        """The database's file."""
        return self.folder / DATABASE

    @property
    def head(self) -> Head:
        """The audit record's head."""
        return self._head

    # --- reading and writing ---

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection with one consistent view of the store; raises StoreError."""
        with translated(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def transaction(self, by: str) -> Iterator[Transaction]:
        """Do one action: everything in it and its audit events are kept together or not at all.

        Raises StoreReadOnly, StoreError. When the block ends without an error, the action is on the disk.
        """
        with self._lock:
            self._must_be_writable()
            with self._connected_to_write() as connection:
                if self.log.head(connection) != self._head:
                    raise self._stop_writing(audit_faults.MOVED)
                now = self.clock().astimezone(UTC)
                action = Transaction(connection, now.isoformat(timespec="milliseconds"), by)
                self._note_clock(action)
                yield action
                head = self.log.append(connection, self._head, action.events) if action.events else self._head
            if action.events:
                self._head, self._last_at = head, action.at
                self._keep_head()

    def file(
        self, puts: Sequence[Put], *, by: str, what: str, undoes: int | None = None, note: str = ""
    ) -> tuple[Filed[Value], ...]:
        """File versions as one change that can be undone as one, and return them. Raises as `filing` does."""
        with self.filing(by=by, what=what, undoes=undoes, note=note) as filing:
            return tuple(filing.put(put) for put in puts)

    @contextmanager
    def filing(self, *, by: str, what: str, undoes: int | None = None, note: str = "") -> Iterator[Filing]:
        """File versions one by one as one change; nothing is kept if the block ends with an error.

        Raises StoreReadOnly, StoreError, ChangedMeanwhile, RecordMissing, BlobDamaged (an image without its file).
        """
        with self.transaction(by) as action:
            change = {"by": by, "at": action.at, "what": what, "undoes": undoes}
            inserted = action.connection.execute(sa.insert(CHANGE_SET).values(change).returning(CHANGE_SET.c.seq))
            filing = Filing(self.blobs, action, inserted.scalar_one(), note)
            yield filing
            cases.refresh_worklist(action.connection, filing.touched)

    def kept_head(self) -> Head | None:
        """Return the head as it is sealed beside the database; raises StoreError."""
        with translated():
            return self._head_file.read()

    def record(self, action: str, *, by: str, **facts: str) -> None:
        """Record an action that changes no record (a view, an export, a sign-in)."""
        with self.transaction(by) as transaction:
            transaction.record(action, **facts)

    def keep_image(self, content: bytes) -> str:
        """Keep an image's file and return its SHA-256. It is part of no case until a `CaseImage` is filed."""
        self._must_be_writable()
        with translated():
            return self.blobs.put(content)

    def read_image(self, sha256: str) -> bytes:
        """Return the file of an image, checked; raises BlobDamaged, StoreError."""
        with translated():
            return self.blobs.read(sha256)

    def accept_head(self, *, by: str, reason: str) -> None:
        """Go on writing after an audit failure that a person has looked at. What failed and why goes on is recorded."""
        failure = self.read_only
        if failure is None or failure not in audit_faults.ALL:
            raise ValueError("only a failure of the audit record can be accepted")
        with self._lock, self.reading() as connection:
            self._head = self.log.head(connection)
            self._head_file.create(self._head)
            self.read_only = None
        self.record("audit-failure-accepted", by=by, after=failure.code, note=reason)

    # --- inside ---

    def _first_rows(self) -> None:
        migrate(self.engine, keep_copy=lambda _version: None)
        self._head = self.log.start()
        with self._connected_to_write() as connection:
            connection.execute(sa.insert(SITE).values(name="store", value=self.key_file.store_id))
        self._head_file.create(self._head)
        self.record("store-created", by=SYSTEM)

    def _reach_version(self, steps: Mapping[int, Step], *, writable: bool, older_too: bool) -> tuple[int, ...]:
        with translated(), self.engine.connect() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").all()
        if writable:
            return migrate(self.engine, keep_copy=self._copy_before_update, steps=steps)
        version = check_version(self.engine, steps=steps)
        if not older_too:
            must_be_current(version, steps=steps)
        return ()

    def _start(self, *, writable: bool, asked: bool, witnesses: tuple[Head, ...]) -> None:
        with self.reading() as connection:
            self._check_store_id(connection)
            self._head = self.log.head(connection)
            self.read_only = self._audit_fault(connection, witnesses)
            self._last_at = self.log.last_time(connection)
        if not writable:
            self.read_only = self.read_only or (audit_faults.ASKED if asked else READ_ONLY_DISK)
        elif self.read_only is None:
            self.blobs.sweep()
            self._keep_head()

    def _check_store_id(self, connection: sa.Connection) -> None:
        if connection.execute(sa.select(SITE.c.value).where(SITE.c.name == "store")).scalar() != self.key_file.store_id:
            raise StoreError(DAMAGED)

    def _audit_fault(self, connection: sa.Connection, witnesses: tuple[Head, ...]) -> Fault | None:
        with translated():
            kept = self._head_file.read()
        if kept is None:
            return audit_faults.HEAD_GONE
        for witness in (kept, *witnesses):
            if witness.count > self._head.count:
                return audit_faults.CUT_OFF
            if self.log.mac_at(connection, witness.count) != witness.mac:
                return audit_faults.REWRITTEN
        start = max(0, min(kept.count, self._head.count - _TAIL))
        before = self.log.mac_at(connection, start)
        if before is None:
            return audit_faults.BROKEN
        rows = self.log.rows(connection, after=start)
        verdict = check_chain(self.keys.site, self.key_file.store_id, rows, after=Head(start, before))
        return audit_faults.BROKEN if verdict.breaks else None

    @contextmanager
    def _connected_to_write(self) -> Iterator[sa.Connection]:
        with (
            translated(),
            self.engine.connect().execution_options(**{WRITES: True}) as connection,
            connection.begin(),
        ):
            yield connection

    def _note_clock(self, action: Transaction) -> None:
        if self._last_at and datetime.fromisoformat(action.at) < (
            datetime.fromisoformat(self._last_at) - _CLOCK_TOLERANCE
        ):
            action.record("clock-set-back", note=f"the action before was at {self._last_at}")

    def _keep_head(self) -> None:
        """After a commit: what was done stays done, but nothing more is written when the head cannot be kept."""
        try:
            self._head_file.write(self._head)
        except OSError as error:
            why = fault_of_system(error)
            self.read_only = replace(audit_faults.HEAD_NOT_KEPT, remedy=why.remedy)
            _LOG.warning("audit head not kept: %s", why.code)

    def _must_be_writable(self) -> None:
        if self.read_only is not None:
            raise StoreReadOnly(self.read_only)

    def _stop_writing(self, why: Fault) -> StoreReadOnly:
        self.read_only = why
        _LOG.error("store is read-only: %s", why.code)
        return StoreReadOnly(why)

    def _copy_before_update(self, version: int) -> None:
        stamp = self.clock().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        copy = self.folder / BEFORE_UPDATE / f"version-{version}-{stamp}.db"
        with translated():
            copy_database(self.database, self.keys.database, copy, self.keys.database)


def _can_write(folder: Path) -> bool:
    try:
        with (folder / DATABASE).open("rb+"), (folder / KEY_FILE).open("rb+"):
            pass
        probe = folder / f"probe{PARTIAL}"
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def _mode(folder: Path, writable: bool, on_writable_disk: bool) -> str:
    """How SQLite opens the database: on a disk that refuses writing, it can make no files for itself."""
    if writable:
        return "rw"
    log = folder / f"{DATABASE}-wal"
    return "ro" if on_writable_disk or log.exists() else "ro&immutable=1"


def take_lock(folder: Path) -> InstanceLock:
    """Return the lock of whoever writes to a store; raises StoreError when another program has it."""
    lock = InstanceLock(folder.with_name(f"{folder.name}.lock"))
    with translated():
        if not lock.acquire():
            raise StoreError(IN_USE)
    return lock


def _deed(put: Put) -> str:
    if put.withdrawn:
        return "record-withdrawn"
    return "record-added" if put.based_on == 0 else "record-changed"
