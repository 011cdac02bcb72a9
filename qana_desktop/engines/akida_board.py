"""An Akida board: the network mapped whole onto its neural processors, its energy measured by its own meter."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from qana_desktop.engines.akida_devices import (
    KIND,
    NAME,
    Board,
    board_name,
    boards,
    detail,
    listed,
    refuse_other_ip,
    set_clock,
    status,
)
from qana_desktop.engines.akida_runtime import forward, load_model, load_sdk, runtime_name
from qana_desktop.engines.batches import Batch, checked_batch, checked_potentials
from qana_desktop.engines.contract import (
    BoardStatus,
    DeviceBusy,
    DeviceLost,
    EngineInfo,
    EngineState,
    Inference,
    ModelRefused,
    SdkMissing,
    SdkVersion,
    engine_error,
)
from qana_desktop.engines.energy import BURST_S, measured_on_device, not_available
from qana_desktop.engines.machine import Machine
from qana_desktop.engines.probing import why_no_board
from qana_desktop.network.bundle import Bundle, open_bundle
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_, _
from qana_desktop.triage.measured import MeasuredValue

BURSTS: Final = 3
"""How often a burst is doubled until the meter, which updates every 140.8 ms and drops its first event, has a value."""
LARGEST_BURST_BYTES: Final = 128 * 2**20
NO_METER: Final = N_("This board shows no power meter through the Akida library (known of the AKD1500).")

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
            found = boards(sdk, self._machine)
        except (SdkMissing, SdkVersion, DeviceBusy) as error:
            return [self._unavailable("", error.fault)]
        if not found:
            return [self._unavailable(runtime_name(sdk), why_no_board(self._machine))]
        return [listed(sdk, board) for board in found]

    def open(self, engine_id: str, bundle: Path) -> AkidaBoard:
        """Open the board at a place, `akida-board:pci-0000:03:00.0`, or number N of the list, `akida-board:N`.

        Raises EngineError; DeviceLost when the board is not there any more: no other board takes its place.
        """
        sdk = self._sdk()
        found, suffix = boards(sdk, self._machine), engine_id.partition(":")[2] or "0"
        for board in found:
            if board.answers_to(suffix):
                return AkidaBoard(sdk, board, open_bundle(bundle), self._load)
        raise engine_error(why_no_board(self._machine)) if not found else DeviceLost(_gone(suffix))

    def _unavailable(self, runtime: str, fault: Fault) -> EngineInfo:
        return EngineInfo(f"{KIND}:0", NAME, runtime, "", EngineState.UNAVAILABLE, fault)


class AkidaBoard:
    """One board with one network. Energy is measured in a burst at the start, and again when asked."""

    def __init__(self, sdk: ModuleType, board: Board, bundle: Bundle, load: LoadModel) -> None:
        device = board.device
        refuse_other_ip(sdk, device)
        self._sdk, self._manifest, self._device, self._id = sdk, bundle.manifest, device, board.engine_id
        self._model = load(sdk, bundle)
        _map(self._model, device)
        if device.soc is not None:
            device.soc.power_measurement_enabled = True
        warm_up = np.zeros((1, *self._manifest.input_shape), np.uint8)
        self._timed(warm_up)
        self._energy = self._measured(warm_up)

    @property
    def info(self) -> EngineInfo:
        """The board's name, description, meter and clock."""
        sdk, device = self._sdk, self._device
        return EngineInfo(self._id, board_name(sdk, device), runtime_name(sdk), detail(device), EngineState.READY)

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

    def set_clock(self, mode: str) -> None:
        """Set the clock mode and measure the energy of an image anew; raises EngineError where there is none."""
        set_clock(self._sdk, self._device, mode)
        self._energy = self._measured(np.zeros((1, *self._manifest.input_shape), np.uint8))

    def status(self) -> BoardStatus:
        """What the board says of itself now."""
        return status(self._device)

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
        for _burst in range(BURSTS):
            forward(self._model, np.resize(images, (frames, *self._manifest.input_shape)))
            value = self._reading(frames)
            if value is not None:
                return value
            frames = min(most, frames * 2)
        return not_available(
            self._id,
            _("The board's power meter gave no value during a burst of {frames} images.").format(frames=frames),
        )

    def _rate(self, images: Batch) -> float:
        """Return images per second as the library timed them on the device, else as they were seen from here."""
        _outputs, seconds = self._timed(images)
        return float(self._model.statistics.fps or len(images) / max(seconds, 1e-6))

    def _reading(self, frames: int) -> MeasuredValue | None:
        """Return the last burst's energy of one frame, in mJ; the library leaves the meter's first event out."""
        statistics = self._model.statistics
        if statistics.energy is None or not statistics.fps or "Avg" not in statistics.powers:
            return None
        total, floor = float(statistics.powers["Avg"]), float(self._device.soc.power_meter.floor)
        note = _(
            "Mean over one burst of {frames} images at {fps:.0f} images/s: {total:.0f} mW in total, of which "
            "{floor:.0f} mW floor ({floor_energy:.3g} mJ an image) and {dynamic:.0f} mW dynamic "
            "({dynamic_energy:.3g} mJ an image)."
        ).format(
            frames=frames,
            fps=statistics.fps,
            total=total,
            floor=floor,
            floor_energy=floor / statistics.fps,
            dynamic=total - floor,
            dynamic_energy=(total - floor) / statistics.fps,
        )
        return measured_on_device(self._id, float(statistics.energy), images=frames, note=note)


def _map(model: Any, device: Any) -> None:
    """Map onto the hardware alone: without `hw_only` the library may leave layers in software and not say so."""
    try:
        model.map(device, hw_only=True)
    except (RuntimeError, ValueError) as error:
        raise ModelRefused(
            Fault(
                "model-refused",
                _("This version of the network does not fit onto the board ({error}).").format(error=error),
                _("Choose another version of the network, or another engine."),
            )
        ) from error


def _gone(suffix: str) -> Fault:
    return Fault(
        "device-lost",
        _("Akida board {suffix} is not there any more. The image was not assessed.").format(suffix=suffix),
        _("Check the board and its cable, then start the engine again."),
    )
