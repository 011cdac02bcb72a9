"""The integer network in training: the graph computes with the integers that are exported.

Gradients go straight through the roundings. Weights use learned steps (Esser et al., "Learned step size quantization",
ICLR 2020), one per output channel; a batch norm on the potentials carries the scale of weights and activations, so no
other step is needed: gamma and beta become `step` and `threshold`.
In evaluation, and in the last epochs of training, both are rounded as `network.layers` demands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from qana_desktop.network.bounds import POOLED_MAX
from qana_desktop.network.layers import STEP_GRID, Activation, Conv, Dense, InputConv, IntegerNetwork, SeparableConv
from qana_desktop.training.model import BOUND, PADDING_LEVEL, FloatLayer, FloatNetwork, LayerSpec, convolve

TOP_LEVEL = 15
"""Largest 4-bit activation."""
MAX_STEP = 65535.0
"""Largest `act_step` of the runtime."""
MAX_THRESHOLD = 2.0**19 - 1.0
"""Thresholds have 20 bits."""


class _Levels(torch.autograd.Function):
    """``clip(ceil(v), 0, 15)``; the gradient passes where v lies inside the range."""

    @staticmethod
    def forward(ctx: Any, v: Tensor) -> Tensor:
        ctx.save_for_backward(v)
        return v.ceil().clamp_(0, TOP_LEVEL)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (v,) = ctx.saved_tensors
        inside: Tensor = torch.ops.aten.hardtanh_backward(grads[0], v, -0.5, TOP_LEVEL + 0.5)
        return inside


class _ExactLevels(torch.autograd.Function):
    """Forward ``clip(ceil(p * factor + shift), 0, 15)`` with rounded constants, backward through slope and offset."""

    @staticmethod
    def forward(ctx: Any, p: Tensor, slope: Tensor, offset: Tensor, factor: Tensor, shift: Tensor) -> Tensor:
        v = torch.addcmul(shift, p, factor)
        ctx.save_for_backward(p, v, slope)
        return v.ceil().clamp_(0, TOP_LEVEL)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        p, v, slope = ctx.saved_tensors
        grad = torch.ops.aten.hardtanh_backward(grads[0], v, -0.5, TOP_LEVEL + 0.5)
        over = (0, 2, 3)
        return (
            grad * slope,
            (grad * p).sum(over, keepdim=True).float(),
            grad.sum(over, keepdim=True).float(),
            None,
            None,
        )


def levels(v: Tensor) -> Tensor:
    """Quantise to 0..15 with a straight-through gradient."""
    result: Tensor = _Levels.apply(v)  # type: ignore[no-untyped-call]
    return result


def scale_gradient(x: Tensor, factor: float) -> Tensor:
    """The same value with its gradient multiplied by `factor`."""
    return x.detach() * (1.0 - factor) + x * factor


def initial_step(weight: Tensor, top: int, *, per_channel: bool) -> Tensor:
    """Step with the least squared error among 48 candidates up to the largest magnitude, per output channel or one."""
    flat = (weight.reshape(len(weight), -1) if per_channel else weight.reshape(1, -1)).detach()
    largest = flat.abs().amax(1, keepdim=True).clamp_min(1e-8)
    best, error = largest / top, torch.full_like(largest, torch.inf)
    for share in np.linspace(0.25, 1.0, 48):
        step = largest * float(share) / top
        quantised = (flat / step).round().clamp(-top, top) * step
        now = (quantised - flat).square().sum(1, keepdim=True)
        best, error = torch.where(now < error, step, best), torch.minimum(now, error)
    return best.reshape(-1, *[1] * (weight.ndim - 1)) if per_channel else best.reshape(1)


class QuantWeight(nn.Module):
    """A weight tensor seen as integers in [-top, top]: `top` is 127 (8 bits) or 7 (4 bits)."""

    def __init__(self, weight: Tensor, bits: int, *, per_channel: bool = True) -> None:
        super().__init__()
        self.top = 2 ** (bits - 1) - 1
        self.bits = bits
        self.weight = nn.Parameter(weight.detach().clone())
        self.step = nn.Parameter(initial_step(weight, self.top, per_channel=per_channel))

    def scaled_step(self) -> Tensor:
        """The step, its gradient divided by sqrt(weights per step * top) as in the LSQ paper, section 2.2."""
        entries = self.weight.numel() / self.step.numel()
        return scale_gradient(self.step, 1.0 / (entries * self.top) ** 0.5).clamp_min(1e-6)

    def forward(self) -> Tensor:
        """The integers, as float, with straight-through gradients to weight and step."""
        step = self.scaled_step()
        scaled = (self.weight / step).clamp(-self.top, self.top)
        return scaled + (scaled.round() - scaled).detach()

    def integers(self) -> Tensor:
        """The integers, without gradient."""
        values: Tensor = self()
        return values.detach()


class QuantLayer(nn.Module):
    """Integers in, integers 0..15 out: convolution, optional sum over the map, batch norm as threshold and step."""

    def __init__(self, source: FloatLayer, bound: float) -> None:
        super().__init__()
        self.spec: LayerSpec = source.spec
        self.weight = QuantWeight(source.weight, 8 if source.spec.kind == "input" else 4)
        if source.spec.kind == "separable":
            self.depthwise = QuantWeight(source.depthwise, 4, per_channel=False)
        self.norm = nn.BatchNorm2d(source.spec.channels, momentum=0.05)
        with torch.no_grad():
            self.norm.weight.copy_(source.norm.weight * (TOP_LEVEL / bound))
            self.norm.bias.copy_(source.norm.bias * (TOP_LEVEL / bound))
        self.rounded = False

    def potentials(self, x: Tensor) -> Tensor:
        """Integer potentials; the first layer's are of levels minus the padding level (`integer_layer` shifts back)."""
        spec, weight = self.spec, self.weight()
        if spec.kind == "separable":
            return self._pool(F.conv2d(convolve(x, self.depthwise(), spec.stride, groups=x.shape[1]), weight))
        if spec.pooled and spec.kernel == 1 and spec.stride == 1:
            with torch.autocast(x.device.type, enabled=False):
                return F.conv2d(x.float().sum((2, 3), keepdim=True), weight)
        return self._pool(convolve(x, weight, spec.stride))

    def _pool(self, potentials: Tensor) -> Tensor:
        return potentials.float().sum((2, 3), keepdim=True) if self.spec.pooled else potentials

    def slope_and_offset(self) -> tuple[Tensor, Tensor]:
        """Per channel, v = slope * potential + offset, quantised by ceil: the batch norm in evaluation."""
        mean, variance = self.norm.running_mean, self.norm.running_var
        if mean is None or variance is None:
            raise RuntimeError("A batch norm without running statistics cannot become thresholds.")
        slope = self.norm.weight / torch.sqrt(variance + self.norm.eps)
        return slope, self.norm.bias - slope * mean - 0.5

    def rule(self) -> tuple[Tensor, Tensor, Tensor]:
        """Sign, integer threshold and grid step per channel (float64): ``a = ceil((sign * p - threshold) / step)``."""
        slope, offset = (value.detach().double() for value in self.slope_and_offset())
        sign = torch.where(slope < 0, -1.0, 1.0).double()
        grid = 1 if self.spec.kind == "input" else STEP_GRID  # whole steps let an exact integer kernel run the image
        exact = (1.0 / slope.abs().clamp_min(1e-12)).clamp(1.0 / grid, MAX_STEP)
        step = (exact * grid).round() / grid
        threshold = (-offset * exact).round().clamp(-MAX_THRESHOLD, MAX_THRESHOLD)
        return sign, threshold, step

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) integers -> (n, channels, h', w') integers 0..15, held as float."""
        p = self.potentials(x)
        if self.training and not self.rounded:
            return levels(self._normalised(p))
        sign, threshold, step = (value.reshape(1, -1, 1, 1) for value in self.rule())
        if not self.training:
            return ((p * sign.float() - threshold.float()) / step.float()).ceil().clamp(0, TOP_LEVEL)
        slope, offset = (value.reshape(1, -1, 1, 1) for value in self.slope_and_offset())
        # In float32 whatever the convolution computed in: a threshold of 8 significant bits is another threshold.
        p = p.float()
        factor, shift = (sign / step).float(), (-threshold / step).float()
        exact: Tensor = _ExactLevels.apply(p, slope, offset, factor, shift)  # type: ignore[no-untyped-call]
        return exact

    def _normalised(self, p: Tensor) -> Tensor:
        """Batch norm less one half, so that `ceil` rounds to the nearest level."""
        norm = self.norm
        if norm.momentum is None:
            return norm(p) - 0.5  # type: ignore[no-any-return]
        return F.batch_norm(
            p, norm.running_mean, norm.running_var, norm.weight, norm.bias - 0.5, True, norm.momentum, norm.eps
        )

    def integer_layer(self, name: str) -> InputConv | Conv | SeparableConv:
        """This layer as plain integers; channels with a falling batch norm have their weights' signs turned."""
        sign, threshold, step = self.rule()
        turned = self.weight.integers().double() * sign.reshape(-1, 1, 1, 1)
        weights = turned.cpu().numpy().astype(np.int8)
        if self.spec.kind == "input":
            threshold = threshold + PADDING_LEVEL * turned.sum((1, 2, 3))
        activation = Activation(4, threshold.cpu().numpy().astype(np.int32), step.cpu().numpy().astype(np.float32))
        spec = self.spec
        if spec.kind == "input":
            return InputConv(name, weights, spec.stride, PADDING_LEVEL, activation)
        if spec.kind == "conv":
            return Conv(name, weights, 4, spec.stride, activation, global_sum=spec.pooled)
        depthwise = self.depthwise.integers()[:, 0].cpu().numpy().astype(np.int8)
        return SeparableConv(name, depthwise, weights[:, :, 0, 0], 4, spec.stride, activation, global_sum=spec.pooled)


