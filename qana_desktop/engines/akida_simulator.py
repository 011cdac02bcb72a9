"""The Akida library's software backend: the same integers as a board, on this computer's processor, slowly."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Final

import numpy as np

from qana_desktop.engines.akida_runtime import forward, load_model, load_sdk, runtime_name
from qana_desktop.engines.batches import Batch, checked_batch, checked_potentials
from qana_desktop.engines.contract import EngineInfo, EngineState, Inference, SdkMissing, SdkVersion
from qana_desktop.engines.energy import not_available
from qana_desktop.network.bundle import Bundle, open_bundle
from qana_desktop.system.language import N_, _
from qana_desktop.triage.measured import MeasuredValue

ENGINE_ID: Final = "akida-simulator"
NAME: Final = N_("Akida simulator")
NO_METER: Final = N_(
    "The simulator runs on this computer's processor: it has no power meter, and its speed says nothing about a board."
)


class AkidaSimulatorAdapter:
    """Lists and opens the one engine of this kind."""

    def __init__(self, sdk: Callable[[], ModuleType] = load_sdk) -> None:
        self._sdk = sdk

    def probe(self) -> list[EngineInfo]:
        """Return `akida-simulator`, with its fault where the library cannot be used."""
        try:
            return [_info(self._sdk(), EngineState.AVAILABLE)]
        except (SdkMissing, SdkVersion) as error:
            return [EngineInfo(ENGINE_ID, NAME, "", "", EngineState.UNAVAILABLE, error.fault)]

    def open(self, engine_id: str, bundle: Path) -> AkidaSimulator:
        """Load the bundle, unmapped: a model that is mapped to a virtual device does not run."""
        del engine_id  # there is one of this kind
        return AkidaSimulator(self._sdk(), open_bundle(bundle))


class AkidaSimulator:
    """One unmapped model. The frame rate that the library prints is the host's and is shown nowhere."""

    def __init__(self, sdk: ModuleType, bundle: Bundle) -> None:
        self._manifest = bundle.manifest
        self._model = load_model(sdk, bundle)
        self._info = _info(sdk, EngineState.READY)
        forward(self._model, np.zeros((1, *self._manifest.input_shape), np.uint8))

    @property
    def info(self) -> EngineInfo:
        """The engine's name and version."""
        return self._info

    def infer(self, batch: Batch) -> Inference:
        """Run the batch; raises BadInput."""
        images = checked_batch(batch, self._manifest.input_shape)
        start = time.perf_counter()
        outputs = forward(self._model, images)
        latency_ms = (time.perf_counter() - start) * 1000
        count = len(self._manifest.classes) + self._manifest.features
        potentials = checked_potentials(outputs, len(images), count)
        return Inference(potentials, latency_ms, not_available(ENGINE_ID, NO_METER))

    def measure_energy(self, batch: Batch) -> MeasuredValue:
        """Not available: a simulation has no energy of the device that it simulates."""
        checked_batch(batch, self._manifest.input_shape)
        return not_available(ENGINE_ID, NO_METER)

    def close(self) -> None:
        """Nothing is held that the process's end would not release."""


def _info(sdk: ModuleType, state: EngineState) -> EngineInfo:
    return EngineInfo(ENGINE_ID, NAME, runtime_name(sdk), _("in software, without a board"), state)
