"""Brings a database to this program's version: one step, one transaction; a copy first; the future is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from qana_desktop.store.connection import WRITES
from qana_desktop.store.faults import StoreError, translated
from qana_desktop.store.migrations import STEPS, Step
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_, _


def version_of(engine: sa.Engine) -> int:
    """Return the database's version, 0 for an empty one; raises StoreError for a damaged one."""
    with translated(), engine.connect() as connection:
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def check_version(engine: sa.Engine, *, steps: Mapping[int, Step] = STEPS) -> int:
    """Return the database's version; raises StoreError `store-from-future` for one that this program does not know."""
    version, newest = version_of(engine), max(steps)
    if version > newest:
        raise StoreError(_from_future(version, newest))
    return version


def migrate(
    engine: sa.Engine, *, keep_copy: Callable[[int], None], steps: Mapping[int, Step] = STEPS
) -> tuple[int, ...]:
    """Apply the missing steps and return their numbers. `keep_copy(version)` is called before each but the first.

    Raises StoreError: `store-from-future`, or `store-migration-failed`, after which the database is as it was before
    the step that failed.
    """
    version, newest = check_version(engine, steps=steps), max(steps)
    done = []
    for number in range(version + 1, newest + 1):
        if number > 1:
            keep_copy(number - 1)
        _apply(engine, number, steps[number])
        done.append(number)
    return tuple(done)


def _apply(engine: sa.Engine, number: int, step: Step) -> None:
    try:
        with translated(), engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
            step(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {number:d}")
    except (sa.exc.SQLAlchemyError, KeyError, ValueError) as error:
        raise StoreError(_failed(number)) from error


def must_be_current(version: int, *, steps: Mapping[int, Step] = STEPS) -> None:
    """Raise StoreError `store-needs-update` for an older version, which is read only after it was updated."""
    if version < max(steps):
        raise StoreError(_NEEDS_UPDATE)


_NEEDS_UPDATE = Fault(
    "store-needs-update",
    N_("This case store was written by an earlier version of the program and cannot be updated here."),
    N_("Open it for writing, or restore the backup that it is."),
)


def _from_future(version: int, newest: int) -> Fault:
    return Fault(
        "store-from-future",
        _(
            "This case store was written by a later version of the program (database {version}, this one reads "
            "{newest}). It was left as it is."
        ).format(version=version, newest=newest),
        _("Install the later version again."),
    )


def _failed(number: int) -> Fault:
    return Fault(
        "store-migration-failed",
        f"The case store could not be brought to database version {number}. It is as it was before.",
        _("Go on with the earlier version of the program and report this; a copy from before is in `before-update`."),
    )
