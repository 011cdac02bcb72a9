"""Akida's own learning rule beside the head training, in a simulated clinic: a table for the screen only.

BrainChip's licence asks for consent before figures that were measured with the library are published: nothing here is
written to a file, and no figure belongs into a document.
"""

from __future__ import annotations

import numpy as np

from qana_desktop.engines.on_chip_learning import OnChipSettings, new_learner
from qana_desktop.learning.binary_features import Binariser, balanced_rows, fit_binariser
from qana_desktop.network.layers import IntegerNetwork
from qana_desktop.triage import metrics
from tests.benchmarks.clinic_runs import learnt_head
from tests.benchmarks.clinic_world import CAST, Images, Rows, World, arrival

CASES, EACH, REPEATS = 100, 150, 3
"""Cases of the clinic; factory cases of each class that the chip learns first; how often the clinic's come again."""


def table(world: World, *, seeds: int) -> str:
    """Balanced accuracy at the site and on the factory holdout: factory head, head training, and the chip's rule."""
    shown, own = CAST.photograph(world.test.images), CAST.photograph(world.clinic.images)
    seen, cases = world.read(world.network, shown), world.read(world.network, own)
    binary = fit_binariser(world.memory)
    rows: dict[str, list[tuple[float, float]]] = {}

    def note(name: str, site: Rows, factory: Rows) -> None:
        found = accuracy(site, world.test.labels), accuracy(factory, world.holdout.labels)
        rows.setdefault(name, []).append(found)

    note("head of the factory", *_head(world, world.network, seen))
    for seed in range(seeds):
        taken = arrival(world, seed)[:CASES]
        note(f"head training, {CASES} cases", *_head(world, learnt_head(world, taken, cases[taken]), seen))
        for name, local in (("chip, factory cases", taken[:0]), (f"chip, factory cases and {CASES} of its own", taken)):
            note(name, *_chip(world, binary, cases[local], world.clinic.labels[local], seen))
    lines = [f"{name:45s} site {_mean(found, 0)}   factory {_mean(found, 1)}" for name, found in rows.items()]
    heading = f"Balanced accuracy, camera '{CAST.name}', {seeds} seeds: mean [smallest, largest]. For this screen only:"
    return "\n".join((heading, "figures of the Akida library are not to be published.", *lines, ""))


def accuracy(answers: Rows, truth: Rows) -> float:
    """Mean recall over the classes."""
    return metrics.balanced_accuracy(metrics.confusion(truth, answers, int(truth.max()) + 1))


def _head(world: World, network: IntegerNetwork, seen: Images) -> tuple[Rows, Rows]:
    return world.judge_site(network, seen).answers, world.judge_factory(network).answers


def _chip(world: World, binary: Binariser, local: Images, labels: Rows, seen: Images) -> tuple[Rows, Rows]:
    """A fresh learner taught, then asked: evaluated by the engine that learnt."""
    chosen = balanced_rows(world.memory.labels, EACH)
    factory, truth = binary.bits(world.memory.features[chosen]), world.memory.labels[chosen]
    learner = new_learner(factory, truth, settings=OnChipSettings())
    mixed = np.random.default_rng(0).permutation(len(factory))
    learner.learn(factory[mixed], truth[mixed])
    if len(local):
        for _ in range(REPEATS):
            learner.learn(binary.bits(local[:, 0]), labels)
    return learner.answers(binary.bits(seen[:, 0])), learner.answers(binary.bits(world.holdout.features[:, 0]))


def _mean(found: list[tuple[float, float]], column: int) -> str:
    values = [row[column] for row in found]
    return f"{np.mean(values):.3f} [{min(values):.3f}, {max(values):.3f}]"
