"""The second reader of a bundle in a child of its own: float logits, with their own time and energy."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from qana_desktop.engines.assistant import Assistant, AssistantLimits
from qana_desktop.engines.batches import Batch, checked_batch
from qana_desktop.engines.contract import EngineError, ModelRefused
from qana_desktop.engines.energy import Operations, processor_energy
from qana_desktop.engines.onnx_engine import PROVIDER, load_errors, load_runtime, session_options
from qana_desktop.network.bundle import Bundle, open_bundle
from qana_desktop.network.second_reader import (
    INPUT_NAME,
    OUTPUT_NAME,
    TOLERANCE,
    FloatLogits,
    SecondReaderContents,
    golden_inputs,
)
from qana_desktop.system.childprocess import ChildProcess
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import _
from qana_desktop.triage.measured import MeasuredValue

ENGINE_ID: Final = "second-reader"
SERVE: Final = f"{__name__}:serve"


@dataclass(frozen=True, eq=False)
class SecondAnswer:
    """What the second reader said of one image: float32 `logits` (views, classes), and what it took.

    `latency_ms` is of the whole batch, without the way to its process; `energy` is of one view.
    """

    logits: FloatLogits
    latency_ms: float
    energy: MeasuredValue
    runtime: str


class SecondReader:
    """The program's side: starts with the first question, compares the golden logits, answers or raises EngineError."""

    def __init__(self, bundle: Bundle, *, target: str = SERVE, limits: AssistantLimits | None = None) -> None:
        """Raises ValueError for a bundle without a second reader."""
        spec = bundle.manifest.second_reader
        if spec is None:
            raise ValueError(f"the bundle {bundle.id} has no second reader")
        self.spec, self._bundle = spec, bundle
        self._classes = len(bundle.manifest.classes)
        self._assistant = Assistant(target, (str(bundle.path),), name=ENGINE_ID, check=self._check, limits=limits)

    @property
    def pid(self) -> int | None:
        """The child's process id, None while there is none."""
        return self._assistant.pid

    def start(self) -> None:
        """Start now, so that the first image does not wait for it. Raises EngineError, as `read` would."""
        self._assistant.start()

    def read(self, batch: Batch) -> SecondAnswer:
        """Read the views of one image, uint8 (N, S, S, 3). Raises EngineError, and then nothing was read."""
        answer = self._assistant.ask(batch, SecondAnswer)
        if not _is_finite(answer.logits, (len(batch), self._classes)):
            raise EngineError(_no_numbers())
        return answer

    def reset(self) -> None:
        """Try again after it was given up: a person's decision."""
        self._assistant.reset()

    def close(self) -> None:
        """End the child at once. Safe to call twice."""
        self._assistant.close()

    def _check(self, child: ChildProcess) -> None:
        contents = self._bundle.second_reader()
        if contents is None:
            raise ModelRefused(_not_itself(0.0))
        require_golden(lambda batch: child.call(batch, timeout_s=AssistantLimits().start_s), contents)


def require_golden(read: Callable[[Batch], object], contents: SecondReaderContents) -> None:
    """Compare the golden logits, within `TOLERANCE`; raises ModelRefused."""
    inputs = golden_inputs(contents.spec.input_size)
    answer = read(inputs)
    logits = answer.logits if isinstance(answer, SecondAnswer) else None
    if logits is None or not _is_finite(logits, contents.golden_logits.shape):
        raise ModelRefused(_no_numbers())
    farthest = float(np.abs(logits - contents.golden_logits).max())
    if farthest > TOLERANCE:
        raise ModelRefused(_not_itself(farthest))


def _is_finite(logits: object, shape: tuple[int, ...]) -> bool:
    """Whether it is float32 of this shape, without infinities and such."""
    if not isinstance(logits, np.ndarray) or logits.dtype != np.float32 or logits.shape != shape:
        return False
    return bool(np.all(np.isfinite(logits)))


def _no_numbers() -> Fault:
    return Fault(
        "second-reader-garbled",
        _("It returned something that is no answer."),
        _("Restart the program. If it happens again, report it."),
    )


def _not_itself(farthest: float) -> Fault:
    return Fault(
        "second-reader-differs",
        _("On this computer it gives other numbers than it must (a golden logit is off by {farthest:.2g}).").format(
            farthest=farthest
        ),
        _("Switch it off, and report this with the processor's name."),
    )


class SecondReaderSession:
    """The child's side: one session of ONNX Runtime."""

    def __init__(self, bundle: Bundle) -> None:
        """Raises SdkMissing, ModelRefused."""
        spec, path = bundle.manifest.second_reader, bundle.second_reader_path
        if spec is None or path is None:
            raise ModelRefused(_refused(_("the bundle has none.")))
        runtime = load_runtime()
        self._runtime = f"onnxruntime {runtime.__version__}"
        self._shape = (spec.input_size, spec.input_size, 3)
        try:
            self._session = runtime.InferenceSession(
                str(path), sess_options=session_options(runtime), providers=[PROVIDER]
            )
        except load_errors() as error:
            raise ModelRefused(_refused(str(error))) from error
        self._require_shape(len(bundle.manifest.classes))
        integers = spec.arithmetic == "int8"
        count = spec.multiply_accumulates
        operations = Operations(integer=count if integers else 0, floating=0 if integers else count)
        warm_up = np.zeros((1, *self._shape), np.uint8)
        self._run(warm_up)
        self._energy = processor_energy(ENGINE_ID, operations, lambda: self._run(warm_up), images_per_run=1)

    def __call__(self, request: object) -> SecondAnswer:
        """Read a batch of views; raises BadInput."""
        images = checked_batch(request, self._shape)
        start = time.perf_counter()
        logits = self._run(images)
        return SecondAnswer(logits, (time.perf_counter() - start) * 1000, self._energy, self._runtime)

    def _run(self, images: Batch) -> FloatLogits:
        return np.asarray(self._session.run([OUTPUT_NAME], {INPUT_NAME: images})[0])

    def _require_shape(self, classes: int) -> None:
        inputs = [(node.name, node.type, tuple(node.shape[1:])) for node in self._session.get_inputs()]
        outputs = [(node.name, node.type, tuple(node.shape[1:])) for node in self._session.get_outputs()]
        expected = ([(INPUT_NAME, "tensor(uint8)", self._shape)], [(OUTPUT_NAME, "tensor(float)", (classes,))])
        if (inputs, outputs) != expected:
            raise ModelRefused(_refused(_("its model takes or gives something else than the bundle says.")))


def _refused(why: str) -> Fault:
    return Fault(
        "model-refused",
        _("ONNX Runtime cannot use it: {why}").format(why=why),
        _("Install this version of the network again, or choose another one."),
    )


def serve(bundle: str) -> SecondReaderSession:
    """Make the child's handler; raises EngineError or BundleRefused."""
    return SecondReaderSession(open_bundle(Path(bundle)))
