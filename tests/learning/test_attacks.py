"""Attacks on the network through its learning: each is refused by the line that should, or changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from qana_desktop.learning.gate import Accepted, Comparison, Decision, Holdout, Refused, best_of, decide
from qana_desktop.learning.head import HeadSettings, train_head
from qana_desktop.learning.memory import LocalCase
from qana_desktop.learning.protocol import Protocol
from qana_desktop.network.layers import IntegerNetwork
from qana_desktop.triage.diagnosis import CLASS_ORDER, Diagnosis
from tests.support.learning_world import CODES, World, build_world, cases, head_rows

SETTINGS = HeadSettings(factor=10.0, ceiling=0.5, steps=60)
"""Learns eagerly: the drawn world has few features, and what attacks do must show."""


@cache
def world() -> World:
    return build_world()


def learn(local: Sequence[LocalCase], parent: IntegerNetwork | None = None) -> IntegerNetwork:
    return train_head(
        parent or world().network, CODES, world().policy.calibration, world().memory, local, settings=SETTINGS
    ).network


def gate(network: IntegerNetwork) -> Decision:
    factory, candidate = world().read(world().network), world().read(network)
    return decide((Comparison(Holdout.FACTORY, factory, candidate, best_of(factory)),), Protocol())


def failed(decision: Decision) -> set[str]:
    assert isinstance(decision, Refused)
    return {line.code for line in decision.failed}


def test_right_labels_of_the_factorys_own_kind_of_cases_are_accepted() -> None:
    """The holdout shows that the gate does not refuse everything: melanomas as they are, learnt as melanomas."""
    assert isinstance(gate(learn(cases([Diagnosis.MEL] * 5, seed=20))), Accepted)


def test_melanomas_called_nevi_are_refused_by_the_melanoma_lines() -> None:
    poisoned = cases([Diagnosis.MEL] * 150, seed=21, said="nv")
    found = failed(gate(learn(poisoned)))
    assert "melanoma-sensitivity" in found
    assert "melanoma-paired" in found


def test_two_classes_swapped_are_refused() -> None:
    swapped = cases([Diagnosis.MEL] * 100, seed=22, said="nv") + cases([Diagnosis.NV] * 100, seed=23, said="mel")
    assert failed(gate(learn(swapped))) & {"melanoma-sensitivity", "class-recall", "specificity"}


def test_a_batch_that_is_all_called_benign_is_refused() -> None:
    batch = cases([dx for dx in CLASS_ORDER for _ in range(30)], seed=24, said="bkl")
    assert {"malignant-sensitivity", "malignant-paired"} <= failed(gate(learn(batch)))


def test_a_hundred_copies_of_a_benign_case_are_one_case() -> None:
    honest = cases([Diagnosis.MEL] * 5, seed=20)
    nevus = cases([Diagnosis.NV], seed=25)[0]
    copies = tuple(replace(nevus, patient=f"z-{n}", lesion=f"z-{n}") for n in range(100))
    with_one, with_all = learn((*honest, nevus)), learn((*honest, nevus, *copies))
    assert np.array_equal(head_rows(with_one), head_rows(with_all))


def test_ten_updates_each_with_some_false_labels_never_drift_past_the_gate() -> None:
    """Each update goes on from the last accepted one; what is in use at the end is still within the lines."""
    current, refused = world().network, 0
    best = best_of(world().read(current))
    for update in range(10):
        candidate = learn(cases([Diagnosis.MEL] * 12, seed=100 + update, said="nv"), current)
        factory, read = world().read(world().network), world().read(candidate)
        decision = decide((Comparison(Holdout.FACTORY, factory, read, best),), Protocol())
        if isinstance(decision, Refused):
            refused += 1
            continue
        current, best = candidate, best_of(read, best)
    assert refused >= 1
    assert isinstance(gate(current), Accepted)
