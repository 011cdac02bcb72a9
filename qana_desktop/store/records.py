"""Records: every statement about a case, filed as versions of an entity. A version is written once and never again."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard, TypeVar

import sqlalchemy as sa

from qana_desktop.store.faults import DAMAGED, StoreError, changed_meanwhile, missing
from qana_desktop.store.schema import ENTITY, RECORD
from qana_desktop.triage.case import KIND_OF, PARENTS, TYPES, Filed, Kind, Value
from qana_desktop.triage.record_json import record_from_json, record_to_json

V = TypeVar("V", bound=Value)
_COLUMNS: Final = (RECORD, ENTITY.c.kind, ENTITY.c.parent)
_CURRENT: Final = sa.and_(RECORD.c.entity == ENTITY.c.id, RECORD.c.version == ENTITY.c.version)
_EARLIEST: Final = RECORD.alias()
_FIRST: Final = (
    sa.select(_EARLIEST.c.seq).where(_EARLIEST.c.entity == ENTITY.c.id, _EARLIEST.c.version == 1).scalar_subquery()
)
# Statements are built once: building one costs more than running it.
_NEWEST: Final = sa.select(*_COLUMNS).where(_CURRENT, ENTITY.c.id.in_(sa.bindparam("ids", expanding=True)))
_CHILDREN: Final = (
    sa.select(*_COLUMNS)
    .where(
        _CURRENT,
        ENTITY.c.parent.in_(sa.bindparam("ids", expanding=True)),
        ENTITY.c.kind.in_(sa.bindparam("kinds", expanding=True)),
        ~ENTITY.c.withdrawn,
    )
    .order_by(_FIRST)
)
_IS_THERE: Final = sa.select(ENTITY.c.id).where(
    ENTITY.c.id == sa.bindparam("entity"), ENTITY.c.kind == sa.bindparam("kind"), ~ENTITY.c.withdrawn
)
_ADD_ENTITY: Final = sa.insert(ENTITY)
_ADD_RECORD: Final = sa.insert(RECORD).returning(RECORD.c.seq)


@dataclass(frozen=True)
class Put:
    """A version to be filed: a new entity (`based_on` 0) or the version after `based_on` of an existing one."""

    value: Value
    entity: str
    parent: str | None = None
    based_on: int = 0
    withdrawn: bool = False

    @property
    def kind(self) -> Kind:
        """The value's kind."""
        return KIND_OF[type(self.value)]


@dataclass(frozen=True)
class Written:
    """What filing a version did, for the audit record: the hashes before ("" for a new entity) and after."""

    filed: Filed[Value]
    kind: Kind
    before: str
    after: str


def new_id() -> str:
    """Return an id for a new entity: 32 hexadecimal digits, random."""
    return uuid.uuid4().hex


