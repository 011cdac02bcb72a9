"""A class that the factory does not know: a head with one more row, a policy with one more entry everywhere.

What the policy says of the new class comes from cases that the head which read them had not seen: the class's lesions
are left out in turns (cross-fitting). The old classes keep their offsets, cuts and sets; their shares of the population
shrink by the new one's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.learning.head import HeadSettings, TrainedHead, train_head
from qana_desktop.learning.holdouts import FeatureHoldout
from qana_desktop.learning.memory import FeatureMemory, LocalCase, true_lesions
from qana_desktop.network.layers import Dense, IntegerNetwork
from qana_desktop.system.language import _
from qana_desktop.triage.calibration import probabilities_of_means
from qana_desktop.triage.diagnosis import SiteClass
from qana_desktop.triage.domain import distances
from qana_desktop.triage.fit import fit_conformal, threshold_for_sensitivity, wilson
from qana_desktop.triage.outcome import Triage
from qana_desktop.triage.policy import Calibration, Conformal, DomainModel, Interval, OperatingPoint, ReadingPolicy

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]

FOLDS: Final = 3
FEWEST_EVER: Final = 10
"""Below this a class cannot be left out in turns."""
SENSITIVITY: Final = 0.9
"""At the cut of a malignant new class, of its left-out cases."""
_OFFSETS: Final = np.linspace(-3.0, 3.0, 121)


@dataclass(frozen=True)
class NewClass:
    """A class that a clinic adds, the lesions without which it is not learnt, and its share of the clinic's lesions.

    Raises ValueError for fewer than 10 lesions, or a share that is not between 0.001 and 0.5.
    """

    known: SiteClass
    fewest_cases: int = 30
    prevalence: float = 0.01

    def __post_init__(self) -> None:
        if self.fewest_cases < FEWEST_EVER:
            raise ValueError(f"a new class is learnt from at least {FEWEST_EVER} lesions")
        if not 0.001 <= self.prevalence <= 0.5:
            raise ValueError("the share of a new class lies between 0.001 and 0.5")


@dataclass(frozen=True, eq=False)
class LearntClass:
    """The trained head and its policy; how many left-out lesions of the new class are called that, by the policy."""

    trained: TrainedHead
    policy: ReadingPolicy
    sensitivity: Interval


def learn_new_class(
    parent: IntegerNetwork,
    policy: ReadingPolicy,
    memory: FeatureMemory,
    holdout: FeatureHoldout,
    cases: Sequence[LocalCase],
    added: NewClass,
    *,
    settings: HeadSettings,
    on_step: Callable[[int, int], None] = lambda _done, _total: None,
) -> LearntClass:
    """Learn `cases`, among them those of the class `added`, and make the policy of the new version.

    `policy` is the parent's. The holdout is only measured on. A second reader does not know the class and is left out.
    Raises TooFewCases, ValueError as `train_head`.
    """
    codes = [str(known) for known in policy.classes]
    total = (FOLDS + 1) * settings.steps

    def train(some: Sequence[LocalCase], part: int, fewest: int) -> TrainedHead:
        return train_head(
            parent,
            codes,
            policy.calibration,
            memory,
            some,
            settings=replace(settings, new_class_cases=fewest),
            on_step=lambda done, _steps: on_step(part * settings.steps + done, total),
        )

    trained = train(cases, 0, added.fewest_cases)
    left_out = _left_out(cases, str(added.known))
    crossed = []
    for part in range(FOLDS):
        rest = [case for case, fold in zip(cases, left_out, strict=True) if fold != part]
        rows = class_rows(train(rest, part + 1, 1).network)
        crossed += [_mean(case, rows) for case, fold in zip(cases, left_out, strict=True) if fold == part]
    seen = np.stack(crossed)
    calibration = _calibration(policy.calibration, memory, class_rows(trained.network), seen, added.prevalence)
    own = [case for case in cases if case.label == str(added.known)]
    made = replace(
        policy,
        classes=(*policy.classes, added.known),
        calibration=calibration,
        decision_weights=_weights(policy, calibration),
        conformal=_conformal(policy, probabilities_of_means(seen, calibration)),
        domain=None if policy.domain is None else _domain(policy.domain, own),
        second_reader=None,
    )
    if added.known.malignant:
        made = replace(made, operating_points=(*policy.operating_points, _cut(made, added, seen, holdout, trained)))
    shares = probabilities_of_means(seen, calibration) * np.asarray(made.decision_weights)
    right = shares.argmax(axis=1) == len(policy.classes)
    return LearntClass(trained, made, wilson(int(right.sum()), len(right)))


def class_rows(network: IntegerNetwork) -> FloatArray:
    """The class rows (classes, F) of a head."""
    head = network.layers[-1]
    if not isinstance(head, Dense):
        raise ValueError("the last layer is no head")
    return head.weights[: network.classes].astype(np.float64)


def _left_out(cases: Sequence[LocalCase], label: str) -> list[int]:
    """The fold of each case in which it is left out: by lesion for the new class, in no fold (-1) for the others."""
    lesions = true_lesions(cases)
    own = sorted({lesions[case.lesion] for case in cases if case.label == label})
    fold = {lesion: index % FOLDS for index, lesion in enumerate(own)}
    return [fold[lesions[case.lesion]] if case.label == label else -1 for case in cases]


def _mean(case: LocalCase, rows: FloatArray) -> FloatArray:
    return np.asarray((case.features.astype(np.float64) @ rows.T).mean(axis=0), dtype=np.float64)


def _calibration(
    old: Calibration, memory: FeatureMemory, rows: FloatArray, seen: FloatArray, prevalence: float
) -> Calibration:
    """Offsets of the old classes stay; the new one's gives the least loss on left-out and factory cases."""
    offset = np.asarray(old.bias) - np.log(np.asarray(old.prevalence))
    new = np.full(len(seen), len(old.bias))
    means = np.concatenate([memory.features.astype(np.float64) @ rows.T, seen])
    labels = np.concatenate([memory.labels, new])
    weights = 1.0 / np.bincount(labels)[labels]
    logits = old.scale * means

    def loss(tried: float) -> float:
        values = logits + np.append(offset, tried)
        values -= values.max(axis=1, keepdims=True)
        chosen = values[np.arange(len(values)), labels] - np.log(np.exp(values).sum(axis=1))
        return float(-(weights * chosen).sum())

    found = min((offset.mean() + float(step) for step in _OFFSETS), key=loss)
    shares = np.append(np.asarray(old.prevalence) * (1.0 - prevalence), prevalence)
    bias = np.append(offset, found) + np.log(shares)
    return replace(old, bias=tuple(map(float, bias - bias.mean())), prevalence=tuple(map(float, shares / shares.sum())))


