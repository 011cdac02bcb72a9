"""Refuses what Akida v1 cannot run, or what would not be exact: every problem at once, by layer, with what to do.

The limits are those of BrainChip's documentation where it states them; the others were found by building and mapping
networks with `akida` 2.19.3 onto its virtual AKD1000 and AKD1500. They are necessary, not sufficient: whether a network
finds enough processors on a device is what `export_akida.maps_on` answers.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qana_desktop.network.bounds import (
    FLOAT32_EXACT,
    POOLED_MAX,
    PotentialBounds,
    input_maximum,
    potential_bounds,
)
from qana_desktop.network.layers import (
    STEP_GRID,
    Activation,
    Conv,
    Dense,
    InputConv,
    Int8Array,
    Int64Array,
    IntegerNetwork,
    Layer,
    SeparableConv,
)
from qana_desktop.network.shapes import (
    POOL,
    MapShape,
    convolved_size,
    is_pooled,
    kernel_size,
    output_channels,
    output_shape,
)
from qana_desktop.system.faults import Fault, KnownError

SMALLEST_INPUT, WIDEST_INPUT = 5, 256
INPUT_CHANNELS = (1, 3)
INPUT_KERNELS = {(3, 1): 192, (3, 3): 192, (5, 1): 192, (5, 3): 64, (7, 1): 96, (7, 3): 32}
"""Most filters of the first layer by (kernel, image channels)."""
CONV_KERNELS, SEPARABLE_KERNELS = (1, 3, 5, 7), (3, 5, 7)
INPUT_STRIDES, STRIDES = (1, 2, 3), (1, 2)
STRIDED_KERNEL = 3
"""The only kernel that a hidden convolution may move by 2."""
SMALLEST_POOLED_SIDE, LARGEST_POOLED_SIDE = 3, 16
"""Of a map that is summed. The upper one is documented; the SDK itself maps up to 32."""
LARGEST_DENSE_INPUT = 57334
"""Inputs of a dense layer that fit the smaller memory of the two boards (AKD1000)."""
ACTIVATION_BITS = (1, 2, 4)
WEIGHT_RANGES = {1: (0, 1), 2: (-1, 1), 4: (-7, 7)}
"""Lowest and highest weight by bits. The most negative two's complement value is not allowed."""
SEPARABLE_WEIGHT_BITS = (2, 4)
THRESHOLD_MIN, THRESHOLD_MAX = -(2**19), 2**19 - 1
LARGEST_STEP = 65535
TWO_BIT_STEP_GRID = STEP_GRID // 4
"""Akida holds the step of 16 levels; with 4 levels it is a quarter of ours and must lie on the grid itself."""


@dataclass(frozen=True)
class Problem:
    """One reason to refuse a network: the layer ("" for the whole), what is wrong, and what to do."""

    layer: str
    reason: str
    remedy: str

    def sentence(self) -> str:
        """Return the problem as text for a person."""
        where = f"Layer '{self.layer}': " if self.layer else ""
        return f"{where}{self.reason} {self.remedy}"


