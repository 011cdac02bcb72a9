"""Reads DICOM images: what the file says, and its pixels. Runs in a child: the bytes are untrusted.

Nothing is unpacked before class, encoding, size and layout were checked. pydicom parses the attributes; the pixels are
taken apart in `dicom_pixels`.
"""

from __future__ import annotations

import io
import logging
import math
import re
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

from qana_desktop.intake import refusals
from qana_desktop.intake.dicom_envelope import JPEG_BASELINE, RLE, Envelope, read_envelope
from qana_desktop.intake.dicom_facts import DicomFacts
from qana_desktop.intake.dicom_pixels import GREY, RGB, YBR, YBR_422, DecodeJpeg, PixelLayout, UInt8Image, to_rgb
from qana_desktop.system.language import _
from qana_desktop.triage.case import Contact, Polarisation, Sex

if TYPE_CHECKING:
    from pydicom import Dataset

T = TypeVar("T")

_MAX_TEXT: Final = 200
_SAME_SCALE: Final = 0.01
"""Relative difference up to which the spacings of rows and columns count as one scale."""
_TAGS: Final = [
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID", "PatientName",
    "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyDescription", "AccessionNumber", "Manufacturer",
    "ManufacturerModelName", "AcquisitionDateTime", "AcquisitionDate", "AcquisitionTime", "ContentDate", "ContentTime",
    "AnatomicRegionSequence", "BodyPartExamined", "ImageLaterality", "Laterality", "LightSourcePolarization",
    "ContactMethod", "PixelSpacing", "ImagerPixelSpacing", "LossyImageCompression", "BurnedInAnnotation",
    "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "Rows", "Columns",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "ICCProfile", "PixelData", "FloatPixelData",
    "DoubleFloatPixelData",
]  # fmt: skip


@dataclass(frozen=True)
class DicomImage:
    """A parsed file: what it says, how its pixels are stored, and the one frame as it is stored."""

    facts: DicomFacts
    layout: PixelLayout
    frame: bytes
    icc: bytes

    def rgb(self, decode_jpeg: DecodeJpeg) -> UInt8Image:
        """Return the pixels, uint8, rows x columns x 3; raises FileRefused."""
        return to_rgb(self.frame, self.layout, decode_jpeg)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what decoding does to the pixels."""
        return (_("Black and white: there is no colour to assess."),) if self.layout.photometric == GREY else ()


def read_dicom(data: bytes, *, max_pixels: int, min_side: int) -> DicomImage:
    """Parse and check a DICOM file; nothing is decoded yet. Raises FileRefused with the reason."""
    envelope = read_envelope(data)
    with _quietly():
        dataset = _parsed(data)
        if _uid(dataset, "SOPClassUID") != envelope.kind:
            raise refusals.damaged()
        layout = _layout(dataset, envelope, max_pixels=max_pixels, min_side=min_side)
        frame = _frame(dataset, layout)
        return DicomImage(_facts(dataset, envelope), layout, frame, _optional(dataset, "ICCProfile", bytes) or b"")


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep pydicom from writing what it meets: its warnings quote values, and values are patients' names."""
    logger = logging.getLogger("pydicom")
    was = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = was


