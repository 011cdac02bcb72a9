"""Trains a new 4-bit head on stored integer features: the factory's memory and the clinic's confirmed cases.

The backbone stays as it is, and so do the identity rows that return the features. On factory cases the new head is held
to the answers of its parent, so that without any case nothing changes; on the clinic's cases it is taught their labels.
The calibration of the parent is inside the loss: the new head is made to be right at the printed cuts. See
docs/adr/0011 and docs/learning.md. Nothing is drawn at random, and neither the order of the cases nor doubles matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.learning.memory import LARGEST_FEATURE, FeatureMemory, LocalCase, true_lesions
from qana_desktop.learning.rounding import round_rows
from qana_desktop.network.layers import Dense, Int8Array, IntegerNetwork
from qana_desktop.network.validate import WEIGHT_RANGES, check
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _
from qana_desktop.triage.calibration import softmax
from qana_desktop.triage.policy import Calibration

FloatArray: TypeAlias = npt.NDArray[np.float64]


class TooFewCases(KnownError):
    """There is nothing to learn from, or a new class has too few lesions."""


@dataclass(frozen=True)
class HeadSettings:
    """How strongly the clinic's cases weigh against the factory's.

    A lesion of the clinic weighs as `factor` factory images of its class, and all lesions of a class at most as
    `ceiling` times the factory's. `ridge` pulls to the parent's weights (share of the mean curvature). `steps` of
    accelerated descent are taken. `new_class_cases` lesions are needed before a class is added.
    """

    factor: float = 3.0
    ceiling: float = 0.1
    ridge: float = 0.01
    steps: int = 100
    new_class_cases: int = 30


@dataclass(frozen=True, eq=False)
class TrainedHead:
    """The new network with its class order, and what it was made from.

    `lesions` counts the clinic's lesions by class code. `loss_before` and `loss_after` are the weighted losses of the
    parent's and of the new integers on the same cases, in nats; where a class is new, its row starts at nothing known.
    """

    network: IntegerNetwork
    classes: tuple[str, ...]
    lesions: tuple[tuple[str, int], ...]
    loss_before: float
    loss_after: float


@dataclass(frozen=True, eq=False)
class _Problem:
    """Rows of features (m, F) with target shares (m, C) and weights (m,): weighted cross-entropy of a softmax.

    The softmax is of ``scale * features @ weights.T + offset``.
    """

    features: FloatArray
    targets: FloatArray
    weights: FloatArray
    scale: float
    offset: FloatArray

    def shares(self, head: FloatArray) -> FloatArray:
        return softmax(self.scale * (self.features @ head.T) + self.offset)

    def loss(self, head: FloatArray) -> float:
        logs = np.log(np.maximum(self.shares(head), 1e-300))
        return float(-(self.weights[:, None] * self.targets * logs).sum() / self.weights.sum())

    def gradient(self, head: FloatArray) -> FloatArray:
        residual = (self.shares(head) - self.targets) * self.weights[:, None]
        return np.asarray(self.scale * (residual.T @ self.features), dtype=np.float64)

    def curvature(self, ridge: float) -> FloatArray:
        """A bound (F, F) of the second derivative for every head (Boehning 1992), with `ridge` of its mean added."""
        bound = 0.5 * self.scale**2 * (self.features.T @ (self.weights[:, None] * self.features))
        return np.asarray(bound + ridge * np.diag(bound).mean() * np.eye(len(bound)), dtype=np.float64)


def train_head(
    parent: IntegerNetwork,
    classes: Sequence[str],
    calibration: Calibration,
    memory: FeatureMemory,
    cases: Sequence[LocalCase],
    *,
    settings: HeadSettings,
    on_step: Callable[[int, int], None] = lambda _done, _total: None,
) -> TrainedHead:
    """Return a network whose head has learnt `cases`; `classes` and `calibration` are the parent's.

    Labels that are not in `classes` become new classes, in alphabetical order after the others. `on_step` hears how
    many steps of how many are done; what it raises ends the training, and nothing is left behind.
    Raises TooFewCases without any case or with a new class of too few lesions, ValueError for features that do not
    fit.
    """
    known = _all_classes(classes, cases, settings)
    start = _start(parent, len(known))
    problem = _problem(start, len(classes), known, calibration, memory, cases, settings)
    curvature = problem.curvature(settings.ridge)
    found = _descend(problem, start, curvature, settings, on_step)
    low, high = WEIGHT_RANGES[4]
    rounded = round_rows(found, curvature, low=low, high=high)
    return TrainedHead(
        network=with_head(parent, rounded),
        classes=known,
        lesions=_lesion_counts(cases),
        loss_before=problem.loss(start),
        loss_after=problem.loss(rounded.astype(np.float64)),
    )


def with_head(parent: IntegerNetwork, rows: Int8Array) -> IntegerNetwork:
    """The parent with other class rows (classes, F), the identity rows kept. Raises NetworkRefused if not legal."""
    head = _head(parent)
    network = replace(
        parent,
        layers=(*parent.layers[:-1], replace(head, weights=np.concatenate([rows, head.weights[parent.classes :]]))),
        classes=len(rows),
    )
    check(network)
    return network


def _head(network: IntegerNetwork) -> Dense:
    head = network.layers[-1]
    if not isinstance(head, Dense) or head.weight_bits != 4 or not network.features:
        raise ValueError("only a network with a 4-bit dense head that returns its features can learn")
    return head


def _all_classes(classes: Sequence[str], cases: Sequence[LocalCase], settings: HeadSettings) -> tuple[str, ...]:
    counts = dict(_lesion_counts(cases))
    if not counts:
        raise TooFewCases(Fault("no-cases", _("There is no confirmed case to learn from."), _("Confirm cases first.")))
    added = sorted(set(counts) - set(classes))
    for label in added:
        if counts[label] < settings.new_class_cases:
            message = _(
                "The new class '{label}' has {counts} confirmed lesions, and is learnt from {new_class_cases}."
            ).format(label=label, counts=counts[label], new_class_cases=settings.new_class_cases)
            raise TooFewCases(Fault("new-class-too-small", message, _("Confirm more cases, or leave these out.")))
    return (*classes, *added)


def _lesion_counts(cases: Sequence[LocalCase]) -> tuple[tuple[str, int], ...]:
    lesions = true_lesions(cases)
    return tuple(sorted(Counter(label for _, label in {(lesions[case.lesion], case.label) for case in cases}).items()))


def _start(parent: IntegerNetwork, classes: int) -> FloatArray:
    """The parent's rows; a new class starts at their mean, which says nothing for or against it."""
    rows = _head(parent).weights[: parent.classes].astype(np.float64)
    mean = np.rint(rows.mean(axis=0))
    return np.concatenate([rows, np.tile(mean, (classes - len(rows), 1))])


