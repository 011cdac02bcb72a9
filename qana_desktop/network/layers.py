"""The integer network as plain data: what each layer holds, in the terms of the Akida v1 documentation.

Nothing here computes. `arithmetic` says what the layers do, `validate` says which of them Akida v1 can run, and the
`export_*` modules carry them to an engine.

Kernels are stored as PyTorch and ONNX use them (cross-correlation, output channel first); an exporter that needs
another order changes it on the way out. A `Dense` layer takes a map flattened as (height, width, channel).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

UInt8Array: TypeAlias = npt.NDArray[np.uint8]
Int8Array: TypeAlias = npt.NDArray[np.int8]
Int32Array: TypeAlias = npt.NDArray[np.int32]
Int64Array: TypeAlias = npt.NDArray[np.int64]
Float32Array: TypeAlias = npt.NDArray[np.float32]

STEP_GRID = 16
"""Activation steps are multiples of 1/16 (of 1/4 with 2 bits): off that grid the Akida runtime truncates them."""


@dataclass(frozen=True, eq=False)
class Activation:
    """A bounded, quantised ReLU: ``a = clip(ceil((p - threshold) / step), 0, 2**bits - 1)``, one pair per channel.

    `threshold` is int32, shape (channels,); `step` is float32, shape (channels,), above 0 and a multiple of 1/16 (of
    1/4 with 2 bits). `bits` is 1, 2 or 4. With 1 bit the step does not matter: 1 says that ``p > threshold``.
    """

    bits: int
    threshold: Int32Array
    step: Float32Array


@dataclass(frozen=True, eq=False)
class InputConv:
    """First layer: uint8 image in, 8-bit signed weights, shape (out, in, k, k); 'same' padding with `padding_value`.

    `padding_value` is a uint8 level, one for all channels.
    """

    name: str
    weights: Int8Array
    stride: int
    padding_value: int
    activation: Activation
    max_pool: bool = False


@dataclass(frozen=True, eq=False)
class Conv:
    """Full convolution, weights of `weight_bits` (1, 2 or 4), shape (out, in, k, k); 'same' padding with 0.

    `max_pool` is 2x2, stride 2, applied to potentials before the threshold. `global_sum` sums potentials over the whole
    map (what Akida calls global "average" pooling) before the threshold. Weights of 4 bits go from -7 to 7, of 2 bits
    from -1 to 1, of 1 bit from 0 to 1.
    """

    name: str
    weights: Int8Array
    weight_bits: int
    stride: int
    activation: Activation
    max_pool: bool = False
    global_sum: bool = False


@dataclass(frozen=True, eq=False)
class SeparableConv:
    """Depthwise kernel (in, k, k), then pointwise (out, in), with no threshold or rounding in between."""

    name: str
    depthwise: Int8Array
    pointwise: Int8Array
    weight_bits: int
    stride: int
    activation: Activation
    max_pool: bool = False
    global_sum: bool = False


@dataclass(frozen=True, eq=False)
class Dense:
    """Fully connected layer, weights (out, in) of `weight_bits`; with no activation its potentials are the output."""

    name: str
    weights: Int8Array
    weight_bits: int
    activation: Activation | None = None


Layer: TypeAlias = InputConv | Conv | SeparableConv | Dense


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """A sequential integer network. `input_shape` is (height, width, channels) of a uint8 image.

    The last layer is a `Dense` without activation whose outputs are int32 potentials: the first `classes` are the
    logits; the next `features` repeat the integer inputs of that layer through identity rows (weight 1), so that every
    engine, a board included, returns the features by the same path as the logits. See docs/adr/0002.
    """

    input_shape: tuple[int, int, int]
    layers: tuple[Layer, ...]
    classes: int
    features: int = 0
