"""Binary features for Akida's own learning rule, made from integer features by a few levels for each channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.learning.memory import FeatureMemory

BitArray: TypeAlias = npt.NDArray[np.uint8]

_HAIR: Final = 1e-9


@dataclass(frozen=True, eq=False)
class Binariser:
    """One bit says that a channel is above a level: `levels` (T, F) uint8 make T * F bits of F features."""

    levels: npt.NDArray[np.uint8]

    def bits(self, features: npt.NDArray[np.uint8]) -> BitArray:
        """Bits (n, T * F), 0 or 1, of integer features (n, F). Raises ValueError for another F."""
        if features.ndim != 2 or features.shape[1] != self.levels.shape[1]:
            raise ValueError(f"features are {features.shape}, not (n, {self.levels.shape[1]})")
        above = features[:, None, :] > self.levels[None]
        return np.asarray(above.reshape(len(features), -1), np.uint8)


def fit_binariser(memory: FeatureMemory, shares: tuple[float, ...] = (0.5, 0.8)) -> Binariser:
    """Levels below which lie `shares` of the factory's cases, each class counting alike, channel by channel."""
    weights = 1.0 / np.bincount(memory.labels)[memory.labels]
    order = np.argsort(memory.features, axis=0, kind="stable")
    reached = np.cumsum(weights[order], axis=0) / weights.sum()
    rows = [np.minimum((reached < share - _HAIR).sum(axis=0), len(order) - 1) for share in shares]
    columns = np.arange(memory.features.shape[1])
    return Binariser(np.stack([memory.features[order[row, columns], columns] for row in rows]))


def balanced_rows(labels: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    """At most `most` rows of each class, spread evenly over their order: the rule follows how often a class comes."""
    chosen = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        chosen.append(rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64)])
    return np.sort(np.concatenate(chosen))
