"""The colour profile of sRGB, made of its numbers: for images that name no colour space, which are shown as sRGB.

Source: IEC 61966-2-1 (primaries, curve), adapted to D50 by Bradford as ICC.1:2022 annex E asks.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import Final

from qana_desktop.intake.colour_profile import neutral_profile

_PRIMARIES: Final = {
    b"rXYZ": (0.43607, 0.22249, 0.01392),
    b"gXYZ": (0.38515, 0.71687, 0.09708),
    b"bXYZ": (0.14307, 0.06061, 0.71410),
    b"wtpt": (0.96420, 1.0, 0.82491),
}
_CURVE: Final = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_BRADFORD: Final = (
    1.04788, 0.02292, -0.05019, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168,
)  # fmt: skip


@cache
def srgb_profile() -> bytes:
    """Return a version 4 ICC profile of sRGB, in the form in which all our profiles are."""
    parts = {name: b"XYZ " + bytes(4) + _numbers(values) for name, values in _PRIMARIES.items()}
    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0) + _numbers(_CURVE)
    parts |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    parts[b"chad"] = b"sf32" + bytes(4) + _numbers(_BRADFORD)
    return neutral_profile(_assembled(parts))


def _numbers(values: tuple[float, ...]) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _assembled(parts: dict[bytes, bytes]) -> bytes:
    at, table, body = 132 + 12 * len(parts), b"", b""
    for name, part in parts.items():
        table += struct.pack(">4sII", name, at + len(body), len(part))
        body += part
    header = bytearray(128)
    header[8:12], header[12:24] = bytes((4, 0x30, 0, 0)), b"mntrRGB XYZ "
    header[36:40] = b"acsp"
    header[68:80] = _numbers(_PRIMARIES[b"wtpt"])
    return bytes(header) + struct.pack(">I", len(parts)) + table + body