@cache
def _parse_errors() -> tuple[type[Exception], ...]:
    """What pydicom raises over bytes that make no sense; it has no base class of its own for that."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    return (
        ArithmeticError,
        AssertionError,
        AttributeError,
        BytesLengthException,
        EOFError,
        InvalidDicomError,
        LookupError,
        NotImplementedError,
        OSError,
        RecursionError,
        TypeError,
        ValueError,
        struct.error,
    )


def _parsed(data: bytes) -> Dataset:
    import pydicom

    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            dataset = pydicom.dcmread(io.BytesIO(data), specific_tags=list(_TAGS))
    except (EOFError, struct.error):
        raise refusals.truncated() from None
    except _parse_errors():
        raise refusals.damaged() from None
    if any("End of file" in str(warning.message) for warning in said):  # pydicom then hands out what it has
        raise refusals.truncated()
    return dataset


# --- pixels


def _layout(dataset: Dataset, envelope: Envelope, *, max_pixels: int, min_side: int) -> PixelLayout:
    rows, columns = _number(dataset, "Rows"), _number(dataset, "Columns")
    if rows < 1 or columns < 1:
        raise refusals.damaged()
    if rows * columns > max_pixels:
        raise refusals.too_many_pixels(columns, rows, max_pixels)
    if min(rows, columns) < min_side:
        raise refusals.too_small(columns, rows, min_side)
    frames = _number(dataset, "NumberOfFrames", default=1)
    if frames != 1:
        raise refusals.dicom_frames(frames)
    layout = PixelLayout(
        rows=rows,
        columns=columns,
        samples=_number(dataset, "SamplesPerPixel"),
        photometric=_text(dataset, "PhotometricInterpretation"),
        by_plane=_number(dataset, "PlanarConfiguration", default=0) == 1,
        syntax=envelope.transfer_syntax,
    )
    _check_layout(dataset, layout)
    return layout


def _check_layout(dataset: Dataset, layout: PixelLayout) -> None:
    known = {GREY: 1, RGB: 3, YBR: 3, YBR_422: 3}
    if layout.photometric not in known:
        raise refusals.dicom_pixels(
            _("stored as {colours}").format(colours=layout.photometric or "nothing that is named")
        )
    if layout.samples != known[layout.photometric]:
        raise refusals.damaged()
    allocated, stored = _number(dataset, "BitsAllocated"), _number(dataset, "BitsStored")
    if allocated != 8 or stored != 8 or _number(dataset, "PixelRepresentation", default=0) != 0:
        raise refusals.dicom_pixels(_("of {stored} bits in {allocated}").format(stored=stored, allocated=allocated))
    if layout.half_chroma and (layout.columns % 2 or layout.by_plane):
        raise refusals.damaged()
    if layout.syntax == RLE and layout.photometric == YBR_422:
        raise refusals.damaged()


def _frame(dataset: Dataset, layout: PixelLayout) -> bytes:
    stored = _optional(dataset, "PixelData", bytes)
    if not stored:
        raise refusals.dicom_no_pixels()
    if layout.syntax not in {JPEG_BASELINE, RLE}:
        return stored
    from pydicom.encaps import generate_frames

    try:
        frames = list(generate_frames(stored, number_of_frames=1))
    except (EOFError, struct.error):
        raise refusals.truncated() from None
    except _parse_errors():
        raise refusals.damaged() from None
    if len(frames) != 1:
        raise refusals.dicom_frames(len(frames))
    return frames[0]


# --- attributes


def _facts(dataset: Dataset, envelope: Envelope) -> DicomFacts:
    scale, source = _scale(dataset)
    return DicomFacts(
        kind=envelope.kind,
        transfer_syntax=envelope.transfer_syntax,
        patient_id=_text(dataset, "PatientID"),
        patient_name=_text(dataset, "PatientName").replace("^", " ").strip(),
        birth_date=_day(_text(dataset, "PatientBirthDate")),
        sex=_SEXES.get(_text(dataset, "PatientSex").upper()),
        study_uid=_uid(dataset, "StudyInstanceUID"),
        series_uid=_uid(dataset, "SeriesInstanceUID"),
        instance_uid=_uid(dataset, "SOPInstanceUID"),
        study_date=_day(_text(dataset, "StudyDate")),
        study_description=_text(dataset, "StudyDescription"),
        accession_number=_text(dataset, "AccessionNumber"),
        body_site=_region(dataset) or _text(dataset, "BodyPartExamined"),
        laterality=_text(dataset, "ImageLaterality") or _text(dataset, "Laterality"),
        device=" ".join(filter(None, (_text(dataset, "Manufacturer"), _text(dataset, "ManufacturerModelName")))),
        captured_at=_captured_at(dataset),
        polarisation=_POLARISATIONS.get(_text(dataset, "LightSourcePolarization").upper(), Polarisation.UNKNOWN),
        contact=_CONTACTS.get(_text(dataset, "ContactMethod").upper(), Contact.UNKNOWN),
        mm_per_pixel=scale,
        scale_source=source,
        lossy=_text(dataset, "LossyImageCompression") == "01" or envelope.transfer_syntax == JPEG_BASELINE,
        burned_in={"YES": True, "NO": False}.get(_text(dataset, "BurnedInAnnotation").upper()),
    )


_SEXES: Final[Mapping[str, Sex]] = {"F": Sex.FEMALE, "M": Sex.MALE, "O": Sex.OTHER}
_POLARISATIONS: Final[Mapping[str, Polarisation]] = {
    "POLARIZED": Polarisation.POLARISED,
    "CROSS": Polarisation.POLARISED,
    "NONPOLARIZED": Polarisation.NON_POLARISED,
    "NON_POLARIZED": Polarisation.NON_POLARISED,
    "UNPOLARIZED": Polarisation.NON_POLARISED,
}
_CONTACTS: Final[Mapping[str, Contact]] = {
    "CONTACT": Contact.CONTACT,
    "NONCONTACT": Contact.NON_CONTACT,
    "NON_CONTACT": Contact.NON_CONTACT,
}


def _optional(dataset: Dataset, keyword: str, kind: type[T]) -> T | None:
    """Return a value of this type, None when it is absent, broken or of another type."""
    try:
        value = dataset.get(keyword)
    except _parse_errors():
        return None
    return value if isinstance(value, kind) else None


def _value(dataset: Dataset, keyword: str, make: Callable[[object], T]) -> T | None:
    """Return what `make` makes of an attribute; None where it is absent or makes no sense."""
    try:
        value = dataset.get(keyword)
        return None if value is None else make(value)
    except _parse_errors():
        return None


def _number(dataset: Dataset, keyword: str, *, default: int | None = None) -> int:
    """Return a whole number that the pixels depend on; raises FileRefused where it is absent or broken."""
    try:
        value = dataset.get(keyword)
        found = default if value is None or value == "" else int(value)
    except _parse_errors():
        raise refusals.damaged() from None
    if found is None:
        raise refusals.damaged()
    return found


def _text(dataset: Dataset, keyword: str) -> str:
    found = _value(dataset, keyword, str) or ""
    return "".join(char if char.isprintable() else " " for char in found)[:_MAX_TEXT].strip()


def _uid(dataset: Dataset, keyword: str) -> str:
    found = _text(dataset, keyword)
    return found if re.fullmatch(r"[0-9.]{1,64}", found) else ""


def _region(dataset: Dataset) -> str:
    from pydicom import Dataset as Item

    first = _value(dataset, "AnatomicRegionSequence", lambda items: items[0])  # type: ignore[index]
    return _text(first, "CodeMeaning") if isinstance(first, Item) else ""


def _scale(dataset: Dataset) -> tuple[float | None, str]:
    """Return millimetres per pixel and where they stand. Spacings that differ by direction give no scale."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        pair = _value(dataset, keyword, lambda value: [float(number) for number in value])  # type: ignore[attr-defined]
        if pair is None or len(pair) != 2 or not all(math.isfinite(number) and number > 0 for number in pair):
            continue
        if abs(pair[0] - pair[1]) <= _SAME_SCALE * max(pair):
            return (pair[0] + pair[1]) / 2, keyword
    return None, ""


