"""Turns the pixel data of a DICOM image into 8-bit RGB, by the checked description of how they are stored.

Source: DICOM PS3.3 section C.7.6.3 (image pixel module), PS3.5 section 8.2, annex A.4 and annex G (RLE).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from qana_desktop.intake import refusals
from qana_desktop.intake.completeness import require_complete
from qana_desktop.intake.dicom_envelope import JPEG_BASELINE, RLE
from qana_desktop.intake.headers import ImageFormat, jpeg_segments, read_header, sniff

UInt8Image = npt.NDArray[np.uint8]
DecodeJpeg: TypeAlias = Callable[[bytes], UInt8Image]
"""Decodes a whole JPEG file into RGB as stored; raises FileRefused."""

GREY: Final = "MONOCHROME2"
RGB: Final = "RGB"
YBR: Final = "YBR_FULL"
YBR_422: Final = "YBR_FULL_422"
_SEGMENTS: Final = 15


@dataclass(frozen=True)
class PixelLayout:
    """How the pixels are stored; made only by `dicom.py`, which checks every value."""

    rows: int
    columns: int
    samples: int
    photometric: str
    by_plane: bool
    syntax: str

    @property
    def half_chroma(self) -> bool:
        """Whether two pixels share their colour in uncompressed data."""
        return self.photometric == YBR_422 and self.syntax not in {JPEG_BASELINE, RLE}

    @property
    def bytes_needed(self) -> int:
        """Bytes of uncompressed data."""
        return self.rows * self.columns * (2 if self.half_chroma else self.samples)


def to_rgb(stored: bytes, layout: PixelLayout, decode_jpeg: DecodeJpeg) -> UInt8Image:
    """Return the image as uint8 RGB, rows x columns x 3. `stored` is the one frame. Raises FileRefused."""
    if layout.syntax == JPEG_BASELINE:
        return _from_jpeg(stored, layout, decode_jpeg)
    if layout.syntax == RLE:
        planes = unpack_rle(stored, count=layout.samples, size=layout.rows * layout.columns)
        shaped = np.frombuffer(planes, np.uint8).reshape(layout.samples, layout.rows, layout.columns)
        return _coloured(shaped.transpose(1, 2, 0), layout.photometric)
    return _from_plain(stored, layout)


def _from_plain(stored: bytes, layout: PixelLayout) -> UInt8Image:
    needed = layout.bytes_needed
    if len(stored) < needed:
        raise refusals.truncated()
    if len(stored) > needed + needed % 2:  # Padded to an even length; more means that the description is wrong.
        raise refusals.damaged()
    values = np.frombuffer(stored, np.uint8, needed)
    if layout.half_chroma:
        return _coloured(_with_whole_chroma(values, layout), YBR)
    if layout.by_plane:
        return _coloured(
            values.reshape(layout.samples, layout.rows, layout.columns).transpose(1, 2, 0), layout.photometric
        )
    return _coloured(values.reshape(layout.rows, layout.columns, layout.samples), layout.photometric)


def _with_whole_chroma(values: UInt8Image, layout: PixelLayout) -> UInt8Image:
    """PS3.3 C.7.6.3.1.2: two luminances, then the two colour differences that both pixels share."""
    pairs = values.reshape(layout.rows, layout.columns // 2, 4)
    image = np.empty((layout.rows, layout.columns, 3), np.uint8)
    image[..., 0] = pairs[..., :2].reshape(layout.rows, layout.columns)
    image[..., 1] = np.repeat(pairs[..., 2], 2, axis=1)
    image[..., 2] = np.repeat(pairs[..., 3], 2, axis=1)
    return image


def _coloured(pixels: UInt8Image, photometric: str) -> UInt8Image:
    if photometric == GREY:
        return np.ascontiguousarray(np.repeat(pixels, 3, axis=2))
    if photometric == RGB:
        return np.ascontiguousarray(pixels)
    luminance_red_blue = np.ascontiguousarray(pixels[..., [0, 2, 1]])
    return np.asarray(cv2.cvtColor(luminance_red_blue, cv2.COLOR_YCrCb2RGB), dtype=np.uint8)


# --- JPEG


def _from_jpeg(frame: bytes, layout: PixelLayout, decode_jpeg: DecodeJpeg) -> UInt8Image:
    if sniff(frame) is not ImageFormat.JPEG:
        raise refusals.damaged()
    header = read_header(frame)
    if (header.width, header.height) != (layout.columns, layout.rows) or header.cmyk:
        raise refusals.damaged()
    require_complete(frame, header)
    return decode_jpeg(_with_stated_colours(frame, layout))


def _with_stated_colours(frame: bytes, layout: PixelLayout) -> bytes:
    """Say in the JPEG stream how its colours are stored, where it does not say so itself: decoders would guess."""
    for marker, start, _length in jpeg_segments(frame):
        if (marker == 0xE0 and frame.startswith(b"JFIF\0", start)) or (
            marker == 0xEE and frame.startswith(b"Adobe", start)
        ):
            return frame
    transform = 0 if layout.photometric == RGB else 1
    adobe = b"Adobe" + struct.pack(">HHHB", 100, 0, 0, transform)
    return frame[:2] + b"\xff\xee" + struct.pack(">H", len(adobe) + 2) + adobe + frame[2:]


# --- RLE


def unpack_rle(frame: bytes, *, count: int, size: int) -> bytes:
    """Return the `count` byte planes of an RLE frame, `size` bytes each and never more; raises FileRefused."""
    if len(frame) < 64:
        raise refusals.truncated()
    segments, *offsets = struct.unpack_from(f"<{_SEGMENTS + 1}I", frame)
    if segments != count:
        raise refusals.damaged()
    ends = [*offsets[1:count], len(frame)]
    return b"".join(_unpack_bits(frame, start, end, size) for start, end in zip(offsets, ends, strict=False))


def _unpack_bits(frame: bytes, at: int, end: int, size: int) -> bytes:
    if max(at, end) > len(frame):
        raise refusals.truncated()
    if not 64 <= at <= end:
        raise refusals.damaged()
    plane = bytearray()
    while len(plane) < size:
        if at + 1 >= end:
            raise refusals.truncated()
        head = frame[at]
        if head < 128:
            plane += frame[at + 1 : min(at + 2 + head, end)]
            at += 2 + head
        elif head > 128:
            plane += frame[at + 1 : at + 2] * (257 - head)
            at += 2
        else:
            at += 1
    if len(plane) != size:
        raise refusals.damaged()
    return bytes(plane)
