"""How values travel between the program and its children: pickle 5 with large arrays beside it, and a wary reader."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct
import sys
from dataclasses import dataclass, is_dataclass
from enum import Enum
from multiprocessing.connection import Connection
from typing import Any, cast

IN_BAND_BYTES = 1 << 16
"""Buffers up to this size stay inside the pickle; larger ones travel beside it, without being copied into it."""

PIPE_BYTES = 1 << 20

_ARRAYS = frozenset(
    {
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy._core.numeric", "_frombuffer"),
    }
)


class NotAReply(Exception):
    """What was received is not made of plain values, arrays and the program's own dataclasses."""


class ReplyUnpickler(pickle.Unpickler):
    """Reads what a child sent: plain values, NumPy arrays, dataclasses and enumerations of this program."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the named class if replies may contain it; raises NotAReply."""
        if (module, name) in _ARRAYS:
            return super().find_class(module, name)
        if not module.startswith("qana_desktop.") or "." in name:
            raise NotAReply(f"{module}.{name}")
        found = super().find_class(module, name)
        if isinstance(found, type) and found.__module__ == module and (is_dataclass(found) or issubclass(found, Enum)):
            return found
        raise NotAReply(f"{module}.{name}")


class _Packer(pickle.Pickler):
    """Writes members of enumerations by their value: Python 3.11.2 (Debian 12) would write `getattr(class, name)`."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Enum):
            return type(obj), (obj.value,)
        return NotImplemented


@dataclass(frozen=True)
class Packed:
    """A value ready to travel: the pickle, and the buffers that go beside it."""

    data: bytes
    beside: tuple[pickle.PickleBuffer, ...]


def pack(value: object) -> Packed:
    """Pickle one value; raises what pickle raises for a value that cannot travel."""
    beside: list[pickle.PickleBuffer] = []

    def in_band(buffer: pickle.PickleBuffer) -> bool:
        if buffer.raw().nbytes <= IN_BAND_BYTES:
            return True
        beside.append(buffer)
        return False

    stream = io.BytesIO()
    _Packer(stream, protocol=5, buffer_callback=in_band).dump(value)
    return Packed(stream.getvalue(), tuple(beside))


def send(connection: Connection, packed: Packed) -> None:
    """Send one packed value; raises OSError when nobody reads."""
    sizes = [buffer.raw().nbytes for buffer in packed.beside]
    connection.send_bytes(struct.pack(f"<I{len(sizes)}Q", len(sizes), *sizes) + packed.data)
    for buffer in packed.beside:
        _write(connection, buffer.raw())


def receive(connection: Connection, reader: type[pickle.Unpickler]) -> object:
    """Receive one value; raises EOFError or OSError when the other side is gone, NotAReply for what may not be read."""
    data = connection.recv_bytes()
    (count,) = struct.unpack_from("<I", data)
    sizes = struct.unpack_from(f"<{count}Q", data, 4)
    buffers = [_read(connection, size) for size in sizes]
    stream = io.BytesIO(data)
    stream.seek(4 + 8 * count)
    return reader(stream, buffers=buffers).load()


def receive_request(connection: Connection) -> tuple[float, object]:
    """Receive what the parent sent: the limit in seconds, and the request. The parent is trusted."""
    return cast("tuple[float, object]", receive(connection, pickle.Unpickler))


def widen(connection: Connection) -> None:
    """Let the pipe hold a megabyte where the system can (Linux), so that an image crosses it in few turns."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(connection.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _write(connection: Connection, buffer: memoryview) -> None:
    if sys.platform == "win32":
        connection.send_bytes(buffer)
        return
    while buffer:
        buffer = buffer[os.write(connection.fileno(), buffer) :]


def _read(connection: Connection, size: int) -> bytearray:
    """Read into one buffer of its own: `Connection.recv_bytes` takes four times as long for an image on Linux."""
    if sys.platform == "win32":
        return bytearray(connection.recv_bytes())
    buffer = bytearray(size)
    rest = memoryview(buffer)
    while rest:
        count = os.readv(connection.fileno(), [rest])
        if count == 0:
            raise EOFError
        rest = rest[count:]
    return buffer
