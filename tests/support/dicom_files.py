"""DICOM files made by code: every class, encoding and colour that is read, and broken ones."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import UID

from tests.support import image_files

UInt8Image = npt.NDArray[np.uint8]

DERMOSCOPY = "1.2.840.10008.5.1.4.1.1.77.1.7"
PHOTOGRAPH = "1.2.840.10008.5.1.4.1.1.77.1.4"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
JPEG, RLE = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.5"
SECRETS = ("Mustermann", "Erika", "PID-47110815", "ACC-998877", "Klinik am Berg", "Dr Eisenbart", "SN-5551212")
"""Marked texts that `dicom()` puts into many places of a file."""


def dicom(
    rgb: UInt8Image,
    *,
    kind: str = DERMOSCOPY,
    syntax: str = EXPLICIT,
    photometric: str = "RGB",
    by_plane: bool = False,
    preamble: bytes = bytes(128),
    stored: bytes | None = None,
    **more: object,
) -> bytes:
    """One DICOM file of `rgb`. `more` are attributes by keyword (None removes one); `stored` replaces pixel data."""
    dataset = described(kind)
    grey = photometric == "MONOCHROME2"
    dataset.Rows, dataset.Columns = rgb.shape[:2]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = (1 if grey else 3), photometric
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    if not grey:
        dataset.PlanarConfiguration = int(by_plane)
    pixels = pixel_data(rgb, syntax, photometric, by_plane=by_plane) if stored is None else stored
    dataset.PixelData = pixels + bytes(len(pixels) % 2)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = syntax in {JPEG, RLE}
    for keyword, value in more.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return written(dataset, kind, syntax, preamble)


def described(kind: str) -> Dataset:
    """A dataset with a patient, a study and a capture, without an image."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = kind, "1.2.3.4.5.6"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.4", "1.2.3.4.5"
    dataset.PatientName, dataset.PatientID = f"{SECRETS[0]}^{SECRETS[1]}", SECRETS[2]
    dataset.PatientBirthDate, dataset.PatientSex = "19530214", "F"
    dataset.StudyDate, dataset.StudyTime = "20260131", "101500"
    dataset.StudyDescription, dataset.AccessionNumber = "Mole check", SECRETS[3]
    dataset.InstitutionName, dataset.ReferringPhysicianName = SECRETS[4], SECRETS[5]
    dataset.Manufacturer, dataset.ManufacturerModelName = "Lens Works", "D-7"
    dataset.DeviceSerialNumber = SECRETS[6]
    dataset.AcquisitionDateTime = "20260131103015.250+0100"
    dataset.ImageLaterality, dataset.LossyImageCompression = "L", "00"
    dataset.LightSourcePolarization, dataset.ContactMethod = "POLARIZED", "CONTACT"
    dataset.PixelSpacing = [0.025, 0.025]
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "14975008", "SCT", "Forearm"
    dataset.AnatomicRegionSequence = Sequence([region])
    dataset.add_new((0x0009, 0x0010), "LO", "LENSWORKS")
    dataset.add_new((0x0009, 0x1001), "LO", f"private {SECRETS[0]}")
    return dataset


def written(dataset: Dataset, kind: str, syntax: str, preamble: bytes = bytes(128)) -> bytes:
    """The dataset as a file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(kind), UID("1.2.3.4.5.6")
    meta.TransferSyntaxUID, meta.ImplementationClassUID = UID(syntax), UID("1.2.3")
    file = FileDataset("", dataset, file_meta=meta, preamble=preamble)
    stream = io.BytesIO()
    file.save_as(stream, implicit_vr=syntax == IMPLICIT, little_endian=True, enforce_file_format=True)
    return stream.getvalue()


def pixel_data(rgb: UInt8Image, syntax: str, photometric: str, *, by_plane: bool = False) -> bytes:
    """The pixels as this transfer syntax stores them."""
    if syntax == JPEG:
        grey = photometric == "MONOCHROME2"
        return encapsulate([image_files.jpeg(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) if grey else rgb)])
    if photometric == "MONOCHROME2":
        planes = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[None]
    elif photometric == "RGB":
        planes = rgb.transpose(2, 0, 1)
    else:
        planes = ybr(rgb).transpose(2, 0, 1)
    if syntax == RLE:
        return encapsulate([rle([plane.tobytes() for plane in planes])])
    if photometric == "YBR_FULL_422":
        return half_chroma(planes.transpose(1, 2, 0))
    return (planes if by_plane else planes.transpose(1, 2, 0)).tobytes()


def ybr(rgb: UInt8Image) -> UInt8Image:
    """Y, Cb, Cr of PS3.3 C.7.6.3.1.2."""
    matrix = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
    values = rgb.astype(np.float64) @ matrix.T + np.array([0, 128, 128])
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def half_chroma(image: UInt8Image) -> bytes:
    """Y1 Y2 Cb Cr of each pair of pixels."""
    rows, columns, _ = image.shape
    pairs = np.empty((rows, columns // 2, 4), np.uint8)
    pairs[..., :2] = image[..., 0].reshape(rows, columns // 2, 2)
    pairs[..., 2:] = image[:, ::2, 1:]
    return pairs.tobytes()


def rle(planes: list[bytes]) -> bytes:
    """One RLE frame (PS3.5 annex G): runs where two bytes are equal, literals else."""
    segments = [_pack_bits(plane) for plane in planes]
    offsets, at = [], 64
    for segment in segments:
        offsets.append(at)
        at += len(segment)
    return struct.pack("<16I", len(segments), *offsets, *[0] * (15 - len(offsets))) + b"".join(segments)


def _pack_bits(plane: bytes) -> bytes:
    packed, at = bytearray(), 0
    while at < len(plane):
        run = 1
        while run < 128 and plane[at : at + 1] == plane[at + run : at + run + 1]:
            run += 1
        if run > 1:
            packed += bytes((257 - run, plane[at]))
            at += run
            continue
        literal = plane[at : at + 100]
        packed += bytes((len(literal) - 1,)) + literal
        at += len(literal)
    return bytes(packed) + bytes(len(packed) % 2)


def deflate_bomb(size: int = 1 << 30) -> bytes:
    """A deflated file whose dataset unpacks to `size` zero bytes."""
    head = written(described(DERMOSCOPY), DERMOSCOPY, DEFLATED)
    meta_end = 144 + struct.unpack_from("<I", head, 140)[0]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()
    return head[:meta_end] + packed


def every_kind() -> dict[str, bytes]:
    """One file of each encoding and colour that is read."""
    rgb = image_files.picture()
    return {
        "explicit": dicom(rgb),
        "implicit": dicom(rgb, syntax=IMPLICIT),
        "by plane": dicom(rgb, by_plane=True),
        "YBR_FULL": dicom(rgb, photometric="YBR_FULL"),
        "YBR_FULL_422": dicom(rgb, photometric="YBR_FULL_422"),
        "grey": dicom(rgb, photometric="MONOCHROME2"),
        "JPEG": dicom(rgb, syntax=JPEG, photometric="YBR_FULL_422"),
        "grey JPEG": dicom(rgb, syntax=JPEG, photometric="MONOCHROME2"),
        "RLE": dicom(rgb, syntax=RLE),
        "RLE YBR": dicom(rgb, syntax=RLE, photometric="YBR_FULL"),
        "photograph": dicom(rgb, kind=PHOTOGRAPH),
        "secondary capture": dicom(rgb, kind=SECONDARY_CAPTURE),
    }
