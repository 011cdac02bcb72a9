"""Writes pixels as a DICOM secondary capture without identity, and proves of a file that it is one and no more.

Source: DICOM PS3.15 annex E, Basic Application Level Confidentiality Profile. The dataset is no copy with parts taken
out: it is made from nothing, of the constants below, new UIDs, the pixels, their scale and their colour profile.
"""

from __future__ import annotations

import io
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from qana_desktop.reports.dicom_file import (
    EXPLICIT,
    IMPLEMENTATION,
    SECONDARY_CAPTURE,
    VERSION_NAME,
    UInt8Image,
    file_of,
    set_image,
)
from qana_desktop.reports.faults import not_clean

if TYPE_CHECKING:
    from pydicom import Dataset, FileDataset

METHODS: Final = ("PS3.15 Basic Application Level Confidentiality Profile", "Pixels decoded and encoded anew")

CONSTANTS: Final = MappingProxyType[str, str | tuple[str, ...]](
    {
        "SOPClassUID": SECONDARY_CAPTURE,
        "ImageType": ("DERIVED", "SECONDARY"),
        "Modality": "XC",
        "ConversionType": "WSD",
        "Manufacturer": "",
        "StudyDate": "",
        "StudyTime": "",
        "StudyID": "",
        "AccessionNumber": "",
        "ReferringPhysicianName": "",
        "PatientName": "",
        "PatientID": "",
        "PatientBirthDate": "",
        "PatientSex": "",
        "PatientOrientation": "",
        "PatientIdentityRemoved": "YES",
        "DeidentificationMethod": METHODS,
        "LongitudinalTemporalInformationModified": "REMOVED",
        "SeriesNumber": "1",
        "InstanceNumber": "1",
        "SamplesPerPixel": "3",
        "PhotometricInterpretation": "RGB",
        "PlanarConfiguration": "0",
        "BitsAllocated": "8",
        "BitsStored": "8",
        "HighBit": "7",
        "PixelRepresentation": "0",
    }
)
"""What each file says, word for word."""
_CODE: Final = MappingProxyType(
    {
        "CodeValue": "113100",
        "CodingSchemeDesignator": "DCM",
        "CodeMeaning": "Basic Application Confidentiality Profile",
    }
)
_UIDS: Final = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_NUMBERS: Final = frozenset({"Rows", "Columns", "PixelSpacing", "LossyImageCompression", "PixelData", "ICCProfile"})
_META: Final = frozenset(
    {
        "FileMetaInformationGroupLength", "FileMetaInformationVersion", "MediaStorageSOPClassUID",
        "MediaStorageSOPInstanceUID", "TransferSyntaxUID", "ImplementationClassUID", "ImplementationVersionName",
    }
)  # fmt: skip
_NEW_UID: Final = re.compile(r"2\.25\.[1-9]\d{0,38}")


def dicom(rgb: UInt8Image, icc: bytes, *, mm_per_pixel: float | None, lossy: bool) -> bytes:
    """Return a DICOM file of `rgb` (uint8, H x W x 3), explicit VR little endian, every pixel kept."""
    from pydicom import Dataset

    dataset = Dataset()
    for keyword, value in CONSTANTS.items():
        setattr(dataset, keyword, list(value) if isinstance(value, tuple) else _typed(keyword, value))
    code = Dataset()
    for keyword, value in _CODE.items():
        setattr(code, keyword, value)
    dataset.DeidentificationMethodCodeSequence = [code]
    set_image(dataset, rgb, icc, mm_per_pixel=mm_per_pixel, lossy=lossy)
    return _written(dataset)


def _typed(keyword: str, value: str) -> str | int:
    from pydicom.datadict import dictionary_VR

    return int(value) if dictionary_VR(keyword) == "US" else value


def _written(dataset: Dataset) -> bytes:
    from pydicom.uid import generate_uid

    for keyword in _UIDS:
        setattr(dataset, keyword, generate_uid(prefix=None))
    return file_of(dataset)


# --- proof


def prove(data: bytes, icc: bytes) -> list[bytes]:
    """Walk all tags of a file of ours and return the texts that every such file holds, and its new UIDs.

    Raises ExportFailed for anything that is not on the list.
    """
    import pydicom

    if data[:128] != bytes(128):
        raise not_clean("a DICOM preamble that is not empty")
    dataset = pydicom.dcmread(io.BytesIO(data))
    _prove_meta(dataset)
    for element in dataset:
        _prove_element(element.keyword, element.value, icc)
    if dataset.get("PatientIdentityRemoved") != "YES" or set(CONSTANTS) - {element.keyword for element in dataset}:
        raise not_clean("a DICOM file that does not say that identity was removed")
    _prove_length(data, dataset)
    texts = [text for value in CONSTANTS.values() for text in ((value,) if isinstance(value, str) else value)]
    texts += [*_CODE.values(), VERSION_NAME, IMPLEMENTATION, EXPLICIT]
    texts += [str(dataset.get(keyword)) for keyword in _UIDS]
    return [text.encode() for text in texts if text]


def _prove_meta(dataset: FileDataset) -> None:
    meta = dataset.file_meta
    if {element.keyword for element in meta} - _META:
        raise not_clean("a DICOM meta element that is not on the list")
    said = (meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID, meta.ImplementationClassUID)
    if said != (SECONDARY_CAPTURE, EXPLICIT, IMPLEMENTATION) or meta.ImplementationVersionName != VERSION_NAME:
        raise not_clean("a DICOM meta element with another value")
    if meta.MediaStorageSOPInstanceUID != dataset.SOPInstanceUID:
        raise not_clean("two instance UIDs")


def _prove_element(keyword: str, value: object, icc: bytes) -> None:
    if keyword in CONSTANTS:
        allowed = CONSTANTS[keyword]
        found = tuple(value) if isinstance(allowed, tuple) else "" if value is None else str(value)  # type: ignore[arg-type]
        clean = found == allowed
    elif keyword in _UIDS:
        clean = _NEW_UID.fullmatch(str(value)) is not None
    elif keyword == "DeidentificationMethodCodeSequence":
        items = [{element.keyword: str(element.value) for element in item} for item in value]  # type: ignore[attr-defined]
        clean = items == [dict(_CODE)]
    elif keyword == "ICCProfile":
        clean = value == icc + bytes(len(icc) % 2)
    elif keyword == "LossyImageCompression":
        clean = value == "01"
    else:
        clean = keyword in _NUMBERS
    if not clean:
        raise not_clean("a DICOM element that is not on the list, or has another value")


def _prove_length(data: bytes, dataset: FileDataset) -> None:
    """The pixels come last and end the file: nothing is behind them, and there is not one byte too many in them."""
    needed = int(dataset.Rows) * int(dataset.Columns) * 3
    pixels = dataset.PixelData
    if len(pixels) != needed + needed % 2 or not data.endswith(pixels):
        raise not_clean("bytes behind the pixels of a DICOM file")
