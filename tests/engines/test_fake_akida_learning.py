"""On-chip learning of the stand-in: whatever can be asked of the vendor's simulator too, both answer alike."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.support import fake_akida

INPUTS, CLASSES, EACH, ONES = 128, 7, 6, 16


@pytest.fixture(params=["fake", "real"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    if request.param == "fake":
        return fake_akida.sdk_with()
    module: ModuleType = request.getfixturevalue("akida")
    return module


def learner(library: ModuleType, units: int = CLASSES * EACH) -> Any:
    model = library.Model()
    model.add(library.InputData(input_shape=(1, 1, INPUTS), input_bits=1))
    model.add(library.FullyConnected(units=units, name="learner", weights_bits=1, activation=False))
    return model


def compiled(library: ModuleType, **named: float) -> Any:
    model = learner(library)
    model.compile(library.AkidaUnsupervised(num_weights=ONES, num_classes=CLASSES, **named))
    return model


def weights(model: Any) -> np.ndarray:
    """(inputs, units)"""
    return model.get_layer("learner").get_variable("weights").reshape(INPUTS, -1)


def samples(count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Samples of each class: 14 of the class's own 18 inputs are on."""
    random, labels = np.random.default_rng(seed), np.repeat(np.arange(CLASSES), count)
    inputs = np.zeros((len(labels), 1, 1, INPUTS), np.uint8)
    for sample, label in zip(inputs, labels, strict=True):
        sample[0, 0, label * 18 + random.permutation(18)[:14]] = 1
    return inputs, labels


def test_compiling_gives_every_neuron_its_number_of_ones(library):
    found = weights(compiled(library))
    assert found.dtype == np.int8
    assert set(np.unique(found)) == {0, 1}
    assert set(found.sum(axis=0)) == {ONES}


@pytest.mark.parametrize(
    ("named", "error", "says"),
    [
        ({"num_weights": ONES, "num_classes": 5}, ValueError, "multiple of the number of classes"),
        ({"num_weights": 0, "num_classes": 7}, ValueError, "must be strictly positive"),
        ({"num_weights": 8, "num_classes": 7, "initial_plasticity": 2.0}, ValueError, "plasticity must be between"),
        ({"num_weights": 8, "num_classes": 7, "learning_competition": 2.0}, ValueError, "competition must be between"),
        ({"num_weights": INPUTS + 1, "num_classes": 7}, IndexError, "Cannot set"),
        ({"num_classes": 7}, TypeError, "num_weights"),
    ],
    ids=["classes", "no weights", "plasticity", "competition", "too many", "missing"],
)
def test_a_wrong_rule_is_refused_in_the_same_words(library, named, error, says):
    with pytest.raises(error, match=says):
        learner(library).compile(library.AkidaUnsupervised(**named))


def test_it_is_compiled_once_and_teaches_nothing_before(library):
    model = learner(library)
    inputs, labels = samples(1)
    with pytest.raises(RuntimeError, match="last layer should be compiled"):
        model.fit(inputs, labels)
    with pytest.raises(RuntimeError, match="must be compiled"):
        model.add_classes(1)
    model.compile(library.AkidaUnsupervised(num_weights=ONES, num_classes=CLASSES))
    with pytest.raises(RuntimeError, match="already compiled"):
        model.compile(library.AkidaUnsupervised(num_weights=ONES, num_classes=CLASSES))


def test_patterns_that_differ_are_told_apart_after_a_few_rounds(library):
    model = compiled(library)
    inputs, labels = samples(12)
    for _round in range(3):
        out = model.fit(inputs, labels)
    assert out.shape == (len(inputs), 1, 1, CLASSES * EACH)
    assert out.dtype == np.int32
    unseen, truth = samples(6, seed=2)
    predicted = model.predict_classes(unseen, num_classes=CLASSES)
    assert np.mean(predicted == truth) > 0.9
    assert set(weights(model).sum(axis=0)) == {ONES}


def test_only_the_neurons_of_the_label_learn(library):
    model = compiled(library)
    before = weights(model).copy()
    inputs, labels = samples(4)
    model.fit(inputs[labels == 2], np.full(4, 2))
    changed = set(np.flatnonzero((weights(model) != before).any(axis=0)))
    assert changed
    assert changed <= set(range(2 * EACH, 3 * EACH))


