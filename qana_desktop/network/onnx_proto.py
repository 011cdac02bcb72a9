"""Writes ONNX models as bytes: the few protobuf messages of the ONNX format (IR 8) that the exporter needs.

Field numbers are those of `onnx.proto` (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). Encoder only: nothing
here reads a model.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

IR_VERSION = 8
OPSET = 17
"""Supported by every ONNX Runtime from 1.12 on."""

Attribute: TypeAlias = int | float | str | Sequence[int]
Dimension: TypeAlias = int | str

_VARINT, _FIXED32, _BYTES = 0, 5, 2
_TENSOR_TYPES: dict[np.dtype[Any], int] = {
    np.dtype(np.float32): 1,
    np.dtype(np.uint8): 2,
    np.dtype(np.int8): 3,
    np.dtype(np.int32): 6,
    np.dtype(np.int64): 7,
    np.dtype(np.float64): 11,
}


@dataclass(frozen=True)
class ValueInfo:
    """A graph input or output: its name, NumPy type, and dimensions (a string is a free dimension)."""

    name: str
    dtype: npt.DTypeLike
    shape: tuple[Dimension, ...]


@dataclass
class Graph:
    """An ONNX graph under construction. Values are named by strings; a node returns the name of its output."""

    name: str
    inputs: list[ValueInfo] = field(default_factory=list)
    outputs: list[ValueInfo] = field(default_factory=list)
    _nodes: list[bytes] = field(default_factory=list)
    _tensors: dict[str, bytes] = field(default_factory=dict)

    def tensor(self, name: str, array: npt.NDArray[Any]) -> str:
        """Add a constant and return its name."""
        self._tensors[name] = _encoded_tensor(name, array)
        return name

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Attribute) -> str:
        """Add a node with one output and return that output's name."""
        self._nodes.append(_encoded_node(operator, inputs, output, attributes))
        return output

    def model(self, *, producer: str, metadata: dict[str, str]) -> bytes:
        """Return the finished model file; `metadata` are free pairs that every ONNX reader can show."""
        graph = b"".join(
            [
                *(_message(1, node) for node in self._nodes),
                _message(2, self.name.encode()),
                *(_message(5, tensor) for tensor in self._tensors.values()),
                *(_message(11, _encoded_value(value)) for value in self.inputs),
                *(_message(12, _encoded_value(value)) for value in self.outputs),
            ]
        )
        return b"".join(
            [
                _integer(1, IR_VERSION),
                _message(2, producer.encode()),
                _message(7, graph),
                _message(8, _message(1, b"") + _integer(2, OPSET)),
                *(_message(14, _message(1, k.encode()) + _message(2, v.encode())) for k, v in metadata.items()),
            ]
        )


def _varint(value: int) -> bytes:
    """Encode a non-negative integer in base 128, or a negative one as its 64-bit two's complement."""
    value &= 2**64 - 1
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _integer(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value)


def _message(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _float(number: int, value: float) -> bytes:
    return _varint(number << 3 | _FIXED32) + struct.pack("<f", value)


def _packed(number: int, values: Iterable[int]) -> bytes:
    return _message(number, b"".join(_varint(int(value)) for value in values))


def _encoded_tensor(name: str, array: npt.NDArray[Any]) -> bytes:
    little_endian = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    return b"".join(
        [
            _packed(1, array.shape),
            _integer(2, _TENSOR_TYPES[array.dtype]),
            _message(8, name.encode()),
            _message(9, little_endian.tobytes()),
        ]
    )


def _encoded_attribute(name: str, value: Attribute) -> bytes:
    start = _message(1, name.encode())
    if isinstance(value, int):
        return start + _integer(3, value) + _integer(20, 2)
    if isinstance(value, float):
        return start + _float(2, value) + _integer(20, 1)
    if isinstance(value, str):
        return start + _message(4, value.encode()) + _integer(20, 3)
    return start + _packed(8, value) + _integer(20, 7)


def _encoded_node(operator: str, inputs: Sequence[str], output: str, attributes: dict[str, Attribute]) -> bytes:
    return b"".join(
        [
            *(_message(1, name.encode()) for name in inputs),
            _message(2, output.encode()),
            _message(3, f"{output}:{operator}".encode()),
            _message(4, operator.encode()),
            *(_message(5, _encoded_attribute(name, value)) for name, value in attributes.items()),
        ]
    )


def _encoded_value(value: ValueInfo) -> bytes:
    dimensions = b"".join(_message(1, _encoded_dimension(dimension)) for dimension in value.shape)
    tensor = _integer(1, _TENSOR_TYPES[np.dtype(value.dtype)]) + _message(2, dimensions)
    return _message(1, value.name.encode()) + _message(2, _message(1, tensor))


def _encoded_dimension(dimension: Dimension) -> bytes:
    return _message(2, dimension.encode()) if isinstance(dimension, str) else _integer(1, dimension)
