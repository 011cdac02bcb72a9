"""Takes the clinic's camera into the network: unlabelled images give it back the factory's colours and statistics.

First the colours, in the first layer (`colour.py`). Then the early layers one by one, each through those that are
already set: thresholds move and stretch as mean and deviation of the potentials did (Li et al. 2018, AdaBN), but only
by what is beyond what so few images differ by anyway. Late layers, head and cuts stay. All numbers are whole, and every
engine computes them alike. See docs/adr/0014.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.learning.colour import colour_map, grown, scaled, with_colours
from qana_desktop.learning.site_statistics import Channels, SiteStatistics, check_images, colours_of, walk
from qana_desktop.network.layers import Activation, InputConv, IntegerNetwork, UInt8Array
from qana_desktop.network.validate import check
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _

FloatArray: TypeAlias = npt.NDArray[np.float64]

FEWEST_IMAGES: Final = 50
EARLY: Final = 0.6
"""Share of the hidden layers whose thresholds move. The later ones tell lesions apart more than cameras: moved, they
took a clinic's mix of lesions for its camera. (Chosen on calibration lesions.)"""
LARGEST_STRETCH: Final = 4.0
"""A channel's deviation is never said to have changed by more than this factor, either way."""


class TooFewImages(KnownError):
    """The clinic's colours cannot be told from so few images."""


def calibrate_site(
    network: IntegerNetwork,
    factory: SiteStatistics,
    images: UInt8Array,
    *,
    on_layer: Callable[[int, int], None] = lambda _done, _total: None,
) -> IntegerNetwork:
    """Return the network for the clinic's `images`, uint8 (n, H, W, C), unlabelled, of one camera.

    `network` has the factory's hidden layers, with which `factory` was measured; its head may be another.
    `on_layer` hears how many early layers of how many are done; what it raises ends the work, and nothing is left
    behind. The order of the images does not matter.
    Raises TooFewImages, NetworkRefused when what comes out is not legal, ValueError when shapes do not fit.
    """
    check_images(network, images)
    if len(images) < FEWEST_IMAGES:
        message = _("The clinic's colours are measured on {needed} images, and there are {count}.").format(
            needed=FEWEST_IMAGES, count=len(images)
        )
        raise TooFewImages(Fault("too-few-images", message, _("Add more images from this device.")))
    first = network.layers[0]
    if not isinstance(first, InputConv):
        raise ValueError("a network begins with an input convolution")
    coloured, factor = with_colours(first, colour_map(factory.colours, colours_of(images)))
    wanted = (grown(factory.layers[0], factor), *factory.layers[1:])
    seen = len(images), factory.colours.images
    total = max(1, round(EARLY * (len(network.layers) - 1)))

    def moved(index: int, activation: Activation, own: Channels) -> Activation:
        on_layer(index, total)
        return _moved(activation, wanted[index], own, seen)

    found = walk(replace(network, layers=(coloured, *network.layers[1:])), images, moved, layers=total)[0]
    on_layer(total, total)
    check(found)
    return found


def with_head_of(calibrated: IntegerNetwork, learnt: IntegerNetwork) -> IntegerNetwork:
    """The hidden layers of one network with the head of another: a camera and a lesson, both.

    Raises ValueError when they do not fit, NetworkRefused when what comes out is not legal.
    """
    if calibrated.features != learnt.features or calibrated.input_shape != learnt.input_shape:
        raise ValueError("the head belongs to another network")
    found = replace(calibrated, layers=(*calibrated.layers[:-1], learnt.layers[-1]), classes=learnt.classes)
    check(found)
    return found


def _moved(activation: Activation, factory: Channels, own: Channels, images: tuple[int, int]) -> Activation:
    """Threshold and step where `own` statistics put what was there at the factory's; still channels keep theirs.

    `images` counts those of the clinic and of the factory.
    """
    alive = (own.deviation > 0) & (factory.deviation > 0)
    share = np.where(alive, _share(factory, own, images), 0.0)
    stretch = np.divide(own.deviation, factory.deviation, out=np.ones_like(own.deviation), where=alive)
    stretch = np.clip(stretch, 1.0 / LARGEST_STRETCH, LARGEST_STRETCH) ** share
    mean = factory.mean + share * (own.mean - factory.mean)
    return scaled(activation, mean + (activation.threshold - factory.mean) * stretch, stretch)


def _share(factory: Channels, own: Channels, images: tuple[int, int]) -> FloatArray:
    """The share (channels,) of each channel's shift that is not chance, given what all channels of the layer shifted.

    A channel's mean is known to `noise`, the true shifts spread by `signal` (empirical Bayes, Efron and Morris 1973).
    """
    unit = np.maximum(factory.deviation, 1e-9)
    noise = (own.between / unit) ** 2 * sum(1.0 / count for count in images)
    shift = ((own.mean - factory.mean) / unit) ** 2
    signal = max(0.0, float(np.mean(shift - noise)))
    return np.asarray(signal / np.maximum(signal + noise, 1e-12), dtype=np.float64)
