"""Reads the integer tags of a TIFF directory, in which EXIF keeps the orientation too. The bytes are untrusted."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

ORIENTATION: Final = 274
_FORMATS: Final[Mapping[int, str]] = {1: "B", 3: "H", 4: "I", 7: "B"}
_ENTRY_BYTES: Final = 12

Endian: TypeAlias = Literal["<", ">"]


@dataclass(frozen=True)
class Directory:
    """One image file directory: its tags of bytes and integers, and whether another directory (page) follows."""

    tags: Mapping[int, tuple[int, ...]]
    more: bool

    def first(self, tag: int, default: int) -> int:
        """Return the tag's first value, or `default` when it is absent."""
        values = self.tags.get(tag, ())
        return values[0] if values else default

    @property
    def orientation(self) -> int:
        """EXIF orientation 1 to 8; 1 (as stored) when absent or nonsense."""
        value = self.first(ORIENTATION, 1)
        return value if 1 <= value <= 8 else 1


def byte_order(data: bytes) -> Endian | None:
    """Return the byte order of classic TIFF data, None when it is not such data."""
    if data[:4] == b"II*\0":
        return "<"
    return ">" if data[:4] == b"MM\0*" else None


def read_directory(data: bytes, wanted: frozenset[int]) -> Directory:
    """Return the first directory of TIFF data, `wanted` tags only. Raises struct.error or ValueError."""
    endian = byte_order(data)
    if endian is None:
        raise ValueError("not TIFF data")
    (offset,) = struct.unpack_from(endian + "I", data, 4)
    (count,) = struct.unpack_from(endian + "H", data, offset)
    tags: dict[int, tuple[int, ...]] = {}
    for index in range(count):
        at = offset + 2 + index * _ENTRY_BYTES
        tag, kind, length = struct.unpack_from(endian + "HHI", data, at)
        if tag in wanted and kind in _FORMATS:
            tags[tag] = _values(data, endian, _FORMATS[kind], length, at + 8)
    end = offset + 2 + count * _ENTRY_BYTES
    more = len(data) >= end + 4 and struct.unpack_from(endian + "I", data, end) != (0,)
    return Directory(tags, more)


def _values(data: bytes, endian: Endian, kind: str, length: int, at: int) -> tuple[int, ...]:
    size = struct.calcsize(kind) * length
    if size > 4:
        (at,) = struct.unpack_from(endian + "I", data, at)
    if at + size > len(data):
        raise ValueError("a tag points past the end")
    return struct.unpack_from(f"{endian}{length}{kind}", data, at)


def exif_orientation(block: bytes) -> int:
    """Return the orientation (1 to 8) that an EXIF block names; 1 when it has none or cannot be read."""
    try:
        return read_directory(block, frozenset({ORIENTATION})).orientation
    except (struct.error, ValueError):
        return 1
