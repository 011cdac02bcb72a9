"""Golden inputs: images drawn by code, on which every engine must give the stored integers before it may be used.

They are synthetic and show no patient. Integer arithmetic only, so that every machine draws the same pixels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qana_desktop.network.layers import UInt8Array

_Grid = npt.NDArray[np.int64]

_SKIN = ((224, 172, 150), (198, 134, 106), (141, 92, 68), (240, 200, 180))
_LESION = ((96, 52, 40), (60, 30, 30), (130, 60, 70), (40, 34, 52))


def golden_images(input_shape: tuple[int, int, int]) -> UInt8Array:
    """Return the golden inputs (10, height, width, channels), uint8: flat levels, patterns, noise, drawn lesions."""
    height, width, channels = input_shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.int64)
    images = [
        _grey(np.zeros_like(rows)),
        _grey(np.full_like(rows, 255)),
        _grey((rows * 255) // max(height - 1, 1)),
        _grey(((rows // 3 + columns // 3) % 2) * 255),
        _noise(height, width, seed=1),
        _noise(height, width, seed=2) // 64 * 85,
        *(_lesion(rows, columns, kind) for kind in range(4)),
    ]
    return np.stack([_with_channels(image, channels) for image in images]).astype(np.uint8)


def _grey(levels: _Grid) -> _Grid:
    return np.repeat(levels[:, :, None], 3, axis=2)


def _noise(height: int, width: int, *, seed: int) -> _Grid:
    """Levels from 0 to 255 that look random: a multiplicative hash of each position (Knuth's constant)."""
    position = np.arange(height * width * 3, dtype=np.uint64) + np.uint64(seed * 1_000_003)
    mixed = position * np.uint64(2654435761) % np.uint64(2**32)
    mixed = (mixed ^ (mixed >> np.uint64(15))) * np.uint64(2246822519) % np.uint64(2**32)
    return ((mixed >> np.uint64(13)) % np.uint64(256)).astype(np.int64).reshape(height, width, 3)


def _lesion(rows: _Grid, columns: _Grid, kind: int) -> _Grid:
    """An ellipse that fades into the skin, off centre and of another shape for each `kind`."""
    height, width = rows.shape
    down = (rows * 2 - height) * 1000 // height - 90 * (kind - 1)
    right = (columns * 2 - width) * 1000 // width + 60 * kind
    distance = down * down * (3 + kind) // 4 + right * right + (down * right // 3) * (kind - 2)
    share = np.clip((500_000 - distance) // 1000, 0, 255)
    skin, lesion = np.array(_SKIN[kind]), np.array(_LESION[kind])
    speckle = (_noise(height, width, seed=10 + kind) - 128) // 16
    blended = skin + (lesion - skin) * share[:, :, None] // 255
    return np.asarray(np.clip(blended + speckle, 0, 255), np.int64)


def _with_channels(image: _Grid, channels: int) -> _Grid:
    return image if channels == image.shape[2] else image[:, :, :channels]
