"""Backups: made while the store is in use, called good only after reading all of them back; restored by the same care.

A backup is a folder that is itself a store (database, images, key file, sealed head), with a sealed `backup.json` that
says when it was made and of what. It opens on any computer with the recovery code, and on its own by the keychain.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from qana_desktop.store.audit_faults import ALL as AUDIT_FAULTS
from qana_desktop.store.blobs import BLOB_FOLDER, BlobDamaged, BlobStore
from qana_desktop.store.connection import open_engine
from qana_desktop.store.dbcopy import copy_database
from qana_desktop.store.faults import StoreError, translated
from qana_desktop.store.files import flush, flush_folder, write_whole
from qana_desktop.store.head import HeadFile
from qana_desktop.store.keys import KeyFile, StoreKeys
from qana_desktop.store.migrate import migrate
from qana_desktop.store.schema import AUDIT, BLOB
from qana_desktop.store.store import DATABASE, Clock, Store, take_lock, utc_now
from qana_desktop.store.swap import partial_of, swap_in
from qana_desktop.store.verify import Report, Verdict, verify
from qana_desktop.system.faults import Fault
from qana_desktop.system.json_reads import JsonNode
from qana_desktop.system.language import N_, _

MANIFEST: Final = "backup.json"
FORMAT: Final = 1
MADE: Final = "backup-made"
_PREFIX: Final = "qana-backup-"
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_SILENT: Final[Report] = lambda _what, _done, _total: None  # noqa: E731 - a default value, not a function to read


@dataclass(frozen=True)
class BackupInfo:
    """What `backup.json` says. `made_at` is ISO 8601 UTC, `head` the printed head of the audit record."""

    store_id: str
    made_at: str
    head: str
    records: int
    images: int


def age_of(made_at: str, now: datetime) -> timedelta | None:
    """Return how old a backup is (`made_at` ISO 8601); None when it lies in the future: a clock was set."""
    age = now - datetime.fromisoformat(made_at)
    return age if age >= timedelta(0) else None


def make_backup(store: Store, destination: Path, *, by: str, report: Report = _SILENT) -> tuple[Path, Verdict]:
    """Make a backup below `destination` and return its folder and what reading it back found.

    Raises StoreError: `backup-bad` when it does not read back, faults of the disk. Nothing unfinished is left behind
    under a finished name. What `report` raises stops the work.
    """
    now = store.clock().astimezone(UTC)
    final = _free_name(destination, f"{_PREFIX}{now.strftime(_STAMP)}", store.key_file.store_id[:8])
    with translated():
        destination.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = partial_of(final)
        try:
            _copy_store(store, partial, store.keys, _previous(destination, store), report)
            store.key_file.write(partial)
            verdict = _read_back(partial, store.key_file, store.keys, report)
            _write_manifest(partial, store.keys, _info(store.key_file, now, verdict))
            partial.rename(final)
            flush_folder(destination)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    if store.read_only is None:
        store.record(MADE, by=by, note=verdict.head)
    return final, verdict


def read_info(folder: Path, keys: StoreKeys) -> BackupInfo:
    """Read and check a backup's `backup.json`; raises StoreError, BadJson."""
    with translated():
        try:
            text = (folder / MANIFEST).read_text("utf-8", errors="replace")
        except FileNotFoundError as error:
            raise StoreError(_NO_BACKUP) from error
    root = JsonNode.parse(text, document=MANIFEST, code="backup-bad", remedy=_BAD.remedy)
    info = BackupInfo(
        root.key("store_id").text(),
        root.key("made_at").text(),
        root.key("head").text(),
        root.key("records").integer(),
        root.key("images").integer(),
    )
    if not hmac.compare_digest(root.key("seal").text(), _seal(info, keys)):
        raise StoreError(_BAD)
    return info


def last_backup(store: Store) -> str | None:
    """Return when the last good backup of this store was made (ISO 8601 UTC); None for never."""
    with store.reading() as connection:
        query = sa.select(AUDIT.c.at).where(AUDIT.c.action == MADE).order_by(AUDIT.c.seq.desc()).limit(1)
        at: str | None = connection.execute(query).scalar()
    return at


