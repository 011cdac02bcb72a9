"""Tells whether two files show the same picture: a perceptual hash that survives saving again, resizing and turning."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from qana_desktop.network.preprocess import DIHEDRAL, views

UInt8Image = npt.NDArray[np.uint8]

SAME_PICTURE: Final = 36
"""Of 256 bits. On 300 lesions of HAM10000, copies saved as poor JPEG, brightened, darkened or with noise differ in at
most 36, and the nearest of 900 pictures of other lesions, turned and mirrored in all ways, in at least 52."""
_SIDE: Final = 64
_KEPT: Final = 16


def picture_hash(image: UInt8Image) -> str:
    """Return the perceptual hash of a square uint8 RGB image (S, S, 3): 256 bits in hex.

    The signs of the 16 x 16 lowest frequencies of a cosine transform around their median.
    """
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY).astype(np.float32)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    low = cv2.dct(small)[:_KEPT, :_KEPT].ravel()
    low[0] = 0.0
    return np.packbits(low > np.median(low)).tobytes().hex()


def turned_hashes(image: UInt8Image) -> tuple[str, ...]:
    """Return the hashes of an image in its eight orientations, as it is first."""
    return tuple(picture_hash(view) for view in views(image, DIHEDRAL))


def same_picture(one: str, others: tuple[str, ...]) -> bool:
    """Whether a hash is that of one of the others, or nearly."""
    number = int(one, 16)
    return any((number ^ int(other, 16)).bit_count() <= SAME_PICTURE for other in others)
