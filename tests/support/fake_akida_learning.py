"""On-chip learning of the stand-in for the vendor's library: one layer of 1-bit weights on 1-bit inputs.

It keeps to what the vendor documents of its rule: each neuron has `num_weights` ones, placed at random when the layer
is compiled; of the neurons of the label's class the one with the highest potential learns, by moving ones from silent
inputs to active ones; how many at once falls with its plasticity. The real library draws random numbers of its own, so
the weights themselves are never the same, and on a board they are others than in the simulator.
`tests/engines/test_fake_akida_learning.py` asks both the same questions.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class AkidaUnsupervised:
    """How the last layer learns; the names, the order and the defaults of the library."""

    num_weights: int
    num_classes: int = 1
    initial_plasticity: float = 1.0
    learning_competition: float = 0.0
    min_plasticity: float = 0.1
    plasticity_decay: float = 0.25

    def check(self, units: int, inputs: int) -> None:
        if units % self.num_classes:
            raise ValueError("The number of neurons must be a multiple of the number of classes.")
        if self.num_weights <= 0:
            raise ValueError("The number of weights must be strictly positive for the Layer to be trained.")
        for name in ("initial_plasticity", "learning_competition"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"The {name.replace('_', ' ')} must be between 0 and 1.")
        if self.num_weights > inputs:
            raise IndexError(f"Cannot set {self.num_weights} values for a tensor of size {inputs}")


@dataclass
class InputData:
    input_shape: tuple[int, int, int]
    input_bits: int = 4
    name: str = "input"


@dataclass
class FullyConnected:
    """Weights are (1, 1, inputs, units), int8; 0 or 1 where it can learn."""

    units: int
    name: str = "fully"
    weights_bits: int = 1
    activation: bool = True
    inputs: int = 0
    weights: Any = None

    def get_variable_names(self) -> list[str]:
        return ["weights"]

    def get_variable(self, name: str) -> np.ndarray:
        if name != "weights":
            raise ValueError(f"No variable named {name}")
        return self.weights.copy()

    def set_variable(self, name: str, values: np.ndarray) -> None:
        if name != "weights" or values.shape != self.weights.shape:
            raise ValueError(f"Invalid dimensions for variable {name}")
        self.weights = values.astype(np.int8)

    @property
    def output_dims(self) -> list[int]:
        return [1, 1, self.units]


@dataclass
class Learning:
    """The state of a compiled layer: each neuron's plasticity, beside its weights."""

    rule: AkidaUnsupervised
    plasticity: list[float]
    random: np.random.Generator = field(default_factory=np.random.default_rng)

    def fresh(self, inputs: int, units: int) -> np.ndarray:
        """Neurons with their ones at random places, (inputs, units)."""
        weights = np.zeros((inputs, units), np.int8)
        for unit in range(units):
            weights[self.random.permutation(inputs)[: self.rule.num_weights], unit] = 1
        return weights

    def learn(self, weights: np.ndarray, sample: np.ndarray, units: range) -> None:
        """Let the winner among `units` learn one sample (inputs,) of zeros and ones; no potential, no learning."""
        potentials = sample @ weights[:, units.start : units.stop].astype(np.int32)
        winner = units.start + int(np.argmax(potentials))
        if potentials.max() <= 0:
            return
        idle = np.flatnonzero((weights[:, winner] == 1) & (sample == 0))
        wanted = np.flatnonzero((weights[:, winner] == 0) & (sample == 1))
        most = max(1, round(self.plasticity[winner] * self.rule.num_weights))
        moved = min(most, len(idle), len(wanted))
        weights[self.random.permutation(idle)[:moved], winner] = 0
        weights[self.random.permutation(wanted)[:moved], winner] = 1
        lower = self.plasticity[winner] * (1 - self.rule.plasticity_decay)
        self.plasticity[winner] = max(self.rule.min_plasticity, lower)


