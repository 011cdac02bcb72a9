"""Turns the bytes of an image file into upright 8-bit RGB, or says why not. Runs in a child: the bytes are untrusted.

No colour management happens here: the network gets the stored pixel values, an ICC profile is not applied.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from qana_desktop.intake import refusals
from qana_desktop.intake.completeness import require_complete
from qana_desktop.intake.dicom import DicomImage, read_dicom
from qana_desktop.intake.headers import Header, ImageFormat, png_chunks, png_without_metadata, read_header, sniff
from qana_desktop.intake.native_messages import NativeMessages
from qana_desktop.system.language import _

UInt8Image = npt.NDArray[np.uint8]

MAX_FILE_BYTES: Final = 256 * refusals.MEBIBYTE
MAX_PIXELS: Final = 120_000_000
"""Above the largest sensors in use (108 million); three bytes each fit well into the child's memory limit."""
MIN_SIDE: Final = 96
"""Pixels of the shorter side below which a lesion shows no structure; HAM10000 has 450."""
_COLOUR: Final = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
_ROWS_AT_ONCE: Final = 256
_BULKY_BYTES: Final = refusals.MEBIBYTE


@dataclass(frozen=True)
class DecodedImage:
    """An image as a person sees it. `rgb` is uint8, H x W x 3, upright; `width` and `height` are its own.

    `sha256` is of the file's bytes; `notes` are sentences on what decoding had to do to the pixels.
    """

    rgb: UInt8Image
    sha256: str
    format: ImageFormat
    width: int
    height: int
    notes: tuple[str, ...]


def decode(data: bytes, messages: NativeMessages, *, min_side: int = MIN_SIDE) -> DecodedImage:
    """Decode an image file. Raises FileRefused, or MemoryError when it does not fit the process's limit."""
    if sniff(data) is ImageFormat.DICOM:
        return _decode_dicom(data, messages, min_side=min_side)
    header = checked_header(data, min_side=min_side)
    require_complete(data, header)
    rgb, transparent = _pixels(_without_bulk(data, header), header, messages)
    if header.format is not ImageFormat.TIFF:  # OpenCV turns TIFF by itself, whatever the flags say
        rgb = upright(rgb, header.orientation)
    expected = (header.height, header.width) if header.orientation < 5 else (header.width, header.height)
    if rgb.shape != (*expected, 3):
        raise refusals.damaged()
    return DecodedImage(
        rgb=rgb,
        sha256=hashlib.sha256(data).hexdigest(),
        format=header.format,
        width=rgb.shape[1],
        height=rgb.shape[0],
        notes=_notes(header, transparent=transparent),
    )


def open_dicom(data: bytes, *, min_side: int) -> DicomImage:
    """Parse a DICOM file within the limits of all images; nothing is decoded. Raises FileRefused."""
    if len(data) > MAX_FILE_BYTES:
        raise refusals.too_large(MAX_FILE_BYTES)
    return read_dicom(data, max_pixels=MAX_PIXELS, min_side=min_side)


def _decode_dicom(data: bytes, messages: NativeMessages, *, min_side: int) -> DecodedImage:
    image = open_dicom(data, min_side=min_side)
    rgb = image.rgb(lambda frame: _decoded_jpeg(frame, messages))
    if rgb.shape != (image.layout.rows, image.layout.columns, 3):
        raise refusals.damaged()
    return DecodedImage(
        rgb=rgb,
        sha256=hashlib.sha256(data).hexdigest(),
        format=ImageFormat.DICOM,
        width=rgb.shape[1],
        height=rgb.shape[0],
        notes=image.notes,
    )


def _decoded_jpeg(frame: bytes, messages: NativeMessages) -> UInt8Image:
    pixels = _run_decoder(frame, _COLOUR, messages)
    if pixels.dtype != np.uint8:
        raise refusals.damaged()
    return np.asarray(pixels, dtype=np.uint8)


