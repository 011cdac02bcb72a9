"""The start-up self-test: an engine that differs from the golden outputs in one integer is not used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qana_desktop.engines.batches import Batch
from qana_desktop.engines.contract import Inference, ModelRefused
from qana_desktop.network.bundle import Golden
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import _

Infer = Callable[[Batch], Inference]
"""`Engine.infer`, or what stands for it while the engine is not ready yet."""


@dataclass(frozen=True)
class SelfTest:
    """What the comparison found: how many integers of how many images were compared, and how many differ."""

    images: int
    integers: int
    differing: int

    @property
    def passed(self) -> bool:
        """Whether every integer is equal, and there was one to compare."""
        return self.integers > 0 and self.differing == 0


def run_selftest(infer: Infer, golden: Golden) -> SelfTest:
    """Run the golden images, all at once and the first one alone, and compare; raises EngineError of the engine.

    Both ways, because a runtime may take another path through its code for one image than for several.
    """
    together = infer(golden.images).potentials
    alone = infer(golden.images[:1]).potentials
    integers = golden.potentials.size + golden.potentials[:1].size
    differing = _differing(together, golden.potentials) + _differing(alone, golden.potentials[:1])
    return SelfTest(images=len(golden.images), integers=integers, differing=differing)


def require_selftest(infer: Infer, golden: Golden) -> SelfTest:
    """Run the self-test and return its finding; raises ModelRefused when it did not pass."""
    found = run_selftest(infer, golden)
    if not found.passed:
        raise ModelRefused(
            Fault(
                "model-refused",
                _(
                    "This engine gave other numbers than it must on the golden images: {differing} of {integers} "
                    "differ. It is switched off and assesses no image."
                ).format(differing=found.differing, integers=found.integers),
                _("Choose another engine, and report this with the versions that are shown beside the engine's name."),
            )
        )
    return found


def _differing(actual: npt.NDArray[np.int32], expected: npt.NDArray[np.int32]) -> int:
    if actual.shape != expected.shape:
        return int(expected.size)
    return int(np.count_nonzero(actual != expected))
