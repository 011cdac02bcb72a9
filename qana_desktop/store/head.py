"""The audit record's head, kept outside the database: shows rows that were cut off, or an older database put back.

Two sealed entries in one small file, written in turn, so that a crash while one is written leaves the other. The file
is written after each commit, never before: it may lag behind the database by the commit of a crash, never run ahead.
"""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Final

from qana_desktop.store.files import flush, write_whole
from qana_desktop.triage.audit import Head

HEAD_FILE: Final = "audit.head"
_MAGIC: Final = b"QANAHD01"
_ENTRY: Final = 512
_MAC: Final = 32


class HeadFile:
    """`audit.head` of a store. `key` is the store's sealing key."""

    def __init__(self, folder: Path, store_id: str, key: bytes) -> None:
        self._path, self._store_id, self._key = folder / HEAD_FILE, store_id, key
        self._place: int | None = None

    def create(self, head: Head) -> None:
        """Write a new file with one entry in both places; raises OSError."""
        write_whole(self._path, self._entry(head) * 2)

    def write(self, head: Head) -> None:
        """Write the head over the older of the two entries; raises OSError."""
        place = self._older() if self._place is None else self._place
        with self._path.open("rb+", buffering=0) as file:
            file.seek(_ENTRY * place)
            file.write(self._entry(head))
            flush(file.fileno())
        self._place = 1 - place

    def read(self) -> Head | None:
        """Return the newest good entry; None when the file is missing or no entry is good. Raises OSError."""
        return max((head for head in self._both() if head is not None), key=lambda head: head.count, default=None)

    def _both(self) -> tuple[Head | None, Head | None]:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None, None
        return self._read_entry(content[:_ENTRY]), self._read_entry(content[_ENTRY:])

    def _older(self) -> int:
        first, second = (-1 if head is None else head.count for head in self._both())
        return 0 if first <= second else 1

    def _entry(self, head: Head) -> bytes:
        body = _MAGIC + head.count.to_bytes(8, "big") + head.mac
        return (body + self._seal(body)).ljust(_ENTRY, b"\0")

    def _read_entry(self, entry: bytes) -> Head | None:
        length = len(_MAGIC) + 8 + _MAC
        body, seal = entry[:length], entry[length : length + _MAC]
        if len(body) != length or not hmac.compare_digest(seal, self._seal(body)):
            return None
        return Head(int.from_bytes(body[len(_MAGIC) : len(_MAGIC) + 8], "big"), body[-_MAC:])

    def _seal(self, body: bytes) -> bytes:
        return hmac.digest(self._key, self._store_id.encode() + body, hashlib.sha256)
