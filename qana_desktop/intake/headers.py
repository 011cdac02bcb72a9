"""Reads what an image file says about itself, before any decoder sees it: format by content, size, depth, orientation.

Sources: ITU-T T.81 (JPEG), W3C PNG third edition, TIFF 6.0, RFC 9649 (WebP), Windows bitmap headers.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from qana_desktop.intake import refusals
from qana_desktop.intake.tags import ORIENTATION, Directory, byte_order, exif_orientation, read_directory
from qana_desktop.system.language import N_, _


class ImageFormat(StrEnum):
    """The formats that are read."""

    JPEG = "JPEG"
    PNG = "PNG"
    TIFF = "TIFF"
    BMP = "BMP"
    WEBP = "WebP"
    DICOM = "DICOM"


@dataclass(frozen=True)
class Header:
    """What the file announces. `width` and `height` are as stored, before `orientation` (EXIF, 1 to 8) is applied.

    `premultiplied` says that the decoder hands out colours already multiplied by alpha.
    """

    format: ImageFormat
    width: int
    height: int
    orientation: int = 1
    bits: int = 8
    alpha: bool = False
    premultiplied: bool = False
    cmyk: bool = False
    animated: bool = False
    pages: bool = False


PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PNG_NEEDED: Final = frozenset({b"tRNS", b"acTL", b"fcTL", b"fdAT"})
_EXIF_PREFIX: Final = b"Exif\0\0"


def read_header(data: bytes) -> Header:
    """Return the header of an encoded image other than DICOM (`dicom.py`). Raises FileRefused with the reason."""
    if not data:
        raise refusals.empty()
    reader = _READERS.get(sniff(data))
    if reader is None:
        raise _unknown(data)
    try:
        header = reader(data)
    except (struct.error, IndexError):
        raise refusals.truncated() from None
    except ValueError:
        raise refusals.damaged() from None
    if header.width < 1 or header.height < 1:
        raise refusals.damaged()
    return header


def sniff(data: bytes) -> ImageFormat | None:
    """Return the format that the first bytes show, None for anything that is not read; names play no part.

    DICOM comes first: its preamble may look like another format (PS3.10 section 7.1).
    """
    if data[128:132] == b"DICM":
        return ImageFormat.DICOM
    if data.startswith(b"\xff\xd8\xff"):
        return ImageFormat.JPEG
    if data.startswith(PNG_SIGNATURE):
        return ImageFormat.PNG
    if byte_order(data) is not None:
        return ImageFormat.TIFF
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return ImageFormat.WEBP
    return ImageFormat.BMP if _looks_like_bitmap(data) else None


def _looks_like_bitmap(data: bytes) -> bool:
    """Two letters are little evidence ("BMW" is a text): the header size must be one that exists."""
    return data.startswith(b"BM") and data[14:18] in {
        struct.pack("<I", size) for size in (12, 40, 52, 56, 64, 108, 124)
    }


_OTHERS: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"GIF8", N_("a GIF image")),
    (4, b"ftypavif", N_("an AVIF image")),
    (4, b"ftypheic", N_("a HEIC image")),
    (4, b"ftypheix", N_("a HEIC image")),
    (4, b"ftypmif1", N_("a HEIF image")),
    (4, b"ftyp", N_("a video or camera container")),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (0, b"%PDF", N_("a PDF document")),
    (0, b"II+\0", N_("a BigTIFF image")),
    (0, b"MM\0+", N_("a BigTIFF image")),
)


def _unknown(data: bytes) -> refusals.FileRefused:
    for offset, magic, name in _OTHERS:
        if data[offset : offset + len(magic)] == magic:
            return refusals.not_supported(name)
    return refusals.not_an_image()


# --- PNG


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, start of content, length) of each chunk. Raises struct.error where the file ends inside one."""
    at = len(PNG_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            raise struct.error("the file ends inside a chunk")
        yield kind, at + 8, length
        at += 12 + length


def png_without_metadata(data: bytes) -> bytes:
    """Return the file without the chunks that decoding does not need; raises struct.error where it is cut off."""
    kept = (
        data[start - 8 : start + length + 4]
        for kind, start, length in png_chunks(data)
        if kind[:1].isupper() or kind in _PNG_NEEDED
    )
    return PNG_SIGNATURE + b"".join(kept)


def _png(data: bytes) -> Header:
    if data[12:16] != b"IHDR":
        raise ValueError("PNG does not begin with IHDR")
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    orientation, alpha, animated = 1, colour in (4, 6), False
    for kind, start, length in png_chunks(data):
        if kind == b"eXIf":
            orientation = exif_orientation(data[start : start + length])
        alpha = alpha or kind == b"tRNS"
        animated = animated or kind == b"acTL"
    return Header(ImageFormat.PNG, width, height, orientation, bits=bits, alpha=alpha, animated=animated)


# --- JPEG

_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_FRAMES_NOT_READ: Final = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF})
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_AFTER_SCAN: Final = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
_SOS, _EOI, _APP1 = 0xDA, 0xD9, 0xE1


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start of content, length) up to and with EOI, stepping over the entropy-coded data of each scan.

    Raises struct.error where the file ends before EOI, ValueError where a marker should be and is not.
    """
    at = 2
    while True:
        if at >= len(data):
            raise struct.error("no end of image")
        if data[at] != 0xFF:
            raise ValueError("no marker where one must be")
        while data[at] == 0xFF:
            at += 1
        marker = data[at]
        at += 1
        if marker == _EOI:
            yield marker, at, 0
            return
        if marker in _ALONE:
            continue
        (length,) = struct.unpack_from(">H", data, at)
        if length < 2:
            raise ValueError("a segment shorter than its own length field")
        yield marker, at + 2, length - 2
        at = _end_of_scan(data, at + length) if marker == _SOS else at + length


def _end_of_scan(data: bytes, at: int) -> int:
    found = _AFTER_SCAN.search(data, at)
    if found is None:
        raise struct.error("the file ends inside a scan")
    return found.start()


def _jpeg(data: bytes) -> Header:
    orientation, frame = 1, None
    for marker, start, length in jpeg_segments(data):
        if marker in _FRAMES_NOT_READ:
            raise refusals.not_supported(_("a lossless or hierarchical JPEG image"))
        if marker in _FRAMES:
            frame = struct.unpack_from(">BHHB", data, start)
        if marker == _APP1 and data.startswith(_EXIF_PREFIX, start):
            orientation = exif_orientation(data[start + len(_EXIF_PREFIX) : start + length])
        if marker == _SOS:
            break
    if frame is None:
        raise ValueError("a scan without a frame")
    bits, height, width, components = frame
    if bits != 8:
        raise refusals.not_supported(_("a JPEG image with {bits} bits per colour").format(bits=bits))
    return Header(ImageFormat.JPEG, width, height, orientation, cmyk=components == 4)


# --- TIFF

TIFF_STRIPS: Final = ((273, 279), (324, 325))
"""Tag pairs (offsets, byte counts) of strips and of tiles."""
TIFF_ICC: Final = 34675
_WIDTH, _HEIGHT, _BITS, _COLOURS, _EXTRA, _SAMPLE_FORMAT = 256, 257, 258, 262, 338, 339
_TIFF_TAGS: Final = frozenset(
    {_WIDTH, _HEIGHT, _BITS, _COLOURS, _EXTRA, _SAMPLE_FORMAT, ORIENTATION, TIFF_ICC, *TIFF_STRIPS[0], *TIFF_STRIPS[1]}
)
_SEPARATED: Final = 5


def tiff_directory(data: bytes) -> Directory:
    """Return the tags of the first page. Raises struct.error or ValueError."""
    return read_directory(data, _TIFF_TAGS)


def _tiff(data: bytes) -> Header:
    try:
        page = tiff_directory(data)
    except ValueError:
        raise refusals.truncated() from None
    bits = max(page.tags.get(_BITS, (1,)) or (1,))
    if bits not in (1, 4, 8, 16) or page.first(_SAMPLE_FORMAT, 1) != 1:
        raise refusals.not_supported(_("a TIFF image with {bits}-bit or floating-point samples").format(bits=bits))
    return Header(
        ImageFormat.TIFF,
        page.first(_WIDTH, 0),
        page.first(_HEIGHT, 0),
        page.orientation,
        bits=bits,
        alpha=page.first(_EXTRA, 0) in (1, 2),
        premultiplied=bits <= 8 or page.first(_EXTRA, 0) == 1,  # libtiff multiplies by itself up to 8 bits
        cmyk=page.first(_COLOURS, 1) == _SEPARATED,
        pages=page.more,
    )


# --- BMP


def _bmp(data: bytes) -> Header:
    (kind,) = struct.unpack_from("<I", data, 14)
    if kind == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return Header(ImageFormat.BMP, width, abs(height))


# --- WebP


def webp_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, start of content, length) of each chunk. Raises struct.error where the file ends inside one."""
    (total,) = struct.unpack_from("<I", data, 4)
    if total + 8 > len(data):
        raise struct.error("the file ends before its announced length")
    at, end = 12, total + 8
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > len(data):
            raise struct.error("the file ends inside a chunk")
        yield kind, at + 8, length
        at += 8 + length + length % 2