def restore(
    backup: Path, folder: Path, key_file: KeyFile, keys: StoreKeys, *, clock: Clock = utc_now, report: Report = _SILENT
) -> tuple[Path | None, Verdict]:
    """Put a backup in the place of the store in `folder`; the old one is kept beside it, its folder returned.

    The copy is read back before it takes the place. `key_file` is that of the backup. Raises StoreError, BadJson.
    """
    info = read_info(backup, keys)
    stamp = clock().astimezone(UTC).strftime(_STAMP)
    old = folder.with_name(f"{folder.name}.replaced-{stamp}") if folder.exists() and any(folder.iterdir()) else None
    with translated():
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        _held(folder),
        translated(),
        closing(Store.open(backup, key_file, keys, read_only=True, older_too=True)) as source,
    ):
        if source.read_only in AUDIT_FAULTS:
            raise StoreError(_BAD)
        partial = partial_of(folder)
        try:
            _copy_store(source, partial, keys, None, report)
            key_file.write(partial)
            _bring_up_to_date(partial, keys)
            verdict = _read_back(partial, key_file, keys, report)
            if verdict.head != info.head:
                raise StoreError(_BAD)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        if folder.exists() and old is None:
            folder.rmdir()
        swap_in(partial, folder, keep_old_as=old)
    return old, verdict


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep other programs out of a store while its folder is exchanged; raises StoreError when one is in."""
    lock = take_lock(folder)
    try:
        yield
    finally:
        lock.release()


def renew_data_key(store: Store, keys: StoreKeys, key_file: KeyFile, *, by: str, report: Report = _SILENT) -> Verdict:
    """Encrypt the whole store anew and close it; the old one is removed only when the new one was read back.

    `keys` are the store's with a new data key, `key_file` has the new ways to them. Raises StoreError. Backups made
    earlier keep the old keys and the old recovery code.
    """
    store.record("data-key-renewed", by=by)
    folder = store.folder
    with translated():
        partial = partial_of(folder)
        try:
            _copy_store(store, partial, keys, None, report)
            key_file.write(partial)
            verdict = _read_back(partial, key_file, keys, report)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        lock = store.close_locked()
        try:
            swap_in(partial, folder, keep_old_as=None)
        finally:
            if lock is not None:
                lock.release()
    return verdict


def heal_images(store: Store, backup: Path, keys: StoreKeys, *, by: str) -> tuple[int, int]:
    """Replace damaged and missing images by a backup's; return how many were healed, how many are still bad.

    `keys` are the backup's. Raises StoreError.
    """
    healed = still_bad = 0
    spare = BlobStore(backup / BLOB_FOLDER, keys.blobs)
    with store.reading() as connection:
        images = tuple(connection.execute(sa.select(BLOB.c.sha256)).scalars())
    with translated():
        for sha256 in images:
            try:
                store.blobs.read(sha256)
            except BlobDamaged:
                try:
                    store.blobs.put(spare.read(sha256))
                except BlobDamaged:
                    still_bad += 1
                else:
                    healed += 1
    store.record(
        "images-healed",
        by=by,
        note=_("{healed} healed, {still_bad} still damaged").format(healed=healed, still_bad=still_bad),
    )
    return healed, still_bad


def _copy_store(store: Store, target: Path, keys: StoreKeys, previous: Path | None, report: Report) -> None:
    """Copy database, images and head into `target`, under `keys`. The head is that of the copied database."""
    target.mkdir(mode=0o700, parents=True)
    copy_database(
        store.database,
        store.keys.database,
        target / DATABASE,
        keys.database,
        report=lambda done, total: report(_("copying the database"), done, total),
    )
    engine = open_engine(target / DATABASE, keys.database)
    try:
        with engine.connect() as connection, connection.begin():
            head = store.log.head(connection)
            images = tuple(connection.execute(sa.select(BLOB.c.sha256)).scalars())
    finally:
        engine.dispose()
    _copy_images(store, target, keys, images, previous, report)
    HeadFile(target, store.key_file.store_id, keys.seal).create(head)


def _bring_up_to_date(folder: Path, keys: StoreKeys) -> None:
    """Migrate a restored copy; the backup is the copy from before."""
    engine = open_engine(folder / DATABASE, keys.database)
    try:
        migrate(engine, keep_copy=lambda _version: None)
    finally:
        engine.dispose()


def _copy_images(
    store: Store, target: Path, keys: StoreKeys, images: tuple[str, ...], previous: Path | None, report: Report
) -> None:
    copies = BlobStore(target / BLOB_FOLDER, keys.blobs)
    copies.folder.mkdir(mode=0o700)
    folders = {copies.folder}
    for done, sha256 in enumerate(images):
        report(_("copying images"), done, len(images))
        if keys.data != store.keys.data:
            copies.put(store.blobs.read(sha256))
            continue
        path = copies.path_of(sha256)
        if path.parent not in folders:
            path.parent.mkdir(mode=0o700)
            folders.add(path.parent)
        if not _linked(copies, sha256, previous):
            _copy_image(store.blobs.path_of(sha256), path)
    for folder in folders:
        flush_folder(folder)


def _copy_image(source: Path, target: Path) -> None:
    if source.exists():  # Reading the copy back tells which image is missing.
        with source.open("rb") as reader, target.open("xb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
            flush(writer.fileno())


def _linked(copies: BlobStore, sha256: str, previous: Path | None) -> bool:
    """Link to the earlier backup's file where the disk can and the file is good: images never change."""
    target = copies.path_of(sha256)
    if previous is None:
        return False
    try:
        os.link(previous / BLOB_FOLDER / target.parent.name / target.name, target)
    except OSError:
        return False
    try:
        copies.read(sha256)
    except BlobDamaged:
        target.unlink()
        return False
    return True


