"""Takes a camera's colours into the first layer: the network then sees them as if they were mapped to the factory's.

The map is the affine one that moves the camera's mean and covariance of colours to the factory's and changes colours
least (Monge and Kantorovich; Pitié and Kokaram 2007). A convolution of mapped colours is a convolution: the map goes
into the 8-bit kernels, thresholds and steps of the first layer, and no image is touched. Whole numbers as before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.learning.site_statistics import Channels, Colours
from qana_desktop.network.layers import STEP_GRID, Activation, InputConv
from qana_desktop.network.validate import LARGEST_STEP, THRESHOLD_MAX, THRESHOLD_MIN, TWO_BIT_STEP_GRID

FloatArray: TypeAlias = npt.NDArray[np.float64]

LARGEST_GAIN: Final = 3.0
"""Colours are never said to have been stretched or squeezed by more than this."""
_TOP: Final = 127
_SMALLEST_VARIANCE: Final = 1.0
_TINY: Final = 1e-9


@dataclass(frozen=True, eq=False)
class ColourMap:
    """``factory = gain @ camera + offset`` for levels of an image, (C, C) and (C,)."""

    gain: FloatArray
    offset: FloatArray


def colour_map(factory: Colours, camera: Colours) -> ColourMap:
    """Return the map from a camera's colours to the factory's, as far as its images show that there is one.

    What images differ by anyway is no camera: of the shift, the share is taken that is beyond what the means of so many
    images differ by (James and Stein 1961). Flat images say nothing: the map is then the identity.
    """
    size = len(factory.mean)
    if min(np.linalg.eigvalsh(factory.covariance)[0], np.linalg.eigvalsh(camera.covariance)[0]) < _SMALLEST_VARIANCE:
        return ColourMap(np.eye(size), np.zeros(size))
    root = _power(camera.covariance, 0.5)
    unroot = _power(camera.covariance, -0.5)
    gain = unroot @ _power(root @ factory.covariance @ root, 0.5) @ unroot
    share = shift_share(factory, camera)
    if share == 0.0:
        return ColourMap(np.eye(size), np.zeros(size))
    gains, axes = np.linalg.eigh((gain + gain.T) / 2)
    gain = (axes * np.clip(gains, 1 / LARGEST_GAIN, LARGEST_GAIN) ** share) @ axes.T
    return ColourMap(gain, camera.mean + share * (factory.mean - camera.mean) - gain @ camera.mean)


def shift_share(factory: Colours, camera: Colours) -> float:
    """How much of the difference between two sets of images is the camera's, 0 to 1."""
    noise = factory.between * (1.0 / camera.images + 1.0 / factory.images)
    noise = noise + _SMALLEST_VARIANCE * np.eye(len(noise)) / camera.images
    moved = camera.mean - factory.mean
    distance = float(moved @ np.linalg.solve(noise, moved))
    return max(0.0, 1.0 - len(moved) / distance) if distance > 0.0 else 0.0


def with_colours(layer: InputConv, mapped: ColourMap) -> tuple[InputConv, FloatArray]:
    """Return the first layer for the camera's images, and the factor (channels,) by which its potentials grew.

    The kernels use all of their 8 bits; thresholds and steps grow with them. Where nothing is mapped nothing changes.
    """
    if np.array_equal(mapped.gain, np.eye(len(mapped.gain))) and not mapped.offset.any():
        return layer, np.ones(len(layer.weights))
    kernels = layer.weights.astype(np.float64)
    wanted = np.einsum("ocij,cd->odij", kernels, mapped.gain)
    threshold = layer.activation.threshold - np.einsum("ocij,c->o", kernels, mapped.offset)
    factor = _room(np.abs(wanted).reshape(len(wanted), -1).max(axis=1), threshold, layer.activation.step)
    grey = np.linalg.solve(mapped.gain, layer.padding_value - mapped.offset).mean()
    return (
        replace(
            layer,
            weights=np.rint(wanted * factor[:, None, None, None]).astype(np.int8),
            padding_value=int(np.clip(np.rint(grey), 0, 255)),
            activation=scaled(layer.activation, threshold * factor, factor),
        ),
        factor,
    )


def _room(largest: FloatArray, threshold: FloatArray, step: npt.NDArray[np.float32]) -> FloatArray:
    """By how much kernels with such `largest` weights can grow, (channels,): weight, threshold and step must all fit.

    Half of a threshold's range is left to the early thresholds that move afterwards.
    """
    fits = (
        _TOP / np.maximum(largest, _TINY),
        THRESHOLD_MAX / 2 / np.maximum(np.abs(threshold), _TINY),
        LARGEST_STEP / 2 / step.astype(np.float64),
    )
    return np.asarray(np.minimum.reduce(fits), dtype=np.float64)


def scaled(activation: Activation, threshold: FloatArray, factor: FloatArray) -> Activation:
    """The activation with other thresholds and with steps times `factor`, both rounded as every engine holds them."""
    grid = TWO_BIT_STEP_GRID if activation.bits == 2 else STEP_GRID
    step = np.clip(np.rint(activation.step * factor * grid) / grid, 1.0 / grid, LARGEST_STEP)
    whole = np.clip(np.rint(threshold), THRESHOLD_MIN, THRESHOLD_MAX).astype(np.int32)
    return replace(activation, threshold=whole, step=step.astype(np.float32))


def grown(channels: Channels, factor: FloatArray) -> Channels:
    """Statistics of potentials that are `factor` (channels,) times as large."""
    return Channels(channels.mean * factor, channels.deviation * factor, channels.between * factor)


def _power(matrix: FloatArray, exponent: float) -> FloatArray:
    values, axes = np.linalg.eigh((matrix + matrix.T) / 2)
    return np.asarray((axes * np.maximum(values, _SMALLEST_VARIANCE * 1e-3) ** exponent) @ axes.T, dtype=np.float64)
