"""An Akida board: the network mapped whole onto its neural processors, its energy measured by its own meter."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from qana_desktop.engines.akida_runtime import forward, load_model, load_sdk, runtime_name
from qana_desktop.engines.batches import Batch, checked_batch, checked_potentials
from qana_desktop.engines.contract import (
    DeviceBusy,
    DeviceLost,
    EngineError,
    EngineInfo,
    EngineState,
    Inference,
    ModelRefused,
    SdkMissing,
    SdkVersion,
    engine_error,
)
from qana_desktop.engines.energy import BURST_S, measured_on_device, not_available
from qana_desktop.engines.probing import Machine, why_no_board
from qana_desktop.network.bundle import Bundle, open_bundle
from qana_desktop.system.faults import Fault
from qana_desktop.triage.measured import MeasuredValue

KIND: Final = "akida-board"
NAME: Final = "Akida board"
BURSTS: Final = 3
"""How often a burst is doubled until the meter, which updates every 140.8 ms and drops its first event, has a value."""
LARGEST_BURST_BYTES: Final = 128 * 2**20
NO_METER: Final = "This board shows no power meter through the Akida library (known of the AKD1500)."

LoadModel = Callable[[ModuleType, Bundle], Any]


class AkidaBoardAdapter:
    """Lists and opens boards. `sdk`, `load` and `machine` are the real ones but in tests, where no board is."""

    def __init__(
        self, sdk: Callable[[], ModuleType] = load_sdk, load: LoadModel = load_model, machine: Machine | None = None
    ) -> None:
        self._sdk, self._load, self._machine = sdk, load, machine or Machine()

    def probe(self) -> list[EngineInfo]:
        """Return one entry for each board; without any, one entry that says why."""
        try:
            sdk = self._sdk()
            devices = _devices(sdk)
        except (SdkMissing, SdkVersion, DeviceBusy) as error:
            return [self._unavailable("", error.fault)]
        if not devices:
            return [self._unavailable(runtime_name(sdk), why_no_board(self._machine))]
        return [_listed(sdk, index, device) for index, device in enumerate(devices)]

    def open(self, engine_id: str, bundle: Path) -> AkidaBoard:
        """Open board N of `akida-board:N`. Raises EngineError; DeviceLost when the board is not there any more."""
        sdk = self._sdk()
        devices, index = _devices(sdk), _index(engine_id)
        if index >= len(devices):
            raise engine_error(why_no_board(self._machine)) if not devices else DeviceLost(_gone(index))
        return AkidaBoard(sdk, engine_id, devices[index], open_bundle(bundle), self._load)

    def _unavailable(self, runtime: str, fault: Fault) -> EngineInfo:
        return EngineInfo(f"{KIND}:0", NAME, runtime, "", EngineState.UNAVAILABLE, fault)


class AkidaBoard:
    """One board with one network. Energy is measured in a burst at the start, and again when asked."""

    def __init__(self, sdk: ModuleType, engine_id: str, device: Any, bundle: Bundle, load: LoadModel) -> None:
        _refuse_other_ip(sdk, device)
        self._manifest, self._device, self._id = bundle.manifest, device, engine_id
        self._model = load(sdk, bundle)
        _map(self._model, device)
        if device.soc is not None:
            device.soc.power_measurement_enabled = True
        self._info = EngineInfo(engine_id, _name(sdk, device), runtime_name(sdk), _detail(device), EngineState.READY)
        warm_up = np.zeros((1, *self._manifest.input_shape), np.uint8)
        self._timed(warm_up)
        self._energy = self._measured(warm_up)

    @property
    def info(self) -> EngineInfo:
        """The board's name, description and meter."""
        return self._info

    def infer(self, batch: Batch) -> Inference:
        """Run the batch; raises BadInput or DeviceLost. `energy` is that of the last burst."""
        images = checked_batch(batch, self._manifest.input_shape)
        outputs, seconds = self._timed(images)
        count = len(self._manifest.classes) + self._manifest.features
        return Inference(checked_potentials(outputs, len(images), count), seconds * 1000, self._energy)

    def measure_energy(self, batch: Batch) -> MeasuredValue:
        """Measure the board over a burst of these images; raises BadInput or DeviceLost."""
        self._energy = self._measured(checked_batch(batch, self._manifest.input_shape))
        return self._energy

    def close(self) -> None:
        """Switch the meter off; the board itself is released with the process."""
        if self._device.soc is not None:
            self._device.soc.power_measurement_enabled = False

    def _timed(self, images: Batch) -> tuple[object, float]:
        start = time.perf_counter()
        outputs = forward(self._model, images)
        return outputs, time.perf_counter() - start

    def _measured(self, images: Batch) -> MeasuredValue:
        if self._device.soc is None:
            return not_available(self._id, NO_METER)
        most = max(1, LARGEST_BURST_BYTES // images[0].nbytes)
        frames = min(most, math.ceil(BURST_S * self._rate(images)))
        for _ in range(BURSTS):
            forward(self._model, np.resize(images, (frames, *self._manifest.input_shape)))
            value = self._reading(frames)
            if value is not None:
                return value
            frames = min(most, frames * 2)
        return not_available(self._id, f"The board's power meter gave no value during a burst of {frames} images.")

    def _rate(self, images: Batch) -> float:
        """Return images per second as the library timed them on the device, else as they were seen from here."""
        _, seconds = self._timed(images)
        return float(self._model.statistics.fps or len(images) / max(seconds, 1e-6))

    def _reading(self, frames: int) -> MeasuredValue | None:
        """Return the last burst's energy of one frame, in mJ; the library leaves the meter's first event out."""
        statistics = self._model.statistics
        if statistics.energy is None or not statistics.fps or "Avg" not in statistics.powers:
            return None
        total, floor = float(statistics.powers["Avg"]), float(self._device.soc.power_meter.floor)
        note = (
            f"Mean over one burst of {frames} images at {statistics.fps:.0f} images/s: {total:.0f} mW in total, of "
            f"which {floor:.0f} mW floor ({floor / statistics.fps:.3g} mJ an image) and {total - floor:.0f} mW dynamic "
            f"({(total - floor) / statistics.fps:.3g} mJ an image)."
        )
        return measured_on_device(self._id, float(statistics.energy), images=frames, note=note)


def _devices(sdk: ModuleType) -> list[Any]:
    try:
        return list(sdk.devices())
    except (RuntimeError, OSError) as error:
        raise DeviceBusy(
            Fault(
                "device-busy",
                f"An Akida board is there and cannot be opened ({error}).",
                "Close other programs that use the board. If that does not help, switch the computer off and on.",
            )
        ) from error


def _listed(sdk: ModuleType, index: int, device: Any) -> EngineInfo:
    engine_id, runtime = f"{KIND}:{index}", runtime_name(sdk)
    try:
        _refuse_other_ip(sdk, device)
    except EngineError as error:
        return EngineInfo(engine_id, NAME, runtime, str(device.desc), EngineState.UNAVAILABLE, error.fault)
    return EngineInfo(engine_id, _name(sdk, device), runtime, _detail(device), EngineState.AVAILABLE)


def _index(engine_id: str) -> int:
    _, _, index = engine_id.partition(":")
    return int(index or 0)


def _name(sdk: ModuleType, device: Any) -> str:
    names = {"NSoC_v2": "AKD1000", "AKD1500_v1": "AKD1500"}
    for constant, name in names.items():
        if device.version == getattr(sdk, constant, None):
            return f"{NAME} ({name})"
    return NAME


def _detail(device: Any) -> str:
    if device.soc is None:
        return f"{device.desc}, no power meter"
    mode = getattr(device.soc.clock_mode, "name", "")
    return ", ".join(part for part in (str(device.desc), "power meter", f"clock {mode}" if mode else "") if part)


def _refuse_other_ip(sdk: ModuleType, device: Any) -> None:
    if device.ip_version != sdk.IpVersion.v1:
        raise ModelRefused(
            Fault(
                "ip-version",
                f"This board ({device.desc}) has Akida 2 processors; the networks of this program are for Akida 1.",
                "Use an AKD1000 or AKD1500 board, or ONNX Runtime, which gives the same numbers.",
            )
        )


def _map(model: Any, device: Any) -> None:
    """Map onto the hardware alone: without `hw_only` the library may leave layers in software and not say so."""
    try:
        model.map(device, hw_only=True)
    except (RuntimeError, ValueError) as error:
        raise ModelRefused(
            Fault(
                "model-refused",
                f"This version of the network does not fit onto the board ({error}).",
                "Choose another version of the network, or another engine.",
            )
        ) from error


def _gone(index: int) -> Fault:
    return Fault(
        "device-lost",
        f"Akida board {index} is not there any more. The image was not assessed.",
        "Check the board and its cable, then press Restart beside the engine.",
    )
