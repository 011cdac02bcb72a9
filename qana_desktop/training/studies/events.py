"""Events: how many activations of each layer are not zero, and what the additions they cause would cost.

Akida works on events: an input of zero causes no work. An event causes one addition of a weighted input for every
weight that it reaches. The estimate is ``events x fan-out x energy of one 8-bit multiply-accumulate``; images are
dense.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qana_desktop.network.arithmetic import run
from qana_desktop.network.layers import Dense, IntegerNetwork, Layer, SeparableConv
from qana_desktop.network.operation_energy import INTEGER_PJ


@dataclass(frozen=True)
class LayerEvents:
    """One layer before the head, for one image: activations, share that is not zero, operations these cause next."""

    name: str
    activations: int
    active_share: float
    mean_level: float
    operations: float


def count_events(network: IntegerNetwork, images: npt.NDArray[np.uint8]) -> list[LayerEvents]:
    """Mean over `images` (n, S, S, 3), each read once as it is."""
    outputs = [np.zeros(3) for _ in network.layers[:-1]]
    sizes = [0] * len(outputs)
    for image in images:
        for index, values in enumerate(run(network, image[None])[:-1]):
            sizes[index] = values.size
            outputs[index] += np.array([np.count_nonzero(values), values.size, values.sum()], np.float64)
    return [
        LayerEvents(layer.name, size, active / places, level / places, active / len(images) * fan_out(following))
        for layer, following, size, (active, places, level) in zip(
            network.layers, network.layers[1:], sizes, outputs, strict=False
        )
    ]


def fan_out(layer: Layer) -> float:
    """Additions that one event at the input of `layer` causes, edges of the map aside."""
    if isinstance(layer, Dense):
        return float(len(layer.weights))
    if isinstance(layer, SeparableConv):
        reached = layer.depthwise[0].size / layer.stride**2
        return float(reached * (1 + len(layer.pointwise)))
    outputs, _, height, width = layer.weights.shape
    return float(outputs * height * width / layer.stride**2)


def millijoules(operations: float) -> float:
    """Energy of so many 8-bit multiply-accumulates (Horowitz, ISSCC 2014, 45 nm), arithmetic only."""
    return operations * INTEGER_PJ * 1e-9
