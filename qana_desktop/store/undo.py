"""Undo and redo as recorded inverse changes: they work after a restart, and the audit record keeps both."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from qana_desktop.store import records
from qana_desktop.store.faults import StoreError
from qana_desktop.store.schema import CHANGE_SET, ENTITY, RECORD
from qana_desktop.store.store import Store
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import _
from qana_desktop.triage.case import Kind
from qana_desktop.triage.history import Change, History, history_of

DEPTH: Final = 500
"""How many of a user's own changes are looked at."""


def history(store: Store, user: str) -> History:
    """Return what this user can undo and redo. Managing users is not among it."""
    of_user = sa.exists().where(
        RECORD.c.change_set == CHANGE_SET.c.seq, RECORD.c.entity == ENTITY.c.id, ENTITY.c.kind == str(Kind.USER)
    )
    query = sa.select(CHANGE_SET).where(CHANGE_SET.c.by == user, ~of_user).order_by(CHANGE_SET.c.seq.desc())
    with store.reading() as connection:
        rows = connection.execute(query.limit(DEPTH)).all()
    return history_of(Change(row.seq, row.what, row.undoes) for row in reversed(rows))


def undo(store: Store, user: str) -> str:
    """Take the user's last change back and return what it was.

    Raises StoreError: `nothing-to-undo`; ChangedMeanwhile when someone changed the same thing since.
    """
    found = history(store, user).undo
    if not found:
        raise StoreError(Fault("nothing-to-undo", _("There is no change of yours to undo."), ""))
    return _inverse(store, user, found[-1], "undo")


def redo(store: Store, user: str) -> str:
    """Do again what the user took back last, and return what it was. Raises as `undo`, with `nothing-to-redo`."""
    found = history(store, user).redo
    if not found:
        raise StoreError(Fault("nothing-to-redo", _("There is no change of yours to redo."), ""))
    return _inverse(store, user, found[-1], "redo")


def _inverse(store: Store, user: str, change: Change, note: str) -> str:
    with store.reading() as connection:
        puts = records.inverse_of(connection, change.seq)
    store.file(puts, by=user, what=change.what, undoes=change.seq, note=note)
    return change.what