def _problem(
    start: FloatArray,
    old: int,
    known: tuple[str, ...],
    calibration: Calibration,
    memory: FeatureMemory,
    cases: Sequence[LocalCase],
    settings: HeadSettings,
) -> _Problem:
    """Offsets leave the prevalence out: each class weighs the same here, and the policy puts the prevalence back in."""
    offset = np.asarray(calibration.bias) - np.log(np.asarray(calibration.prevalence))
    local, labels, weights = _local_rows(cases, known, start.shape[1])
    counts = np.bincount(memory.labels, minlength=len(known)).astype(np.float64)
    factory = memory.features.astype(np.float64)
    kept = softmax(calibration.scale * (factory @ start[:old].T) + offset)
    return _Problem(
        features=np.concatenate([factory, local]),
        targets=np.concatenate([np.pad(kept, ((0, 0), (0, len(known) - old))), np.eye(len(known))[labels]]),
        weights=np.concatenate([1.0 / counts[memory.labels], _class_weights(labels, weights, counts, settings)]),
        scale=calibration.scale,
        offset=np.pad(offset, (0, len(known) - old), constant_values=offset.mean()),
    )


def _class_weights(
    labels: npt.NDArray[np.int64], lesions: FloatArray, counts: FloatArray, settings: HeadSettings
) -> FloatArray:
    """Weights of local rows: the factory images of a class weigh 1 together, and a class that is new weighs 1 too."""
    totals = np.bincount(labels, weights=lesions, minlength=len(counts))
    asked = settings.factor * totals / np.maximum(counts, 1.0)
    shares = np.where(counts > 0, np.minimum(asked, settings.ceiling), 1.0)
    return np.asarray(lesions * (shares / np.maximum(totals, 1e-300))[labels], dtype=np.float64)


def _local_rows(
    cases: Sequence[LocalCase], known: tuple[str, ...], width: int
) -> tuple[FloatArray, npt.NDArray[np.int64], FloatArray]:
    """Features of every view of every case, class indices, and weights of which each lesion has 1 in all.

    A picture counts once for a label, and lesions that share a picture are one, whatever they are called. The order is
    that of the features, so that it does not depend on the order of the cases.
    """
    lesions = true_lesions(cases)
    rows: dict[tuple[int, bytes], tuple[npt.NDArray[np.uint8], str]] = {}
    for case in cases:
        _check_features(case, width)
        key = (known.index(case.label), case.picture)
        views = np.frombuffer(case.picture, np.uint8).reshape(case.features.shape)
        rows[key] = (views, lesions[case.lesion])
    ordered = sorted(rows.items(), key=lambda item: item[0])
    images = Counter((label, lesion) for (label, _), (_, lesion) in ordered)
    parts = [
        (features, label, 1.0 / (images[label, lesion] * len(features))) for (label, _), (features, lesion) in ordered
    ]
    return (
        np.concatenate([features for features, _, _ in parts]).astype(np.float64),
        np.concatenate([np.full(len(features), label, np.int64) for features, label, _ in parts]),
        np.concatenate([np.full(len(features), weight) for features, _, weight in parts]),
    )


def _check_features(case: LocalCase, width: int) -> None:
    features = case.features
    if features.dtype != np.uint8 or features.ndim != 2 or features.shape[1] != width or not len(features):
        raise ValueError(f"features are {features.dtype} {features.shape}, not uint8 (views, {width})")
    if features.max() > LARGEST_FEATURE:
        raise ValueError(f"features go up to {features.max()}, and 4 bits to {LARGEST_FEATURE}")


def _descend(
    problem: _Problem,
    start: FloatArray,
    curvature: FloatArray,
    settings: HeadSettings,
    on_step: Callable[[int, int], None],
) -> FloatArray:
    """Accelerated descent (Nesterov 1983) in the metric of the curvature's bound, in which steps of 1 are safe."""
    ridge = settings.ridge * float(np.diag(curvature).mean()) / (1.0 + settings.ridge)
    inverse = np.linalg.inv(curvature)
    head, ahead, pace = start, start, 1.0
    for done in range(settings.steps):
        on_step(done, settings.steps)
        step = (problem.gradient(ahead) + ridge * (ahead - start)) @ inverse
        moved = ahead - step
        following = (1.0 + (1.0 + 4.0 * pace**2) ** 0.5) / 2.0
        ahead = moved + (pace - 1.0) / following * (moved - head)
        head, pace = moved, following
    on_step(settings.steps, settings.steps)
    return head
