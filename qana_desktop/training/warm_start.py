"""A float network from exported integers: training goes on from a released bundle, whose checkpoints are long gone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from qana_desktop.network.layers import Conv, Dense, InputConv, IntegerNetwork
from qana_desktop.training.model import BOUND, PADDING_LEVEL, Architecture, FloatLayer, FloatNetwork, convolve
from qana_desktop.training.quant import TOP_LEVEL

UNIT = BOUND / TOP_LEVEL
"""Float activation of one level."""


def float_from_integers(
    network: IntegerNetwork, architecture: Architecture, images: Tensor, *, gain: float
) -> FloatNetwork:
    """The float network whose rounded form is `network`, up to that rounding.

    The statistics of its batch norms are those of `images` (n, 3, S, S), levels 0..255. `gain` is nats per unit of the
    integer logits (the scale of the bundle's calibration). Raises ValueError when the layers do not fit.
    """
    model = FloatNetwork(architecture).eval()
    body, head = network.layers[:-1], network.layers[-1]
    if len(body) != len(model.layers) or not isinstance(head, Dense):
        raise ValueError("This bundle's network has other layers than the architecture it should go on as.")
    x = model.normalise(images)
    with torch.no_grad():
        for target, source in zip(model.float_layers(), body, strict=True):
            if not isinstance(source, InputConv | Conv):
                raise ValueError("Only networks of full convolutions can be taken up again.")
            x = _take_over(target, source, x)
        rows = torch.from_numpy(head.weights[: network.classes].astype("float32"))
        model.head.weight.copy_(rows * gain / UNIT)
    return model


def _take_over(target: FloatLayer, source: InputConv | Conv, x: Tensor) -> Tensor:
    """Fill one layer; returns its float activations for `x`, (n, channels, h, w)."""
    whole = torch.from_numpy(source.weights.astype("float32"))
    threshold = torch.from_numpy(source.activation.threshold.astype("float64"))
    step = torch.from_numpy(source.activation.step.astype("float64"))
    if isinstance(source, InputConv):
        threshold = threshold - PADDING_LEVEL * whole.double().sum((1, 2, 3))
    spread = (2.0 / whole[0].numel()) ** 0.5 / whole.flatten(1).std(1).clamp_min(1e-3)
    target.weight.copy_(whole * spread.reshape(-1, 1, 1, 1))
    z = convolve(x, target.weight, target.spec.stride)
    positions = z.shape[2] * z.shape[3] if target.spec.pooled else 1
    if target.spec.pooled:
        z = z.mean((2, 3), keepdim=True)
    levels_in = 64.0 if isinstance(source, InputConv) else 1.0 / UNIT
    slope = UNIT * positions * levels_in / spread.double() / step
    _set_norm(target.norm, z.double(), slope, UNIT * (0.5 - threshold / step))
    result: Tensor = torch.clamp(target.norm(z), 0.0, BOUND)
    return result


def _set_norm(norm: nn.BatchNorm2d, z: Tensor, slope: Tensor, offset: Tensor) -> None:
    """Make the norm ``slope * z + offset`` with the statistics of `z`."""
    mean, variance = z.mean((0, 2, 3)), z.var((0, 2, 3), unbiased=False)
    norm.running_mean, norm.running_var = mean.float(), variance.float()
    norm.weight.copy_(slope * torch.sqrt(variance + norm.eps))
    norm.bias.copy_(slope * mean + offset)
