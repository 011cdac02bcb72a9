"""The classic converted spiking network: integrate-and-fire neurons, rates as activations, balanced thresholds.

After Diehl et al., IJCNN 2015 (threshold balancing) and Rueckauer et al., Frontiers in Neuroscience 2017 (robust
normalisation by a high percentile, reset by subtraction). The float network is converted without further training. It
is here as a baseline: Akida computes the 4-bit activation at once and needs no time steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from qana_desktop.training.model import BOUND, FloatLayer, FloatNetwork, convolve

PERCENTILE = 0.999
BALANCING_SAMPLE = 1_000_000
"""Activations per layer that a percentile is taken of."""


@dataclass(frozen=True, eq=False)
class SpikingLayer:
    """Weights and bias per time step, scaled so that a neuron's threshold is 1; `weight` is (out, in, k, k)."""

    source: FloatLayer
    weight: Tensor
    bias: Tensor

    def current(self, spikes: Tensor) -> Tensor:
        """Input current (n, out, h, w) of spikes (n, in, h, w)."""
        spec = self.source.spec
        if spec.pooled:
            spikes = spikes.mean((2, 3), keepdim=True)
        return convolve(spikes, self.weight, 1 if spec.pooled else spec.stride) + self.bias


@dataclass(frozen=True, eq=False)
class SpikingNetwork:
    """The converted layers; `head` (classes, features) reads the rate of the last layer times `scale`."""

    layers: tuple[SpikingLayer, ...]
    head: Tensor
    scale: float

    def run(self, images: Tensor, steps: Sequence[int]) -> tuple[dict[int, Tensor], dict[int, float]]:
        """Logits (n, classes) and mean spikes of an image after each of `steps`, for images (n, 3, S, S) of levels.

        The image is a constant current into the first layer, as in the papers.
        """
        image = FloatNetwork.normalise(images)
        state: list[Tensor | None] = [None] * len(self.layers)
        total: Tensor | None = None
        logits, spikes_so_far, spikes_at = {}, 0.0, {}
        with torch.no_grad():
            constant = self.layers[0].current(image)
            for step in range(1, max(steps) + 1):
                spikes = image
                for index, layer in enumerate(self.layers):
                    current = constant if index == 0 else layer.current(spikes)
                    before = state[index]
                    potential = current if before is None else before + current
                    spikes = (potential >= 1.0).to(potential.dtype)
                    state[index] = potential - spikes
                    spikes_so_far += float(spikes.sum())
                total = spikes if total is None else total + spikes
                if step in steps:
                    rate = total.flatten(1) / step
                    logits[step] = F.linear(rate * self.scale, self.head)
                    spikes_at[step] = spikes_so_far / len(images)
        return logits, spikes_at


def convert(model: FloatNetwork, images: Tensor) -> SpikingNetwork:
    """Convert a float network of full convolutions, balancing thresholds on training `images` (n, 3, S, S)."""
    model.eval()
    x, scale_in, layers = model.normalise(images), 1.0, []
    with torch.no_grad():
        for layer in model.float_layers():
            x = layer(x)
            scale = min(max(_high(x), 1e-3), BOUND)
            weight, bias = _folded(layer)
            layers.append(SpikingLayer(layer, weight * (scale_in / scale), bias / scale))
            scale_in = scale
    return SpikingNetwork(tuple(layers), model.head.weight.detach(), scale_in)


def _high(x: Tensor) -> float:
    flat = x.flatten()
    flat = flat[:: max(flat.numel() // BALANCING_SAMPLE, 1)]
    return float(flat.kthvalue(max(round(PERCENTILE * flat.numel()), 1)).values)


def _folded(layer: FloatLayer) -> tuple[Tensor, Tensor]:
    """Weights (out, in, k, k) and bias (out, 1, 1) of a layer with its norm."""
    norm = layer.norm
    if norm.running_mean is None or norm.running_var is None:
        raise RuntimeError("A batch norm without running statistics cannot be folded.")
    slope = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    bias = norm.bias - slope * norm.running_mean
    return layer.weight * slope.reshape(-1, 1, 1, 1), bias.reshape(-1, 1, 1)
