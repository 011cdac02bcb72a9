"""Carries an integer network to the Akida runtime, through its Python API (BrainChip, `akida` 2.19, layers of v1).

`akida` is the site's own installation and may be absent: it is imported inside the functions, and a missing SDK is a
`KnownError` that says what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from qana_desktop.network.layers import (
    Activation,
    Conv,
    Dense,
    InputConv,
    Int8Array,
    IntegerNetwork,
    Layer,
    SeparableConv,
)
from qana_desktop.network.shapes import input_shapes, kernel_size, output_channels
from qana_desktop.system.faults import Fault, KnownError

if TYPE_CHECKING:
    from pathlib import Path

    import akida


class SdkMissing(KnownError):
    """The Akida SDK cannot be imported on this computer."""


@dataclass(frozen=True)
class MapReport:
    """How a network lies on one device. `fits` is mapping with ``hw_only=True``; `reason` says why not.

    `processors` is the number of neural processors that each layer takes, by layer name.
    """

    device: str
    fits: bool
    reason: str
    processors: tuple[tuple[str, int], ...]

    @property
    def processors_used(self) -> int:
        """The number of neural processors of all layers together."""
        return sum(count for _, count in self.processors)


def to_akida(network: IntegerNetwork) -> akida.Model:
    """Return an unmapped `akida.Model` whose outputs equal `arithmetic.run`. Raises SdkMissing."""
    sdk = _sdk()
    model = sdk.Model()
    for layer, shape in zip(network.layers, input_shapes(network), strict=True):
        model.add(_empty_layer(sdk, layer, shape))
        _fill(model.layers[-1], layer, shape)
    return model


def layer_outputs_model(network: IntegerNetwork, count: int) -> akida.Model:
    """Return an `akida.Model` of the first `count` layers: its output is what the last of them gives."""
    return to_akida(IntegerNetwork(network.input_shape, network.layers[:count], network.classes, network.features))


def to_fbz(network: IntegerNetwork, path: Path) -> None:
    """Write the network as an Akida model file. Raises SdkMissing."""
    to_akida(network).save(str(path))


def map_report(network: IntegerNetwork, device: akida.Device) -> MapReport:
    """Map the network onto `device` (real or virtual) as one hardware sequence and say how that went."""
    model = to_akida(network)
    name = str(device.desc)
    try:
        model.map(device, hw_only=True)
    except RuntimeError as error:
        return MapReport(device=name, fits=False, reason=str(error), processors=())
    processors = tuple((layer.name, len(layer.mapping.nps) if layer.mapping else 0) for layer in model.layers)
    return MapReport(device=name, fits=True, reason="", processors=processors)


def maps_on(network: IntegerNetwork) -> tuple[MapReport, ...]:
    """Return how the network lies on a virtual AKD1000 and on a virtual AKD1500. Raises SdkMissing."""
    sdk = _sdk()
    return map_report(network, sdk.AKD1000()), map_report(network, sdk.AKD1500())


def _sdk() -> ModuleType:
    try:
        import akida
    except (ImportError, OSError) as error:
        raise SdkMissing(
            Fault(
                "sdk-missing",
                f"The Akida SDK cannot be loaded on this computer ({error}).",
                "Install it under BrainChip's own terms: pip install akida. Python 3.11 or 3.12, Linux or Windows.",
            )
        ) from error
    module: ModuleType = akida
    return module


def _empty_layer(sdk: ModuleType, layer: Layer, shape: tuple[int, int, int]) -> akida.Layer:
    options: dict[str, Any] = {"name": layer.name, "activation": layer.activation is not None}
    if layer.activation is not None:
        options["act_bits"] = layer.activation.bits
    if isinstance(layer, Dense):
        return sdk.FullyConnected(units=output_channels(layer), weights_bits=layer.weight_bits, **options)
    options |= _spatial_options(sdk, layer)
    if isinstance(layer, InputConv):
        return sdk.InputConvolutional(input_shape=shape, weights_bits=8, padding_value=layer.padding_value, **options)
    kind = sdk.SeparableConvolutional if isinstance(layer, SeparableConv) else sdk.Convolutional
    return kind(weights_bits=layer.weight_bits, **options)


def _spatial_options(sdk: ModuleType, layer: InputConv | Conv | SeparableConv) -> dict[str, Any]:
    side = kernel_size(layer)
    options: dict[str, Any] = {
        "filters": output_channels(layer),
        "kernel_size": (side, side),
        "kernel_stride": (layer.stride, layer.stride),
        "padding": sdk.Padding.Same,
    }
    if layer.max_pool:
        options |= {"pool_type": sdk.PoolType.Max, "pool_size": (2, 2), "pool_stride": (2, 2)}
    elif not isinstance(layer, InputConv) and layer.global_sum:
        options |= {"pool_type": sdk.PoolType.Average}
    return options


def _fill(target: akida.Layer, layer: Layer, shape: tuple[int, int, int]) -> None:
    if isinstance(layer, SeparableConv):
        target.set_variable("weights", _spatial_first(_flipped(layer.depthwise[:, None]).transpose(1, 0, 2, 3)))
        target.set_variable("weights_pw", _spatial_first(layer.pointwise[:, :, None, None]))
    elif isinstance(layer, Dense):
        target.set_variable("weights", np.ascontiguousarray(_dense_weights(layer, shape)[None, None]))
    else:
        kernels = layer.weights if isinstance(layer, InputConv) else _flipped(layer.weights)
        target.set_variable("weights", _spatial_first(kernels))
    if layer.activation is not None:
        _set_activation(target, layer.activation)


def _set_activation(target: akida.Layer, activation: Activation) -> None:
    """Akida's `act_step` is for 16 levels whatever the bits: with 2 bits, one level of four spans four of its steps."""
    step = activation.step / 4 if activation.bits == 2 else activation.step
    target.set_variable("threshold", np.ascontiguousarray(activation.threshold, dtype=np.int32))
    target.set_variable("act_step", np.ascontiguousarray(step, dtype=np.float32))


def _flipped(kernels: Int8Array) -> Int8Array:
    """Turn both spatial axes: every Akida layer but the first computes a convolution, not a cross-correlation."""
    return kernels[..., ::-1, ::-1]


def _spatial_first(kernels: Int8Array) -> Int8Array:
    """(out, in, height, width) -> (height, width, in, out), as Akida holds kernels."""
    return np.ascontiguousarray(kernels.transpose(2, 3, 1, 0))


def _dense_weights(layer: Dense, shape: tuple[int, int, int]) -> Int8Array:
    """Return weights (in, out); Akida flattens a map channel by channel, then by column, then by row."""
    return layer.weights.reshape(-1, *shape).transpose(0, 3, 2, 1).reshape(len(layer.weights), -1).T
