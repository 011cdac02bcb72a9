"""From which places of the image a logit comes: the class activation map of an integer network, exact in its integers.

The last hidden layer sums its potentials over the map, ``P = sum over places of q``, and turns them into a level
``a = clip(ceil((P - t) / s), 0, top)``; the head adds ``logit = sum of v * a``. So each channel's share of a logit can
be given back to the places that it came from: ``v * g * (q - t / N)`` at each of the N places, with the gain

    g = 0                       where the channel is silent (a = 0),
    g = 1 / s                   where it follows its potential,
    g = top / (P - t)           where it is at its top and clipped (a smaller gain: what was cut off counts nowhere).

Summed over the places that is the logit, but for the rounding up to whole levels, which has no place:
``logit = sum of the map + remainder``, and the remainder of a channel lies between 0 and v. Every number here is a
ratio of integers of the network; float64 holds them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.network.arithmetic import activate, layer_potentials
from qana_desktop.network.layers import (
    STEP_GRID,
    Activation,
    Conv,
    Dense,
    Int32Array,
    Int64Array,
    IntegerNetwork,
    SeparableConv,
)
from qana_desktop.network.preprocess import DIHEDRAL
from qana_desktop.network.shapes import POOL, is_pooled, kernel_size, output_shape, same_padding

FloatArray: TypeAlias = npt.NDArray[np.float64]

FINER = 4
"""Points of a drawn map for each place of the network's last map, in each direction."""


class NotAttributable(ValueError):
    """The network has no last map whose places add up to its logits."""


@dataclass(frozen=True, eq=False)
class Attribution:
    """`maps` (classes, H, W) of the last map's places, `remainder` (classes,): together they are the logits.

    Both in units of integer logits.
    """

    maps: FloatArray
    remainder: FloatArray


def last_map_layer(network: IntegerNetwork) -> int:
    """Return the index of the layer whose activations are the last map. Raises NotAttributable."""
    pooled = [index for index, layer in enumerate(network.layers) if isinstance(layer, Dense) or is_pooled(layer)]
    index = pooled[0]
    behind = network.layers[index:]
    if index == 0 or len(behind) > 2 or (len(behind) == 1) != isinstance(behind[0], Dense):
        raise NotAttributable("between the network's last map and its logits lies more than one sum and the head")
    return index - 1


def attribute(network: IntegerNetwork, last_map: Int32Array) -> Attribution:
    """Give the logits of one image back to the places of its last map, int32 (H, W, C). Raises NotAttributable."""
    index = last_map_layer(network)
    behind = network.layers[index + 1 :]
    head = behind[-1]
    if not isinstance(head, Dense):
        raise NotAttributable("the network does not end in a dense layer")
    weights = head.weights[: network.classes].astype(np.float64)
    if len(behind) == 1:
        shares = weights.reshape(len(weights), *last_map.shape) * last_map
        return Attribution(shares.sum(axis=-1), np.zeros(len(weights)))
    summed = behind[0]
    if not isinstance(summed, Conv | SeparableConv):
        raise NotAttributable("the network's last map is not summed by a convolution")
    places = layer_potentials(replace(summed, global_sum=False), last_map[None])[0].astype(np.int64)
    return _given_back(weights, summed.activation, places)


def _given_back(weights: FloatArray, activation: Activation, places: Int64Array) -> Attribution:
    """`weights` (classes, channels) of the head, `places` (H, W, channels): potentials before they are summed."""
    totals = places.sum(axis=(0, 1))
    over = totals - activation.threshold
    gain = gains(activation, over)
    count = places.shape[0] * places.shape[1]
    shares = gain * (places * count - activation.threshold.astype(np.int64)) / count
    levels = activate(activation, totals.astype(np.int32)[None])[0]
    return Attribution(
        np.asarray(np.einsum("jk,hwk->jhw", weights, shares), dtype=np.float64),
        np.asarray(weights @ (levels - gain * over), dtype=np.float64),
    )


def gains(activation: Activation, over: Int64Array) -> FloatArray:
    """Levels for a unit of potential, (channels,), where ``over = potential - threshold``; 0 for a silent channel."""
    top = (1 << activation.bits) - 1
    sixteenths = np.rint(activation.step.astype(np.float64) * STEP_GRID).astype(np.int64)
    clipped = (over * STEP_GRID > top * sixteenths) | (top == 1)
    with np.errstate(divide="ignore"):
        slope = np.where(clipped, top / over, STEP_GRID / sixteenths)
    return np.asarray(np.where(over > 0, slope, 0.0), dtype=np.float64)


def drawn(network: IntegerNetwork, maps: FloatArray, view: str) -> FloatArray:
    """Turn maps (..., H, W) of the named view back and draw them finer, over the whole input: (..., F * H, F * W).

    F is `FINER`. A place of the map looks at pixels around a middle that 'same' padding of strided layers moves down
    and to the right; each point takes its value from the places around it, linearly. Raises KeyError for a view that is
    not in `DIHEDRAL`.
    """
    if view not in DIHEDRAL:
        raise KeyError(view)
    turns, mirrored = DIHEDRAL.index(view) % 4, view.startswith("mirror")
    rows, columns = (
        _between(places, pixels, *_middles(network, axis))
        for axis, (places, pixels) in enumerate(zip(maps.shape[-2:], network.input_shape[:2], strict=True))
    )
    fine = np.einsum("ph,...hw,qw->...pq", rows, maps, columns)
    back = np.rot90(fine, -turns, axes=(-2, -1))
    return np.asarray(back[..., ::-1] if mirrored else back, dtype=np.float64)


def _middles(network: IntegerNetwork, axis: int) -> tuple[float, float]:
    """Return, in pixels of the input, the middle of what the first place of the last map sees, and the next one's step.

    `axis` is 0 for rows, 1 for columns. The layer that sums belongs to it: its kernel may be wider than one place.
    """
    middle, step = 0.5, 1.0
    shape = network.input_shape
    for layer in network.layers[: last_map_layer(network) + 2]:
        if isinstance(layer, Dense):
            break
        before, _after = same_padding(shape[axis], kernel_size(layer), layer.stride)
        middle += ((kernel_size(layer) - 1) / 2 - before) * step
        step *= layer.stride
        if layer.max_pool:
            middle += step * (POOL - 1) / 2
            step *= POOL
        shape = output_shape(layer, shape)
    return middle, step


def _between(places: int, pixels: int, middle: float, step: float) -> FloatArray:
    """Weights (FINER * places, places) of linear interpolation; beyond the outermost places their value goes on."""
    points = (np.arange(FINER * places) + 0.5) * pixels / (FINER * places)
    at = np.clip((points - middle) / step, 0, places - 1)
    low = np.minimum(at.astype(np.int64), max(places - 2, 0))
    weights = np.zeros((len(points), places))
    weights[np.arange(len(points)), low] = 1.0 - (at - low)
    if places > 1:
        weights[np.arange(len(points)), low + 1] += at - low
    return weights