class LearningModel:
    """What `akida.Model()` becomes: built layer by layer, compiled, taught, saved. A board may hold it."""

    def __init__(self) -> None:
        self.layers: list[Any] = []
        self.learning: Learning | None = None
        self.device: Any = None
        self.statistics = SimpleNamespace(fps=None, powers={}, energy=None)

    @property
    def _input(self) -> InputData:
        return self.layers[0]

    @property
    def _head(self) -> FullyConnected:
        return self.layers[-1]

    def add(self, layer: Any) -> None:
        if isinstance(layer, FullyConnected):
            layer.inputs = int(np.prod(self._input.input_shape))
            layer.weights = np.zeros((1, 1, layer.inputs, layer.units), np.int8)
        self.layers.append(layer)

    def get_layer(self, name: str) -> Any:
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"The layer named '{name}' doesn't exist.")

    @property
    def output_shape(self) -> list[int]:
        return self._head.output_dims

    @property
    def sequences(self) -> list[Any]:
        backend = SimpleNamespace(name="Software" if self.device is None else "Hardware")
        unit = SimpleNamespace(ident=1, type=SimpleNamespace(name="FNP3"))
        mapping = None if self.device is None else SimpleNamespace(nps=[unit])
        layer = SimpleNamespace(name=self._head.name, mapping=mapping)
        return [SimpleNamespace(backend=backend, passes=[SimpleNamespace(layers=[layer])], program=b"program")]

    def map(self, device: Any, hw_only: bool = False) -> None:
        if device is not None and not hw_only:
            raise AssertionError("mapped without hw_only: layers may silently stay in software")
        self.device = device

    def compile(self, optimizer: AkidaUnsupervised) -> None:
        head = self._head
        if self.learning is not None:
            raise RuntimeError("Model was already compiled.")
        if head.weights_bits != 1:
            raise ValueError("Only layers with binary weights can be trained.")
        optimizer.check(head.units, head.inputs)
        self.learning = Learning(optimizer, [optimizer.initial_plasticity] * head.units)
        head.weights = self.learning.fresh(head.inputs, head.units)[None, None]

    def fit(self, inputs: np.ndarray, input_labels: Any = (), batch_size: int = 0) -> np.ndarray:
        if not isinstance(inputs, np.ndarray):
            raise TypeError("fit(): incompatible function arguments.")
        if self.learning is None:
            raise RuntimeError("To fit a model, last layer should be compiled.")
        samples = self._samples(inputs)
        labels = self._labels(input_labels, len(samples))
        self._ask_the_board()
        weights, out = self._head.weights[0, 0], []
        for sample, label in zip(samples, labels, strict=True):
            out.append(sample @ weights.astype(np.int32))
            self.learning.learn(weights, sample, self._units_of(label))
        return np.array(out, np.int32).reshape(len(samples), 1, 1, -1)

    def forward(self, inputs: np.ndarray, batch_size: int = 0) -> np.ndarray:
        samples = self._samples(inputs)
        self._ask_the_board()
        potentials = samples @ self._head.weights[0, 0].astype(np.int32)
        return potentials.reshape(len(samples), 1, 1, -1)

    def predict_classes(self, inputs: np.ndarray, num_classes: int = 1, batch_size: int = 0) -> np.ndarray:
        potentials = self.forward(inputs).reshape(len(inputs), -1)
        return np.argmax(potentials, axis=1) // (potentials.shape[1] // num_classes)

    def add_classes(self, num_add_classes: int) -> None:
        if self.learning is None:
            raise RuntimeError("The last layer must be compiled.")
        if num_add_classes <= 0:
            raise ValueError("The number of classes to add must be positive.")
        head, rule = self._head, self.learning.rule
        more = num_add_classes * head.units // rule.num_classes
        fresh = self.learning.fresh(head.inputs, more)[None, None]
        head.weights, head.units = np.concatenate([head.weights, fresh], axis=3), head.units + more
        classes = rule.num_classes + num_add_classes
        self.learning.rule = AkidaUnsupervised(**{**rule.__dict__, "num_classes": classes})
        self.learning.plasticity += [rule.initial_plasticity] * more

    def save(self, file: str) -> None:
        content = (self.layers, self.learning and (self.learning.rule, self.learning.plasticity))
        Path(file).write_bytes(pickle.dumps(content))

    @classmethod
    def loaded(cls, file: str) -> LearningModel:
        """A model that `save` wrote."""
        model = cls()
        model.layers, learning = pickle.loads(Path(file).read_bytes())  # noqa: S301 - written by this test
        model.learning = learning and Learning(*learning)
        return model

    def _samples(self, inputs: np.ndarray) -> np.ndarray:
        shape, top = tuple(self._input.input_shape), 2**self._input.input_bits - 1
        if inputs.dtype not in (np.int8, np.uint8, np.int16, np.float32):
            raise ValueError("Input dtype should be int8, uint8, int16 or float32.")
        if inputs.shape[1:] != shape:
            raise ValueError(f"Input shape must be (N,{','.join(map(str, shape))})")
        if inputs.size and inputs.max() > top:
            raise RuntimeError(f"Input values must be in the range (0, {top}). Got {inputs.max()}.")
        return inputs.reshape(len(inputs), -1).astype(np.int32)

    def _labels(self, given: Any, count: int) -> list[int]:
        labels = [int(label) for label in np.ravel(np.asarray(given, np.int64))]
        if len(labels) not in (0, 1, count):
            raise ValueError(f"Number of input labels must match number of inputs: {count}.")
        if labels and self.learning is not None and max(labels) >= self.learning.rule.num_classes:
            raise RuntimeError("Input Label is larger than allowed for the configured number of classes.")
        return labels * count if len(labels) == 1 else labels or [-1] * count

    def _units_of(self, label: int) -> range:
        """The neurons that may win: those of the class, or all of them without a label."""
        if self.learning is None or label < 0:
            return range(self._head.units)
        each = self._head.units // self.learning.rule.num_classes
        return range(label * each, (label + 1) * each)

    def _ask_the_board(self) -> None:
        if self.device is None:
            return
        if not hasattr(self.device, "present"):
            raise RuntimeError("An actual hardware device is required.")
        if not self.device.present:
            raise RuntimeError("Timeout waiting for the end of inference")
