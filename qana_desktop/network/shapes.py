"""The shape of every layer: kernel sizes, 'same' padding as TensorFlow places it, and the size of each map."""

from __future__ import annotations

from typing import TypeAlias

from qana_desktop.network.layers import Conv, Dense, InputConv, IntegerNetwork, Layer, SeparableConv

MapShape: TypeAlias = tuple[int, int, int]
"""Height, width, channels of one activation map."""

POOL = 2
"""Max pooling is 2x2 with stride 2; an odd map keeps its last row and column."""


def same_size(size: int, stride: int) -> int:
    """Return the output size of a 'same' convolution or pooling over `size` positions."""
    return -(-size // stride)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return (before, after): TensorFlow's 'same' padding, whose odd row or column comes after the map."""
    total = max((same_size(size, stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def kernel_size(layer: InputConv | Conv | SeparableConv) -> int:
    """Return the side of the square spatial kernel."""
    weights = layer.depthwise if isinstance(layer, SeparableConv) else layer.weights
    return int(weights.shape[-1])


def output_channels(layer: Layer) -> int:
    """Return the number of channels (or units) that the layer gives."""
    return int(layer.pointwise.shape[0] if isinstance(layer, SeparableConv) else layer.weights.shape[0])


def is_pooled(layer: Layer) -> bool:
    """Say whether the layer sums its potentials over the whole map."""
    return isinstance(layer, Conv | SeparableConv) and layer.global_sum


def convolved_size(layer: InputConv | Conv | SeparableConv, shape: MapShape) -> tuple[int, int]:
    """Return height and width of the map of potentials, before any pooling."""
    return same_size(shape[0], layer.stride), same_size(shape[1], layer.stride)


def output_shape(layer: Layer, shape: MapShape) -> MapShape:
    """Return the shape that `layer` gives for an input of `shape`."""
    channels = output_channels(layer)
    if isinstance(layer, Dense) or is_pooled(layer):
        return 1, 1, channels
    height, width = convolved_size(layer, shape)
    if layer.max_pool:
        height, width = same_size(height, POOL), same_size(width, POOL)
    return height, width, channels


def input_shapes(network: IntegerNetwork) -> tuple[MapShape, ...]:
    """Return the shape that each layer receives, in order."""
    shapes = [network.input_shape]
    for layer in network.layers[:-1]:
        shapes.append(output_shape(layer, shapes[-1]))
    return tuple(shapes)
