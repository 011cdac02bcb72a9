"""What is in a store, as numbers: for `store stats`, for support, without names or content."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from qana_desktop.store.backup import last_backup
from qana_desktop.store.faults import translated
from qana_desktop.store.schema import BLOB, ENTITY
from qana_desktop.store.store import Store
from qana_desktop.triage.case import Kind


@dataclass(frozen=True)
class Counts:
    """Numbers of a store. `records` counts entities that are not withdrawn, by kind."""

    records: dict[str, int]
    entries: int
    head: str
    database_bytes: int
    image_bytes: int
    last_backup: str | None


def count(store: Store) -> Counts:
    """Count; raises StoreError."""
    with store.reading() as connection:
        query = sa.select(ENTITY.c.kind, sa.func.count()).where(~ENTITY.c.withdrawn).group_by(ENTITY.c.kind)
        found = {row[0]: row[1] for row in connection.execute(query)}
        images = connection.execute(sa.select(sa.func.coalesce(sa.func.sum(BLOB.c.size), 0))).scalar_one()
    with translated():
        size = store.database.stat().st_size
    return Counts(
        records={str(kind): found.get(str(kind), 0) for kind in Kind},
        entries=store.head.count,
        head=store.head.printed(),
        database_bytes=size,
        image_bytes=int(images),
        last_backup=last_backup(store),
    )