def _webp(data: bytes) -> Header:
    header, orientation = None, 1
    for kind, start, length in webp_chunks(data):
        if header is None:
            header = _webp_first(data, kind, start)
        if kind == b"EXIF":
            block = data[start : start + length]
            orientation = exif_orientation(block.removeprefix(_EXIF_PREFIX))
    if header is None:
        raise ValueError("a WebP file without an image")
    width, height, alpha, animated = header
    return Header(ImageFormat.WEBP, width, height, orientation, alpha=alpha, animated=animated)


def _webp_first(data: bytes, kind: bytes, at: int) -> tuple[int, int, bool, bool]:
    """Return (width, height, alpha, animated) from the first chunk."""
    if kind == b"VP8X":
        flags, wide, high = struct.unpack_from("<B3x3s3s", data, at)
        size = int.from_bytes(wide, "little") + 1, int.from_bytes(high, "little") + 1
        return *size, bool(flags & 0x10), bool(flags & 0x02)
    if kind == b"VP8L":
        _signature, packed = struct.unpack_from("<BI", data, at)
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1, bool(packed >> 28 & 1), False
    if kind == b"VP8 ":
        wide, high = struct.unpack_from("<HH", data, at + 6)
        return wide & 0x3FFF, high & 0x3FFF, False, False
    raise ValueError("a WebP file that does not begin with an image")


_READERS: Final[Mapping[ImageFormat | None, Callable[[bytes], Header]]] = {
    ImageFormat.JPEG: _jpeg,
    ImageFormat.PNG: _png,
    ImageFormat.TIFF: _tiff,
    ImageFormat.BMP: _bmp,
    ImageFormat.WEBP: _webp,
}
