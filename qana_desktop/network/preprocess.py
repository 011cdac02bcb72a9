"""The one way from an image to the network's input, versioned: training and use run this same code.

It lies beside the network, below engines and intake, because both the decoding child and training need it.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

PREPROCESS_VERSION: Final = "1"
"""Changes whenever a pixel that reaches the network could differ; a bundle names the version it was trained with."""

UInt8Image = npt.NDArray[np.uint8]


def to_network_input(rgb: UInt8Image, size: int) -> UInt8Image:
    """Return the centre square of `rgb` (uint8, H x W x 3), resized by area averaging to `size` x `size` x 3."""
    height, width = rgb.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(rgb[top : top + side, left : left + side])
    resized = cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, dtype=np.uint8)


DIHEDRAL: Final[tuple[str, ...]] = (
    "identity",
    "rotate-90",
    "rotate-180",
    "rotate-270",
    "mirror",
    "mirror-rotate-90",
    "mirror-rotate-180",
    "mirror-rotate-270",
)
"""The eight symmetries of a square: quarter turns counter-clockwise, with or without a left-right mirror before."""


def views(image: UInt8Image, names: tuple[str, ...]) -> UInt8Image:
    """Return the named views of a square `image` (S x S x 3) as one batch (len(names), S, S, 3).

    Raises KeyError for a name that is not in `DIHEDRAL`.
    """
    return np.ascontiguousarray(np.stack([_view(image, name) for name in names]))


def _view(image: UInt8Image, name: str) -> UInt8Image:
    if name not in DIHEDRAL:
        raise KeyError(name)
    turns, mirrored = DIHEDRAL.index(name) % 4, name.startswith("mirror")
    start = image[:, ::-1] if mirrored else image
    return np.rot90(start, turns)
