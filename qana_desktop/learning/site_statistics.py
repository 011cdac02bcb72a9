"""How a network sees the images of one camera: colours, and the potentials of every channel; values, and a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.learning.potentials import levels, potentials
from qana_desktop.network.layers import Activation, IntegerNetwork, Layer, UInt8Array
from qana_desktop.network.manifest import CHANNELS
from qana_desktop.network.serialise import NetworkFileRefused, arrays_from_bytes, arrays_to_bytes
from qana_desktop.system.faults import Fault, KnownError

FloatArray: TypeAlias = npt.NDArray[np.float64]

_SCHEMA: Final = 1


class StatisticsRefused(KnownError):
    """The factory's statistics of a bundle cannot be used."""


@dataclass(frozen=True, eq=False)
class Colours:
    """Levels of the C channels of `images` images: `mean` (C,) and `covariance` (C, C) over all pixels.

    `between` (C, C) is the covariance of the images' own means: how much one image differs from the next.
    """

    images: int
    mean: FloatArray
    covariance: FloatArray
    between: FloatArray


@dataclass(frozen=True, eq=False)
class Channels:
    """Potentials of one layer: `mean`, `deviation` over all images and positions, (channels,).

    `between` is the deviation of the images' own means.
    """

    mean: FloatArray
    deviation: FloatArray
    between: FloatArray


@dataclass(frozen=True, eq=False)
class SiteStatistics:
    """Colours, and the channels of each hidden layer in order."""

    colours: Colours
    layers: tuple[Channels, ...]


def site_statistics(network: IntegerNetwork, images: UInt8Array) -> SiteStatistics:
    """Measure uint8 images (n, H, W, C) of the network's input shape, through its hidden layers.

    For a factory: an image a lesion, of an ordinary mix of lesions. Raises ValueError for other shapes or under two
    images.
    """
    check_images(network, images)
    return SiteStatistics(colours_of(images), walk(network, images, lambda _index, activation, _own: activation)[1])


def check_images(network: IntegerNetwork, images: UInt8Array) -> None:
    """Raise ValueError unless `images` are at least two of the network's input."""
    if images.dtype != np.uint8 or images.shape[1:] != network.input_shape or len(images) < 2:
        raise ValueError(f"images are {images.dtype} {images.shape}, not uint8 (n, *{network.input_shape})")


def colours_of(images: UInt8Array) -> Colours:
    """Measure the levels of uint8 images (n, H, W, C)."""
    channels = images.shape[-1]
    own, total = np.empty((len(images), channels)), np.zeros((channels, channels))
    for index, image in enumerate(images):
        pixels = image.reshape(-1, channels).astype(np.float64)
        own[index] = pixels.mean(axis=0)
        total += pixels.T @ pixels
    mean = own.mean(axis=0)
    covariance = total / (images.size // channels) - np.outer(mean, mean)
    return Colours(len(images), mean, covariance, np.atleast_2d(np.cov(own, rowvar=False)))


def walk(
    network: IntegerNetwork,
    images: UInt8Array,
    change: Callable[[int, Activation, Channels], Activation],
    *,
    layers: int | None = None,
) -> tuple[IntegerNetwork, tuple[Channels, ...]]:
    """Go through the hidden layers, or the first `layers`; `change` sets each activation before the next is read."""
    values: UInt8Array = images
    found_layers: list[Layer] = []
    measured: list[Channels] = []
    last = len(network.layers) - 1 if layers is None else layers
    for index, layer in enumerate(network.layers[:last]):
        if layer.activation is None:
            raise ValueError(f"layer '{layer.name}' has no activation")
        found = potentials(layer, values)
        own = found.mean(axis=(1, 2), dtype=np.float64)
        measured.append(
            Channels(own.mean(axis=0), found.std(axis=(0, 1, 2), dtype=np.float64), np.asarray(own.std(axis=0, ddof=1)))
        )
        activation = change(index, layer.activation, measured[-1])
        found_layers.append(replace(layer, activation=activation))
        values = levels(activation, found)
    return replace(network, layers=(*found_layers, *network.layers[last:])), tuple(measured)


def statistics_to_bytes(statistics: SiteStatistics) -> bytes:
    """Return the statistics as the bytes of an `.npz` file, `channels.npz` of a bundle."""
    colours = statistics.colours
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "schema": np.array(_SCHEMA, np.int64),
        "images": np.array(colours.images, np.int64),
        "colour.mean": colours.mean,
        "colour.covariance": colours.covariance,
        "colour.between": colours.between,
    }
    for index, layer in enumerate(statistics.layers):
        arrays |= {
            f"{index}.mean": layer.mean,
            f"{index}.deviation": layer.deviation,
            f"{index}.between": layer.between,
        }
    return arrays_to_bytes(arrays)


def statistics_from_bytes(content: bytes, network: IntegerNetwork) -> SiteStatistics:
    """Read what `statistics_to_bytes` wrote for `network`.

    Raises StatisticsRefused for a file that is damaged, of another version, or of another network.
    """
    try:
        arrays = arrays_from_bytes(content, document=CHANNELS)
    except NetworkFileRefused as error:
        raise _refusal(error.fault.message) from error
    channels = network.input_shape[2]
    wide = [len(layer.activation.threshold) for layer in network.layers[:-1] if layer.activation is not None]
    read = _Reads(arrays)
    if read.whole("schema") != _SCHEMA:
        raise _refusal(f"{CHANNELS} was written by another version of the program.")
    colours = Colours(
        read.whole("images"),
        read.reals("colour.mean", channels),
        read.reals("colour.covariance", channels, channels),
        read.reals("colour.between", channels, channels),
    )
    layers = tuple(
        Channels(*(read.reals(f"{index}.{what}", width) for what in ("mean", "deviation", "between")))
        for index, width in enumerate(wide)
    )
    if colours.images < 2 or len(arrays) != 5 + 3 * len(layers):
        raise _refusal(f"{CHANNELS} is of another network.")
    return SiteStatistics(colours, layers)


@dataclass(frozen=True)
class _Reads:
    arrays: dict[str, npt.NDArray[np.generic]]

    def whole(self, name: str) -> int:
        array = self.arrays.get(name)
        if array is None or array.dtype != np.int64 or array.shape != ():
            raise _refusal(f"{CHANNELS} has no whole number '{name}'.")
        return int(array)

    def reals(self, name: str, *shape: int) -> FloatArray:
        array = self.arrays.get(name)
        if array is None or array.dtype != np.float64 or array.shape != shape or not np.all(np.isfinite(array)):
            raise _refusal(f"{CHANNELS} has no numbers '{name}' of shape {shape}.")
        return array.astype(np.float64)


def _refusal(message: str) -> StatisticsRefused:
    remedy = "Thresholds for a camera cannot be made with this version of the network; take another bundle."
    return StatisticsRefused(Fault("site-statistics-bad", message, remedy))
