"""What an integer network computes, in NumPy: the reference that every engine must equal, integer for integer.

The rules are those of Akida v1 as its documentation states them and its software backend shows them. Sums are taken in
float64, where every integer below 2**53 is exact: exact here needs no argument about the size of potentials.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from qana_desktop.network.layers import (
    STEP_GRID,
    Activation,
    Conv,
    Dense,
    InputConv,
    Int32Array,
    IntegerNetwork,
    Layer,
    SeparableConv,
    UInt8Array,
)
from qana_desktop.network.shapes import POOL, kernel_size, same_padding

Float64Array: TypeAlias = npt.NDArray[np.float64]


def run(network: IntegerNetwork, images: UInt8Array) -> tuple[Int32Array, ...]:
    """Return what each layer gives for uint8 `images` (N, height, width, channels).

    Activations are int32 (N, height, width, channels); the last item holds the potentials (N, classes + features).
    Raises ValueError when the images do not have the shape or type of the network's input.
    """
    if images.dtype != np.uint8 or images.shape[1:] != network.input_shape:
        raise ValueError(f"images are {images.dtype} {images.shape}, not uint8 (N, *{network.input_shape})")
    outputs: list[Int32Array] = []
    values: Int32Array = images.astype(np.int32)
    for layer in network.layers:
        values = layer_output(layer, values)
        outputs.append(values)
    outputs[-1] = outputs[-1].reshape(len(images), -1)
    return tuple(outputs)


def layer_output(layer: Layer, values: Int32Array) -> Int32Array:
    """Return what `layer` gives for `values` (N, H, W, C): activations, or potentials where it has no activation."""
    potentials = layer_potentials(layer, values)
    return potentials if layer.activation is None else activate(layer.activation, potentials)


def layer_potentials(layer: Layer, values: Int32Array) -> Int32Array:
    """Return the int32 potentials of `layer` for input `values` (N, H, W, C), after pooling, before the threshold."""
    potentials: Float64Array = _convolved(layer, values.astype(np.float64))
    if not isinstance(layer, Dense) and layer.max_pool:
        potentials = _max_pool(potentials)
    if isinstance(layer, Conv | SeparableConv) and layer.global_sum:
        potentials = potentials.sum(axis=(1, 2), keepdims=True)
    return np.asarray(potentials, np.int32)


def activate(activation: Activation, potentials: Int32Array) -> Int32Array:
    """Return ``clip(ceil((p - threshold) / step), 0, 2**bits - 1)``, computed in integers of the 1/16 grid."""
    sixteenths = np.rint(activation.step.astype(np.float64) * STEP_GRID).astype(np.int64)
    above = (potentials.astype(np.int64) - activation.threshold) * STEP_GRID
    levels = np.clip(-(-above // sixteenths), 0, (1 << activation.bits) - 1)
    return np.asarray(levels, np.int32)


def _convolved(layer: Layer, values: Float64Array) -> Float64Array:
    if isinstance(layer, Dense):
        return (values.reshape(len(values), -1) @ layer.weights.T.astype(np.float64)).reshape(len(values), 1, 1, -1)
    padding_value = layer.padding_value if isinstance(layer, InputConv) else 0
    windows = _windows(values, kernel_size(layer), layer.stride, padding_value)
    if isinstance(layer, SeparableConv):
        filtered = np.einsum("nhwcij,cij->nhwc", windows, layer.depthwise.astype(np.float64))
        return np.asarray(filtered @ layer.pointwise.T.astype(np.float64))
    columns = windows.reshape(*windows.shape[:3], -1)
    return np.asarray(columns @ layer.weights.reshape(len(layer.weights), -1).T.astype(np.float64))


def _windows(values: Float64Array, kernel: int, stride: int, padding_value: int) -> Float64Array:
    """Return the window under the kernel at each position: (N, H', W', C, kernel, kernel)."""
    height, width = values.shape[1:3]
    margins = ((0, 0), same_padding(height, kernel, stride), same_padding(width, kernel, stride), (0, 0))
    padded = np.pad(values, margins, constant_values=padding_value)
    return sliding_window_view(padded, (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]


def _max_pool(potentials: Float64Array) -> Float64Array:
    height, width = potentials.shape[1:3]
    margins = ((0, 0), (0, height % POOL), (0, width % POOL), (0, 0))
    padded = np.pad(potentials, margins, constant_values=-np.inf)
    windows = sliding_window_view(padded, (POOL, POOL), axis=(1, 2))[:, ::POOL, ::POOL]
    highest: Float64Array = windows.max(axis=(-2, -1))
    return highest
