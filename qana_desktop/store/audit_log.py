"""The audit record in the database: rows are appended inside the transaction of the action they record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Final

import sqlalchemy as sa

from qana_desktop.store.schema import AUDIT
from qana_desktop.triage.audit import AuditEvent, AuditRow, Head, genesis, seal

_FIELDS: Final = tuple(field.name for field in fields(AuditEvent))
_BATCH: Final = 2000


class AuditLog:
    """Reads and appends rows of one store, with its site key."""

    def __init__(self, store_id: str, key: bytes) -> None:
        self.store_id, self.key = store_id, key

    def head(self, connection: sa.Connection) -> Head:
        """Return the last row's number and seal."""
        row = connection.execute(sa.select(AUDIT.c.seq, AUDIT.c.mac).order_by(AUDIT.c.seq.desc()).limit(1)).first()
        return self.start() if row is None else Head(row.seq, row.mac)

    def append(self, connection: sa.Connection, head: Head, events: list[AuditEvent]) -> Head:
        """Append the events after `head` and return the new head."""
        rows = []
        for event in events:
            head = Head(head.count + 1, seal(self.key, head.mac, head.count + 1, event))
            rows.append({"seq": head.count, "mac": head.mac, **asdict(event)})
        connection.execute(sa.insert(AUDIT), rows)
        return head

    def rows(self, connection: sa.Connection, *, after: int = 0) -> Iterator[AuditRow]:
        """Yield all rows in order, or those after a number; takes little memory."""
        query = sa.select(AUDIT).where(AUDIT.c.seq > after).order_by(AUDIT.c.seq)
        for row in connection.execution_options(yield_per=_BATCH).execute(query):
            yield AuditRow(row.seq, AuditEvent(**{name: getattr(row, name) for name in _FIELDS}), row.mac)

    def of_entity(self, connection: sa.Connection, entity: str) -> tuple[AuditRow, ...]:
        """Return what happened to one object, oldest first."""
        found = connection.execute(sa.select(AUDIT).where(AUDIT.c.entity == entity).order_by(AUDIT.c.seq))
        return tuple(
            AuditRow(row.seq, AuditEvent(**{name: getattr(row, name) for name in _FIELDS}), row.mac) for row in found
        )

    def start(self) -> Head:
        """Return the head of an empty record."""
        return Head(0, genesis(self.key, self.store_id))

    def last_time(self, connection: sa.Connection) -> str:
        """Return when the last action was recorded, "" for none."""
        return str(connection.execute(sa.select(AUDIT.c.at).order_by(AUDIT.c.seq.desc()).limit(1)).scalar() or "")

    def mac_at(self, connection: sa.Connection, count: int) -> bytes | None:
        """Return the seal of row `count` (0: the genesis); None when there is no such row."""
        if count == 0:
            return genesis(self.key, self.store_id)
        mac: bytes | None = connection.execute(sa.select(AUDIT.c.mac).where(AUDIT.c.seq == count)).scalar()
        return mac
