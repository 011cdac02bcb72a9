"""A small clinic in numbers: drawn integer features of seven classes, a network that reads them, and its policy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qana_desktop.learning.judged import Judged, judge
from qana_desktop.learning.memory import FeatureMemory, LocalCase
from qana_desktop.network.layers import Activation, Dense, InputConv, IntegerNetwork
from qana_desktop.triage.diagnosis import CLASS_ORDER, MALIGNANT, Diagnosis
from qana_desktop.triage.fit import fit_calibration, threshold_for_sensitivity, wilson
from qana_desktop.triage.policy import MALIGNANCY, Calibration, Conformal, Interval, OperatingPoint, ReadingPolicy

FEATURES = 36
VIEWS = 2
CODES = tuple(str(dx) for dx in CLASS_ORDER)
SOMETHING = Interval(0.5, 0.0, 1.0, 1)


@dataclass(frozen=True, eq=False)
class World:
    """The factory's network, policy and memory, and a holdout of drawn lesions."""

    network: IntegerNetwork
    policy: ReadingPolicy
    memory: FeatureMemory
    truth: npt.NDArray[np.int64]
    features: npt.NDArray[np.uint8]

    def read(self, network: IntegerNetwork) -> Judged:
        """The holdout as read with a network's class rows."""
        return judge([f"lesion-{n}" for n in range(len(self.truth))], self.truth, self.means(network), self.policy)

    def means(self, network: IntegerNetwork) -> npt.NDArray[np.float64]:
        """Mean logits of the holdout, (n, classes)."""
        return np.asarray(head_rows(network).astype(np.float64) @ self.features.mean(axis=1).T).T


def head_rows(network: IntegerNetwork) -> npt.NDArray[np.int8]:
    """The class rows of the last layer."""
    head = network.layers[-1]
    assert isinstance(head, Dense)
    return head.weights[: network.classes]


def draw(labels: npt.NDArray[np.int64], *, seed: int, moved: float = 0.0) -> npt.NDArray[np.uint8]:
    """Features (n, VIEWS, FEATURES) of cases: their class raises five features; `moved` shifts all, as a camera may."""
    generator = np.random.default_rng(seed)
    base = generator.normal(5.0, 2.5, (len(labels), 1, FEATURES))
    base[np.arange(len(labels))[:, None], 0, 5 * labels[:, None] + np.arange(5)] += 2.6
    tilt = moved * np.where(np.arange(FEATURES) % 2, 1.0, -1.0)
    return np.clip(np.rint(base + tilt + generator.normal(0, 0.5, (len(labels), VIEWS, FEATURES))), 0, 15).astype(
        np.uint8
    )


def cases(
    labels: list[Diagnosis] | list[str], *, seed: int, moved: float = 0.0, said: str = ""
) -> tuple[LocalCase, ...]:
    """Confirmed cases that truly are of `labels`, a patient each; `said` replaces what was confirmed."""
    indices = np.array([CODES.index(str(label)) for label in labels])
    drawn = draw(indices, seed=seed, moved=moved)
    return tuple(
        LocalCase(f"patient-{seed}-{n}", f"lesion-{seed}-{n}", said or str(label), drawn[n])
        for n, label in enumerate(labels)
    )


def build_world(*, seed: int = 1, holdout: int = 1400) -> World:
    """The world; the holdout has two nevi in three cases, as in HAM10000."""
    generator = np.random.default_rng(seed)
    shares = np.array([0.06, 0.08, 0.1, 0.03, 0.2, 0.5, 0.03])
    labels = generator.choice(7, size=1500, p=shares)
    labels[:70] = np.arange(70) % 7
    memory = FeatureMemory(draw(labels, seed=seed + 1)[:, 0], labels)
    truth = generator.choice(7, size=holdout, p=shares)
    rows = np.full((7, FEATURES), -1, np.int8)
    for label in range(7):
        rows[label, 5 * label : 5 * label + 5] = 4
    network = network_of(rows)
    means = draw(truth, seed=seed + 3).mean(axis=1) @ rows.T.astype(np.float64)
    return World(network, _policy(means, truth, shares), memory, truth, draw(truth, seed=seed + 2))


def network_of(rows: npt.NDArray[np.int8]) -> IntegerNetwork:
    """A legal network that ends in these class rows and the identity: 3x3 filters on a grey image of 6x6, stride 3."""
    generator = np.random.default_rng(5)
    weights = generator.integers(-20, 20, (9, 1, 3, 3)).astype(np.int8)
    activation = Activation(4, np.zeros(9, np.int32), np.full(9, 400.0, np.float32))
    first = InputConv("input", weights, 3, 128, activation)
    head = np.concatenate([rows, np.eye(FEATURES, dtype=np.int8)])
    return IntegerNetwork((6, 6, 1), (first, Dense("head", head, 4)), len(rows), FEATURES)


def _policy(
    means: npt.NDArray[np.float64], truth: npt.NDArray[np.int64], shares: npt.NDArray[np.float64]
) -> ReadingPolicy:
    scale, bias = fit_calibration(means, truth, shares)
    calibration = Calibration(scale, tuple(map(float, bias)), "drawn", tuple(map(float, shares)), SOMETHING)
    powers = np.exp(scale * means + bias)
    malignant = [index for index, dx in enumerate(CLASS_ORDER) if dx in MALIGNANT]
    score = (powers / powers.sum(axis=1, keepdims=True))[:, malignant].sum(axis=1)
    positive = np.isin(truth, malignant)
    points = tuple(
        OperatingPoint(
            f"malignant, sensitivity {target}",
            MALIGNANCY,
            threshold_for_sensitivity(score, positive, target),
            triage,
            wilson(1, 1),
            wilson(1, 1),
        )
        for target, triage in ((0.7, "review_now"), (0.9, "review"))
    )
    weights = shares**-0.5
    return ReadingPolicy(
        CLASS_ORDER, ("identity", "rotate-90"), calibration, tuple(map(float, weights)), points,
        Conformal(0.9, (0.9,) * 7), None,
    )  # fmt: skip
