"""Takes the clinic's camera into the thresholds: unlabelled images give each channel the factory's statistics back.

Layer after layer, the potentials of the clinic's images are measured through the layers that are already set, and the
thresholds and steps move and stretch as their mean and deviation did. Weights, head and cuts stay. It is the correction
of batch statistics (Li et al. 2018, AdaBN), in whole numbers that every engine computes alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.network.arithmetic import activate, layer_potentials
from qana_desktop.network.layers import STEP_GRID, Activation, Int32Array, IntegerNetwork, Layer, UInt8Array
from qana_desktop.network.validate import LARGEST_STEP, TWO_BIT_STEP_GRID, check
from qana_desktop.system.faults import Fault, KnownError

FloatArray: TypeAlias = npt.NDArray[np.float64]

FEWEST_IMAGES: Final = 50
LARGEST_STRETCH: Final = 4.0
"""A channel's deviation is never said to have changed by more than this factor, either way."""
_BATCH: Final = 16


class TooFewImages(KnownError):
    """The clinic's colours cannot be told from so few images."""


@dataclass(frozen=True, eq=False)
class ChannelStatistics:
    """Mean and standard deviation of the potentials of each channel, one pair of arrays for each hidden layer."""

    means: tuple[FloatArray, ...]
    deviations: tuple[FloatArray, ...]


def channel_statistics(network: IntegerNetwork, images: UInt8Array) -> ChannelStatistics:
    """Measure the hidden layers of a network on uint8 images (n, H, W, C) of its input shape."""
    return _walk(network, images, lambda _index, activation, _mean, _deviation: activation)[1]


def calibrate_site(
    network: IntegerNetwork,
    factory: ChannelStatistics,
    images: UInt8Array,
    *,
    on_layer: Callable[[int, int], None] = lambda _done, _total: None,
) -> IntegerNetwork:
    """Return the network with thresholds and steps for the clinic's `images`, uint8 (n, H, W, C), unlabelled.

    `factory` was measured with this same network on the factory's images. `on_layer` hears how many hidden layers of
    how many are done; what it raises ends the work, and nothing is left behind.
    Raises TooFewImages, NetworkRefused when what comes out is not legal, ValueError when shapes do not fit.
    """
    if len(images) < FEWEST_IMAGES:
        message = f"The clinic's colours are measured on {FEWEST_IMAGES} images, and there are {len(images)}."
        raise TooFewImages(Fault("too-few-images", message, "Add more images from this device."))

    def moved(index: int, activation: Activation, mean: FloatArray, deviation: FloatArray) -> Activation:
        on_layer(index, len(network.layers) - 1)
        return _moved(activation, factory.means[index], factory.deviations[index], mean, deviation)

    found = _walk(network, images, moved)[0]
    on_layer(len(network.layers) - 1, len(network.layers) - 1)
    check(found)
    return found


def _walk(
    network: IntegerNetwork,
    images: UInt8Array,
    change: Callable[[int, Activation, FloatArray, FloatArray], Activation],
) -> tuple[IntegerNetwork, ChannelStatistics]:
    """Go through the hidden layers; `change` gives each its activation before the next one is measured."""
    if images.dtype != np.uint8 or images.shape[1:] != network.input_shape or not len(images):
        raise ValueError(f"images are {images.dtype} {images.shape}, not uint8 (n, *{network.input_shape})")
    values: Int32Array = images.astype(np.int32)
    layers: list[Layer] = []
    means, deviations = [], []
    for index, layer in enumerate(network.layers[:-1]):
        if layer.activation is None:
            raise ValueError(f"layer '{layer.name}' has no activation")
        batches = [layer_potentials(layer, values[at : at + _BATCH]) for at in range(0, len(values), _BATCH)]
        potentials = np.concatenate(batches)
        mean, deviation = potentials.mean(axis=(0, 1, 2)), potentials.std(axis=(0, 1, 2))
        activation = change(index, layer.activation, mean, deviation)
        layers.append(replace(layer, activation=activation))
        values = activate(activation, potentials)
        means.append(mean)
        deviations.append(deviation)
    return replace(network, layers=(*layers, network.layers[-1])), ChannelStatistics(tuple(means), tuple(deviations))


def _moved(
    activation: Activation, mean: FloatArray, deviation: FloatArray, own_mean: FloatArray, own_deviation: FloatArray
) -> Activation:
    """Threshold and step where `own` statistics put what was there at the factory's; still channels keep theirs."""
    alive = (deviation > 0) & (own_deviation > 0)
    stretch = np.divide(own_deviation, deviation, out=np.ones_like(deviation), where=alive)
    stretch = np.clip(stretch, 1.0 / LARGEST_STRETCH, LARGEST_STRETCH)
    threshold = np.where(alive, own_mean + (activation.threshold - mean) * stretch, activation.threshold)
    grid = TWO_BIT_STEP_GRID if activation.bits == 2 else STEP_GRID
    step = np.clip(np.rint(activation.step * stretch * grid) / grid, 1.0 / grid, LARGEST_STEP)
    return replace(activation, threshold=np.rint(threshold).astype(np.int32), step=step.astype(np.float32))