def _weights(policy: ReadingPolicy, calibration: Calibration) -> tuple[float, ...]:
    """Decision weights fall as a power of the prevalence; the new class's lies on the same line."""
    logs, old = np.log(np.asarray(policy.calibration.prevalence)), np.log(np.asarray(policy.decision_weights))
    slope, height = np.polyfit(logs, old, 1) if np.ptp(logs) > 0 else (0.0, float(old.mean()))
    return (*policy.decision_weights, float(np.exp(height + slope * np.log(calibration.prevalence[-1]))))


def _conformal(policy: ReadingPolicy, seen: FloatArray) -> Conformal:
    """The old quantiles, and the new one's of left-out cases. Nothing of this version was measured yet."""
    fitted = fit_conformal(seen, np.full(len(seen), seen.shape[1] - 1), policy.conformal.coverage)
    return Conformal(policy.conformal.coverage, (*policy.conformal.quantiles, fitted.quantiles[-1]))


def _domain(model: DomainModel, own: Sequence[LocalCase]) -> DomainModel:
    """A centre more. Its limit is the largest distance of a case from the centre of the others: none is refused."""
    means = np.stack([case.features.mean(axis=0) for case in own]).astype(np.float64)
    centre, count = means.mean(axis=0), len(means)
    others = (centre * count - means) / (count - 1)
    variances = np.asarray(model.variances)
    found = [
        float(distances(mean[None], other[None], variances)[0, 0]) for mean, other in zip(means, others, strict=True)
    ]
    return replace(
        model,
        centres=(*model.centres, tuple(map(float, centre))),
        limits=(*model.limits, max(found)),
        false_rejects=(*model.false_rejects, wilson(0, 0)),
    )


def _cut(
    made: ReadingPolicy, added: NewClass, seen: FloatArray, holdout: FeatureHoldout, trained: TrainedHead
) -> OperatingPoint:
    """A cut of its own for a malignant class; its specificity is counted on the factory holdout."""
    own = probabilities_of_means(seen, made.calibration)[:, -1]
    means = (holdout.features.astype(np.float64) @ class_rows(trained.network).T).mean(axis=1)
    others = probabilities_of_means(means, made.calibration)[:, -1]
    threshold = threshold_for_sensitivity(own, np.ones(len(own), np.bool_), SENSITIVITY)
    return OperatingPoint(
        name=_("{name}, sensitivity {share:.2f}").format(name=added.known.name, share=SENSITIVITY),
        score=added.known.code,
        threshold=threshold,
        triage=Triage.REVIEW.value,
        sensitivity=wilson(int((own >= threshold).sum()), len(own)),
        specificity=wilson(int((others < threshold).sum()), len(others)),
    )
