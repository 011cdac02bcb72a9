"""A small stand-in for the vendor's library, with the parts of its API that the board adapter uses; for tests only.

It computes with the NumPy reference, runs no model that is not mapped `hw_only`, and meters power on its own clock:
1.5 ms an image, an event every 140.8 ms, the first one dropped, no energy from fewer than two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from qana_desktop.engines.akida_board import AkidaBoardAdapter
from qana_desktop.engines.probing import Machine
from qana_desktop.network.arithmetic import run
from qana_desktop.network.bundle import Bundle
from qana_desktop.network.layers import IntegerNetwork

IMAGE_MS, EVENT_MS = 1.5, 140.8
FLOOR_MW, ACTIVE_MW = 900.0, 1100.0
UNPLUG = 205
"""A batch filled with this value finds the board gone, from then on."""


class IpVersion(Enum):
    v1 = 1
    v2 = 2


@dataclass
class Soc:
    power_measurement_enabled: bool = False
    clock_mode: Any = field(default_factory=lambda: SimpleNamespace(name="Performance"))
    power_meter: Any = field(default_factory=lambda: SimpleNamespace(floor=FLOOR_MW))


@dataclass
class Device:
    desc: str
    version: str
    ip_version: IpVersion = IpVersion.v1
    soc: Soc | None = field(default_factory=Soc)
    processors: int = 78
    present: bool = True


@dataclass
class Statistics:
    fps: float | None = None
    powers: dict[str, float] = field(default_factory=dict)
    energy: float | None = None


class Model:
    """Holds a network; `map` and `forward` complain as the library does."""

    def __init__(self, network: IntegerNetwork) -> None:
        self._network = network
        self._device: Device | None = None
        self.statistics = Statistics()

    def map(self, device: Device, hw_only: bool = False) -> None:
        if not hw_only:
            raise AssertionError("mapped without hw_only: layers may silently stay in software")
        if len(self._network.layers) > device.processors:
            raise RuntimeError("Cannot map layer 'middle': not enough hardware resources")
        self._device = device

    def forward(self, images: np.ndarray) -> np.ndarray:
        if self._device is None:
            raise RuntimeError("An actual hardware device is required")
        if np.all(images == UNPLUG):
            self._device.present = False
        if not self._device.present:
            raise RuntimeError("Timeout waiting for the end of inference")
        self.statistics = self._metered(len(images))
        distinct, places = np.unique(images, axis=0, return_inverse=True)
        return run(self._network, distinct)[-1][places.reshape(-1)].reshape(len(images), 1, 1, -1)

    def _metered(self, images: int) -> Statistics:
        statistics = Statistics(fps=1000 / IMAGE_MS)
        soc = self._device.soc if self._device else None
        events = int(images * IMAGE_MS // EVENT_MS)
        if soc is not None and soc.power_measurement_enabled and events >= 2:
            statistics.powers = {"Avg": ACTIVE_MW, "Min": ACTIVE_MW, "Max": ACTIVE_MW}
            statistics.energy = ACTIVE_MW * IMAGE_MS / 1000
        return statistics


def sdk_with(*devices: Device, error: Exception | None = None) -> ModuleType:
    """Return a module that lists these devices, or raises `error` when asked."""

    def listed() -> list[Device]:
        if error is not None:
            raise error
        return list(devices)

    module = ModuleType("akida")
    module.__dict__.update(
        __version__="2.19.3+fake",
        IpVersion=IpVersion,
        NSoC_v2="BC.00.000.002",
        AKD1500_v1="BC.A1.001.000",
        devices=listed,
    )
    return module


def akd1000() -> Device:
    return Device("PCIe/NSoC_v2/0", "BC.00.000.002")


def akd1500() -> Device:
    return Device("PCIe/AKD1500_v1/0", "BC.A1.001.000", soc=None, processors=32)


def load(_sdk: ModuleType, bundle: Bundle) -> Model:
    return Model(bundle.network())


def adapter(*devices: Device, machine: Machine | None = None, error: Exception | None = None) -> AkidaBoardAdapter:
    """The real adapter over fake devices."""
    sdk = sdk_with(*devices, error=error)
    return AkidaBoardAdapter(sdk=lambda: sdk, load=load, machine=machine or Machine(dev=Path("/nonexistent")))


def one_akd1000() -> AkidaBoardAdapter:
    """For children, which can be told only a name."""
    return adapter(akd1000())


def one_akd1500() -> AkidaBoardAdapter:
    """A board without a meter, for children."""
    return adapter(akd1500())