def content_hash(*, entity: str, kind: str, parent: str | None, version: int, withdrawn: bool, payload: str) -> str:
    """Return the SHA-256 of everything that a version states."""
    text = json.dumps([entity, kind, parent, version, withdrawn, payload], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def put(connection: sa.Connection, item: Put, *, change_set: int, at: str, by: str) -> Written:
    """File a version. Raises ChangedMeanwhile for an old `based_on`, RecordMissing for a parent that is not there."""
    before = _make_current(connection, item)
    payload, version = record_to_json(item.value), item.based_on + 1
    after = content_hash(
        entity=item.entity,
        kind=item.kind,
        parent=item.parent,
        version=version,
        withdrawn=item.withdrawn,
        payload=payload,
    )
    row = {"entity": item.entity, "version": version, "withdrawn": item.withdrawn, "payload": payload}
    values = {**row, "sha256": after, "at": at, "by": by, "change_set": change_set}
    seq = connection.execute(_ADD_RECORD, values).scalar_one()
    filed = Filed(seq, item.entity, version, item.parent, item.value, at, by, item.withdrawn)
    return Written(filed, item.kind, before, after)


def current(connection: sa.Connection, kind: type[V], entity: str, *, even_withdrawn: bool = False) -> Filed[V]:
    """Return the newest version; raises RecordMissing when there is none of this kind, or when it was withdrawn."""
    row = connection.execute(_NEWEST, {"ids": [entity]}).first()
    if row is None or row.kind != KIND_OF[kind] or (row.withdrawn and not even_withdrawn):
        raise missing(KIND_OF[kind].replace("_", " "))
    return _filed(row, kind)


def newest(connection: sa.Connection, kind: type[V], entities: Iterable[str]) -> dict[str, Filed[V]]:
    """Return the newest versions of those entities that are of this kind and not withdrawn, by id."""
    rows = connection.execute(_NEWEST, {"ids": list(entities)})
    return {row.entity: _filed(row, kind) for row in rows if row.kind == KIND_OF[kind] and not row.withdrawn}


def children(connection: sa.Connection, kind: type[V], parents: Iterable[str]) -> tuple[Filed[V], ...]:
    """Return the current versions of this kind below `parents`, oldest entity first, withdrawn ones left out."""
    rows = connection.execute(_CHILDREN, {"ids": list(parents), "kinds": [str(KIND_OF[kind])]})
    return tuple(_filed(row, kind) for row in rows)


def all_children(connection: sa.Connection, kinds: Iterable[Kind], parents: Iterable[str]) -> Family:
    """Return what is below `parents`, of several kinds at once, as `children` does for one."""
    rows = connection.execute(_CHILDREN, {"ids": list(parents), "kinds": [str(kind) for kind in kinds]})
    found: dict[tuple[str, Kind], list[Filed[Value]]] = {}
    for row in rows:
        found.setdefault((row.parent, Kind(row.kind)), []).append(_filed(row, TYPES[Kind(row.kind)]))
    return Family(found)


@dataclass(frozen=True)
class Family:
    """Records by the entity they belong to and by kind."""

    found: Mapping[tuple[str, Kind], list[Filed[Value]]]

    def of(self, kind: type[V], parent: str) -> tuple[Filed[V], ...]:
        """Return those of one kind below one entity, oldest entity first."""
        filed = self.found.get((parent, KIND_OF[kind]), [])
        return tuple(one for one in filed if _is(one, kind))


def _is(filed: Filed[Value], kind: type[V]) -> TypeGuard[Filed[V]]:
    return isinstance(filed.value, kind)


def all_of(connection: sa.Connection, kind: type[V]) -> tuple[Filed[V], ...]:
    """Return the current versions of this kind (for kinds with few entities), oldest entity first."""
    query = sa.select(*_COLUMNS).where(_CURRENT, ENTITY.c.kind == str(KIND_OF[kind]))
    return tuple(_filed(row, kind) for row in connection.execute(query.order_by(_FIRST)))


def versions(connection: sa.Connection, kind: type[V], entity: str) -> tuple[Filed[V], ...]:
    """Return all versions of an entity, oldest first, withdrawn ones too."""
    query = sa.select(*_COLUMNS).where(RECORD.c.entity == ENTITY.c.id, ENTITY.c.id == entity)
    return tuple(_filed(row, kind) for row in connection.execute(query.order_by(RECORD.c.version)))


def inverse_of(connection: sa.Connection, change_set: int) -> tuple[Put, ...]:
    """Return what takes a change back, last one first: earlier versions filed anew, new entities withdrawn.

    A version that the same user changed and put back as it was counts as the newest. Raises ChangedMeanwhile for one
    that stands differently now, or that someone else has changed.
    """
    query = sa.select(*_COLUMNS).where(RECORD.c.entity == ENTITY.c.id, RECORD.c.change_set == change_set)
    rows = connection.execute(query.order_by(RECORD.c.seq.desc())).all()
    return tuple(_inverse(connection, row) for row in rows)


def _inverse(connection: sa.Connection, row: sa.Row[Any]) -> Put:
    query = sa.select(*_COLUMNS).where(RECORD.c.entity == ENTITY.c.id, ENTITY.c.id == row.entity)
    since = query.where(RECORD.c.version >= row.version - 1).order_by(RECORD.c.version)
    known = {found.version: found for found in connection.execute(since)}
    newest = known[max(known)]
    later = [found for version, found in known.items() if version > row.version]
    same = (newest.payload, newest.withdrawn) == (row.payload, row.withdrawn)
    if not same or any(found.by != row.by for found in later):
        raise changed_meanwhile(row.kind.replace("_", " "))
    earlier = known.get(row.version - 1)
    withdrawn = True if earlier is None else bool(earlier.withdrawn)
    return Put(_value(earlier or row), row.entity, row.parent, based_on=newest.version, withdrawn=withdrawn)


def _make_current(connection: sa.Connection, item: Put) -> str:
    """Make the coming version the entity's current one; return the hash of the one before it."""
    if item.based_on == 0:
        _check_parent(connection, item)
        row = {"id": item.entity, "kind": str(item.kind), "parent": item.parent, "version": 1}
        connection.execute(_ADD_ENTITY, {**row, "withdrawn": item.withdrawn})
        return ""
    same = sa.and_(
        ENTITY.c.id == item.entity,
        ENTITY.c.kind == str(item.kind),
        ENTITY.c.version == item.based_on,
        ENTITY.c.parent.is_(None) if item.parent is None else ENTITY.c.parent == item.parent,
    )
    change = sa.update(ENTITY).where(same).values(version=item.based_on + 1, withdrawn=item.withdrawn)
    if connection.execute(change).rowcount != 1:
        raise changed_meanwhile(item.kind.replace("_", " "))
    query = sa.select(RECORD.c.sha256).where(RECORD.c.entity == item.entity, RECORD.c.version == item.based_on)
    return str(connection.execute(query).scalar_one())


def _check_parent(connection: sa.Connection, item: Put) -> None:
    wanted = PARENTS[item.kind]
    if (wanted is None) != (item.parent is None):
        raise ValueError(f"a {item.kind} belongs to {wanted or 'nothing'}")
    if wanted is not None:
        place = {"entity": item.parent, "kind": str(wanted)}
        if connection.execute(_IS_THERE, place).first() is None:
            raise missing(wanted.replace("_", " "))


def _filed(row: sa.Row[Any], kind: type[V]) -> Filed[V]:
    value = _value(row)
    if not isinstance(value, kind):
        raise StoreError(DAMAGED)
    return Filed(row.seq, row.entity, row.version, row.parent, value, row.at, row.by, bool(row.withdrawn))


def _value(row: sa.Row[Any]) -> Value:
    """Decode a row after comparing its content with its hash; raises StoreError, BadJson."""
    if row_hash(row) != row.sha256:
        raise StoreError(DAMAGED)
    return record_from_json(Kind(row.kind), row.payload)


def row_hash(row: sa.Row[Any]) -> str:
    """Return the hash that a row of `record` joined with `entity` must have."""
    return content_hash(
        entity=row.entity,
        kind=row.kind,
        parent=row.parent,
        version=row.version,
        withdrawn=bool(row.withdrawn),
        payload=row.payload,
    )
