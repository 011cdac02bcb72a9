"""Finds and opens the devices of Windows' Energy Meter Interface. Windows only; written to the documentation, not run.

SetupDiGetClassDevsW, SetupDiEnumDeviceInterfaces, SetupDiGetDeviceInterfaceDetailW, CreateFileW, DeviceIoControl.
"""

from __future__ import annotations

import ctypes
import sys
import uuid
from collections.abc import Iterator
from typing import Any, Final

INTERFACE: Final = uuid.UUID("45bd8344-7ed6-49cf-a440-c276c933b053")
"""GUID_DEVICE_ENERGY_METER (emi.h)."""
_PRESENT_INTERFACES: Final = 0x12
_READ, _SHARE, _OPEN_EXISTING = 0x80000000, 0x3, 3
_INVALID: Final = ctypes.c_void_p(-1).value


class _Guid(ctypes.Structure):
    _fields_ = (("bytes", ctypes.c_ubyte * 16),)


class _InterfaceData(ctypes.Structure):
    _fields_ = (
        ("size", ctypes.c_uint32),
        ("guid", _Guid),
        ("flags", ctypes.c_uint32),
        ("reserved", ctypes.c_void_p),
    )


class WindowsEmiDevice:
    """One open device; it is closed with the process, which lives as long as its engine."""

    def __init__(self, kernel: Any, path: str) -> None:
        self._kernel = kernel
        self._handle = kernel.CreateFileW(path, _READ, _SHARE, None, _OPEN_EXISTING, 0, None)
        if self._handle in (None, _INVALID):
            raise OSError(f"an energy meter could not be opened (Windows error {kernel.GetLastError()})")

    def ask(self, code: int, size: int) -> bytes:
        """Send a control code and return what came back; raises OSError."""
        buffer, returned = ctypes.create_string_buffer(size), ctypes.c_uint32()
        done = self._kernel.DeviceIoControl(self._handle, code, None, 0, buffer, size, ctypes.byref(returned), None)
        if not done:
            raise OSError(f"an energy meter did not answer (Windows error {self._kernel.GetLastError()})")
        return buffer.raw[: returned.value]


def open_devices(system: str = sys.platform) -> list[WindowsEmiDevice]:
    """Open every energy meter that this user may open; an empty list elsewhere than on Windows."""
    if system != "win32":
        return []
    if not hasattr(ctypes, "WinDLL"):
        return []
    kernel, setup = _library("kernel32"), _library("setupapi")
    kernel.CreateFileW.restype = ctypes.c_void_p
    kernel.DeviceIoControl.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    opened = []
    for path in _paths(setup):
        try:
            opened.append(WindowsEmiDevice(kernel, path))
        except OSError:
            continue  # another meter may be open to this user
    return opened


def _library(name: str) -> Any:
    return getattr(ctypes, "WinDLL")(name)  # noqa: B009 - the name exists on Windows alone


def _paths(setup: Any) -> Iterator[str]:
    guid = _Guid.from_buffer_copy(INTERFACE.bytes_le)
    setup.SetupDiGetClassDevsW.restype = ctypes.c_void_p
    devices = setup.SetupDiGetClassDevsW(ctypes.byref(guid), None, None, _PRESENT_INTERFACES)
    if devices in (None, _INVALID):
        return
    handle, index = ctypes.c_void_p(devices), 0
    try:
        data = _InterfaceData(size=ctypes.sizeof(_InterfaceData))
        while setup.SetupDiEnumDeviceInterfaces(handle, None, ctypes.byref(guid), index, ctypes.byref(data)):
            path = _path(setup, handle, data)
            if path:
                yield path
            index += 1
    finally:
        setup.SetupDiDestroyDeviceInfoList(handle)


def _path(setup: Any, handle: ctypes.c_void_p, data: _InterfaceData) -> str:
    """Return the path in a SP_DEVICE_INTERFACE_DETAIL_DATA_W: its size field, then the text."""
    needed = ctypes.c_uint32()
    setup.SetupDiGetDeviceInterfaceDetailW(handle, ctypes.byref(data), None, 0, ctypes.byref(needed), None)
    if needed.value <= ctypes.sizeof(ctypes.c_uint32):
        return ""
    buffer = ctypes.create_string_buffer(needed.value)
    header = 8 if ctypes.sizeof(ctypes.c_void_p) == 8 else 6
    ctypes.cast(buffer, ctypes.POINTER(ctypes.c_uint32))[0] = header
    done = setup.SetupDiGetDeviceInterfaceDetailW(handle, ctypes.byref(data), buffer, needed, None, None)
    return buffer.raw[4:].decode("utf-16-le").partition("\0")[0] if done else ""
