"""A head is trained in whole numbers, the same for the same cases, with nothing lost that was not asked for."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qana_desktop.learning.head import HeadSettings, TooFewCases, TrainedHead, train_head, with_head
from qana_desktop.learning.memory import LocalCase, MemoryRefused, memory_from_bytes, without_patients
from qana_desktop.learning.rounding import round_rows
from qana_desktop.network import arithmetic
from qana_desktop.network.export_onnx import INPUT_NAME, to_onnx
from qana_desktop.network.layers import Dense
from qana_desktop.network.serialise import arrays_to_bytes, network_from_bytes, network_to_bytes
from qana_desktop.triage.diagnosis import CLASS_ORDER, Diagnosis
from tests.support.learning_world import CODES, FEATURES, World, build_world, cases, draw, head_rows

SETTINGS = HeadSettings(factor=10.0, ceiling=0.5, steps=60)
"""Learns eagerly: the drawn world has few features, and what attacks do must show."""


@cache
def world() -> World:
    return build_world(holdout=600)


def learn(local: tuple[LocalCase, ...], chosen: HeadSettings = SETTINGS) -> TrainedHead:
    return train_head(world().network, CODES, world().policy.calibration, world().memory, local, settings=chosen)


def rows_of(local: tuple[LocalCase, ...], chosen: HeadSettings = SETTINGS) -> list[list[int]]:
    found: list[list[int]] = head_rows(learn(local, chosen).network).tolist()
    return found


def moved_cases(seed: int = 10) -> tuple[LocalCase, ...]:
    return cases(list(CLASS_ORDER) * 10, seed=seed, moved=1.5)


def test_a_clinic_with_another_camera_gains_and_the_factory_loses_little() -> None:
    trained = learn(moved_cases())
    site = replace(world(), features=_site_features())
    gain = site.read(trained.network).balanced_accuracy() - site.read(world().network).balanced_accuracy()
    before, after = (world().read(network).balanced_accuracy() for network in (world().network, trained.network))
    assert gain > 0.02
    assert after > before - 0.05
    assert trained.loss_after < trained.loss_before


def _site_features() -> np.ndarray:
    return draw(world().truth, seed=99, moved=1.5)


def test_every_engine_gives_the_new_heads_integers_and_the_features_as_before() -> None:
    trained = learn(moved_cases())
    again = network_from_bytes(network_to_bytes(trained.network))
    images = np.random.default_rng(3).integers(0, 256, (5, 6, 6, 1)).astype(np.uint8)
    expected = arithmetic.run(again, images)[-1]
    session = onnxruntime.InferenceSession(to_onnx(again), providers=["CPUExecutionProvider"])
    assert np.array_equal(session.run(None, {INPUT_NAME: images})[0], expected)
    old = arithmetic.run(world().network, images)[-1]
    assert np.array_equal(expected[:, 7:], old[:, 7:])
    assert trained.network.layers[:-1] == world().network.layers[:-1]


def test_the_akida_simulator_gives_the_same_integers() -> None:
    pytest.importorskip("akida", reason="the Akida library is not installed here")
    from qana_desktop.network.export_akida import to_akida

    network = learn(moved_cases()).network
    images = np.random.default_rng(4).integers(0, 256, (3, 6, 6, 1)).astype(np.uint8)
    found = to_akida(network).forward(images)
    assert np.array_equal(found.reshape(3, -1), arithmetic.run(network, images)[-1])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_neither_order_nor_a_second_time_changes_an_integer(seed: int) -> None:
    local = moved_cases()
    order = np.random.default_rng(seed).permutation(len(local))
    assert rows_of(tuple(local[n] for n in order)) == rows_of(local)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 69), min_size=1, max_size=100))
def test_copies_of_cases_change_nothing_also_under_other_names(copied: list[int]) -> None:
    local = moved_cases()
    names = [f"{'az'[count % 2]}-{count}" for count in range(len(copied))]
    copies = tuple(replace(local[n], patient=name, lesion=name) for name, n in zip(names, copied, strict=True))
    assert rows_of((*local, *copies)) == rows_of(local)


def test_a_hundred_pictures_of_one_lesion_weigh_as_one_lesion() -> None:
    local = moved_cases()
    swarm = cases([Diagnosis.NV] * 100, seed=30, moved=1.5)
    single = tuple(replace(case, patient="one", lesion="one") for case in swarm)
    change = [_distance((*local, *more), local) for more in (single, swarm)]
    assert change[0] < change[1]


def _distance(one: tuple[LocalCase, ...], other: tuple[LocalCase, ...]) -> int:
    return int(np.abs(np.array(rows_of(one)) - np.array(rows_of(other))).sum())


def test_without_steps_the_parents_integers_come_back() -> None:
    assert rows_of(moved_cases(), replace(SETTINGS, steps=0)) == head_rows(world().network).tolist()


def test_withdrawing_a_patient_gives_the_head_that_never_saw_them() -> None:
    local = moved_cases()
    kept = without_patients(local, frozenset({local[3].patient, "unknown"}))
    assert len(kept) == len(local) - 1
    assert rows_of(kept) == rows_of(tuple(case for case in local if case is not local[3]))


def test_a_new_class_gets_a_unit_and_is_recognised() -> None:
    fresh = tuple(replace(case, label="scc", features=_unlike(case.features)) for case in cases(["bcc"] * 40, seed=50))
    later = tuple(_unlike(case.features) for case in cases(["bcc"] * 40, seed=51))
    trained = learn(fresh)
    assert trained.classes == (*CODES, "scc")
    assert trained.network.classes == 8
    logits = np.array([features.mean(axis=0) @ head_rows(trained.network).T.astype(float) for features in later])
    shares = world().policy.calibration.scale * logits
    assert (shares.argmax(axis=1) == 7).mean() >= 0.6
    before = world().read(world().network)
    old = world().read(with_head(trained.network, head_rows(trained.network)[:7]))
    assert old.balanced_accuracy() > before.balanced_accuracy() - 0.05


def _unlike(features: np.ndarray) -> np.ndarray:
    """Pictures of a kind that no other class has: features 30 to 35 are high, those of its old class are not."""
    changed = features.copy()
    changed[:, 5:10] = np.maximum(changed[:, 5:10], 3) - 3
    changed[:, 30:] = np.minimum(changed[:, 30:] + 6, 15)
    return changed


def test_a_new_class_with_too_few_lesions_is_refused_also_when_they_are_copied() -> None:
    few = cases(["bcc"] * 29, seed=50, said="scc")
    with pytest.raises(TooFewCases, match=r"'scc' has 29 confirmed lesions, and is learnt from 30"):
        learn((*few, *few))


def test_nothing_to_learn_from_is_told() -> None:
    with pytest.raises(TooFewCases, match="no confirmed case"):
        learn(())


def test_what_the_listener_raises_ends_the_training() -> None:
    class Stopped(Exception):
        pass

    heard = []

    def stop(done: int, total: int) -> None:
        heard.append((done, total))
        if done == 3:
            raise Stopped

    with pytest.raises(Stopped):
        train_head(
            world().network, CODES, world().policy.calibration, world().memory, moved_cases(), settings=SETTINGS,
            on_step=stop,
        )  # fmt: skip
    assert heard == [(0, 60), (1, 60), (2, 60), (3, 60)]


def test_features_that_do_not_fit_are_a_mistake_of_the_caller() -> None:
    case = moved_cases()[0]
    for bad in (case.features[:, :5], case.features.astype(np.int32), case.features + 16, case.features[:0]):
        with pytest.raises(ValueError, match="features"):
            learn((replace(case, features=bad),))
    headless = replace(world().network, features=0)
    with pytest.raises(ValueError, match="4-bit dense head"):
        train_head(headless, CODES, world().policy.calibration, world().memory, moved_cases(), settings=SETTINGS)


def test_identity_rows_are_kept() -> None:
    head = learn(moved_cases()).network.layers[-1]
    assert isinstance(head, Dense)
    assert np.array_equal(head.weights[7:], np.eye(FEATURES))
    assert np.abs(head.weights).max() <= 7


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_rounding_that_pays_back_is_closer_than_plain_rounding(seed: int) -> None:
    generator = np.random.default_rng(seed)
    inputs = np.abs(generator.normal(2, 2, (200, 24))) @ (np.eye(24) + 0.3)
    moment = inputs.T @ inputs / 200 + 1e-3 * np.eye(24)
    weights = generator.uniform(-5, 5, (7, 24))
    found = round_rows(weights, moment, low=-7, high=7)

    def error(whole: np.ndarray) -> float:
        return float(np.einsum("kf,fg,kg->", whole - weights, moment, whole - weights))

    assert error(found) < error(np.rint(weights))
    assert np.array_equal(round_rows(np.rint(weights), moment, low=-7, high=7), np.rint(weights))


def test_a_damaged_feature_memory_is_refused() -> None:
    good = {"features": np.full((7, 4), 3, np.uint8), "labels": np.arange(7, dtype=np.uint8)}
    assert len(memory_from_bytes(arrays_to_bytes(good), classes=7, features=4).labels) == 7
    bad = (
        {"features": good["features"]},
        good | {"labels": np.arange(6, dtype=np.uint8)},
        good | {"labels": np.zeros(7, np.uint8)},
        good | {"features": good["features"] + 13},
        good | {"features": good["features"].astype(np.int32)},
    )
    for arrays in bad:
        with pytest.raises(MemoryRefused, match="cannot be learnt"):
            memory_from_bytes(arrays_to_bytes(arrays), classes=7, features=4)
    with pytest.raises(MemoryRefused):
        memory_from_bytes(b"not a file of arrays", classes=7, features=4)
    with pytest.raises(MemoryRefused):
        memory_from_bytes(arrays_to_bytes(good), classes=7, features=5)


def test_a_new_class_counts_pictures_and_not_names() -> None:
    few = cases(["bcc"] * 29, seed=50, said="scc")
    copies = tuple(replace(case, lesion=f"other-{n}", features=case.features[::-1]) for n, case in enumerate(few))
    with pytest.raises(TooFewCases, match="29 confirmed lesions"):
        learn((*few, *copies))
