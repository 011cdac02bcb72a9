"""The child's side of reading images: file to network input or to pixels for the screen."""

from __future__ import annotations

import time

import cv2
import numpy as np

from qana_desktop.intake.colour_profile import neutral_profile, stored_profile
from qana_desktop.intake.decode import MAX_FILE_BYTES, MIN_SIDE, DecodedImage, decode, open_dicom
from qana_desktop.intake.dicom_facts import DicomFacts
from qana_desktop.intake.files import read_limited
from qana_desktop.intake.headers import ImageFormat, sniff
from qana_desktop.intake.native_messages import NativeMessages
from qana_desktop.intake.prepared import (
    DisplayRequest,
    ExportPixels,
    ExportRequest,
    FactsRequest,
    Prepared,
    PrepareRequest,
    Source,
    UInt8Image,
)
from qana_desktop.intake.quality import MEASURED_SIDE, assess_quality
from qana_desktop.network.preprocess import to_network_input

_WARM_UP_SIDE = 2 * MIN_SIDE


def make_reader() -> ImageWorker:
    """Return the handler for `childprocess`, warmed up."""
    cv2.setNumThreads(1)  # the other cores belong to the engine
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    worker = ImageWorker()
    worker.warm_up()
    return worker


class ImageWorker:
    """Answers the requests of `prepared.py`; raises FileRefused, MemoryError."""

    def __init__(self) -> None:
        self._messages = NativeMessages()

    def __call__(self, request: object) -> Prepared | UInt8Image | ExportPixels | DicomFacts | None:
        """Answer one request."""
        match request:
            case PrepareRequest():
                return self._prepare(request)
            case DisplayRequest():
                return self._display(request)
            case FactsRequest():
                return _facts(_bytes_of(request.source))
            case ExportRequest():
                return self._export(_bytes_of(request.source))
            case _:
                raise TypeError(f"no such request: {type(request).__name__}")

    def close(self) -> None:
        """Let the message file go."""
        self._messages.close()

    def warm_up(self) -> None:
        """Load every library that the first image would otherwise wait for."""
        grey = np.full((_WARM_UP_SIDE, _WARM_UP_SIDE, 3), 128, np.uint8)
        self._prepare(PrepareRequest(cv2.imencode(".jpg", grey)[1].tobytes(), MIN_SIDE))

    def _prepare(self, request: PrepareRequest) -> Prepared:
        started = time.perf_counter()
        image = self._decode(request.source, min_side=MIN_SIDE)
        decoded = time.perf_counter()
        network_input = to_network_input(image.rgb, request.input_size)
        same = request.input_size == MEASURED_SIDE
        quality = assess_quality(network_input if same else to_network_input(image.rgb, MEASURED_SIDE))
        done = time.perf_counter()
        return Prepared(
            network_input=network_input,
            quality=quality,
            sha256=image.sha256,
            format=image.format,
            width=image.width,
            height=image.height,
            notes=image.notes,
            decode_ms=1000 * (decoded - started),
            preprocess_ms=1000 * (done - decoded),
        )

    def _display(self, request: DisplayRequest) -> UInt8Image:
        image = self._decode(request.source, min_side=1)
        return shrink(image.rgb, request.longest_side)

    def _decode(self, source: Source, *, min_side: int) -> DecodedImage:
        return decode(_bytes_of(source), self._messages, min_side=min_side)

    def _export(self, data: bytes) -> ExportPixels:
        image = decode(data, self._messages, min_side=1)
        facts = _facts(data)
        return ExportPixels(
            rgb=image.rgb,
            icc=neutral_profile(stored_profile(data)),
            mm_per_pixel=None if facts is None else facts.mm_per_pixel,
            lossy=image.format is ImageFormat.JPEG or (facts is not None and facts.lossy),
            burned_in=None if facts is None else facts.burned_in,
            sha256=image.sha256,
        )


def _bytes_of(source: Source) -> bytes:
    return source if isinstance(source, bytes) else read_limited(source, MAX_FILE_BYTES)


def _facts(data: bytes) -> DicomFacts | None:
    return open_dicom(data, min_side=1).facts if sniff(data) is ImageFormat.DICOM else None


def shrink(rgb: UInt8Image, longest_side: int | None) -> UInt8Image:
    """Return `rgb` (H x W x 3), shrunk by area averaging where a side is longer than `longest_side`."""
    height, width = rgb.shape[:2]
    if longest_side is None or max(height, width) <= longest_side:
        return rgb
    scale = longest_side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