class NetworkRefused(KnownError):
    """The network cannot run on Akida v1, or would not be exact; `problems` lists every reason."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = f"{len(problems)} reasons" if len(problems) > 1 else "one reason"
        text = "\n".join(f"- {problem.sentence()}" for problem in problems)
        message = f"The network cannot run on an Akida v1 board with exact results, for {count}:\n{text}\n"
        super().__init__(Fault("network-refused", message, "Correct the network and export it again."))
        self.problems = problems

    def __reduce__(self) -> tuple[type[NetworkRefused], tuple[tuple[Problem, ...]]]:  # type: ignore[override]
        return type(self), (self.problems,)


def check(network: IntegerNetwork) -> None:
    """Return when every engine can run the network exactly; raise NetworkRefused with all problems otherwise."""
    problems = tuple(find_problems(network))
    if problems:
        raise NetworkRefused(problems)


def find_problems(network: IntegerNetwork) -> Iterator[Problem]:
    """Yield every reason to refuse `network`."""
    broken = list(_order_problems(network)) or list(_array_problems(network))
    if broken:
        yield from broken  # shapes and ranges mean nothing until these are corrected
        return
    yield from _input_problems(network)
    shape, previous = network.input_shape, None
    for index, layer in enumerate(network.layers):
        following = network.layers[index + 1] if index + 1 < len(network.layers) else None
        mismatch = list(_shape_problems(layer, shape))
        yield from mismatch
        if mismatch:
            return  # what comes after has no known input
        yield from _layer_problems(layer, following, shape)
        yield from _range_problems(layer, potential_bounds(layer, shape, input_maximum(previous)))
        shape, previous = output_shape(layer, shape), layer
    yield from _head_problems(network)


def _order_problems(network: IntegerNetwork) -> Iterator[Problem]:
    layers = network.layers
    if len(layers) < 2 or not isinstance(layers[0], InputConv):
        yield Problem("", "It does not begin with an input convolution.", "Put an InputConv first and a Dense last.")
    if layers and (not isinstance(layers[-1], Dense) or layers[-1].activation is not None):
        yield Problem("", "It does not end in potentials.", "End it with a Dense layer without activation.")
    names = [layer.name for layer in layers]
    if len(set(names)) != len(names) or "" in names:
        yield Problem("", "Its layers are not told apart by their names.", "Give every layer a name of its own.")
    for before, layer in itertools.pairwise(layers):
        if isinstance(layer, InputConv):
            yield Problem(layer.name, "An input convolution comes after another layer.", "Use Conv there.")
        if isinstance(before, Dense) and not isinstance(layer, Dense):
            yield Problem(layer.name, "A convolution comes after a dense layer.", "Put all Dense layers last.")
    for layer in layers[:-1]:
        if layer.activation is None:
            yield Problem(layer.name, "A hidden layer has no activation.", "Only the last layer gives potentials.")


def _array_problems(network: IntegerNetwork) -> Iterator[Problem]:
    """Yield arrays of a wrong type or number of axes, before anything computes with them."""
    for layer in network.layers:
        for array, axes in _weight_arrays(layer):
            if array.dtype != np.int8 or array.ndim != axes or 0 in array.shape:
                yield Problem(layer.name, f"Weights are {array.dtype} {array.shape}.", f"Give int8 with {axes} axes.")
            elif axes > 2 and array.shape[-1] != array.shape[-2]:
                yield Problem(layer.name, f"The kernel is {array.shape[-2]}x{array.shape[-1]}.", "Use a square kernel.")
        if layer.activation is not None:
            yield from _activation_array_problems(layer.name, layer.activation, output_channels(layer))


def _weight_arrays(layer: Layer) -> tuple[tuple[Int8Array, int], ...]:
    if isinstance(layer, SeparableConv):
        return (layer.depthwise, 3), (layer.pointwise, 2)
    return ((layer.weights, 2 if isinstance(layer, Dense) else 4),)


def _activation_array_problems(name: str, activation: Activation, channels: int) -> Iterator[Problem]:
    wanted = (("threshold", activation.threshold, np.int32), ("step", activation.step, np.float32))
    for what, array, dtype in wanted:
        if array.dtype != dtype or array.shape != (channels,):
            yield Problem(
                name, f"The {what} is {array.dtype} of shape {array.shape}.", f"Give {dtype.__name__} ({channels},)."
            )


def _input_problems(network: IntegerNetwork) -> Iterator[Problem]:
    first = network.layers[0]
    height, width, channels = network.input_shape
    if max(height, width) > WIDEST_INPUT:
        yield Problem(first.name, f"The input is {width}x{height} wide.", f"Use at most {WIDEST_INPUT} a side.")
    if min(height, width) < SMALLEST_INPUT:
        yield Problem(first.name, f"The input is {width}x{height} small.", f"Use at least {SMALLEST_INPUT} a side.")
    if isinstance(first, InputConv) and min(height, width) < kernel_size(first):
        yield Problem(first.name, "The kernel is larger than the input.", "Use a smaller kernel or a larger input.")
    if channels not in INPUT_CHANNELS:
        yield Problem(first.name, f"The image has {channels} channels.", "Use grey (1) or RGB (3).")


def _shape_problems(layer: Layer, shape: MapShape) -> Iterator[Problem]:
    """Yield what keeps the layer from taking an input of `shape` at all."""
    if isinstance(layer, Dense):
        expected, given = int(np.prod(shape)), layer.weights.shape[1]
    elif isinstance(layer, SeparableConv):
        expected, given = shape[2], len(layer.depthwise)
        if layer.pointwise.shape[1] != given:
            yield Problem(
                layer.name,
                f"The depthwise part gives {given} channels and the pointwise part takes {layer.pointwise.shape[1]}.",
                "Make them equal.",
            )
    else:
        expected, given = shape[2], layer.weights.shape[1]
    if expected != given:
        yield Problem(layer.name, f"It takes {given} inputs and receives {expected}.", "Make them equal.")


def _layer_problems(layer: Layer, following: Layer | None, shape: MapShape) -> Iterator[Problem]:
    if isinstance(layer, InputConv | SeparableConv) and not all(array.any() for array, _ in _weight_arrays(layer)):
        yield Problem(layer.name, "All its weights are 0.", "A first or separable layer needs one other.")
    if isinstance(layer, InputConv):
        yield from _input_conv_problems(layer)
    elif isinstance(layer, Dense):
        yield from _weight_problems(layer, tuple(WEIGHT_RANGES))
        if int(np.prod(shape)) > LARGEST_DENSE_INPUT:
            yield Problem(layer.name, f"It takes {np.prod(shape)} inputs.", f"Use at most {LARGEST_DENSE_INPUT}.")
    else:
        yield from _weight_problems(layer, SEPARABLE_WEIGHT_BITS if isinstance(layer, SeparableConv) else (1, 2, 4))
        yield from _kernel_problems(layer)
        yield from _pooling_problems(layer, following, shape)
    if not isinstance(layer, Dense) and layer.max_pool and layer.stride != 1:
        yield Problem(layer.name, f"It pools and moves by {layer.stride}.", "Pool with stride 1, or do not pool.")
    if layer.activation is not None:
        yield from _activation_problems(layer.name, layer.activation)


def _input_conv_problems(layer: InputConv) -> Iterator[Problem]:
    side, channels = kernel_size(layer), layer.weights.shape[1]
    if not any(side == kernel for kernel, _ in INPUT_KERNELS):
        yield Problem(layer.name, f"The kernel is {side}x{side}.", "Use 3x3, 5x5 or 7x7 in the first layer.")
    most = INPUT_KERNELS.get((side, channels), output_channels(layer))
    if output_channels(layer) > most:
        yield Problem(
            layer.name,
            f"It has {output_channels(layer)} filters.",
            f"Use at most {most} with a {side}x{side} kernel on {channels} channels.",
        )
    if layer.stride not in INPUT_STRIDES:
        yield Problem(layer.name, f"The stride is {layer.stride}.", "Use 1, 2 or 3.")
    if not 0 <= layer.padding_value <= 255:
        yield Problem(layer.name, f"The padding value is {layer.padding_value}.", "Use a level from 0 to 255.")


def _kernel_problems(layer: Conv | SeparableConv) -> Iterator[Problem]:
    side = kernel_size(layer)
    allowed = CONV_KERNELS if isinstance(layer, Conv) else SEPARABLE_KERNELS
    if side not in allowed:
        yield Problem(layer.name, f"The kernel is {side}x{side}.", f"Use one of {allowed}.")
    if layer.stride not in STRIDES:
        yield Problem(layer.name, f"The stride is {layer.stride}.", "Use 1 or 2.")
    elif layer.stride != 1 and side != STRIDED_KERNEL:
        yield Problem(layer.name, f"A {side}x{side} kernel moves by {layer.stride}.", "Stride 2 needs a 3x3 kernel.")


def _pooling_problems(layer: Conv | SeparableConv, following: Layer | None, shape: MapShape) -> Iterator[Problem]:
    if layer.max_pool and layer.global_sum:
        yield Problem(layer.name, "It has two kinds of pooling.", "Use max pooling or the global sum.")
    if layer.max_pool and not isinstance(following, Conv | SeparableConv):
        yield Problem(layer.name, "No convolution follows its max pooling.", "Put a convolution after it.")
    height, width = convolved_size(layer, shape)
    if layer.max_pool and min(height, width) < POOL:
        yield Problem(layer.name, f"It pools a map of {height}x{width}.", f"Pool at least {POOL}x{POOL} positions.")
    if is_pooled(layer) and (min(height, width) < SMALLEST_POOLED_SIDE or max(height, width) > LARGEST_POOLED_SIDE):
        yield Problem(
            layer.name,
            f"It sums a map of {height}x{width}.",
            f"Sum a map of {SMALLEST_POOLED_SIDE} to {LARGEST_POOLED_SIDE} positions a side.",
        )


def _weight_problems(layer: Conv | SeparableConv | Dense, allowed: tuple[int, ...]) -> Iterator[Problem]:
    if layer.weight_bits not in allowed:
        yield Problem(layer.name, f"Weights have {layer.weight_bits} bits.", f"Use one of {allowed}.")
        return
    low, high = WEIGHT_RANGES[layer.weight_bits]
    smallest = min(int(array.min()) for array, _ in _weight_arrays(layer))
    largest = max(int(array.max()) for array, _ in _weight_arrays(layer))
    if smallest < low or largest > high:
        yield Problem(
            layer.name,
            f"Weights go from {smallest} to {largest}.",
            f"Weights of {layer.weight_bits} bits go from {low} to {high}.",
        )


def _activation_problems(name: str, activation: Activation) -> Iterator[Problem]:
    if activation.bits not in ACTIVATION_BITS:
        yield Problem(name, f"Activations have {activation.bits} bits.", "Use 1, 2 or 4.")
    if np.any((activation.threshold < THRESHOLD_MIN) | (activation.threshold > THRESHOLD_MAX)):
        yield Problem(name, "A threshold does not fit 20 bits.", f"Keep it in {THRESHOLD_MIN}..{THRESHOLD_MAX}.")
    step = activation.step.astype(np.float64)
    if not np.all((step > 0) & (step <= LARGEST_STEP)):
        yield Problem(name, "A step is out of range.", f"Keep steps above 0 and at most {LARGEST_STEP}.")
        return
    grid = TWO_BIT_STEP_GRID if activation.bits == 2 else STEP_GRID
    if np.any(step * grid != np.rint(step * grid)):
        yield Problem(name, f"A step is off the 1/{grid} grid.", f"Round it to 1/{grid}: the runtime truncates it.")


def _range_problems(layer: Layer, bounds: PotentialBounds) -> Iterator[Problem]:
    summed_in_20_bits = isinstance(layer, Dense) or is_pooled(layer)
    if summed_in_20_bits and bounds.magnitude > POOLED_MAX:
        yield Problem(
            layer.name,
            f"Its sums can reach {bounds.magnitude}, and Akida cuts sums over a map, or of a dense layer, at 20 bits.",
            f"Keep the worst case within {POOLED_MAX}: fewer inputs or positions, or smaller weights."
            " A 1x1 Conv before the global sum reaches far less than a SeparableConv.",
        )
    cut = not isinstance(layer, Dense) and layer.max_pool and bounds.magnitude > POOLED_MAX
    if cut and layer.activation is not None and _top_stair(layer.activation) > POOLED_MAX:
        yield Problem(
            layer.name,
            "It reaches its highest level beyond 20 bits, where Akida cuts what it pools.",
            f"Keep threshold + {(1 << layer.activation.bits) - 2} steps below {POOLED_MAX}.",
        )
    needed = _float_magnitude(layer, bounds)
    if needed >= FLOAT32_EXACT:
        yield Problem(
            layer.name,
            f"Its potentials can reach {needed}, where float32 is no longer exact.",
            f"Keep the worst case below {FLOAT32_EXACT}: fewer inputs or smaller weights.",
        )


def _top_stair(activation: Activation) -> int:
    """Return the potential from which every channel is at its highest level."""
    rise = activation.step.astype(np.float64) * ((1 << activation.bits) - 2)
    return int(np.max(activation.threshold + np.floor(rise))) + 1


def _float_magnitude(layer: Layer, bounds: PotentialBounds) -> int:
    """Return the largest integer that a float32 engine meets: the potential, the threshold, the image's shift."""
    threshold = 0 if layer.activation is None else int(np.abs(layer.activation.threshold.astype(np.int64)).max())
    shift = 0
    if isinstance(layer, InputConv):
        totals: Int64Array = np.abs(layer.weights.astype(np.int64)).sum(axis=(1, 2, 3))
        shift = abs(layer.padding_value) * int(totals.max())
    return max(bounds.magnitude, bounds.inner * bounds.positions) + threshold + shift


def _head_problems(network: IntegerNetwork) -> Iterator[Problem]:
    head = network.layers[-1]
    if not isinstance(head, Dense):
        return
    outputs, inputs = head.weights.shape
    if network.classes < 1 or network.features < 0 or outputs != network.classes + network.features:
        yield Problem(
            head.name,
            f"It has {outputs} outputs for {network.classes} classes and {network.features} features.",
            "Give one output to each class and to each feature.",
        )
        return
    if not network.features:
        return
    identity = np.eye(network.features, inputs, dtype=np.int8)
    if network.features != inputs or np.any(head.weights[network.classes :] != identity):
        yield Problem(
            head.name,
            f"Its last {network.features} rows do not repeat its {inputs} inputs.",
            "Fill them with the identity: one row for each input, weight 1.",
        )
