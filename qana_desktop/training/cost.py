"""What an integer network costs: bytes of weights at their bit widths, and multiply-accumulates of one view."""

from __future__ import annotations

from dataclasses import dataclass

from qana_desktop.network.layers import Dense, InputConv, IntegerNetwork, Layer, SeparableConv
from qana_desktop.network.shapes import MapShape, convolved_size, input_shapes


@dataclass(frozen=True)
class Cost:
    """`weights` counts them, `weight_bytes` at their bit widths (identity rows included), `macs` for one view."""

    weights: int
    weight_bytes: int
    macs: int


def cost_of(network: IntegerNetwork) -> Cost:
    """Add up all layers."""
    counts = [(_weights(layer), 8 if isinstance(layer, InputConv) else layer.weight_bits) for layer in network.layers]
    macs = sum(_macs(layer, shape) for layer, shape in zip(network.layers, input_shapes(network), strict=True))
    return Cost(sum(n for n, _ in counts), sum(n * bits for n, bits in counts) // 8, macs)


def _weights(layer: Layer) -> int:
    if isinstance(layer, SeparableConv):
        return int(layer.depthwise.size + layer.pointwise.size)
    return int(layer.weights.size)


def _macs(layer: Layer, shape: MapShape) -> int:
    if isinstance(layer, Dense):
        return int(layer.weights.size)
    height, width = convolved_size(layer, shape)
    return _weights(layer) * height * width
