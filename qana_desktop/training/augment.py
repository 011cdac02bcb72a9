"""Random changes of training images that a dermatoscope could have made: framing, turn, light, colour, focus, hair.

Only the training loop calls this; evaluation sees `to_network_input` and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Uint8Array: TypeAlias = npt.NDArray[np.uint8]
FloatArray: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AugmentSettings:
    """Ranges and probabilities; the defaults are those of the shipped recipe."""

    scale: tuple[float, float] = (0.70, 1.12)
    stretch: float = 0.12
    shift: float = 0.10
    gain: float = 0.15
    cast: float = 0.06
    gamma: float = 0.20
    saturation: float = 0.20
    hue: float = 0.05
    blur: float = 0.15
    hair: float = 0.10
    erase: float = 0.15


def augment(images: Uint8Array, size: int, rng: np.random.Generator, settings: AugmentSettings) -> Uint8Array:
    """Change each image of (n, H, H, 3) uint8 in its own way -> (n, size, size, 3) uint8."""
    out = np.empty((len(images), size, size, 3), np.uint8)
    for row, image in enumerate(images):
        out[row] = _augment_one(image, size, rng, settings)
    return out


def _augment_one(image: Uint8Array, size: int, rng: np.random.Generator, settings: AugmentSettings) -> Uint8Array:
    matrix = _framing(image.shape[0], size, rng, settings)
    changed = cv2.warpAffine(
        image, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT_101
    )
    changed = cv2.LUT(cv2.transform(changed, _saturation_hue(rng, settings)), _light(rng, settings))
    if rng.random() < settings.blur:
        changed = cv2.GaussianBlur(changed, (0, 0), float(rng.uniform(0.3, 1.0)))
    result = np.asarray(changed, dtype=np.uint8)
    if rng.random() < settings.hair:
        _draw_hair(result, rng)
    if rng.random() < settings.erase:
        _erase(result, rng)
    return result


def _framing(source: int, size: int, rng: np.random.Generator, settings: AugmentSettings) -> FloatArray:
    """Matrix from output to source pixels: random turn, mirror, scale, stretch and shift about the centre, (2, 3)."""
    angle = rng.uniform(0.0, 2.0 * np.pi)
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    zoom = rng.uniform(*settings.scale) * source / size
    ratio = np.exp(rng.uniform(-settings.stretch, settings.stretch))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([mirror * zoom * ratio, zoom / ratio])
    centre_in = (source - 1) / 2 + rng.uniform(-settings.shift, settings.shift, 2) * source
    offset = centre_in - linear @ np.full(2, (size - 1) / 2)
    return np.column_stack([linear, offset])


def _saturation_hue(rng: np.random.Generator, settings: AugmentSettings) -> npt.NDArray[np.float32]:
    """Colour matrix (3, 3): saturation about the grey axis, then a small turn around it."""
    grey = np.full((3, 3), 1.0 / 3.0)
    saturation = 1.0 + rng.uniform(-settings.saturation, settings.saturation)
    angle = rng.uniform(-settings.hue, settings.hue) * np.pi
    cross = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / np.sqrt(3.0)
    turn = np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * grey
    return np.asarray((saturation * np.eye(3) + (1.0 - saturation) * grey) @ turn, dtype=np.float32)


def _light(rng: np.random.Generator, settings: AugmentSettings) -> Uint8Array:
    """Table (256, 3) of levels: one gain and gamma for the lamp, one cast per channel for the camera."""
    level = np.linspace(0.0, 1.0, 256)[:, None]
    gain = 1.0 + rng.uniform(-settings.gain, settings.gain)
    cast = 1.0 + rng.uniform(-settings.cast, settings.cast, 3)
    gamma = np.exp(rng.uniform(-settings.gamma, settings.gamma))
    table = np.clip(level**gamma * gain * cast, 0.0, 1.0) * 255.0
    return np.asarray(np.rint(table), dtype=np.uint8)[:, None, :].transpose(1, 0, 2)


def _draw_hair(image: Uint8Array, rng: np.random.Generator) -> None:
    """Draw up to four dark curved lines in place."""
    size = image.shape[0]
    for _ in range(int(rng.integers(1, 5))):
        start, end = rng.uniform(0, size, 2), rng.uniform(0, size, 2)
        bend = (start + end) / 2 + rng.normal(0.0, size / 8, 2)
        t = np.linspace(0.0, 1.0, 12)[:, None]
        curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end
        shade = tuple(int(v) for v in rng.integers(10, 80, 3))
        cv2.polylines(image, [np.rint(curve).astype(np.int32)], False, shade, 1, cv2.LINE_AA)


def _erase(image: Uint8Array, rng: np.random.Generator) -> None:
    """Fill one rectangle (at most a third of the side) with the mean colour, in place."""
    size = image.shape[0]
    height, width = rng.integers(size // 10, size // 3, 2)
    top, left = int(rng.integers(0, size - height)), int(rng.integers(0, size - width))
    image[top : top + height, left : left + width] = image.mean(axis=(0, 1)).astype(np.uint8)
