"""An integer network as one `.npz` file and back: arrays, plus their structure as JSON. Nothing is ever unpickled."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.network.layers import (
    Activation,
    Conv,
    Dense,
    InputConv,
    IntegerNetwork,
    Layer,
    SeparableConv,
)
from qana_desktop.network.schema import reads_strictly
from qana_desktop.network.validate import check
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.json_reads import BadJson, JsonNode

SCHEMA: Final = "1.0"
LARGEST_BYTES: Final = 256 * 2**20
"""Arrays of a network together, unpacked; a file that claims more is refused before it is unpacked."""

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]

_STRUCTURE: Final = "structure"
_CODE: Final = "network-file-bad"
_REMEDY: Final = "The network cannot be used; take another bundle or export this one again."
_KINDS: Final = {"input_conv": InputConv, "conv": Conv, "separable": SeparableConv, "dense": Dense}
_PACKINGS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ValueError,
    OSError,
    EOFError,
    KeyError,
    NotImplementedError,
    MemoryError,
)
"""What `zipfile` and NumPy raise for damaged bytes: also for a header that claims an impossible array."""
_POOLS: Final = ("none", "max", "global-sum")


class NetworkFileRefused(KnownError):
    """The file does not hold a network that this program can read."""


def network_to_bytes(network: IntegerNetwork) -> bytes:
    """Return the network as the bytes of an `.npz` file: the same network gives the same bytes."""
    arrays: Arrays = {}
    structure = {
        "schema": SCHEMA,
        "input_shape": list(network.input_shape),
        "classes": network.classes,
        "features": network.features,
        "layers": [_layer_entry(f"{index}", layer, arrays) for index, layer in enumerate(network.layers)],
    }
    encoded = json.dumps(structure, sort_keys=True).encode()
    return arrays_to_bytes({_STRUCTURE: np.frombuffer(encoded, np.uint8), **arrays})


def network_from_bytes(content: bytes) -> IntegerNetwork:
    """Read what `network_to_bytes` wrote.

    Raises NetworkFileRefused for a file that is damaged or of another version, NetworkRefused for a network that is
    readable and not legal.
    """
    arrays = arrays_from_bytes(content, document="network.npz")
    if _STRUCTURE not in arrays or arrays[_STRUCTURE].dtype != np.uint8:
        raise _refusal("network.npz has no structure.")
    try:
        text = arrays[_STRUCTURE].tobytes().decode()
        root = JsonNode.parse(text, document="network.npz structure", code=_CODE, remedy=_REMEDY)
        network = _Reads(arrays).network(root)
    except UnicodeDecodeError as error:
        raise _refusal("network.npz structure is not text.") from error
    except BadJson as error:
        raise NetworkFileRefused(error.fault) from error
    check(network)
    return network


def arrays_to_bytes(arrays: Arrays) -> bytes:
    """Return named arrays as the bytes of a compressed `.npz` file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def arrays_from_bytes(content: bytes, *, document: str) -> Arrays:
    """Read an `.npz` file without unpickling anything. Raises NetworkFileRefused, naming `document`."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_entries(archive.infolist(), document)
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except _DAMAGE as error:
        raise _refusal(f"{document} is not a file of plain arrays ({error}).") from error


def _check_entries(entries: list[zipfile.ZipInfo], document: str) -> None:
    claimed = sum(entry.file_size for entry in entries)
    if claimed > LARGEST_BYTES:
        raise _refusal(f"{document} unpacks to {claimed} bytes, more than any network.")
    if any(entry.compress_type not in _PACKINGS or entry.flag_bits & 1 for entry in entries):
        raise _refusal(f"{document} is packed in a way that this program never writes.")


def _refusal(message: str) -> NetworkFileRefused:
    return NetworkFileRefused(Fault(_CODE, message, _REMEDY))


def _layer_entry(prefix: str, layer: Layer, arrays: Arrays) -> dict[str, object]:
    entry: dict[str, object] = {"name": layer.name, "kind": _kind_name(layer), "activation_bits": 0}
    if layer.activation is not None:
        entry["activation_bits"] = layer.activation.bits
        arrays |= {f"{prefix}.threshold": layer.activation.threshold, f"{prefix}.step": layer.activation.step}
    if isinstance(layer, SeparableConv):
        arrays |= {f"{prefix}.depthwise": layer.depthwise, f"{prefix}.pointwise": layer.pointwise}
    else:
        arrays[f"{prefix}.weights"] = layer.weights
    if not isinstance(layer, InputConv):
        entry["weight_bits"] = layer.weight_bits
    else:
        entry["padding_value"] = layer.padding_value
    if not isinstance(layer, Dense):
        entry |= {"stride": layer.stride, "pool": _pool_name(layer)}
    return entry


def _kind_name(layer: Layer) -> str:
    return next(name for name, kind in _KINDS.items() if isinstance(layer, kind))


def _pool_name(layer: InputConv | Conv | SeparableConv) -> str:
    if layer.max_pool:
        return "max"
    return "global-sum" if not isinstance(layer, InputConv) and layer.global_sum else "none"


@dataclass(frozen=True)
class _Reads:
    arrays: Arrays

    def network(self, root: JsonNode) -> IntegerNetwork:
        if reads_strictly(root.key("schema"), SCHEMA):
            root.only(("schema", "input_shape", "classes", "features", "layers"))
        height, width, channels = (side.integer(low=1) for side in root.key("input_shape").items(count=3))
        return IntegerNetwork(
            input_shape=(height, width, channels),
            layers=tuple(self._layer(str(index), node) for index, node in enumerate(root.key("layers").items())),
            classes=root.key("classes").integer(low=1),
            features=root.key("features").integer(),
        )

    def _layer(self, prefix: str, node: JsonNode) -> Layer:
        name, kind = node.key("name").text(), node.key("kind").choice(_KINDS)
        activation = self._activation(prefix, node)
        if kind == "dense":
            weights = self._array(node, f"{prefix}.weights", np.int8)
            return Dense(name, weights, node.key("weight_bits").integer(low=1), activation)
        if activation is None:
            node.refuse("must have an activation")
        stride, pool = node.key("stride").integer(low=1), node.key("pool").choice(_POOLS)
        if kind == "input_conv":
            padding = node.key("padding_value").integer()
            weights = self._array(node, f"{prefix}.weights", np.int8)
            return InputConv(name, weights, stride, padding, activation, max_pool=pool == "max")
        bits, pools = node.key("weight_bits").integer(low=1), (pool == "max", pool == "global-sum")
        if kind == "conv":
            return Conv(name, self._array(node, f"{prefix}.weights", np.int8), bits, stride, activation, *pools)
        depthwise = self._array(node, f"{prefix}.depthwise", np.int8)
        pointwise = self._array(node, f"{prefix}.pointwise", np.int8)
        return SeparableConv(name, depthwise, pointwise, bits, stride, activation, *pools)

    def _activation(self, prefix: str, node: JsonNode) -> Activation | None:
        bits = node.key("activation_bits").integer()
        if bits == 0:
            return None
        threshold = self._array(node, f"{prefix}.threshold", np.int32)
        return Activation(bits, threshold, self._array(node, f"{prefix}.step", np.float32))

    def _array(self, node: JsonNode, name: str, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        if name not in self.arrays:
            node.refuse(f"has no array '{name}'")
        array = self.arrays[name]
        if array.dtype != np.dtype(dtype):
            node.refuse(f"has an array '{name}' of {array.dtype}, not {np.dtype(dtype)}")
        return array