class QuantNetwork(nn.Module):
    """The integer network as a training graph, made from a trained float network.

    `bounds` are the float activations that become level 15, one per layer (`activation_bounds`). The statistics of the
    batch norms start empty: `settle_statistics` fills them before anything is read or trained.
    """

    unit: Tensor

    def __init__(self, source: FloatNetwork, bounds: Sequence[float] | None = None, dropout: float = 0.1) -> None:
        super().__init__()
        self.architecture = source.architecture
        layers = source.float_layers()
        bounds = bounds if bounds is not None else [BOUND] * len(layers)
        self.layers = nn.ModuleList(QuantLayer(layer, bound) for layer, bound in zip(layers, bounds, strict=True))
        self.dropout = nn.Dropout(dropout)
        self.head = QuantWeight(source.head.weight, 4, per_channel=False)
        self.register_buffer("unit", torch.tensor(bounds[-1] / TOP_LEVEL))

    def quant_layers(self) -> list[QuantLayer]:
        """The layers before the head."""
        return [layer for layer in self.layers if isinstance(layer, QuantLayer)]

    def set_rounded(self, rounded: bool) -> None:
        """From now on train with exported thresholds and steps and with fixed statistics (or go back)."""
        for layer in self.quant_layers():
            layer.rounded = rounded

    def activations(self, images: Tensor) -> list[Tensor]:
        """Integers that each layer before the head gives for images (n, 3, S, S) of levels 0..255."""
        x, outputs = images - PADDING_LEVEL, []
        for layer in self.layers:
            x = layer(x)
            outputs.append(x)
        return outputs

    def integer_logits(self, features: Tensor) -> Tensor:
        """Potentials (n, classes) of the head for integer features (n, features)."""
        with torch.autocast(features.device.type, enabled=False):
            return F.linear(features.float(), self.head())

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, classes) in nats: integer potentials times `gain`."""
        features = self.activations(images)[-1].flatten(1)
        return self.integer_logits(self.dropout(features)) * self.gain()

    def gain(self) -> Tensor:
        """Nats per unit of integer logit: the head's weight step times the size of a feature level."""
        return self.head.scaled_step() * self.unit


