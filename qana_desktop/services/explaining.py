"""Makes the heat-map of a reading on demand: the network's integers computed again, compared, and turned into a map."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from qana_desktop.engines.explainer import LastMaps
from qana_desktop.network.attribution import attribute, drawn
from qana_desktop.network.layers import IntegerNetwork
from qana_desktop.network.preprocess import views
from qana_desktop.services.second_opinion import Prepare, file_changed
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _
from qana_desktop.triage.explanation import Explanation, NoExplanation, explanation
from qana_desktop.triage.outcome import Assessed, Reading, SecondAsked
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.triage.second_reader import first_alone


class ComputesMaps(Protocol):
    """`engines.explainer.Explainer`."""

    def last_maps(self, batch: npt.NDArray[np.uint8]) -> LastMaps:
        """Run the views of an image; raises EngineError."""
        ...


class Explaining:
    """Explains readings of one bundle. Whatever engine answered, ONNX Runtime computes the map from the same integers.

    Every potential of the reading is computed again on the way; where one differs from what the engine gave, there is
    no map. Any worker thread may call.
    """

    def __init__(
        self,
        maps: ComputesMaps,
        prepare: Prepare,
        network: IntegerNetwork,
        policy: ReadingPolicy,
        *,
        bundle_id: str,
        input_size: int,
    ) -> None:
        self._maps, self._prepare, self._network, self._policy = maps, prepare, network, policy
        self._bundle_id, self._input_size = bundle_id, input_size

    def explain(self, source: Path | bytes, reading: Reading) -> Explanation | NoExplanation:
        """Return the maps of a reading of `source`, or why there are none."""
        own = first_alone(reading)
        if not isinstance(reading.outcome, Assessed) or not isinstance(own, Assessed) or not reading.logits:
            return NoExplanation(_not_assessed())
        if reading.provenance is None or reading.provenance.bundle != self._bundle_id:
            return NoExplanation(_other_version())
        try:
            image = self._prepare(source, self._input_size)
            if image.sha256 != reading.image_sha256:
                return NoExplanation(file_changed())
            found = self._maps.last_maps(views(image.network_input, self._policy.views))
        except KnownError as error:
            return NoExplanation(error.fault)
        logits = found.potentials[:, : self._network.classes]
        if not np.array_equal(logits, np.array(reading.logits)):
            return NoExplanation(_differs())
        maps = [
            drawn(self._network, attribute(self._network, one).maps, view)
            for one, view in zip(found.maps, self._policy.views, strict=True)
        ]
        return explanation(
            np.stack(maps),
            self._policy.classes,
            own.predicted,
            nats=self._policy.calibration.scale,
            computed_by=_how(reading).format(runtime=found.runtime),
            compared=int(logits.size),
        )


def _how(reading: Reading) -> str:
    """Whose map it is: of two readers, it is the first one's, and of what that one says alone."""
    if isinstance(reading.second_reader, SecondAsked):
        return _("computed by {runtime} with the integers of the first of the two readers, for what it says alone")
    return _("computed by {runtime} with the integers of the network that answered")


def _not_assessed() -> Fault:
    return Fault(
        "not-assessed",
        _("The network gave no answer for this image, so there is nothing to explain."),
        _("Read the image first."),
    )


def _other_version() -> Fault:
    return Fault(
        "other-version",
        _("Another version of the network gave this reading; a heat-map is only shown of the network that answered."),
        _("Read the image again with the version that is active now."),
    )


def _differs() -> Fault:
    return Fault(
        "integers-differ",
        _("The network, computed again, gives other numbers than this reading holds, so no heat-map is shown."),
        _("Run the self-test of the engines, and report this."),
    )
