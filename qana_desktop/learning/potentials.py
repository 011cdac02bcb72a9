"""The potentials of many images, exactly as the reference has them, and much faster.

Sums are taken in float32, tap after tap of a kernel. Every potential and partial sum of a legal network is a whole
number below 2**24 (`network.validate` refuses others), and float32 is exact there.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.network.arithmetic import layer_potentials
from qana_desktop.network.layers import STEP_GRID, Activation, Conv, InputConv, Layer, UInt8Array
from qana_desktop.network.shapes import kernel_size, same_padding

Float32Array: TypeAlias = npt.NDArray[np.float32]

_BATCH: Final = 32


def potentials(layer: Layer, values: UInt8Array) -> Float32Array:
    """Potentials (n, H', W', channels) of `layer`, whole numbers, for inputs (n, H, W, C): levels of image or map."""
    return np.concatenate([_batch(layer, values[at : at + _BATCH]) for at in range(0, len(values), _BATCH)])


def levels(activation: Activation, found: Float32Array) -> UInt8Array:
    """The levels ``clip(ceil((p - threshold) / step), 0, 2**bits - 1)`` of potentials (n, H, W, channels)."""
    sixteenths = activation.step.astype(np.float64) * STEP_GRID
    parts = []
    for at in range(0, len(found), _BATCH):
        above = (found[at : at + _BATCH].astype(np.float64) - activation.threshold) * STEP_GRID
        parts.append(np.clip(np.ceil(above / sixteenths), 0, (1 << activation.bits) - 1).astype(np.uint8))
    return np.concatenate(parts)


def _batch(layer: Layer, values: UInt8Array) -> Float32Array:
    if not isinstance(layer, InputConv | Conv) or layer.max_pool:
        return layer_potentials(layer, values.astype(np.int32)).astype(np.float32)
    found = _convolved(layer, values)
    if isinstance(layer, Conv) and layer.global_sum:
        return np.asarray(found.sum(axis=(1, 2), keepdims=True, dtype=np.float64).astype(np.float32))
    return found


def _convolved(layer: InputConv | Conv, values: UInt8Array) -> Float32Array:
    side, stride = kernel_size(layer), layer.stride
    rows, columns = (same_padding(length, side, stride) for length in values.shape[1:3])
    level = layer.padding_value if isinstance(layer, InputConv) else 0
    padded = np.pad(values, ((0, 0), rows, columns, (0, 0)), constant_values=level).astype(np.float32)
    height, width = ((length - side) // stride + 1 for length in padded.shape[1:3])
    kernels = layer.weights.astype(np.float32)
    total = np.zeros((len(values), height, width, len(kernels)), np.float32)
    for down in range(side):
        for right in range(side):
            seen = padded[:, down : down + stride * height : stride, right : right + stride * width : stride]
            total += seen[:, :height, :width] @ kernels[:, :, down, right].T
    return total
