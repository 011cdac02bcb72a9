"""Says whether an image file is whole, so that a half-copied file is refused and never shown half grey."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from qana_desktop.intake import refusals
from qana_desktop.intake.headers import (
    TIFF_STRIPS,
    Header,
    ImageFormat,
    jpeg_segments,
    png_chunks,
    tiff_directory,
    webp_chunks,
)


def require_complete(data: bytes, header: Header) -> None:
    """Raise FileRefused (`file-truncated`, `file-damaged`) when bytes that the format needs are missing or wrong."""
    try:
        _CHECKS[header.format](data, header)
    except (struct.error, IndexError):
        raise refusals.truncated() from None
    except ValueError:
        raise refusals.damaged() from None


def _png(data: bytes, _header: Header) -> None:
    for kind, start, length in png_chunks(data):
        (stored,) = struct.unpack_from(">I", data, start + length)
        if kind[0:1].isupper() and zlib.crc32(memoryview(data)[start - 4 : start + length]) != stored:
            raise ValueError("checksum of a critical chunk")


def _jpeg(data: bytes, _header: Header) -> None:
    for _segment in jpeg_segments(data):
        pass


def _webp(data: bytes, _header: Header) -> None:
    for _chunk in webp_chunks(data):
        pass


def _tiff(data: bytes, _header: Header) -> None:
    tags = tiff_directory(data).tags
    ends = [
        offset + size
        for offsets, sizes in TIFF_STRIPS
        for offset, size in zip(tags.get(offsets, ()), tags.get(sizes, ()), strict=False)
    ]
    if not ends:
        raise ValueError("a page without data")
    if max(ends) > len(data):
        raise struct.error("a strip or tile ends past the file")


def _bmp(data: bytes, header: Header) -> None:
    (start, kind) = struct.unpack_from("<I", data, 10)[0], struct.unpack_from("<I", data, 14)[0]
    bits_at, compression_at = (24, None) if kind == 12 else (28, 30)
    (bits,) = struct.unpack_from("<H", data, bits_at)
    compression = 0 if compression_at is None else struct.unpack_from("<I", data, compression_at)[0]
    row = (header.width * bits + 31) // 32 * 4
    if compression == 0 and start + row * header.height > len(data):
        raise struct.error("rows are missing")


_CHECKS: Final[Mapping[ImageFormat, Callable[[bytes, Header], None]]] = {
    ImageFormat.JPEG: _jpeg,
    ImageFormat.PNG: _png,
    ImageFormat.TIFF: _tiff,
    ImageFormat.BMP: _bmp,
    ImageFormat.WEBP: _webp,
}
