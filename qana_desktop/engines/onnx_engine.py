"""The integer network in ONNX Runtime on the processor: exact integers, no telemetry, no other provider."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from qana_desktop.engines.batches import Batch, checked_batch, checked_potentials
from qana_desktop.engines.contract import EngineInfo, EngineState, Inference, ModelRefused, SdkMissing
from qana_desktop.engines.energy import processor_energy
from qana_desktop.network.bundle import Bundle, open_bundle
from qana_desktop.network.export_onnx import INPUT_NAME, OUTPUT_NAME
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_, _, ngettext
from qana_desktop.triage.measured import MeasuredValue

if TYPE_CHECKING:
    from types import ModuleType

    import onnxruntime

ENGINE_ID: Final = "onnx-cpu"
NAME: Final = N_("ONNX Runtime (processor)")
PROVIDER: Final = "CPUExecutionProvider"
MOST_THREADS: Final = 4
"""A network of this size gains nothing from more, and the window needs a core too."""


class OnnxAdapter:
    """Lists and opens the one engine of this kind."""

    def probe(self) -> list[EngineInfo]:
        """Return `onnx-cpu`, with its fault where the library cannot be loaded."""
        try:
            runtime = load_runtime()
        except SdkMissing as error:
            return [EngineInfo(ENGINE_ID, NAME, "", "", EngineState.UNAVAILABLE, error.fault)]
        return [_info(runtime, EngineState.AVAILABLE)]

    def open(self, engine_id: str, bundle: Path) -> OnnxEngine:
        """Open the bundle's ONNX model. Raises SdkMissing, ModelRefused, or BundleRefused."""
        return OnnxEngine(load_runtime(), open_bundle(bundle))


class OnnxEngine:
    """One session. Raises ModelRefused when the model is not the one that the bundle describes."""

    def __init__(self, runtime: ModuleType, bundle: Bundle) -> None:
        self._bundle = bundle
        self._session = _session(runtime, bundle)
        self._info = _info(runtime, EngineState.READY)
        warm_up = np.zeros((1, *bundle.manifest.input_shape), np.uint8)
        self._run(warm_up)
        self._energy = self._measured(warm_up)

    @property
    def info(self) -> EngineInfo:
        """The engine's name and version."""
        return self._info

    def infer(self, batch: Batch) -> Inference:
        """Run the batch; raises BadInput."""
        images = checked_batch(batch, self._bundle.manifest.input_shape)
        start = time.perf_counter()
        outputs = self._run(images)
        latency_ms = (time.perf_counter() - start) * 1000
        count = len(self._bundle.manifest.classes) + self._bundle.manifest.features
        return Inference(checked_potentials(outputs, len(images), count), latency_ms, self._energy)

    def measure_energy(self, batch: Batch) -> MeasuredValue:
        """Measure the processor package over a burst where its counter can be read, else estimate."""
        self._energy = self._measured(checked_batch(batch, self._bundle.manifest.input_shape))
        return self._energy

    def close(self) -> None:
        """Nothing is held that the process's end would not release."""

    def _run(self, images: Batch) -> object:
        return self._session.run([OUTPUT_NAME], {INPUT_NAME: images})[0]

    def _measured(self, images: Batch) -> MeasuredValue:
        network = self._bundle.network()
        return processor_energy(ENGINE_ID, network, lambda: self._run(images), images_per_run=len(images))


def load_runtime() -> ModuleType:
    """Import ONNX Runtime, without telemetry. Raises SdkMissing."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the import: later it has no effect
    try:
        import onnxruntime
    except (ImportError, OSError) as error:
        raise SdkMissing(
            Fault(
                "sdk-missing",
                _("ONNX Runtime cannot be loaded ({error}).").format(error=error),
                _("Install QANA Desktop again; on Windows also the Visual C++ runtime of Microsoft."),
            )
        ) from error
    module: ModuleType = onnxruntime
    return module


def _info(runtime: ModuleType, state: EngineState) -> EngineInfo:
    threads = usable_threads()
    detail = ngettext("{threads} thread of the processor", "{threads} threads of the processor", threads).format(
        threads=threads
    )
    return EngineInfo(ENGINE_ID, NAME, f"onnxruntime {runtime.__version__}", detail, state)


def usable_threads() -> int:
    """Return how many threads one inference takes."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, MOST_THREADS)


def _session(runtime: ModuleType, bundle: Bundle) -> onnxruntime.InferenceSession:
    try:
        session = runtime.InferenceSession(
            str(bundle.onnx_path), sess_options=session_options(runtime), providers=[PROVIDER]
        )
    except load_errors() as error:
        raise _refused(_("ONNX Runtime does not take its ONNX model ({error}).").format(error=error)) from error
    inputs = [(node.name, node.type, node.shape[1:]) for node in session.get_inputs()]
    outputs = [(node.name, node.type) for node in session.get_outputs()]
    expected = [(INPUT_NAME, "tensor(uint8)", list(bundle.manifest.input_shape))]
    if inputs != expected or outputs != [(OUTPUT_NAME, "tensor(int32)")]:
        raise _refused(_("its ONNX model takes or gives something else than its manifest says."))
    if session.get_providers() != [PROVIDER]:
        raise _refused(
            _("ONNX Runtime chose {get_providers} instead of the processor.").format(
                get_providers=", ".join(session.get_providers())
            )
        )
    return session


def load_errors() -> tuple[type[Exception], ...]:
    """What a session raises for a model that it cannot run; these classes share no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoModel", "NoSuchFile", "NotImplemented")
    return tuple(getattr(state, name) for name in names)


def session_options(runtime: ModuleType) -> onnxruntime.SessionOptions:
    """Return the options of every session: all optimisations, few threads that sleep while they wait."""
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = usable_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Waiting threads sleep instead of spinning: an image takes as long, and other work on these cores does not suffer.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _refused(what: str) -> ModelRefused:
    return ModelRefused(
        Fault(
            "model-refused",
            _("This version of the network cannot be used with ONNX Runtime: {what}").format(what=what),
            _("Choose another version of the network, or install this one again."),
        )
    )
