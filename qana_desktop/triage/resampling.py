"""95 % intervals by resampling lesions: many statistics of the same images, each on the same draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.triage.fit import wilson
from qana_desktop.triage.metrics import BoolArray, IntArray

Key: TypeAlias = tuple[str, str]
"""A figure's part of the evaluation and its name in it."""

FEWEST_ROUNDS: Final = 0.5
"""An interval needs a value in at least this share of the draws; with fewer, the cases are too few for one."""


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % interval, and the images and lesions that it is over.

    None stands for what cannot be said: no case for the value, or too few for an interval.
    """

    value: float | None
    low: float | None
    high: float | None
    images: int
    lesions: int


@dataclass(frozen=True, eq=False)
class Statistic:
    """A figure as a function of image rows: `of` gets those of the drawn rows that are in `over` (n,), and no others.

    `of` may return nan for rows that say nothing. A `proportion` counts the rows that have some property.
    """

    over: BoolArray
    of: Callable[[IntArray], float]
    proportion: bool = False

    def on(self, rows: IntArray) -> float:
        """The value on these rows; nan without any row."""
        chosen = rows[self.over[rows]]
        return self.of(chosen) if len(chosen) else float("nan")


def lesion_draws(lesions: Sequence[str], *, rounds: int, seed: int) -> Iterator[IntArray]:
    """Yield the image rows of `rounds` draws of as many lesions, with replacement. A lesion's images stay together."""
    _, of_case = np.unique(np.array(lesions), return_inverse=True)
    members = np.split(np.argsort(of_case, kind="stable"), np.cumsum(np.bincount(of_case))[:-1])
    generator = np.random.default_rng(seed)
    for _ in range(rounds):
        drawn = generator.integers(0, len(members), len(members))
        yield np.concatenate([members[index] for index in drawn])


def figures(
    statistics: Sequence[Statistic],
    lesions: Sequence[str],
    *,
    rounds: int,
    seed: int,
    on_round: Callable[[int], None] = lambda _done: None,
) -> list[Figure]:
    """Each statistic on all images, with its percentile interval over the draws. `on_round` hears how many are done.

    Where all or none have a property every draw says the same, and the interval is Wilson's for that many lesions.
    """
    if not lesions:
        return [Figure(None, None, None, 0, 0) for _ in statistics]
    drawn = np.empty((rounds, len(statistics)))
    for done, rows in enumerate(lesion_draws(lesions, rounds=rounds, seed=seed)):
        drawn[done] = [statistic.on(rows) for statistic in statistics]
        on_round(done + 1)
    everything, names = np.arange(len(lesions)), np.array(lesions)
    return [
        _figure(statistic.on(everything), drawn[:, column], names[statistic.over], proportion=statistic.proportion)
        for column, statistic in enumerate(statistics)
    ]


def _figure(value: float, drawn: npt.NDArray[np.float64], lesions: npt.NDArray[np.str_], *, proportion: bool) -> Figure:
    """The interval always holds the value."""
    counts = (len(lesions), len(set(lesions.tolist())))
    if np.isnan(value):
        return Figure(None, None, None, *counts)
    if proportion and value in {0.0, 1.0}:
        limits = wilson(round(value) * counts[1], counts[1])
        return Figure(value, limits.low, limits.high, *counts)
    known = drawn[~np.isnan(drawn)]
    if len(known) < FEWEST_ROUNDS * len(drawn) or counts[1] < 2:
        return Figure(value, None, None, *counts)
    low, high = np.percentile(known, [2.5, 97.5])
    return Figure(value, min(value, float(low)), max(value, float(high)), *counts)
