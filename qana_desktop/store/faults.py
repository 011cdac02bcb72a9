"""What can go wrong with a store, as sentences; the one place where errors of database and disk become them."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa
from sqlcipher3 import dbapi2

from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import N_, _

RESTORE: Final = N_("Run `qana-desktop store verify` to see what is damaged, and restore the last good backup.")


class StoreError(KnownError):
    """A problem of the case store that a person can act on. What was confirmed before it is kept."""


class StoreReadOnly(StoreError):
    """Nothing can be written now; the fault says why. Reading works."""


class RecordMissing(StoreError):
    """No such record, or it was withdrawn."""


class ChangedMeanwhile(StoreError):
    """Someone else has filed a newer version; what was entered was not saved."""


FULL = Fault(
    "store-disk-full",
    N_("The disk is full. The last entry was not saved; everything that was saved before is kept."),
    N_("Free some space, then enter it again."),
)
READ_ONLY_DISK = Fault(
    "store-read-only-folder",
    N_("The folder of the case store cannot be written to. Cases can be read, nothing new is saved."),
    N_("Ask for write permission to the folder, or connect the disk again, and restart the program."),
)
DAMAGED = Fault(
    "store-damaged",
    N_("The database of the case store is damaged. Nothing of the damaged part is shown."),
    RESTORE,
)
LOST_DISK = Fault(
    "store-disk-error",
    N_("The disk of the case store refused to write or read. The last entry was not saved."),
    N_("Check that the disk is connected and has free space, then restart the program."),
)
BUSY = Fault(
    "store-busy",
    N_("Another program is using the database of the case store. The last entry was not saved."),
    N_("Close the other program and try again."),
)
IN_USE = Fault(
    "store-in-use",
    N_("The case store is open in another window or program."),
    N_("Close it there first; two programs must not write to one store."),
)
NO_STORE = Fault(
    "store-missing",
    N_("There is no case store in this folder."),
    N_("Make one with `qana-desktop store init`, or restore a backup with `qana-desktop store restore`."),
)
ALREADY_THERE = Fault(
    "store-exists",
    N_("There is already a case store in this folder. It was left as it is."),
    N_("Choose another folder."),
)


def missing(what: str) -> RecordMissing:
    """Return the error for something that is not (or no longer) there."""
    return RecordMissing(
        Fault(
            "record-missing",
            _("This {what} is not in the case store, or was withdrawn.").format(what=what),
            _("Open the worklist again."),
        )
    )


def changed_meanwhile(what: str) -> ChangedMeanwhile:
    """Return the error for a version that is no longer the current one."""
    message = _("This {what} was changed by someone else in the meantime. Your entry was not saved.").format(what=what)
    return ChangedMeanwhile(
        Fault("record-changed", message, _("Open it again, look at the change, and enter yours anew."))
    )


def fault_of_database(error: dbapi2.Error) -> Fault | None:
    """Return what an error of SQLite means; None when it is a mistake of ours."""
    return _MEANING.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)


_MEANING: Final = {
    dbapi2.SQLITE_FULL: FULL,
    dbapi2.SQLITE_READONLY: READ_ONLY_DISK,
    dbapi2.SQLITE_CANTOPEN: READ_ONLY_DISK,
    dbapi2.SQLITE_PERM: READ_ONLY_DISK,
    dbapi2.SQLITE_CORRUPT: DAMAGED,
    dbapi2.SQLITE_NOTADB: DAMAGED,
    dbapi2.SQLITE_IOERR: LOST_DISK,
    dbapi2.SQLITE_BUSY: BUSY,
    dbapi2.SQLITE_LOCKED: BUSY,
}


def fault_of_system(error: OSError) -> Fault:
    """Return what an error of the file system means."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return FULL
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return READ_ONLY_DISK
    return LOST_DISK


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of the database and the disk into `StoreError`; mistakes of ours pass as they are."""
    try:
        yield
    except (sa.exc.DBAPIError, dbapi2.Error) as error:
        origin = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        fault = fault_of_database(origin) if isinstance(origin, dbapi2.Error) else None
        if fault is None:
            raise
        raise StoreError(fault) from error
    except OSError as error:
        raise StoreError(fault_of_system(error)) from error
