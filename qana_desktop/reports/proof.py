"""Reads a written image back, byte by byte, to prove that nothing is in it but image, colour profile and structure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final

from qana_desktop.intake.colour_profile import NEUTRAL_TEXTS
from qana_desktop.intake.headers import jpeg_segments, png_chunks
from qana_desktop.reports import deidentified_dicom
from qana_desktop.reports.faults import not_clean
from qana_desktop.reports.image_files import ICC_PREFIX, PNG_PROFILE_NAME, TIFF_TAGS


class ImageKind(StrEnum):
    """What images are exported as."""

    JPEG = "jpeg"
    PNG = "png"
    TIFF = "tiff"
    DICOM = "dicom"


SUFFIX: Final[Mapping[ImageKind, str]] = {
    ImageKind.JPEG: ".jpg",
    ImageKind.PNG: ".png",
    ImageKind.TIFF: ".tif",
    ImageKind.DICOM: ".dcm",
}
SHORTEST_WORD: Final = 6
"""Characters below which a word is not looked for in the file: pixels would hold it by chance. The structure, which
is proved to be ours to the last byte outside the pixels, has no place for it."""

_JPEG_STRUCTURE: Final = frozenset({0xDB, 0xC0, 0xC4, 0xDA, 0xD9})
_APP0, _APP2, _EOI = 0xE0, 0xE2, 0xD9
_JFIF_BYTES: Final = 14
_TIFF_SIZES: Final = {3: 2, 4: 4, 7: 1}


def prove_clean(kind: ImageKind, data: bytes, icc: bytes, words: Iterable[str]) -> None:
    """Raise ExportFailed unless `data` holds pixels, the profile `icc`, and nothing else, and none of `words`."""
    try:
        known = _WALKS[kind](data, icc)
    except (struct.error, IndexError, ValueError, zlib.error, AttributeError, KeyError):
        raise not_clean("a file that cannot be read back") from None
    rest = data + b"\0" + icc
    for text in sorted((*known, *NEUTRAL_TEXTS), key=len, reverse=True):
        rest = rest.replace(text, b"\0") if len(text) >= SHORTEST_WORD else rest
    if holds_a_word(rest, words):
        raise not_clean("a name or number that must not leave")


def holds_a_word(data: bytes, words: Iterable[str]) -> bool:
    """Whether one of the words of at least SHORTEST_WORD characters is in the bytes, in any usual coding and case."""
    lower = data.lower()
    return any(
        variant.encode(coding, errors="ignore").lower() in lower
        for word in words
        if len(word) >= SHORTEST_WORD
        for variant in {word, word.lower(), word.upper()}
        for coding in _codings(word)
    )


def _codings(word: str) -> tuple[str, ...]:
    return ("ascii",) * word.isascii() + ("utf-16-le", "utf-16-be") + ("utf-8", "latin-1") * (not word.isascii())


def _jpeg(data: bytes, icc: bytes) -> list[bytes]:
    parts, end = [], 0
    for marker, start, length in jpeg_segments(data):
        content = data[start : start + length]
        end = start + length
        if marker == _APP0 and start == 6 and length == _JFIF_BYTES and content.startswith(b"JFIF\0\1"):
            continue
        if marker == _APP2 and content.startswith(ICC_PREFIX):
            parts.append(content[len(ICC_PREFIX) + 2 :])
        elif marker not in _JPEG_STRUCTURE:
            raise not_clean(f"a JPEG segment of kind {marker:02X}")
    if b"".join(parts) != icc:
        raise not_clean("another colour profile than the one that was written")
    if end != len(data):
        raise not_clean("bytes behind the end of a JPEG image")
    return [ICC_PREFIX]


def _png(data: bytes, icc: bytes) -> list[bytes]:
    end, profile = 0, b""
    for kind, start, length in png_chunks(data):
        if kind == b"iCCP":
            name, packed = data[start : start + length].split(b"\0", 1)
            profile = zlib.decompress(packed[1:])
            if name != PNG_PROFILE_NAME:
                raise not_clean("a colour profile with a name")
        elif kind not in {b"IHDR", b"IDAT", b"IEND"}:
            raise not_clean("a PNG chunk that is not on the list")
        end = start + length + 4
    if profile != icc:
        raise not_clean("another colour profile than the one that was written")
    if end != len(data):
        raise not_clean("bytes behind the end of a PNG image")
    return []


def _tiff(data: bytes, icc: bytes) -> list[bytes]:
    """Account for every byte: header, bits, profile, strip and one directory must fill the file."""
    at, profile = struct.unpack_from("<I", data, 4)[0], b""
    (count,) = struct.unpack_from("<H", data, at)
    used = 8 + 2 + 12 * count + 4
    strip = (0, 0)
    for index in range(count):
        tag, kind, number, value = struct.unpack_from("<HHII", data, at + 2 + 12 * index)
        if tag not in TIFF_TAGS:
            raise not_clean("a TIFF tag that is not on the list")
        size = _TIFF_SIZES[kind] * number
        if tag == 34675:
            profile = data[value : value + size]
        used += size + size % 2 if size > 4 else 0
        strip = (value, strip[1]) if tag == 273 else (strip[0], value) if tag == 279 else strip
    used += strip[1] + strip[1] % 2
    unpacker = zlib.decompressobj()
    unpacker.decompress(data[strip[0] : sum(strip)])
    if profile != icc or used != len(data) or any(data[at + 2 + 12 * count :]) or unpacker.unused_data:
        raise not_clean("bytes in a TIFF file that belong to nothing")
    return []


_WALKS: Final[Mapping[ImageKind, Callable[[bytes, bytes], list[bytes]]]] = {
    ImageKind.JPEG: _jpeg,
    ImageKind.PNG: _png,
    ImageKind.TIFF: _tiff,
    ImageKind.DICOM: deidentified_dicom.prove,
}
