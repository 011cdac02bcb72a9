"""Bits that are really needed: of each layer's potentials, and of its weights when no training makes up for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from qana_desktop.network.arithmetic import layer_potentials, run
from qana_desktop.network.bounds import input_maximum, potential_bounds
from qana_desktop.network.layers import IntegerNetwork
from qana_desktop.network.shapes import input_shapes
from qana_desktop.training.quant import QuantNetwork, QuantWeight, settle_statistics


@dataclass(frozen=True)
class PotentialBits:
    """Bits with sign that one layer's finished potentials take: `seen` on images, `worst` for any image at all."""

    name: str
    seen: int
    worst: int


def potential_bits(network: IntegerNetwork, images: npt.NDArray[np.uint8]) -> list[PotentialBits]:
    """Over `images` (n, S, S, 3); nothing in a network saturates below its worst case."""
    largest = [0] * len(network.layers)
    for image in images:
        inputs = [image[None].astype(np.int32), *run(network, image[None])[:-1]]
        for index, (layer, values) in enumerate(zip(network.layers, inputs, strict=True)):
            largest[index] = max(largest[index], int(np.abs(layer_potentials(layer, values)).max()))
    rows, before = [], None
    for layer, shape, seen in zip(network.layers, input_shapes(network), largest, strict=True):
        worst = potential_bounds(layer, shape, input_maximum(before)).magnitude
        rows.append(PotentialBits(layer.name, signed_bits(seen), signed_bits(worst)))
        before = layer
    return rows


def signed_bits(magnitude: int) -> int:
    """Bits of a signed integer of this magnitude."""
    return magnitude.bit_length() + 1


def with_weight_bits(model: QuantNetwork, layer: int, bits: int, settling: list[Tensor]) -> QuantNetwork:
    """Round one hidden layer's weights to `bits` (2: -1, 0, 1) in place, its statistics settled anew; no training."""
    chosen = model.quant_layers()[layer]
    if chosen.spec.kind == "input":
        raise ValueError("The first layer has 8-bit weights on every engine.")
    scaled = chosen.weight.weight.detach()
    chosen.weight = QuantWeight(scaled, bits)
    with torch.no_grad():
        settle_statistics(model, settling)
    return model.eval()
