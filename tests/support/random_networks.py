"""Draws legal integer networks of every kind, with values that reach the edges: for tests that compare engines."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st

from qana_desktop.network.bounds import POOLED_MAX, input_maximum, potential_bounds
from qana_desktop.network.layers import (
    Activation,
    Conv,
    Dense,
    InputConv,
    Int8Array,
    IntegerNetwork,
    Layer,
    SeparableConv,
    UInt8Array,
)
from qana_desktop.network.shapes import POOL, MapShape, convolved_size, is_pooled, output_channels, output_shape
from qana_desktop.network.validate import LARGEST_POOLED_SIDE, SMALLEST_POOLED_SIDE, WEIGHT_RANGES, check

Hidden = TypeVar("Hidden", InputConv, Conv, SeparableConv, Dense)

STEP_KINDS = ("spread", "whole", "fine", "coarse", "mixed")
IMAGE_KINDS = ("noise", "black", "white", "extremes", "dark", "ramp")


@st.composite
def networks(draw: st.DrawFn) -> IntegerNetwork:
    """A legal network of 2 to 6 layers; small, so that a comparison takes milliseconds."""
    shape: MapShape = (draw(st.integers(5, 22)), draw(st.integers(5, 22)), draw(st.sampled_from((1, 3))))
    input_shape, layers = shape, [draw(input_convs(shape))]
    shape = output_shape(layers[0], shape)
    for index in range(draw(st.integers(0, 4))):
        if isinstance(layers[-1], Dense):
            break
        layers.append(draw(hidden_layers(f"layer {index}", layers[-1], shape)))
        shape = output_shape(layers[-1], shape)
    if not isinstance(layers[-1], InputConv | Dense) and layers[-1].max_pool:
        layers.append(draw(convs("after pool", layers[-1], shape, may_pool=False)))
        shape = output_shape(layers[-1], shape)
    network = draw(with_head(input_shape, tuple(layers), shape))
    check(network)
    return network


@st.composite
def images_for(draw: st.DrawFn, network: IntegerNetwork) -> UInt8Array:
    """Three images for `network`: noise, flat, extremes."""
    random = generator(draw)
    kinds = draw(st.lists(st.sampled_from(IMAGE_KINDS), min_size=3, max_size=3))
    return np.stack([_image(kind, network.input_shape, random) for kind in kinds])


@st.composite
def input_convs(draw: st.DrawFn, shape: MapShape) -> InputConv:
    """A first layer for images of `shape`."""
    random, kernel = generator(draw), draw(st.sampled_from([k for k in (3, 5, 7) if k <= min(shape[:2])]))
    stride = draw(st.integers(1, 3))
    weights = _weights(random, (draw(st.integers(1, 9)), shape[2], kernel, kernel), (-128, 127))
    bare = InputConv("input", weights, stride, draw(st.integers(0, 255)), _open(len(weights)))
    layer = replace(bare, max_pool=stride == 1 and draw(st.booleans()))
    return draw(activated(layer, shape, None))


@st.composite
def hidden_layers(draw: st.DrawFn, name: str, previous: Layer, shape: MapShape) -> Layer:
    """Any layer that may follow `previous` on a map of `shape`."""
    kinds = [convs(name, previous, shape), separables(name, previous, shape)]
    if isinstance(previous, InputConv) or not previous.max_pool:
        kinds.append(hidden_dense(name, previous, shape))
    return draw(st.one_of(kinds))


@st.composite
def convs(draw: st.DrawFn, name: str, previous: Layer, shape: MapShape, *, may_pool: bool = True) -> Conv:
    """A full convolution."""
    random, kernel, bits = generator(draw), draw(st.sampled_from((1, 3, 5, 7))), draw(st.sampled_from((1, 2, 4)))
    weights = _weights(random, (draw(st.integers(1, 9)), shape[2], kernel, kernel), WEIGHT_RANGES[bits])
    stride = draw(st.integers(1, 2)) if kernel == 3 else 1
    layer = Conv(name, weights, bits, stride, _open(len(weights)))
    return draw(activated(draw(pooled(layer, shape, may_pool=may_pool)), shape, previous))


@st.composite
def separables(draw: st.DrawFn, name: str, previous: Layer, shape: MapShape) -> SeparableConv:
    """A separable convolution."""
    random, kernel, bits = generator(draw), draw(st.sampled_from((3, 5, 7))), draw(st.sampled_from((2, 4)))
    depthwise = _weights(random, (shape[2], kernel, kernel), WEIGHT_RANGES[bits])
    pointwise = _weights(random, (draw(st.integers(1, 9)), shape[2]), WEIGHT_RANGES[bits])
    stride = draw(st.integers(1, 2)) if kernel == 3 else 1
    layer = SeparableConv(name, depthwise, pointwise, bits, stride, _open(len(pointwise)))
    return draw(activated(draw(pooled(layer, shape)), shape, previous))


@st.composite
def hidden_dense(draw: st.DrawFn, name: str, previous: Layer, shape: MapShape) -> Dense:
    """A dense layer with activation."""
    random, bits = generator(draw), draw(st.sampled_from((1, 2, 4)))
    units = draw(st.integers(1, 12))
    weights = _weights(random, (units, int(np.prod(shape))), WEIGHT_RANGES[bits])
    return draw(activated(Dense(name, weights, bits, _open(units)), shape, previous))


@st.composite
def with_head(draw: st.DrawFn, input_shape: MapShape, layers: tuple[Layer, ...], shape: MapShape) -> IntegerNetwork:
    """Close the layers with a dense layer of potentials, with or without features."""
    random, inputs, classes = generator(draw), int(np.prod(shape)), draw(st.integers(1, 9))
    bits = draw(st.sampled_from((2, 4)))
    features = inputs if inputs <= 64 and draw(st.booleans()) else 0
    rows = _fitting(Dense("head", _weights(random, (classes, inputs), WEIGHT_RANGES[bits]), bits), shape, layers[-1])
    weights = np.concatenate([rows.weights, np.eye(features, inputs, dtype=np.int8)])
    return IntegerNetwork(input_shape, (*layers, replace(rows, weights=weights)), classes, features)


@st.composite
def pooled(draw: st.DrawFn, layer: Conv | SeparableConv, shape: MapShape, *, may_pool: bool = True) -> Layer:
    """The layer with no pooling, max pooling, or a global sum, as its map allows."""
    choices, size = ["none"], convolved_size(layer, shape)
    if may_pool and layer.stride == 1 and min(size) >= POOL:
        choices.append("max")
    if min(size) >= SMALLEST_POOLED_SIDE and max(size) <= LARGEST_POOLED_SIDE:
        choices.append("sum")
    choice = draw(st.sampled_from(choices))
    return replace(layer, max_pool=choice == "max", global_sum=choice == "sum")


@st.composite
def activated(draw: st.DrawFn, layer: Hidden, shape: MapShape, previous: Layer | None) -> Hidden:
    """The layer with thresholds and steps that its potentials can reach, pass and saturate; its sums within 20 bits."""
    layer = _fitting(layer, shape, previous)
    bounds, random = potential_bounds(layer, shape, input_maximum(previous)), generator(draw)
    reach = max(bounds.magnitude, 16)
    bits, channels = draw(st.sampled_from((1, 2, 4))), output_channels(layer)
    limit = max(min(reach // draw(st.sampled_from((1, 4, 16))), 2**19 - 1), 1)
    threshold = random.integers(-limit, limit + 1, channels).astype(np.int32)
    sixteenths = _sixteenths(draw(st.sampled_from(STEP_KINDS)), reach, channels, random)
    grid = 4 if bits == 2 else 16
    largest = 65535
    if not isinstance(layer, Dense) and layer.max_pool:
        threshold, largest = threshold // 2, 2**18 // 16  # the highest level within 20 bits, as pooling needs
    step = (np.clip(sixteenths, 1, largest * grid) / grid).astype(np.float32)
    return replace(layer, activation=Activation(bits, threshold, step))


def generator(draw: st.DrawFn) -> np.random.Generator:
    """A source of weights: hypothesis draws its seed, arrays are too slow to draw value by value."""
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1)))


def _fitting(layer: Hidden, shape: MapShape, previous: Layer | None) -> Hidden:
    """Take weights away until sums over a map, or of a dense layer, fit 20 bits whatever the image."""
    if not isinstance(layer, Dense) and not is_pooled(layer):
        return layer
    while potential_bounds(layer, shape, input_maximum(previous)).magnitude > POOLED_MAX:
        fields = ("pointwise", "depthwise") if isinstance(layer, SeparableConv) else ("weights",)
        field = max(fields, key=lambda name: np.count_nonzero(getattr(layer, name)))
        weights = getattr(layer, field).copy()
        used = np.flatnonzero(weights)
        weights.reshape(-1)[used[: len(used) // 2]] = 0
        layer = replace(layer, **{field: weights})
    return layer


def _weights(random: np.random.Generator, shape: tuple[int, ...], limits: tuple[int, int]) -> Int8Array:
    """Uniform, or all at one of the limits: what saturates first. Never all 0."""
    low, high = limits
    if random.random() < 0.15:
        weights = np.full(shape, random.choice(limits), np.int8)
    elif random.random() < 0.2:
        weights = random.choice(np.array(limits, np.int8), shape)
    else:
        weights = random.integers(low, high + 1, shape).astype(np.int8)
    return weights if weights.any() else np.full(shape, high, np.int8)


def _sixteenths(kind: str, reach: int, channels: int, random: np.random.Generator) -> np.ndarray:
    if kind == "mixed":
        return np.array([_sixteenths(STEP_KINDS[i % 4], reach, 1, random)[0] for i in range(channels)])
    if kind == "whole":
        return random.integers(1, max(reach // 8, 2), channels) * 16
    if kind == "fine":
        return random.integers(1, 65, channels)
    if kind == "coarse":
        return random.integers(reach, reach * 16 + 1, channels)
    return random.integers(1, max(reach * 2, 2), channels)


def _image(kind: str, shape: MapShape, random: np.random.Generator) -> UInt8Array:
    if kind == "noise":
        return random.integers(0, 256, shape).astype(np.uint8)
    if kind == "extremes":
        return (random.integers(0, 2, shape) * 255).astype(np.uint8)
    if kind == "dark":
        return random.integers(0, 8, shape).astype(np.uint8)
    if kind == "ramp":
        return (np.arange(int(np.prod(shape))) % 256).reshape(shape).astype(np.uint8)
    return np.full(shape, 255 if kind == "white" else 0, np.uint8)


def _open(channels: int) -> Activation:
    return Activation(4, np.zeros(channels, np.int32), np.ones(channels, np.float32))
