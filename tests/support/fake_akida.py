"""A stand-in for the vendor's library, with the parts of its API that the program uses; for tests only.

It computes with the NumPy reference and complains in the library's words. Boards keep their own time: 1.5 ms an image,
a power event every 140.8 ms, the first one of a run dropped, no energy from fewer than two. A board hangs, goes,
refuses or returns nonsense when an image is filled with the value of an `Order`. `tests/engines/test_fake_akida.py`
asks the fake and the real library the same questions, as far as the real one answers them without a board. Learning on
the chip is in `fake_akida_learning`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from qana_desktop.engines.akida_board import AkidaBoardAdapter
from qana_desktop.engines.machine import Machine
from qana_desktop.network.arithmetic import run
from qana_desktop.network.bundle import Bundle, open_bundle
from qana_desktop.network.layers import IntegerNetwork
from tests.support.fake_akida_learning import AkidaUnsupervised, FullyConnected, InputData, LearningModel

IMAGE_MS, EVENT_MS = 1.5, 140.8
FLOOR_MW, ACTIVE_MW = 900.0, 1100.0
MILLIVOLT = 5000
NSOC_V2, AKD1500_V1 = "BC.00.000.002", "BC.A1.003.009"


class Order(IntEnum):
    """What a board does with a batch in which every pixel has this value."""

    HANG = 202
    UNPLUG = 205
    REFUSE = 206
    GARBAGE = 207
    TOO_FEW = 208


UNPLUG = Order.UNPLUG


class IpVersion(Enum):
    v1 = 1
    v2 = 2


class ClockMode(Enum):
    """Hertz, as in the library."""

    Performance = 300_000_000
    Economy = 100_000_000
    LowPower = 5_000_000


class BackendType(Enum):
    Software = 0
    Hardware = 1


@dataclass(frozen=True)
class PowerEvent:
    """`ts` in ms, `voltage` in microvolts, `current` in mA, `power` in mW."""

    ts: float
    voltage: int
    current: float

    @property
    def power(self) -> float:
        return self.voltage / 1e6 * self.current


@dataclass
class PowerMeter:
    floor: float = FLOOR_MW
    logged: list[PowerEvent] = field(default_factory=list)

    def events(self) -> list[PowerEvent]:
        return list(self.logged)


@dataclass
class Soc:
    power_measurement_enabled: bool = False
    clock_mode: ClockMode = ClockMode.Performance
    power_meter: PowerMeter = field(default_factory=PowerMeter)


@dataclass
class Device:
    """A virtual board: models can be mapped to it, and do not run."""

    desc: str
    version: str
    ip_version: IpVersion = IpVersion.v1
    processors: int = 78

    @property
    def mesh(self) -> Any:
        return SimpleNamespace(nps=[SimpleNamespace(ident=number) for number in range(self.processors)])


@dataclass
class HardwareDevice(Device):
    """A board that is there, until it is not."""

    soc: Soc | None = field(default_factory=Soc)
    present: bool = True
    now_ms: float = 0.0

    def spend(self, images: int) -> tuple[float, float]:
        """Let time pass for these images, log what the meter sees, return start and end in ms."""
        start = self.now_ms
        mode = self.soc.clock_mode if self.soc else ClockMode.Performance
        self.now_ms += images * IMAGE_MS * ClockMode.Performance.value / mode.value
        if self.soc is not None and self.soc.power_measurement_enabled:
            ticks = range(int(start // EVENT_MS) + 1, int(self.now_ms // EVENT_MS) + 1)
            event = (MILLIVOLT * 1000, ACTIVE_MW / (MILLIVOLT / 1000))
            self.soc.power_meter.logged += [PowerEvent(tick * EVENT_MS, *event) for tick in ticks]
        return start, self.now_ms


@dataclass
class Statistics:
    fps: float | None = None
    powers: dict[str, float] = field(default_factory=dict)
    energy: float | None = None


class Model:
    """Holds a network: that of the bundle in whose folder the model file lies. Without one it is built to learn."""

    def __new__(cls, source: str | IntegerNetwork | None = None) -> Any:
        if source is None:
            return LearningModel()
        if isinstance(source, str) and source.endswith(".learned"):
            return LearningModel.loaded(source)
        return super().__new__(cls)

    def __init__(self, source: str | IntegerNetwork) -> None:
        if isinstance(source, str):
            if not Path(source).is_file():
                raise RuntimeError("File not found.")
            source = open_bundle(Path(source).parent).network()
        self._network = source
        self.device: Device | None = None
        self.statistics = Statistics()
        self.learning: Any = None

    def map(self, device: Device | None, hw_only: bool = False) -> None:
        if device is None:
            self.device = None
            return
        if not hw_only:
            raise AssertionError("mapped without hw_only: layers may silently stay in software")
        if device.ip_version is not IpVersion.v1:
            raise RuntimeError("The IP version of the model and device must be identical.")
        for number, layer in enumerate(self._network.layers[1:], start=1):
            if number > device.processors:
                raise RuntimeError(
                    f"Cannot map layer '{layer.name}'. Not enough hardware components of type CNP1 available. "
                    "1 are needed but 0 are available."
                )
        self.device = device

    @property
    def sequences(self) -> list[Any]:
        """One sequence of one pass: the first layer on the image unit, each other one on a processor of its own."""
        backend = BackendType.Software if self.device is None else BackendType.Hardware
        layers = [self._placed(number, layer.name) for number, layer in enumerate(self._network.layers)]
        return [SimpleNamespace(backend=backend, passes=[SimpleNamespace(layers=layers)], program=b"program")]

    def _placed(self, number: int, name: str) -> Any:
        kind = SimpleNamespace(name="CNP1" if number else "HRC")
        mapping = None if self.device is None else SimpleNamespace(nps=[SimpleNamespace(ident=number, type=kind)])
        return SimpleNamespace(name=name, mapping=mapping)

    def forward(self, inputs: np.ndarray, batch_size: int = 0) -> np.ndarray:
        self._check(inputs)
        if self.device is None:
            self.statistics = Statistics(fps=10.0)
            return self._computed(inputs)
        if not isinstance(self.device, HardwareDevice):
            raise RuntimeError("An actual hardware device is required.")
        self._obey(self.device, inputs)
        if not self.device.present:
            raise RuntimeError("Timeout waiting for the end of inference")
        self.statistics = self._metered(self.device, len(inputs))
        outputs = self._computed(inputs)
        if np.all(inputs == Order.GARBAGE):
            return outputs.astype(np.float32)
        return outputs[1:] if np.all(inputs == Order.TOO_FEW) else outputs

    def compile(self, optimizer: Any) -> None:
        raise ValueError("Only layers with binary weights can be trained.")

    def fit(self, inputs: np.ndarray, labels: Any) -> np.ndarray:
        raise RuntimeError("To fit a model, last layer should be compiled.")

    def add_classes(self, count: int) -> None:
        raise RuntimeError("The last layer must be compiled.")

    def predict_classes(self, inputs: np.ndarray, num_classes: int = 1, batch_size: int = 0) -> np.ndarray:
        potentials = self.forward(inputs).reshape(len(inputs), -1)
        return np.argmax(potentials, axis=1) // (potentials.shape[1] // num_classes)

    def _check(self, inputs: np.ndarray) -> None:
        if not isinstance(inputs, np.ndarray):
            raise TypeError("forward(): incompatible function arguments.")
        if inputs.dtype != np.uint8:
            raise ValueError(f"Unsupported input type {inputs.dtype}. Input type should be uint8.")
        if inputs.ndim != 4 or inputs.shape[1:] != self._network.input_shape:
            expected = ",".join(map(str, self._network.input_shape))
            got = ",".join(map(str, inputs.shape))
            raise ValueError(f"Input shape must be (N,{expected}) but got ({got}).")
        if len(inputs) == 0:
            raise RuntimeError("Cannot have a shape with dimension 0 set to 0")

    def _obey(self, device: HardwareDevice, inputs: np.ndarray) -> None:
        if np.all(inputs == Order.HANG):
            threading.Event().wait()
        if np.all(inputs == Order.UNPLUG):
            device.present = False
        if np.all(inputs == Order.REFUSE):
            raise RuntimeError("Program cannot be loaded")

    def _computed(self, inputs: np.ndarray) -> np.ndarray:
        """A burst is one image many times: each different one is computed once."""
        distinct, places = np.unique(inputs, axis=0, return_inverse=True)
        return run(self._network, distinct)[-1][places.reshape(-1)].reshape(len(inputs), 1, 1, -1)

    def _metered(self, device: HardwareDevice, images: int) -> Statistics:
        """As the library does: events within the run but the first, mean power x duration / frames."""
        start, end = device.spend(images)
        statistics = Statistics(fps=images / ((end - start) / 1000))
        logged = device.soc.power_meter.logged if device.soc else []
        powers = [event.power for event in logged if start <= event.ts <= end][1:]
        if powers:
            mean = sum(powers) / len(powers)
            statistics.powers = {"Avg": mean, "Min": min(powers), "Max": max(powers)}
            statistics.energy = mean * (end - start) / 1000 / images
        return statistics


def memory_infos(program: bytes) -> Any:
    """`get_program_memory_infos`: bytes on the board, by what they are for."""
    return SimpleNamespace(
        input_memory=3072,
        input_descriptor_memory=64,
        output_memory=len(program),
        program_memory=4096,
        extra_program_memory=0,
        program_descriptors_memory=64,
    )


def sdk_with(*devices: HardwareDevice, error: Exception | None = None) -> ModuleType:
    """Return a module that lists these devices, or raises `error` when asked."""

    def listed() -> list[HardwareDevice]:
        if error is not None:
            raise error
        return [device for device in devices if device.present]

    module = ModuleType("akida")
    module.__dict__.update(
        __version__="2.19.3+fake",
        AKD1000=lambda: Device("VirtualDevice/BC.00.000.002", NSOC_V2),
        AKD1500=lambda: Device("VirtualDevice/BC.A1.003.009", AKD1500_V1, processors=32),
        TwoNodesIPv1=lambda: Device("VirtualDevice/BC.A1.003.006", "BC.A1.003.006", processors=1),
        TwoNodesIPv2=lambda: Device("VirtualDevice/BC.A2.001.000", "BC.A2.001.000", IpVersion.v2, 8),
        AkidaUnsupervised=AkidaUnsupervised,
        InputData=InputData,
        FullyConnected=FullyConnected,
        BackendType=BackendType,
        Device=Device,
        HardwareDevice=HardwareDevice,
        IpVersion=IpVersion,
        Model=Model,
        NSoC_v2=NSOC_V2,
        AKD1500_v1=AKD1500_V1,
        PowerEvent=PowerEvent,
        PowerMeter=PowerMeter,
        Statistics=Statistics,
        devices=listed,
        get_program_memory_infos=memory_infos,
        soc=SimpleNamespace(ClockMode=ClockMode),
    )
    return module


def akd1000(number: int = 0) -> HardwareDevice:
    return HardwareDevice(f"PCIe/NSoC_v2/{number}", NSOC_V2)


def akd1500(number: int = 0) -> HardwareDevice:
    return HardwareDevice(f"PCIe/AKD1500_v1/{number}", AKD1500_V1, soc=None, processors=32)


def load(_sdk: ModuleType, bundle: Bundle) -> Model:
    return Model(bundle.network())


def adapter(
    *devices: HardwareDevice, machine: Machine | None = None, error: Exception | None = None
) -> AkidaBoardAdapter:
    """The real adapter over fake devices."""
    sdk = sdk_with(*devices, error=error)
    return AkidaBoardAdapter(sdk=lambda: sdk, load=load, machine=machine or Machine(dev=Path("/nonexistent")))


def one_akd1000() -> AkidaBoardAdapter:
    """For children, which can be told only a name."""
    return adapter(akd1000())


def one_akd1500() -> AkidaBoardAdapter:
    """A board without a meter, for children."""
    return adapter(akd1500())


def two_boards() -> AkidaBoardAdapter:
    """Two boards whose places the system does not tell, for children."""
    return adapter(akd1000(0), akd1500(0))
