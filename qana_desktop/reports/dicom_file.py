"""What all DICOM files of ours share: one uncompressed RGB image, explicit VR little endian, and how it is written."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pydicom import Dataset

UInt8Image = npt.NDArray[np.uint8]

EXPLICIT: Final = "1.2.840.10008.1.2.1"
SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
DERMOSCOPY: Final = "1.2.840.10008.5.1.4.1.1.77.1.7"
IMPLEMENTATION: Final = "1.2.826.0.1.3680043.8.498.1"
"""The class UID under which pydicom writes files."""
VERSION_NAME: Final = "QANA_DESKTOP"


def set_image(dataset: Dataset, rgb: UInt8Image, icc: bytes, *, mm_per_pixel: float | None, lossy: bool) -> None:
    """Put pixels (uint8, H x W x 3), their colour profile and their scale into a dataset."""
    dataset.Rows, dataset.Columns = rgb.shape[:2]
    if mm_per_pixel is not None:
        dataset.PixelSpacing = [f"{mm_per_pixel:.8g}"] * 2
    if lossy:
        dataset.LossyImageCompression = "01"
    if icc:
        dataset.ICCProfile = icc + bytes(len(icc) % 2)
    pixels = rgb.tobytes()
    dataset.PixelData = pixels + bytes(len(pixels) % 2)
    dataset["PixelData"].VR = "OB"


def file_of(dataset: Dataset) -> bytes:
    """Return a dataset with its class and UIDs as a file."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID, meta.ImplementationClassUID = UID(EXPLICIT), UID(IMPLEMENTATION)
    meta.ImplementationVersionName = VERSION_NAME
    stream = io.BytesIO()
    file = FileDataset("", dataset, file_meta=meta, preamble=bytes(128))
    file.save_as(stream, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return stream.getvalue()
