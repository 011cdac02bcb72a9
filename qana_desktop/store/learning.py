"""Rows of local learning: written once, each with its hash in the audit record, and read back as values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

import sqlalchemy as sa

from qana_desktop.store import learning_schema as tables
from qana_desktop.store.faults import DAMAGED, StoreError
from qana_desktop.store.schema import AUDIT
from qana_desktop.store.store import Transaction

PREFIX: Final = "learning-"
"""How the actions of these rows begin in the audit record."""


@dataclass(frozen=True)
class RoleRow:
    """What a patient's cases are for, for good: `role` is training or holdout."""

    patient: str
    role: str


@dataclass(frozen=True)
class ConsentRow:
    """Whether a patient's cases may be learnt from, from now on."""

    patient: str
    given: bool
    reason: str


@dataclass(frozen=True)
class ProposalRow:
    """A case for learning. Ids are of records; `sha256` is of the image's file, `picture` its perceptual hash in hex.

    `features` are integer features (views, F) uint8 as bytes, read with the network `backbone`. `label` is the class
    written out, `source` where it comes from, `reported` the day; `second` why a second person must confirm ("" for
    not); `answer` what the network said of the image at that time ("" for nothing).
    """

    id: str
    image: str
    lesion: str
    patient: str
    sha256: str
    picture: str
    features: bytes
    views: int
    backbone: str
    label: str
    source: str
    reported: str
    note: str
    second: str
    answer: str


@dataclass(frozen=True)
class ConfirmationRow:
    """What a second person says about a proposal, once."""

    proposal: str
    agrees: bool
    note: str


@dataclass(frozen=True)
class WithdrawalRow:
    """A proposal that is taken back."""

    proposal: str
    reason: str


@dataclass(frozen=True)
class VersionRow:
    """A version of the network that was trained here: `manifest` is the SHA-256 of its manifest.

    `signature` is made with the site key; `document` (JSON) says what it was made from.
    """

    id: str
    parent: str
    kind: str
    manifest: str
    signature: str
    document: str


@dataclass(frozen=True)
class LookRow:
    """A holdout was used to judge a version."""

    holdout: str
    version: str


@dataclass(frozen=True)
class EvaluationRow:
    """What the gate said about a version; `document` (JSON) has every line."""

    version: str
    accepted: bool
    document: str


@dataclass(frozen=True)
class ApprovalRow:
    """What an approver decided about a version after an evaluation."""

    version: str
    evaluation: int
    agrees: bool
    reason: str


@dataclass(frozen=True)
class ActivationRow:
    """A change of the version in use: `deed` is activate or roll-back, `step` is begun or done.

    `version` and `before` are bundle ids; `document` (JSON) says on which engines it was tested.
    """

    deed: str
    step: str
    version: str
    before: str
    reason: str
    document: str


Row = (
    RoleRow
    | ConsentRow
    | ProposalRow
    | ConfirmationRow
    | WithdrawalRow
    | VersionRow
    | LookRow
    | EvaluationRow
    | ApprovalRow
    | ActivationRow
)
R = TypeVar("R", bound=Row)
R_co = TypeVar("R_co", bound=Row, covariant=True)
_HASH: Final = "recorded_hash"

TABLE_OF: Final[Mapping[type[object], sa.Table]] = MappingProxyType(
    {
        RoleRow: tables.ROLE,
        ConsentRow: tables.CONSENT,
        ProposalRow: tables.PROPOSAL,
        ConfirmationRow: tables.CONFIRMATION,
        WithdrawalRow: tables.WITHDRAWAL,
        VersionRow: tables.VERSION,
        LookRow: tables.LOOK,
        EvaluationRow: tables.EVALUATION,
        ApprovalRow: tables.APPROVAL,
        ActivationRow: tables.ACTIVATION,
    }
)


@dataclass(frozen=True)
class Kept(Generic[R_co]):
    """A row as the store keeps it: entered at `at` (ISO 8601 UTC) by user `by`; `number` where rows are numbered."""

    row: R_co
    at: str
    by: str
    number: int = 0


def put(action: Transaction, row: Row) -> int:
    """Write a row and have it recorded; returns its number (0 where it has none). Raises StoreError via the action."""
    table = TABLE_OF[type(row)]
    values = {**asdict(row), "at": action.at, "by": action.by}
    written = action.connection.execute(sa.insert(table).values(values).returning(*table.primary_key.columns)).one()
    values[next(iter(table.primary_key.columns)).name] = written[0]
    action.record(
        f"{PREFIX}{table.name.removeprefix('learning_')}",
        kind=table.name,
        entity=str(written[0]),
        after=row_hash(values),
        bundle=_bundle_of(row),
    )
    return int(written[0]) if isinstance(written[0], int) else 0


def all_of(connection: sa.Connection, kind: type[R]) -> tuple[Kept[R], ...]:
    """Return all rows of a kind, oldest first. Raises StoreError for a row that was changed."""
    return tuple(_kept(row, kind) for row in connection.execute(_in_order(kind)))


def find(connection: sa.Connection, kind: type[R], **equal: object) -> tuple[Kept[R], ...]:
    """Return the rows of a kind whose columns have these values, oldest first. Raises as `all_of`."""
    table = TABLE_OF[kind]
    wanted = [table.c[name] == value for name, value in equal.items()]
    return tuple(_kept(row, kind) for row in connection.execute(_in_order(kind).where(*wanted)))


def row_hash(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 of everything that a row states."""
    plain = {name: value.hex() if isinstance(value, bytes) else value for name, value in values.items()}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def problems(connection: sa.Connection) -> Iterator[str]:
    """Yield, as sentences, rows that the audit record does not know and entries of it whose row is gone."""
    for table in tables.TABLES:
        key = next(iter(table.primary_key.columns)).name
        entries = sa.select(AUDIT.c.entity, AUDIT.c.after).where(AUDIT.c.kind == table.name)
        recorded = {entry.entity: entry.after for entry in connection.execute(entries)}
        for row in connection.execute(sa.select(table)).mappings():
            if recorded.pop(str(row[key]), None) != row_hash(dict(row)):
                yield f"Row {row[key]} of {table.name} was changed, or was not entered by this program."
        for entity in recorded:
            yield f"Row {entity} of {table.name} is missing."


def _in_order(kind: type[R]) -> sa.Select[Any]:
    table = TABLE_OF[kind]
    entry = sa.and_(AUDIT.c.kind == table.name, AUDIT.c.entity == sa.cast(_key(table), sa.Text))
    return sa.select(table, AUDIT.c.after.label(_HASH)).where(entry).order_by(AUDIT.c.seq)


def _key(table: sa.Table) -> sa.Column[Any]:
    return next(iter(table.primary_key.columns))


def _kept(row: sa.Row[Any], kind: type[R]) -> Kept[R]:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name
    recorded = values.pop(_HASH)
    if row_hash(values) != recorded:
        raise StoreError(DAMAGED)
    own = {field.name: values[field.name] for field in fields(kind)}
    return Kept(kind(**own), values["at"], values["by"], values.get("seq", 0))


def _bundle_of(row: Row) -> str:
    match row:
        case VersionRow(id=identity):
            return identity
        case LookRow(version=identity) | EvaluationRow(version=identity) | ApprovalRow(version=identity):
            return identity
        case ActivationRow(version=identity):
            return identity
        case _:
            return ""
