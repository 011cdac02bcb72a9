"""The network's last map, computed again by ONNX Runtime from the same integers, when somebody asks why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from qana_desktop.engines.assistant import Assistant, AssistantLimits
from qana_desktop.engines.batches import Batch, checked_batch, checked_potentials
from qana_desktop.engines.contract import Inference, ModelRefused
from qana_desktop.engines.energy import not_available
from qana_desktop.engines.onnx_engine import PROVIDER, load_errors, load_runtime, session_options
from qana_desktop.engines.selftest import require_selftest
from qana_desktop.network.attribution import NotAttributable, last_map_layer
from qana_desktop.network.bundle import Bundle, open_bundle
from qana_desktop.network.export_onnx import INPUT_NAME, OUTPUT_NAME, layer_output_name, to_onnx
from qana_desktop.system.childprocess import ChildProcess
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import _

NAME: Final = "explainer"
SERVE: Final = f"{__name__}:serve"


@dataclass(frozen=True, eq=False)
class LastMaps:
    """One call: `potentials` int32 (N, classes + features), `maps` int32 (N, H, W, channels), and who computed them.

    `runtime` is name and version of the library.
    """

    potentials: npt.NDArray[np.int32]
    maps: npt.NDArray[np.int32]
    runtime: str


class Explainer:
    """The program's side: starts with the first question, passes the self-test, answers or raises EngineError."""

    def __init__(self, bundle: Bundle, *, target: str = SERVE, limits: AssistantLimits | None = None) -> None:
        self._bundle = bundle
        self._assistant = Assistant(target, (str(bundle.path),), name=NAME, check=self._check, limits=limits)

    def last_maps(self, batch: Batch) -> LastMaps:
        """Run the views of an image, uint8 (N, S, S, 3). Raises EngineError; ModelRefused where there is no map."""
        return self._assistant.ask(batch, LastMaps)

    def close(self) -> None:
        """End the child at once. Safe to call twice."""
        self._assistant.close()

    def _check(self, child: ChildProcess) -> None:
        def infer(batch: Batch) -> Inference:
            reply = child.call(batch, timeout_s=AssistantLimits().start_s)
            if not isinstance(reply, LastMaps):
                raise ModelRefused(_refused(_("it returned something that is no map.")))
            return Inference(reply.potentials, 0.0, not_available(NAME, "self-test"))

        require_selftest(infer, self._bundle.golden())


class ExplainerSession:
    """The child's side: the bundle's network with one more output."""

    def __init__(self, bundle: Bundle) -> None:
        """Raises SdkMissing, ModelRefused."""
        network, runtime = bundle.network(), load_runtime()
        self._manifest, self._runtime = bundle.manifest, f"onnxruntime {runtime.__version__}"
        try:
            index = last_map_layer(network)
            model = to_onnx(network, also=(index,))
            self._session = runtime.InferenceSession(model, sess_options=session_options(runtime), providers=[PROVIDER])
        except NotAttributable as error:
            raise ModelRefused(_refused(str(error))) from error
        except load_errors() as error:
            raise ModelRefused(_refused(str(error))) from error
        self._wanted = [OUTPUT_NAME, layer_output_name(index)]

    def __call__(self, request: object) -> LastMaps:
        """Run a batch of views; raises BadInput."""
        images = checked_batch(request, self._manifest.input_shape)
        potentials, maps = self._session.run(self._wanted, {INPUT_NAME: images})
        count = len(self._manifest.classes) + self._manifest.features
        checked = checked_potentials(potentials, len(images), count)
        return LastMaps(checked, np.asarray(maps, np.int32), self._runtime)


def serve(bundle: str) -> ExplainerSession:
    """Make the child's handler; raises EngineError or BundleRefused."""
    return ExplainerSession(open_bundle(Path(bundle)))


def _refused(why: str) -> Fault:
    return Fault(
        "no-heat-map",
        _("This version of the network has no heat-map: {why}").format(why=why),
        _("Judge the image without it."),
    )
