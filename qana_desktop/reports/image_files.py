"""Writes pixels as JPEG, PNG or TIFF that hold the image, its colour profile, and nothing else.

Source: ITU-T T.81 and ICC.1 annex B.4 (JPEG), W3C PNG third edition, TIFF 6.0 with Adobe's technical note on zip.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

UInt8Image = npt.NDArray[np.uint8]

JPEG_QUALITY: Final = 95
ICC_PREFIX: Final = b"ICC_PROFILE\0"
PNG_PROFILE_NAME: Final = b"ICC"
_ICC_PART: Final = 65_000
_PNG_HEAD: Final = 33
"""Signature and IHDR, which comes first and has one length."""
TIFF_TAGS: Final = frozenset({256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 34675})
"""Width, height, bits, compression, colours, strip, samples, rows per strip, strip length, planes, profile."""


def jpeg(rgb: UInt8Image, icc: bytes) -> bytes:
    """Return a JPEG file of `rgb` (uint8, H x W x 3), without chroma subsampling."""
    settings = (
        cv2.IMWRITE_JPEG_QUALITY,
        JPEG_QUALITY,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    )
    data = _encoded(".jpg", rgb, settings)
    parts = [icc[at : at + _ICC_PART] for at in range(0, len(icc), _ICC_PART)]
    after_jfif = 4 + int.from_bytes(data[4:6], "big")
    return (
        data[:after_jfif] + b"".join(_app2(part, i, len(parts)) for i, part in enumerate(parts, 1)) + data[after_jfif:]
    )


def png(rgb: UInt8Image, icc: bytes) -> bytes:
    """Return a PNG file of `rgb` (uint8, H x W x 3), every pixel kept."""
    data = _encoded(".png", rgb, ())
    profile = _chunk(b"iCCP", PNG_PROFILE_NAME + b"\0\0" + zlib.compress(icc)) if icc else b""
    return data[:_PNG_HEAD] + profile + data[_PNG_HEAD:]


def tiff(rgb: UInt8Image, icc: bytes) -> bytes:
    """Return a TIFF file of `rgb` (uint8, H x W x 3) in one zip-compressed strip, every pixel kept."""
    height, width = rgb.shape[:2]
    strip = zlib.compress(rgb.tobytes())
    at_profile = 8 + 6
    at_strip = at_profile + len(icc) + len(icc) % 2
    at_tags = at_strip + len(strip) + len(strip) % 2
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 3, 8),
        (259, 3, 1, 8),
        (262, 3, 1, 2),
        (273, 4, 1, at_strip),
        (277, 3, 1, 3),
        (278, 4, 1, height),
        (279, 4, 1, len(strip)),
        (284, 3, 1, 1),
    ]
    if icc:
        tags.append((34675, 7, len(icc), at_profile))
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    head = struct.pack("<2sHI3H", b"II", 42, at_tags, 8, 8, 8)
    return head + icc + bytes(len(icc) % 2) + strip + bytes(len(strip) % 2) + directory


def _encoded(suffix: str, rgb: UInt8Image, settings: tuple[int, ...]) -> bytes:
    done, data = cv2.imencode(suffix, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), settings)
    if not done:
        raise ValueError(f"OpenCV cannot write {suffix}")
    return data.tobytes()


def _app2(part: bytes, number: int, count: int) -> bytes:
    content = ICC_PREFIX + bytes((number, count)) + part
    return b"\xff\xe2" + struct.pack(">H", len(content) + 2) + content


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
