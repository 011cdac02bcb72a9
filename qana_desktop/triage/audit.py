"""The audit record's arithmetic: each row is sealed with the site key together with the seal of the row before it.

HMAC-SHA-256 (RFC 2104) over a length-prefixed encoding. Whoever lacks the key can neither write a row nor change,
delete, swap or repeat one without breaking the chain. Cutting rows off the end leaves a good, shorter chain: that is
found by comparing with a head that was kept elsewhere. Storage is `store.audit_log`'s work.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Final

_GENESIS: Final = b"qana-audit-genesis-1"
_ROW: Final = b"qana-audit-row-1"
MOST_BREAKS: Final = 20


@dataclass(frozen=True)
class AuditEvent:
    """One action. `at` is ISO 8601 UTC, `by` a user's id, `action` a stable word (`record-added`, `signed-in`).

    `kind` and `entity` name the object; `before` and `after` are the SHA-256 of its content ("" for none); `bundle` and
    `engine` say what gave the answer, when the action is about one.
    """

    at: str
    by: str
    action: str
    kind: str = ""
    entity: str = ""
    before: str = ""
    after: str = ""
    bundle: str = ""
    engine: str = ""
    note: str = ""


@dataclass(frozen=True)
class AuditRow:
    """An event at its place in the chain: `seq` counts from 1, `mac` seals it."""

    seq: int
    event: AuditEvent
    mac: bytes


@dataclass(frozen=True)
class Head:
    """How far the chain goes: its number of rows and the last one's seal (of an empty chain: the genesis)."""

    count: int
    mac: bytes

    def printed(self) -> str:
        """Return the head for paper: the count and 80 bits of the seal, like ``1204-MFRG-GZDF-MZTW-Q2LK``."""
        text = base64.b32encode(self.mac[:10]).decode()
        return "-".join([str(self.count), *(text[i : i + 4] for i in range(0, 16, 4))])


@dataclass(frozen=True)
class ChainBreak:
    """Where the chain does not hold (row number, 0 for the whole) and what that means."""

    seq: int
    what: str


@dataclass(frozen=True)
class ChainVerdict:
    """What a check found. `head` is the last row's; the chain is good when there are no breaks."""

    head: Head
    breaks: tuple[ChainBreak, ...]


def genesis(key: bytes, store_id: str) -> bytes:
    """Return what stands before the first row, different for each store."""
    return hmac.digest(key, _GENESIS + store_id.encode(), hashlib.sha256)


def seal(key: bytes, previous: bytes, seq: int, event: AuditEvent) -> bytes:
    """Return the seal (32 bytes) of a row that follows the row sealed with `previous`."""
    parts = [previous, str(seq).encode(), *(str(part).encode() for part in astuple(event))]
    message = _ROW + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(key, message, hashlib.sha256)


def check_chain(
    key: bytes,
    store_id: str,
    rows: Iterable[AuditRow],
    witnesses: Iterable[Head] = (),
    after: Head | None = None,
) -> ChainVerdict:
    """Check rows in their order against the key, their numbers, and heads that were kept elsewhere.

    `after` is a row already trusted, when `rows` are only those that follow it.
    After a broken row the check goes on from the seal that is there, so that one changed row is one break.
    """
    kept = {head.count: head.mac for head in sorted(witnesses, key=lambda head: head.count)}
    breaks: list[ChainBreak] = []
    head = after or Head(0, genesis(key, store_id))
    for row in rows:
        breaks += _breaks_of(key, head, row, kept) if len(breaks) < MOST_BREAKS else []
        head = Head(row.seq, row.mac)
    for count in (count for count in kept if count > head.count):
        breaks.append(
            ChainBreak(0, f"It ends at row {head.count}, but it had {count} rows: the last ones are missing.")
        )
    return ChainVerdict(head, tuple(breaks))


def _breaks_of(key: bytes, head: Head, row: AuditRow, kept: dict[int, bytes]) -> list[ChainBreak]:
    found = []
    if row.seq != head.count + 1:
        what = "rows are missing before it" if row.seq > head.count + 1 else "it is out of order or repeated"
        found.append(ChainBreak(row.seq, f"Row {row.seq} follows row {head.count}: {what}."))
    elif not hmac.compare_digest(row.mac, seal(key, head.mac, row.seq, row.event)):
        found.append(ChainBreak(row.seq, f"Row {row.seq} was changed, or the row before it was exchanged."))
    elif row.seq in kept and not hmac.compare_digest(row.mac, kept[row.seq]):
        found.append(ChainBreak(row.seq, f"Row {row.seq} is not the one that was noted elsewhere: it was rewritten."))
    return found
