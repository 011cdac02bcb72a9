"""Reads a DICOM file's meta group by hand: which class and which encoding, before any library unpacks anything.

Source: DICOM PS3.10 section 7.1: 128 bytes of anything, "DICM", then group 0002 in explicit VR little endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from qana_desktop.intake import refusals
from qana_desktop.intake.dicom_facts import DicomKind
from qana_desktop.system.language import N_, _

PREAMBLE: Final = 128
MAGIC: Final = b"DICM"
_MAX_ELEMENTS: Final = 64
_LONG: Final = frozenset({b"OB", b"OW", b"OF", b"SQ", b"UN", b"UT"})
_CLASS, _SYNTAX = (0x0002, 0x0002), (0x0002, 0x0010)

IMPLICIT: Final = "1.2.840.10008.1.2"
EXPLICIT: Final = "1.2.840.10008.1.2.1"
JPEG_BASELINE: Final = "1.2.840.10008.1.2.4.50"
RLE: Final = "1.2.840.10008.1.2.5"
READ: Final = frozenset({IMPLICIT, EXPLICIT, JPEG_BASELINE, RLE})
"""The transfer syntaxes that are read (PS3.5 section 10, annex A)."""

_NOT_READ: Final[Mapping[str, str]] = {
    "1.2.840.10008.1.2.1.99": N_("packed as a whole (deflated)"),
    "1.2.840.10008.1.2.2": N_("in big-endian order, which DICOM has withdrawn"),
    "1.2.840.10008.1.2.4.51": N_("12-bit JPEG"),
    "1.2.840.10008.1.2.4.57": N_("lossless JPEG"),
    "1.2.840.10008.1.2.4.70": N_("lossless JPEG"),
    "1.2.840.10008.1.2.4.80": "JPEG-LS",
    "1.2.840.10008.1.2.4.81": "JPEG-LS",
    "1.2.840.10008.1.2.4.90": "JPEG 2000",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
}


@dataclass(frozen=True)
class Envelope:
    """What the meta group announces."""

    kind: DicomKind
    transfer_syntax: str


def is_dicom(data: bytes) -> bool:
    """Whether the bytes are a DICOM file, whatever the preamble pretends to be."""
    return data[PREAMBLE : PREAMBLE + len(MAGIC)] == MAGIC


def read_envelope(data: bytes) -> Envelope:
    """Return class and encoding if both are read here; raises FileRefused with the reason."""
    try:
        texts = dict(_uids(data))
    except struct.error:
        raise refusals.truncated() from None
    except ValueError:
        raise refusals.damaged() from None
    if _CLASS not in texts or _SYNTAX not in texts:
        raise refusals.damaged()
    return Envelope(_kind(texts[_CLASS]), _known(texts[_SYNTAX]))


def _uids(data: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    """Yield the tags and texts of the meta group's UIDs. Raises struct.error, ValueError."""
    at = PREAMBLE + len(MAGIC)
    for _element in range(_MAX_ELEMENTS):
        if at == len(data):
            return
        group, element, kind = struct.unpack_from("<HH2s", data, at)
        if group != 0x0002:
            return
        long = kind in _LONG
        (length,) = struct.unpack_from("<I" if long else "<H", data, at + (8 if long else 6))
        start = at + (12 if long else 8)
        if start + length > len(data):
            raise struct.error("the file ends inside its meta group")
        if kind == b"UI":
            yield (group, element), data[start : start + length].rstrip(b"\0 ").decode("ascii")
        at = start + length
    raise ValueError("a meta group without an end")


def _kind(uid: str) -> DicomKind:
    try:
        return DicomKind(uid)
    except ValueError:
        raise refusals.dicom_class(uid) from None


def _known(syntax: str) -> str:
    if syntax not in READ:
        raise refusals.dicom_syntax(_NOT_READ.get(syntax, _("of a kind that is unknown here")))
    return syntax
