"""The contract between the program and whatever runs the network: infos, errors, and what an engine promises."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.triage.measured import MeasuredValue

ALL_BOARDS: Final = "all-boards"
"""Stands for every board that can be used, in a person's choice."""


def uses_akida(engine_id: str) -> bool:
    """Whether any engine of a choice is of the Akida runtime, whose figures may not be published."""
    return engine_id == ALL_BOARDS or any(name.strip().startswith("akida") for name in engine_id.split(","))


class EngineState(StrEnum):
    """What a person sees beside an engine's name."""

    AVAILABLE = "available"
    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    STUCK = "stuck"
    LOST = "lost"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True)
class EngineInfo:
    """One engine, working or not. A broken or missing one is listed, with its fault.

    `engine_id` is stable: `onnx-cpu`, `akida-simulator`, `akida-board:pci-0000:03:00.0` (`akida-board:0` where the
    system does not say where a board sits). `runtime` is name and version, "" when
    absent. `detail` is a line for a person: the device's name, its serial if it has one, its power meter.
    """

    engine_id: str
    name: str
    runtime: str
    detail: str
    state: EngineState
    fault: Fault | None = None


@dataclass(frozen=True, eq=False)
class Inference:
    """What one call returned. `potentials` is int32 (N, classes + features).

    `latency_ms` is the engine's own, for the whole batch, without the way to its process. `energy` is of one view of
    an image, with its method and the time it was measured; never zero for "unknown".
    """

    potentials: npt.NDArray[np.int32]
    latency_ms: float
    energy: MeasuredValue


@dataclass(frozen=True)
class BoardStatus:
    """What a device says of itself now; None for what it does not tell. Power in mW, temperature in degrees Celsius.

    `clocks` are the clock modes that it has, `clock` is the present one, "" where there are none.
    """

    clock: str
    clocks: tuple[str, ...]
    power_mw: float | None
    floor_mw: float | None
    temperature_c: float | None


class EngineError(KnownError):
    """Base of the errors of engines; the fault's code is stable."""


class DeviceLost(EngineError):
    """The device or its process vanished; the image was not assessed."""


class DeviceBusy(EngineError):
    """Another program holds the device."""


class NoPermission(EngineError):
    """The device exists, this user may not open it."""


class SdkMissing(EngineError):
    """The runtime library is not installed."""


class SdkVersion(EngineError):
    """The runtime library is installed in a version that does not fit."""


class EngineTimeout(EngineError):
    """No answer in time; the child was killed."""


class BadInput(EngineError):
    """Shape or type of the batch is not what the network takes."""


class ModelRefused(EngineError):
    """The engine cannot run this bundle, or its self-test differed in at least one integer."""


ERRORS: dict[str, type[EngineError]] = {
    "device-lost": DeviceLost,
    "device-missing": DeviceLost,
    "driver-missing": DeviceLost,
    "driver-kernel": DeviceLost,
    "driver-other-kernel": DeviceLost,
    "driver-failed": DeviceLost,
    "device-busy": DeviceBusy,
    "device-silent": DeviceBusy,
    "no-permission": NoPermission,
    "sdk-missing": SdkMissing,
    "sdk-platform": SdkMissing,
    "sdk-broken": SdkMissing,
    "sdk-version": SdkVersion,
    "engine-timeout": EngineTimeout,
    "engine-memory": EngineError,
    "bad-input": BadInput,
    "clock-mode": EngineError,
    "no-status": EngineError,
    "model-refused": ModelRefused,
    "ip-version": ModelRefused,
}
"""Error class by fault code: what crosses the pipe is the fault, what is raised is the class."""


def engine_error(fault: Fault) -> EngineError:
    """Return the exception for a fault: the class of its code, or `EngineError` for a code that has none."""
    return ERRORS.get(fault.code, EngineError)(fault)


class Engine(Protocol):
    """An open engine, in the process that calls it (an adapter in the child, a host in the program)."""

    @property
    def info(self) -> EngineInfo:
        """Which engine this is, with its state. Immediate."""
        ...

    def infer(self, batch: npt.NDArray[np.uint8]) -> Inference:
        """Run uint8 NHWC images of the bundle's input shape; raises EngineError."""
        ...

    def measure_energy(self, batch: npt.NDArray[np.uint8]) -> MeasuredValue:
        """Run the batch again and again, for a second or so, and return the energy of one view; raises EngineError.

        Later inferences carry this value, with its time. An engine that cannot measure says so, or estimates at once.
        """
        ...

    def close(self) -> None:
        """Release the device. Safe to call twice."""
        ...


class EngineAdapter(Protocol):
    """One kind of engine. Probing never raises: what is broken is listed."""

    def probe(self) -> list[EngineInfo]:
        """List the engines of this kind on this machine, broken ones with their fault."""
        ...

    def open(self, engine_id: str, bundle: Path) -> Engine:
        """Open one engine with one bundle; raises EngineError."""
        ...
