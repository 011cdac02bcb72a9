"""Akida's own rule behind the adapter: the library's simulator and the stand-in answer the same questions alike."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from qana_desktop.engines.contract import BadInput, ModelRefused, SdkMissing
from qana_desktop.engines.on_chip_learning import OnChipLearner, OnChipSettings, new_learner
from qana_desktop.learning.binary_features import balanced_rows, fit_binariser
from qana_desktop.learning.memory import FeatureMemory
from tests.engines.test_fake_akida_learning import CLASSES, INPUTS, samples
from tests.support import fake_akida
from tests.support.learning_world import FEATURES, build_world, draw

SETTINGS = OnChipSettings(neurons=6)


@pytest.fixture(params=["fake", "real"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    if request.param == "fake":
        return fake_akida.sdk_with()
    module: ModuleType = request.getfixturevalue("akida")
    return module


def drawn(count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Bits (n, INPUTS) of CLASSES classes in mixed order."""
    inputs, labels = samples(count, seed)
    order = np.random.default_rng(seed + 50).permutation(len(labels))
    return inputs.reshape(len(inputs), -1)[order], labels[order].astype(np.int64)


def learnt(library: ModuleType) -> OnChipLearner:
    bits, labels = drawn(30)
    learner = new_learner(bits, labels, settings=SETTINGS, sdk=lambda: library)
    learner.learn(bits, labels)
    return learner


def test_what_was_learnt_is_answered_on_other_cases(library: ModuleType) -> None:
    bits, labels = drawn(20, seed=2)
    learner = learnt(library)
    assert np.mean(learner.answers(bits) == labels) > 0.8
    strongest = learner.potentials(bits)
    assert strongest.shape == (len(bits), CLASSES)
    assert np.mean(strongest.argmax(axis=1) == labels) > 0.8


def test_a_class_is_added_and_the_others_stay(library: ModuleType) -> None:
    bits = drawn(20, seed=2)[0]
    learner = learnt(library)
    before = learner.potentials(bits)
    learner.add_classes(1)
    assert np.array_equal(learner.potentials(bits)[:, :CLASSES], before)
    new = np.zeros((20, INPUTS), np.uint8)
    new[:, INPUTS - 2 :] = 1
    new[:, ::9] = 1
    learner.learn(new, np.full(20, CLASSES))
    assert np.mean(learner.answers(new) == CLASSES) > 0.8
    assert learner.classes == CLASSES + 1


def test_a_learner_is_a_fresh_model_each_time(library: ModuleType) -> None:
    one, other = learnt(library), learnt(library)
    before = one.to_bytes()
    bits, labels = drawn(30, seed=3)
    other.learn(bits, labels)
    assert one.to_bytes() == before


@pytest.mark.parametrize("wrong", ["wide", "levels", "type", "none", "labels"])
def test_what_cannot_be_learnt_from_is_refused_in_words(library: ModuleType, wrong: str) -> None:
    bits, labels = drawn(5)
    learner = learnt(library)
    given = {
        "wide": (bits[:, :-1], labels),
        "levels": (bits * 3, labels),
        "type": (bits.astype(np.int32), labels),
        "none": (bits[:0], labels[:0]),
        "labels": (bits, labels + CLASSES),
    }[wrong]
    with pytest.raises(BadInput) as refusal:
        learner.learn(*given)
    assert refusal.value.fault.message.endswith(".")
    assert refusal.value.fault.remedy.endswith(".")


def test_a_class_without_cases_and_a_device_that_cannot_learn_are_refused(library: ModuleType) -> None:
    bits, labels = drawn(5)
    with pytest.raises(BadInput, match="Each class needs a case"):
        new_learner(bits, labels + 1, settings=SETTINGS, sdk=lambda: library)
    with pytest.raises(ModelRefused, match="Nothing was changed"):
        new_learner(bits, labels, settings=OnChipSettings(neurons=5, competition=7.0), sdk=lambda: library)


def test_without_the_library_it_says_what_to_install() -> None:
    def none() -> ModuleType:
        from qana_desktop.engines.akida_runtime import missing_fault

        raise SdkMissing(missing_fault("linux", "x86_64", (3, 11)))

    bits, labels = drawn(5)
    with pytest.raises(SdkMissing, match="not installed"):
        new_learner(bits, labels, settings=SETTINGS, sdk=none)


def test_the_simulator_learns_a_clinic_from_integer_features(akida: ModuleType) -> None:
    """Integer features of drawn lesions, made binary by the factory's levels: better than chance.

    The library draws its first weights itself, anew each time; half above chance is more than luck for 280 images.
    """
    world = build_world(holdout=200)
    binary = fit_binariser(world.memory)
    chosen = balanced_rows(world.memory.labels, 60)
    bits, labels = binary.bits(world.memory.features[chosen]), world.memory.labels[chosen]
    learner = new_learner(bits, labels, settings=OnChipSettings(neurons=10), sdk=lambda: akida)
    learner.learn(bits, labels)
    truth = np.repeat(np.arange(7), 40)
    found = learner.answers(binary.bits(draw(truth, seed=9)[:, 0]))
    assert np.mean(found == truth) > 1.5 / 7.0


def test_bits_are_balanced_by_class_and_of_the_same_features() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    features = np.where(labels[:, None] == 0, 2, 9).astype(np.uint8) * np.ones((1, FEATURES), np.uint8)
    binary = fit_binariser(FeatureMemory(features, labels), (0.5, 0.9))
    assert binary.levels.shape == (2, FEATURES)
    assert binary.bits(features[:1]).sum() == 0
    assert binary.bits(features[-1:])[0, :FEATURES].all()
    with pytest.raises(ValueError, match="features are"):
        binary.bits(features[:, 1:])
    assert list(np.bincount(labels[balanced_rows(labels, 20)])) == [20, 10]