def test_a_strong_neuron_learns_a_sample_at_once_and_a_weak_one_bit_by_bit(library):
    inputs, labels = samples(1)
    overlap = {}
    for plasticity in (1.0, 0.125):
        model = compiled(library, initial_plasticity=plasticity, min_plasticity=0.125, plasticity_decay=0.0)
        seen, own = inputs[:1], slice(0, EACH)
        steps = []
        for _time in range(12):
            model.fit(seen, labels[:1])
            steps.append(int((seen.reshape(-1) @ weights(model)[:, own].astype(int)).max()))
        overlap[plasticity] = steps
    assert overlap[1.0][0] == 14
    assert overlap[0.125][0] < 14
    assert overlap[0.125] == sorted(overlap[0.125])
    assert overlap[0.125][-1] == 14


def test_an_added_class_is_learned_and_the_others_stay(library):
    model = compiled(library)
    inputs, labels = samples(12)
    for _round in range(3):
        model.fit(inputs, labels)
    before = weights(model).copy()
    model.add_classes(1)
    assert weights(model).shape == (INPUTS, (CLASSES + 1) * EACH)
    assert np.array_equal(weights(model)[:, : CLASSES * EACH], before)
    new = np.zeros((1, 1, 1, INPUTS), np.uint8)
    new[..., ::9] = 1
    model.fit(np.repeat(new, 4, axis=0), np.full(4, CLASSES))
    assert model.predict_classes(new, num_classes=CLASSES + 1).tolist() == [CLASSES]
    assert np.array_equal(weights(model)[:, : CLASSES * EACH], before)


@pytest.mark.parametrize(
    ("inputs", "labels", "error", "says"),
    [
        ([[1]], 0, TypeError, "incompatible function arguments"),
        (np.zeros((2, 1, 1, INPUTS), np.int32), 0, ValueError, "dtype should be"),
        (np.full((2, 1, 1, INPUTS), 2, np.uint8), 0, RuntimeError, r"range \(0, 1\)"),
        (np.zeros((2, 1, 1, INPUTS), np.uint8), np.arange(3), ValueError, "must match number of inputs: 2"),
        (np.zeros((2, 1, 1, INPUTS), np.uint8), CLASSES, RuntimeError, "larger than allowed"),
    ],
    ids=["list", "type", "value", "labels", "class"],
)
def test_what_cannot_be_learned_is_refused_in_the_same_words(library, inputs, labels, error, says):
    model = compiled(library)
    before = weights(model).copy()
    with pytest.raises(error, match=says):
        model.fit(inputs, labels)
    assert np.array_equal(weights(model), before)


def test_what_was_learned_is_the_same_after_saving_and_loading(library, tmp_path: Path):
    model = compiled(library)
    inputs, labels = samples(4)
    model.fit(inputs, labels)
    suffix = "learned" if library.__version__.endswith("fake") else "fbz"
    first, second = (str(tmp_path / f"{name}.{suffix}") for name in ("first", "second"))
    model.save(first)
    loaded = library.Model(first)
    loaded.save(second)
    assert Path(first).read_bytes() == Path(second).read_bytes()
    assert np.array_equal(weights(loaded), weights(model))
    assert np.array_equal(loaded.forward(inputs), model.forward(inputs))
    loaded.fit(inputs, labels)


def test_it_lies_on_one_processor_of_a_virtual_board_and_learns_nothing_there(library):
    model = compiled(library)
    model.map(library.AKD1000(), hw_only=True)
    (one_pass,) = model.sequences[0].passes
    (layer,) = [layer for layer in one_pass.layers if layer.name == "learner"]
    (processor,) = layer.mapping.nps
    assert "FNP3" in str(getattr(processor.type, "name", processor.type))
    inputs, labels = samples(1)
    for ask in (lambda: model.fit(inputs, labels), lambda: model.forward(inputs)):
        with pytest.raises(RuntimeError, match="An actual hardware device is required"):
            ask()


def test_a_fake_board_learns_until_it_is_unplugged():
    board = fake_akida.akd1000()
    library = fake_akida.sdk_with(board)
    model = compiled(library)
    model.map(board, hw_only=True)
    inputs, labels = samples(6)
    for _round in range(3):
        model.fit(inputs, labels)
    assert np.mean(model.predict_classes(inputs, num_classes=CLASSES) == labels) > 0.9
    board.present = False
    before = weights(model).copy()
    with pytest.raises(RuntimeError, match="Timeout"):
        model.fit(inputs, labels)
    assert np.array_equal(weights(model), before)