def checked_header(data: bytes, *, min_side: int) -> Header:
    """Return the header if size and pixel count are within the limits; raises FileRefused. Nothing is decoded."""
    if len(data) > MAX_FILE_BYTES:
        raise refusals.too_large(MAX_FILE_BYTES)
    header = read_header(data)
    if header.width * header.height > MAX_PIXELS:
        raise refusals.too_many_pixels(header.width, header.height, MAX_PIXELS)
    if min(header.width, header.height) < min_side:
        raise refusals.too_small(header.width, header.height, min_side)
    return header


def upright(image: UInt8Image, orientation: int) -> UInt8Image:
    """Return `image` turned and mirrored so that EXIF `orientation` (1 to 8) becomes 1."""
    if orientation in (5, 6, 7, 8):
        image = cv2.transpose(image)  # type: ignore[assignment]
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return image if flip is None else np.asarray(cv2.flip(image, flip), dtype=np.uint8)


def _without_bulk(data: bytes, header: Header) -> bytes:
    """Return a PNG without its metadata when it is bulky: libpng refuses the whole file over one chunk above 8 MB."""
    if header.format is ImageFormat.PNG and any(length > _BULKY_BYTES for _, _, length in png_chunks(data)):
        return png_without_metadata(data)
    return data


def _pixels(data: bytes, header: Header, messages: NativeMessages) -> tuple[UInt8Image, bool]:
    """Return stored-orientation RGB, and whether transparency was composited."""
    pixels = _run_decoder(data, cv2.IMREAD_UNCHANGED if header.alpha else _COLOUR, messages)
    if header.alpha and pixels.ndim == 3 and pixels.shape[2] == 4:
        return _on_white(pixels, premultiplied=header.premultiplied)
    if header.alpha:
        if header.format is ImageFormat.TIFF:
            raise refusals.not_supported(_("a grey TIFF image with transparency"))
        pixels = _run_decoder(data, _COLOUR, messages)  # announced, but not there
    if pixels.dtype != np.uint8:
        raise refusals.damaged()
    return np.asarray(pixels, dtype=np.uint8), False


def _run_decoder(data: bytes, flags: int, messages: NativeMessages) -> npt.NDArray[np.uint8 | np.uint16]:
    with messages:
        try:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        except cv2.error as error:
            if error.code == cv2.Error.StsNoMem:
                raise MemoryError from None
            pixels = None
    if messages.out_of_memory:
        raise MemoryError
    if messages.data_lost:
        raise refusals.truncated()
    if pixels is None:
        raise refusals.damaged()
    if pixels.dtype not in (np.uint8, np.uint16):
        raise refusals.damaged()
    return pixels  # type: ignore[return-value]


def _on_white(bgra: npt.NDArray[np.uint8 | np.uint16], *, premultiplied: bool) -> tuple[UInt8Image, bool]:
    """Composite uint8 or uint16 BGRA on white, some rows at a time to bound memory."""
    height, width = bgra.shape[:2]
    full = np.float32(np.iinfo(bgra.dtype).max)
    rgb = np.empty((height, width, 3), np.uint8)
    transparent = False
    for top in range(0, height, _ROWS_AT_ONCE):
        rows = bgra[top : top + _ROWS_AT_ONCE].astype(np.float32) / full
        alpha = rows[..., 3:]
        transparent = transparent or bool((alpha < 1).any())
        colour = rows[..., 2::-1] * (np.float32(1) if premultiplied else alpha) + (1 - alpha)
        rgb[top : top + _ROWS_AT_ONCE] = np.clip(np.rint(colour * 255), 0, 255)
    return rgb, transparent


def _notes(header: Header, *, transparent: bool) -> tuple[str, ...]:
    said = (
        (header.animated, _("Animated: the first frame was read.")),
        (header.pages, _("Several pages: the first page was read.")),
        (header.bits == 16, _("16 bits per colour were scaled to 8.")),
        (transparent, _("Transparent parts were put on white.")),
        (header.cmyk, _("CMYK print colours were converted to RGB without a profile.")),
    )
    return tuple(text for applies, text in said if applies)