def activation_bounds(model: FloatNetwork, images: Tensor) -> list[float]:
    """Per layer, the bound whose 15 levels keep the float activations of `images` with the least squared error."""
    model.eval()
    bounds = []
    with torch.no_grad():
        x = model.normalise(images)
        for layer in model.float_layers():
            x = layer(x)
            bounds.append(_best_bound(x.flatten()[:: max(x.numel() // 200_000, 1)]))
    return bounds


def _best_bound(values: Tensor) -> float:
    candidates = [BOUND * float(share) for share in np.linspace(0.2, 1.0, 33)]
    errors = []
    for bound in candidates:
        step = bound / TOP_LEVEL
        errors.append(float(((values / step).round().clamp(0, TOP_LEVEL) * step - values).square().mean()))
    return candidates[int(np.argmin(errors))]


def settle_statistics(model: QuantNetwork, batches: Iterable[Tensor]) -> None:
    """Set every batch norm's running statistics to the plain mean over `batches` of images."""
    norms = [layer.norm for layer in model.quant_layers()]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    model.train()
    with torch.no_grad():
        for images in batches:
            model(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def limit_pooled_sums(model: QuantNetwork) -> None:
    """Coarsen the weights of channels whose sum over the map could pass 20 bits, where Akida saturates.

    The worst case of a channel is 15 times its positive (or negative) weights, at every position. Its integers are
    divided by a factor and rounded again, and its statistics shrink with them: its answers stay, up to that rounding.
    """
    side = model.architecture.size
    for layer in model.quant_layers():
        side = -(-side // layer.spec.stride)
        if layer.spec.pooled and layer.spec.kind == "conv":
            _limit_sums(layer, POOLED_MAX / (TOP_LEVEL * side * side))


def _limit_sums(layer: QuantLayer, largest: float) -> None:
    mean, variance = layer.norm.running_mean, layer.norm.running_var
    if mean is None or variance is None:
        raise RuntimeError("A batch norm without running statistics cannot become thresholds.")
    with torch.no_grad():
        whole = layer.weight.integers()
        factor = torch.ones(len(whole))
        while bool((over := _worst_sum((whole / _per_channel(factor)).round()) > largest).any()):
            factor[over] *= 1.01
        changed = factor > 1.0
        layer.weight.weight[changed] = whole[changed]
        layer.weight.step[changed] = _per_channel(factor)[changed]
        mean.div_(factor)
        variance.div_(factor.square())


def _worst_sum(whole: Tensor) -> Tensor:
    flat = whole.flatten(1)
    return torch.maximum(flat.clamp_min(0).sum(1), -flat.clamp_max(0).sum(1))


def _per_channel(values: Tensor) -> Tensor:
    return values.reshape(-1, 1, 1, 1)


def to_integer_network(model: QuantNetwork) -> IntegerNetwork:
    """The exported integers. The last layer gives the logits, then each feature once more through an identity row."""
    size = model.architecture.size
    body = tuple(layer.integer_layer(f"layer{i}") for i, layer in enumerate(model.quant_layers()))
    head = model.head.integers().cpu().numpy().astype(np.int8)
    features = head.shape[1]
    rows = np.concatenate([head, np.eye(features, dtype=np.int8)])
    return IntegerNetwork((size, size, 3), (*body, Dense("head", rows, 4)), classes=len(head), features=features)
