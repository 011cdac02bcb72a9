"""Checks a store from the disk up: pages, references, audit record, every record against it, every image read back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from qana_desktop.store import cases, learning, records
from qana_desktop.store.blobs import BlobDamaged
from qana_desktop.store.faults import StoreError, translated
from qana_desktop.store.schema import AUDIT, BLOB, CREDENTIAL, ENTITY, RECORD, WORKLIST
from qana_desktop.store.store import Store
from qana_desktop.store.users import password_mark
from qana_desktop.system.json_reads import BadJson
from qana_desktop.triage.audit import Head, check_chain
from qana_desktop.triage.case import CaseImage, Kind
from qana_desktop.triage.record_json import record_from_json

MOST_PROBLEMS: Final = 50
_BATCH: Final = 2000
Report = Callable[[str, int, int | None], None]
"""Called with what is being checked, how many are done, how many there are (None: unknown). May raise to stop."""


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it must be: in which part, and what."""

    part: str
    what: str


@dataclass
class Verdict:
    """What a check found. Images that no case lists are counted, not blamed: a crash may leave one."""

    problems: list[Problem] = field(default_factory=list)
    records: int = 0
    entries: int = 0
    images: int = 0
    unlisted_images: int = 0
    head: str = ""

    @property
    def good(self) -> bool:
        """Whether everything holds."""
        return not self.problems

    def add(self, part: str, what: str) -> None:
        """Note a problem; after many, more are not noted."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(part, what))


def verify(
    store: Store, *, witnesses: Iterable[Head] = (), report: Report = lambda _what, _done, _total: None
) -> Verdict:
    """Check everything; the work of minutes for a large store. Raises only what `report` raises.

    A part that cannot even be read is a problem of that part; the others are checked all the same.
    """
    verdict = Verdict()
    for part, check in _PARTS.items():
        report(part, 0, None)
        try:
            with store.reading() as connection:
                check(store, connection, verdict, _Told(part, report, tuple(witnesses)))
        except (StoreError, BadJson) as error:
            verdict.add(part, error.fault.message)
    return verdict


@dataclass(frozen=True)
class _Told:
    """What a check is told by its caller, and how it tells about its progress."""

    part: str
    report: Report
    witnesses: tuple[Head, ...]

    def every(self, rows: Iterable[Any], total: int | None = None) -> Iterator[Any]:
        for done, row in enumerate(rows):
            if done % _BATCH == 0:
                self.report(self.part, done, total)
            yield row


def _check_pages(_store: Store, connection: sa.Connection, verdict: Verdict, _told: _Told) -> None:
    for (line,) in connection.exec_driver_sql("PRAGMA cipher_integrity_check").all():
        verdict.add("pages", str(line))
    for (line,) in connection.exec_driver_sql("PRAGMA integrity_check(20)").all():
        if line != "ok":
            verdict.add("pages", str(line).splitlines()[0])
    for row in connection.exec_driver_sql("PRAGMA foreign_key_check").all():
        verdict.add("pages", f"A row of {row[0]} refers to a missing row of {row[2]}.")


def _check_chain(store: Store, connection: sa.Connection, verdict: Verdict, told: _Told) -> None:
    kept = store.kept_head()
    if kept is None:
        verdict.add("audit record", "Its seal (audit.head) is missing or damaged.")
    witnesses = [*told.witnesses, *([kept] if kept else [])]
    rows = told.every(store.log.rows(connection))
    found = check_chain(store.keys.site, store.key_file.store_id, rows, witnesses)
    verdict.entries, verdict.head = found.head.count, found.head.printed()
    for one in found.breaks:
        verdict.add("audit record", one.what)


def _check_records(_store: Store, connection: sa.Connection, verdict: Verdict, told: _Told) -> None:
    """Each record has its own hash and is in the audit record; each entry of the audit record has its record."""
    listed = set(connection.execute(sa.select(BLOB.c.sha256)).scalars())
    query = sa.select(RECORD, ENTITY.c.kind, ENTITY.c.parent).where(RECORD.c.entity == ENTITY.c.id)
    for row in told.every(connection.execution_options(yield_per=_BATCH).execute(query)):
        verdict.records += 1
        if records.row_hash(row) != row.sha256:
            verdict.add("records", f"Version {row.version} of {row.kind} {row.entity} was changed.")
            continue
        # What is current is decoded for the worklist; here the hash is enough, except for the images that it names.
        value = record_from_json(Kind.IMAGE, row.payload) if row.kind == Kind.IMAGE else None
        if isinstance(value, CaseImage) and not {value.sha256, value.thumbnail_sha256 or value.sha256} <= listed:
            verdict.add("records", f"Image record {row.entity} names a file that the store does not list.")
    filed = sa.and_(AUDIT.c.entity == RECORD.c.entity, AUDIT.c.after == RECORD.c.sha256)
    lost = sa.select(AUDIT.c.seq, AUDIT.c.kind, AUDIT.c.entity).where(
        AUDIT.c.action.startswith("record-"), ~sa.exists().where(filed)
    )
    for row in connection.execute(lost.limit(MOST_PROBLEMS)):
        verdict.add("records", f"The {row.kind} {row.entity} of audit entry {row.seq} is missing.")
    unknown = sa.select(RECORD.c.seq, RECORD.c.entity).where(~sa.exists().where(filed))
    for row in connection.execute(unknown.limit(MOST_PROBLEMS)):
        verdict.add("records", f"Record {row.seq} of {row.entity} was not entered by this program.")


def _check_current(_store: Store, connection: sa.Connection, verdict: Verdict, _told: _Told) -> None:
    newest = (
        sa.select(RECORD.c.entity, sa.func.max(RECORD.c.version).label("version"), sa.func.count().label("all"))
        .group_by(RECORD.c.entity)
        .subquery()
    )
    last = RECORD.alias()
    query = (
        sa.select(ENTITY.c.id, ENTITY.c.kind)
        .outerjoin(newest, newest.c.entity == ENTITY.c.id)
        .outerjoin(last, sa.and_(last.c.entity == ENTITY.c.id, last.c.version == ENTITY.c.version))
        .where(
            sa.or_(
                newest.c.version.is_(None),
                newest.c.version != ENTITY.c.version,
                newest.c.all != ENTITY.c.version,
                last.c.withdrawn != ENTITY.c.withdrawn,
            )
        )
    )
    for row in connection.execute(query.limit(MOST_PROBLEMS)):
        verdict.add("current versions", f"The {row.kind} {row.id} does not point to its newest version.")


def _check_worklist(_store: Store, connection: sa.Connection, verdict: Verdict, told: _Told) -> None:
    stored = {row.encounter: dict(row._mapping) for row in connection.execute(sa.select(WORKLIST))}  # noqa: SLF001
    batches = cases.all_encounters(connection)
    for done, batch in enumerate(batches):
        told.report(told.part, done, len(batches))
        lines = cases.lines_of(connection, batch)
        for encounter in batch:
            if stored.pop(encounter, None) != lines.get(encounter):
                verdict.add("worklist", f"The line of case {encounter} is not what its records say.")
    for encounter in stored:
        verdict.add("worklist", f"The line of case {encounter} belongs to no case.")


def _check_passwords(_store: Store, connection: sa.Connection, verdict: Verdict, _told: _Told) -> None:
    for row in connection.execute(sa.select(CREDENTIAL)):
        query = sa.select(AUDIT.c.after).where(AUDIT.c.entity == row.user, AUDIT.c.action == "password-set")
        last = connection.execute(query.order_by(AUDIT.c.seq.desc()).limit(1)).scalar()
        if last != password_mark(row.password):
            verdict.add("passwords", f"The password of user {row.user} was not set by this program.")


def _check_learning(_store: Store, connection: sa.Connection, verdict: Verdict, told: _Told) -> None:
    for problem in told.every(learning.problems(connection)):
        verdict.add("learning", problem)


def _check_images(store: Store, connection: sa.Connection, verdict: Verdict, told: _Told) -> None:
    listed = connection.execute(sa.select(BLOB.c.sha256, BLOB.c.size)).all()
    names = set()
    for row in told.every(listed, len(listed)):
        verdict.images += 1
        names.add(store.blobs.path_of(row.sha256).name)
        try:
            with translated():
                content = store.blobs.read(row.sha256)
        except BlobDamaged as error:
            verdict.add("images", f"Image {row.sha256[:16]}: {error.fault.message}")
            continue
        if len(content) != row.size:
            verdict.add("images", f"Image {row.sha256[:16]} has another size than was recorded.")
    verdict.unlisted_images = sum(path.name not in names for path in store.blobs.files())


_PARTS: Final = {
    "pages": _check_pages,
    "audit record": _check_chain,
    "records": _check_records,
    "current versions": _check_current,
    "worklist": _check_worklist,
    "passwords": _check_passwords,
    "learning": _check_learning,
    "images": _check_images,
}