def _captured_at(dataset: Dataset) -> str | None:
    for text in (
        _text(dataset, "AcquisitionDateTime"),
        _text(dataset, "AcquisitionDate") + _text(dataset, "AcquisitionTime"),
        _text(dataset, "ContentDate") + _text(dataset, "ContentTime"),
        _text(dataset, "StudyDate") + _text(dataset, "StudyTime"),
    ):
        if found := _moment(text):
            return found
    return None


def _moment(text: str) -> str | None:
    """Return DICOM date and time (YYYYMMDD[HHMM[SS[.f]]][+ZZZZ]) as ISO 8601; None for anything else."""
    match = re.fullmatch(r"(\d{8})(?:(\d{2})(\d{2})(\d{2})?(?:\.\d{1,6})?)?(?:([+-]\d{2})(\d{2}))?", text)
    day = _day(match[1]) if match else None
    if match is None or day is None or match[2] is None:
        return day
    hours, minutes, seconds = int(match[2]), int(match[3]), int(match[4] or 0)
    if hours > 23 or minutes > 59 or seconds > 60:
        return day
    zone = f"{match[5]}:{match[6]}" if match[5] else ""
    return f"{day}T{hours:02}:{minutes:02}:{min(seconds, 59):02}{zone}"


def _day(text: str) -> str | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8])).isoformat() if re.fullmatch(r"\d{8}", text) else None
    except ValueError:
        return None
