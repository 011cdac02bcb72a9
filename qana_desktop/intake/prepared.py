"""What passes between the program and the child that reads image files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.intake.headers import ImageFormat
from qana_desktop.triage.quality import QualityReport

UInt8Image = npt.NDArray[np.uint8]
Source: TypeAlias = Path | bytes
"""A file on disk, or the bytes of an encoded image file (pasted)."""


@dataclass(frozen=True)
class PrepareRequest:
    """Read `source` and make the network's input of `input_size` x `input_size` pixels."""

    source: Source
    input_size: int


@dataclass(frozen=True)
class DisplayRequest:
    """Read `source` for the screen, shrunk so that no side is longer than `longest_side` (None: full size)."""

    source: Source
    longest_side: int | None


@dataclass(frozen=True)
class FactsRequest:
    """Read what a DICOM file says about patient, study and capture."""

    source: Source


@dataclass(frozen=True)
class ExportRequest:
    """Read `source` in full, with what an image may keep when it leaves: colours and scale."""

    source: Source


@dataclass(frozen=True)
class ExportPixels:
    """An image as it may leave: uint8 RGB, H x W x 3, upright, unaltered.

    `icc` is a profile made anew from the numbers of the file's own (`colour_profile`), b"" when there is none;
    `lossy` says that the file was compressed with loss, `burned_in` what it claims about text inside the pixels;
    `sha256` is of the file's bytes.
    """

    rgb: UInt8Image
    icc: bytes
    mm_per_pixel: float | None
    lossy: bool
    burned_in: bool | None
    sha256: str


@dataclass(frozen=True)
class Prepared:
    """One image, ready for an engine. `network_input` is uint8 RGB, S x S x 3.

    `width` and `height` are of the whole upright image; `sha256` is of the file's bytes; `notes` are sentences on what
    decoding had to do. Milliseconds: `decode_ms` from opening the file to RGB, `preprocess_ms` with quality.
    """

    network_input: UInt8Image
    quality: QualityReport
    sha256: str
    format: ImageFormat
    width: int
    height: int
    notes: tuple[str, ...]
    decode_ms: float
    preprocess_ms: float
