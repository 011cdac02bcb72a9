"""Akida's own learning rule: a last layer of binary weights on binary features that learns where it runs.

`AkidaUnsupervised` (BrainChip, IP version 1): each class has neurons of its own, and each neuron keeps `ones` of its
inputs. A learner is always a fresh model, never the one that reads, so that what is in use cannot change. On a board
learning is not the simulator's, bit for bit: what was learnt is judged on the engine that learnt it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.engines.akida_runtime import load_sdk
from qana_desktop.engines.contract import BadInput, EngineError, ModelRefused
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import _

BitArray: TypeAlias = npt.NDArray[np.uint8]
LabelArray: TypeAlias = npt.NDArray[np.int64]

_REMEDY: Final = _("Learn with the head training, which works on every engine.")


@dataclass(frozen=True)
class OnChipSettings:
    """The rule's numbers. `ones` of a neuron is `ones_share` of the median count of active inputs.

    A class has at most `neurons`, and never more than its cases.
    """

    neurons: int = 40
    ones_share: float = 1.2
    competition: float = 0.1
    plasticity: float = 1.0
    least_plasticity: float = 0.1
    decay: float = 0.25


class OnChipLearner:
    """One learner on the simulator, or on `device` where it was mapped to one. Close nothing: it holds memory only."""

    def __init__(self, model: Any, classes: int, inputs: int, *, on_device: bool) -> None:
        self._model, self._inputs = model, inputs
        self.classes = classes
        self.on_device = on_device

    def learn(self, bits: BitArray, labels: LabelArray) -> None:
        """Learn cases (n, inputs) once, in their order, with class indices (n,). Raises BadInput, ModelRefused."""
        wanted = self._checked(bits)
        if labels.shape != (len(bits),) or (len(labels) and not 0 <= labels.min() <= labels.max() < self.classes):
            raise _bad(_("The labels do not fit the cases."))
        self._ask(lambda: self._model.fit(wanted, labels.astype(np.int32)))

    def add_classes(self, count: int) -> None:
        """Add classes after the others; what was learnt stays. Raises ModelRefused."""
        self._ask(lambda: self._model.add_classes(count))
        self.classes += count

    def potentials(self, bits: BitArray) -> npt.NDArray[np.int32]:
        """The strongest neuron of each class: (n, inputs) -> (n, classes). Raises BadInput, ModelRefused."""
        found = np.asarray(self._ask(lambda: self._model.forward(self._checked(bits))))
        return np.asarray(found.reshape(len(bits), self.classes, -1).max(axis=2), np.int32)

    def answers(self, bits: BitArray) -> LabelArray:
        """Class indices (n,) as the library answers. Raises BadInput, ModelRefused."""
        wanted = self._checked(bits)
        found = self._ask(lambda: self._model.predict_classes(wanted, num_classes=self.classes))
        return np.asarray(found, np.int64).reshape(-1)

    def to_bytes(self) -> bytes:
        """The model as a file of the library: all that was learnt."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "learnt.fbz"
            self._ask(lambda: self._model.save(str(path)))
            return path.read_bytes()

    def _checked(self, bits: BitArray) -> BitArray:
        if bits.dtype != np.uint8 or bits.ndim != 2 or bits.shape[1] != self._inputs or not len(bits):
            raise _bad(_("The features are not those that this layer learns from."))
        if bits.max() > 1:
            raise _bad(_("The chip learns from features that are 0 or 1."))
        return np.ascontiguousarray(bits.reshape(len(bits), 1, 1, self._inputs))

    def _ask(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (RuntimeError, ValueError, OSError) as error:
            raise _refused(str(error)) from error


def new_learner(
    bits: BitArray,
    labels: LabelArray,
    *,
    settings: OnChipSettings,
    sdk: Callable[[], ModuleType] = load_sdk,
    device: Any = None,
) -> OnChipLearner:
    """Return a learner that has learnt nothing yet, made for cases (n, inputs) with class indices (n,) from 0 on.

    With a `device` of the library it is mapped onto it, all of it, and learns there. Raises SdkMissing, SdkVersion,
    ModelRefused, and BadInput for a class without a case or for features that hold no bit.
    """
    counts = np.bincount(labels)
    if not len(labels) or counts.min() == 0:
        raise _bad(_("Each class needs a case before the chip can learn it."))
    active = int(np.median(bits.sum(axis=1)))
    ones = min(max(1, round(settings.ones_share * active)), bits.shape[1] // 2)
    neurons = int(min(settings.neurons, counts.min()))
    library, classes = sdk(), len(counts)
    try:
        model = library.Model()
        model.add(library.InputData(input_shape=(1, 1, bits.shape[1]), input_bits=1, name="bits"))
        model.add(library.FullyConnected(units=classes * neurons, activation=False, name="learner"))
        rule = library.AkidaUnsupervised(
            num_weights=ones,
            num_classes=classes,
            initial_plasticity=settings.plasticity,
            learning_competition=settings.competition,
            min_plasticity=settings.least_plasticity,
            plasticity_decay=settings.decay,
        )
        model.compile(rule)
        if device is not None:
            model.map(device, hw_only=True)
    except (RuntimeError, ValueError, IndexError) as error:
        raise _refused(str(error)) from error
    return OnChipLearner(model, classes, bits.shape[1], on_device=device is not None)


def _bad(message: str) -> BadInput:
    return BadInput(Fault("learning-input-bad", message, _REMEDY))


def _refused(cause: str) -> EngineError:
    message = _("The Akida library could not learn ({cause}). Nothing was changed.").format(cause=cause)
    return ModelRefused(Fault("on-chip-learning", message, _REMEDY))