def _read_back(folder: Path, key_file: KeyFile, keys: StoreKeys, report: Report) -> Verdict:
    """Check a finished copy completely; raises StoreError `backup-bad` with the first problem."""
    with closing(Store.open(folder, key_file, keys, read_only=True)) as copy:
        verdict = verify(
            copy, report=lambda what, done, total: report(_("reading back: {what}").format(what=what), done, total)
        )
    if not verdict.good:
        first = verdict.problems[0]
        message = _("The copy was not finished, because it does not read back: {part}: {what}").format(
            part=first.part, what=first.what
        )
        raise StoreError(Fault("backup-bad", message, _SOURCE_BAD))
    return verdict


def _free_name(destination: Path, start: str, end: str) -> Path:
    """Return a name that no backup has: two within a second, or a clock that was set back, overwrite nothing."""
    names = (destination / f"{start}{again}-{end}" for again in ("", *(f".{number}" for number in range(2, 1000))))
    return next(name for name in names if not name.exists())


def _previous(destination: Path, store: Store) -> Path | None:
    found = destination.glob(f"{_PREFIX}*-{store.key_file.store_id[:8]}")
    return max((path for path in found if (path / MANIFEST).exists()), default=None)


def _info(key_file: KeyFile, now: datetime, verdict: Verdict) -> BackupInfo:
    return BackupInfo(
        key_file.store_id, now.isoformat(timespec="seconds"), verdict.head, verdict.records, verdict.images
    )


def _write_manifest(folder: Path, keys: StoreKeys, info: BackupInfo) -> None:
    text = json.dumps({"format": FORMAT, **asdict(info), "seal": _seal(info, keys)}, indent=1) + "\n"
    write_whole(folder / MANIFEST, text.encode())


def _seal(info: BackupInfo, keys: StoreKeys) -> str:
    return hmac.digest(keys.seal, b"backup" + json.dumps(asdict(info)).encode(), hashlib.sha256).hex()


_SOURCE_BAD: Final = N_(
    "Run `qana-desktop store verify`: the store itself may be damaged. Earlier backups are untouched."
)
_NO_BACKUP = Fault(
    "backup-missing", N_("There is no backup in this folder."), N_("Choose the folder that has backup.json in it.")
)
_BAD = Fault(
    "backup-bad",
    N_("This backup was changed or damaged after it was made. Nothing was restored from it."),
    N_("Use an earlier backup."),
)
