"""Finds an image's ICC profile and makes a neutral one from its numbers: same colours, no texts, no dates, no makers.

Source: ICC.1:2022 (and ICC.1:2001-04 for version 2). Only RGB profiles of three curves and a matrix are taken over, as
cameras and screens have them; look-up tables could carry anything.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterator
from typing import Final

from qana_desktop.intake.decode import open_dicom
from qana_desktop.intake.headers import (
    TIFF_ICC,
    ImageFormat,
    jpeg_segments,
    png_chunks,
    sniff,
    tiff_directory,
    webp_chunks,
)

MAX_PROFILE: Final = 4 * 1024 * 1024
_APP2: Final = 0xE2
_JPEG_PREFIX: Final = b"ICC_PROFILE\0"
_MAX_CURVE: Final = 4096
_HEADER: Final = 128
_PARAMETERS: Final = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}
_MATRIX: Final = (b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt")
_CURVES: Final = (b"rTRC", b"gTRC", b"bTRC")
_NEUTRAL_DATE: Final = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
_NAME: Final = "Colours of the image"
_RIGHTS: Final = "No rights reserved"
NEUTRAL_TEXTS: Final = tuple(text.encode(coding) for text in (_NAME, _RIGHTS) for coding in ("ascii", "utf-16-be"))
"""The texts that every profile made here holds."""


def stored_profile(data: bytes) -> bytes:
    """Return the ICC profile inside an image file that was decoded before; b"" when there is none or it is broken."""
    try:
        found = _find(data)
    except (struct.error, IndexError, ValueError, zlib.error):
        return b""
    return found if len(found) <= MAX_PROFILE else b""


def neutral_profile(profile: bytes) -> bytes:
    """Return a new profile with the same colours and nothing else; b"" for one that is not RGB by curves and matrix."""
    try:
        return _rebuilt(profile)
    except (struct.error, IndexError, KeyError, ValueError):
        return b""


def _find(data: bytes) -> bytes:
    match sniff(data):
        case ImageFormat.JPEG:
            return b"".join(part for _number, part in sorted(_jpeg_parts(data)))
        case ImageFormat.PNG:
            return _png(data)
        case ImageFormat.TIFF:
            return bytes(tiff_directory(data).tags.get(TIFF_ICC, ()))
        case ImageFormat.WEBP:
            return next((data[at : at + size] for kind, at, size in webp_chunks(data) if kind == b"ICCP"), b"")
        case ImageFormat.DICOM:
            return open_dicom(data, min_side=1).icc
        case _:
            return b""


def _jpeg_parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    for marker, start, length in jpeg_segments(data):
        if marker == _APP2 and data.startswith(_JPEG_PREFIX, start):
            at = start + len(_JPEG_PREFIX)
            yield data[at], data[at + 2 : start + length]


def _png(data: bytes) -> bytes:
    for kind, start, length in png_chunks(data):
        if kind == b"iCCP":
            packed = data[start : start + length].split(b"\0", 1)[1][1:]
            return zlib.decompressobj().decompress(packed, MAX_PROFILE + 1)
    return b""


# --- made anew


def _rebuilt(profile: bytes) -> bytes:
    if profile[36:40] != b"acsp" or profile[16:24] != b"RGB XYZ " or profile[12:16] not in {b"mntr", b"scnr", b"spac"}:
        return b""
    tags = dict(_tags(profile))
    kept = [(name, _xyz(tags[name])) for name in _MATRIX] + [(name, _curve(tags[name])) for name in _CURVES]
    if b"chad" in tags:
        kept.append((b"chad", _exactly(tags[b"chad"], b"sf32", 44)))
    version = min(profile[8], 4)
    texts = (_described, _text) if version < 4 else (_multi, _multi)
    kept += [(b"desc", texts[0](_NAME)), (b"cprt", texts[1](_RIGHTS))]
    return _assembled(profile, version, sorted(kept))


def _tags(profile: bytes) -> Iterator[tuple[bytes, bytes]]:
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    for index in range(min(count, 100)):
        name, at, size = struct.unpack_from(">4sII", profile, _HEADER + 4 + 12 * index)
        if at + size > len(profile):
            raise ValueError("a tag past the end")
        yield name, profile[at : at + size]


def _exactly(tag: bytes, kind: bytes, size: int) -> bytes:
    if tag[:4] != kind or len(tag) < size:
        raise ValueError("a tag of another type")
    return kind + bytes(4) + tag[8:size]


def _xyz(tag: bytes) -> bytes:
    return _exactly(tag, b"XYZ ", 20)


def _curve(tag: bytes) -> bytes:
    if tag[:4] == b"para":
        (function,) = struct.unpack_from(">H", tag, 8)
        whole = _exactly(tag, b"para", 12 + 4 * _PARAMETERS[function])
        return whole[:10] + bytes(2) + whole[12:]
    (count,) = struct.unpack_from(">I", tag, 8)
    if count > _MAX_CURVE:
        raise ValueError("a curve of too many points")
    return _exactly(tag, b"curv", 12 + 2 * count)


def _described(text: str) -> bytes:
    return b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text.encode() + b"\0" + bytes(4 + 4 + 2 + 1 + 67)


def _text(text: str) -> bytes:
    return b"text" + bytes(4) + text.encode() + b"\0"


def _multi(text: str) -> bytes:
    words = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II4sII", 1, 12, b"enUS", len(words), 28) + words


def _assembled(profile: bytes, version: int, tags: list[tuple[bytes, bytes]]) -> bytes:
    padded = [(name, tag + bytes(-len(tag) % 4), len(tag)) for name, tag in tags]
    start = _HEADER + 4 + 12 * len(tags)
    starts = itertools.accumulate((len(tag) for _name, tag, _size in padded), initial=start)
    entries = [struct.pack(">4sII", name, at, size) for (name, _tag, size), at in zip(padded, starts, strict=False)]
    body = struct.pack(">I", len(tags)) + b"".join(entries) + b"".join(tag for _name, tag, _size in padded)
    intent = struct.pack(">I", min(struct.unpack_from(">I", profile, 64)[0], 3))
    header = (
        bytes(4) + bytes((version, 0x30 if version == 4 else 0x20, 0, 0)) + profile[12:24] + _NEUTRAL_DATE + b"acsp"
    )
    header += bytes(24) + intent + profile[68:80] + bytes(_HEADER - 80)
    return struct.pack(">I", _HEADER + len(body)) + header + body
