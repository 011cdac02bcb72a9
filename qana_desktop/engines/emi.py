"""The processor's energy as Windows shows it (Energy Meter Interface, `emi.h`): reading what drivers publish.

Metadata and counters are parsed here from bytes; only `emi_windows` talks to the system. Counters are in picowatt-hours
since an arbitrary start, 64 bits wide: they do not start again in practice (Microsoft, EMI_CHANNEL_MEASUREMENT_DATA).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from qana_desktop.engines.powercap import MeterUnavailable
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_, _

GET_VERSION: Final = 0x224000
GET_METADATA_SIZE: Final = 0x224004
GET_METADATA: Final = 0x224008
GET_MEASUREMENT: Final = 0x22400C
V1, V2 = 1, 2
PICOWATT_HOURS: Final = 0
JOULES_PER_PWH: Final = 3600e-12
_NAME_CHARACTERS: Final = 16
_V1_HEAD: Final = struct.Struct(f"<I{2 * _NAME_CHARACTERS}s{2 * _NAME_CHARACTERS}sHH")
_V2_HEAD: Final = struct.Struct(f"<{2 * _NAME_CHARACTERS}s{2 * _NAME_CHARACTERS}sHH")
_CHANNEL_HEAD: Final = struct.Struct("<IH")
_MEASUREMENT: Final = struct.Struct("<QQ")
_MOST_METADATA: Final = 2**20

PACKAGE_NAMES: Final = ("_PKG", "Current Socket Power")
"""Channels of a whole processor package, by the end of their names: Intel's `RAPL_Package0_PKG`, AMD's socket. The
others (cores, graphics, memory) are parts of it and would be counted twice."""


class EmiDevice(Protocol):
    """One open device with energy channels."""

    def ask(self, code: int, size: int) -> bytes:
        """Send a control code and return at most `size` bytes; raises OSError."""
        ...


@dataclass(frozen=True)
class Channel:
    """One counter of a device: its name, and whether its unit is the one that we know."""

    name: str
    known_unit: bool


@dataclass(frozen=True)
class EmiMeter:
    """The packages of this computer together: (device, number of its channels, which of them is the package)."""

    packages: tuple[tuple[EmiDevice, int, int], ...]
    source: str = N_("Windows Energy Meter Interface")

    @staticmethod
    def find(devices: Sequence[EmiDevice]) -> EmiMeter:
        """Find the package channels of these devices and read them once. Raises MeterUnavailable."""
        packages: list[tuple[EmiDevice, int, int]] = []
        for device in devices:
            found = _channels_of(device)
            packages += [(device, len(found), index) for index, one in enumerate(found) if _is_package(one)]
        if not packages:
            raise MeterUnavailable(
                Fault(
                    "energy-counter-missing",
                    _("This computer shows no energy counter of its processor (Windows Energy Meter Interface)."),
                    _("Virtual machines, older systems and many processors have none; nothing can be done here."),
                )
            )
        meter = EmiMeter(tuple(packages))
        meter.read()
        return meter

    def read(self) -> tuple[int, ...]:
        """Return each package's counter, in picowatt-hours. Raises MeterUnavailable."""
        try:
            return tuple(_measured(device, count)[index] for device, count, index in self.packages)
        except (OSError, struct.error) as error:
            raise unreadable(str(error)) from error

    def used_joules(self, before: tuple[int, ...], after: tuple[int, ...]) -> float:
        """Return the energy between two readings."""
        return sum(late - early for early, late in zip(before, after, strict=True)) * JOULES_PER_PWH


def parse_metadata(version: int, data: bytes) -> list[Channel]:
    """Return the channels that a device describes; raises struct.error or ValueError for what is no metadata."""
    if version == V1:
        unit, _oem, _model, _revision, size = _V1_HEAD.unpack_from(data)
        return [Channel(_text(data, _V1_HEAD.size, size), unit == PICOWATT_HOURS)]
    if version != V2:
        raise ValueError(f"version {version} of the interface is unknown")
    _oem, _model, _revision, count = _V2_HEAD.unpack_from(data)
    channels, place = list[Channel](), _V2_HEAD.size
    for _channel in range(count):
        unit, size = _CHANNEL_HEAD.unpack_from(data, place)
        channels.append(Channel(_text(data, place + _CHANNEL_HEAD.size, size), unit == PICOWATT_HOURS))
        place += _CHANNEL_HEAD.size + size
    return channels


def unreadable(why: str) -> MeterUnavailable:
    """Return the error of a counter that is there and cannot be read."""
    return MeterUnavailable(
        Fault(
            "energy-counter-unreadable",
            _("The processor's energy counter cannot be read ({why}).").format(why=why),
            _("Readings work without it. On some computers only the administrator may read it."),
        )
    )


def _channels_of(device: EmiDevice) -> list[Channel]:
    try:
        (version,) = struct.unpack_from("<H", device.ask(GET_VERSION, 2))
        (size,) = struct.unpack_from("<I", device.ask(GET_METADATA_SIZE, 4))
        return parse_metadata(version, device.ask(GET_METADATA, min(size, _MOST_METADATA)))
    except (OSError, struct.error, ValueError, UnicodeDecodeError):
        return []


def _is_package(channel: Channel) -> bool:
    return channel.known_unit and channel.name.endswith(PACKAGE_NAMES)


def _measured(device: EmiDevice, count: int) -> list[int]:
    data = device.ask(GET_MEASUREMENT, _MEASUREMENT.size * count)
    return [_MEASUREMENT.unpack_from(data, _MEASUREMENT.size * index)[0] for index in range(count)]


def _text(data: bytes, start: int, size: int) -> str:
    if size % 2 or start + size > len(data):
        raise ValueError("a name is cut off")
    return data[start : start + size].decode("utf-16-le").rstrip("\0")
