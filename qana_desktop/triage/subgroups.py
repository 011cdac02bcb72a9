"""Figures of an evaluation by age, sex, site and ground of the diagnosis; where n is too small, it says just that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from qana_desktop.triage import metrics
from qana_desktop.triage.answers import Answers
from qana_desktop.triage.dataset import ImageRow
from qana_desktop.triage.evaluation import BALANCED_ACCURACY, GroupFigures
from qana_desktop.triage.metrics import BoolArray, IntArray
from qana_desktop.triage.resampling import Figure, Key, Statistic

FEWEST_LESIONS: Final = 30
"""A group with fewer gets no figure."""
FEWEST_OF_A_KIND: Final = 10
"""Malignant (or benign) lesions that a figure about them needs."""
AGE_BANDS: Final = ((0, 40), (40, 60), (60, 200))
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, eq=False)
class Group:
    """Some of the images: `members` (n,)."""

    by: str
    name: str
    members: BoolArray

    @property
    def key(self) -> str:
        """Name of the group among all figures."""
        return f"group {self.by}: {self.name}"


def groups_of(rows: Sequence[ImageRow]) -> list[Group]:
    """All groups, sorted by name within each kind."""
    kinds: tuple[tuple[str, Callable[[ImageRow], str]], ...] = (
        ("age", _age_band),
        ("sex", lambda row: row.sex or UNKNOWN),
        ("site", lambda row: row.site or UNKNOWN),
        ("diagnosis by", lambda row: row.dx_type or UNKNOWN),
    )
    return [group for by, name_of in kinds for group in _groups(by, [name_of(row) for row in rows])]


def _groups(by: str, names: list[str]) -> Iterator[Group]:
    for name in sorted(set(names)):
        yield Group(by, name, np.array([other == name for other in names], np.bool_))


def _age_band(row: ImageRow) -> str:
    if row.age is None:
        return UNKNOWN
    low, high = next((band for band in AGE_BANDS if band[0] <= row.age < band[1]), (-1, -1))
    if high < 0:
        return UNKNOWN
    return f"{low} to {high - 1}" if high < AGE_BANDS[-1][1] else f"{low} and over"


def group_statistics(a: Answers, groups: Sequence[Group]) -> dict[Key, Statistic]:
    """What is asked of every group that is large enough. Where a kind of lesion is too rare, nan is the answer."""
    return {
        (group.key, name): statistic
        for group in groups
        if _lesions(a, group.members) >= FEWEST_LESIONS
        for name, statistic in _statistics(a, group.members)
    }


def _statistics(a: Answers, members: BoolArray) -> Iterator[tuple[str, Statistic]]:
    assessed, malignancy, review = members & a.assessed, a.malignancy, a.review
    bad, good = assessed & a.malignant, assessed & ~a.malignant
    enough = {"bad": _lesions(a, bad) >= FEWEST_OF_A_KIND, "good": _lesions(a, good) >= FEWEST_OF_A_KIND}
    yield BALANCED_ACCURACY, Statistic(assessed, lambda rows: metrics.balanced_accuracy(a.table(rows)))
    yield (
        "malignant_auroc",
        Statistic(assessed, _if(all(enough.values()), lambda rows: metrics.auroc(a.malignant[rows], malignancy[rows]))),
    )
    yield (
        "malignant_review_sensitivity",
        Statistic(bad, _if(enough["bad"], lambda rows: float(review[rows].mean())), proportion=True),
    )
    yield (
        "malignant_review_specificity",
        Statistic(good, _if(enough["good"], lambda rows: float((~review[rows]).mean())), proportion=True),
    )


def _if(enough: bool, of: Callable[[IntArray], float]) -> Callable[[IntArray], float]:
    return of if enough else lambda _rows: float("nan")


def _lesions(a: Answers, chosen: BoolArray) -> int:
    return len({row.lesion_id for row, inside in zip(a.rows, chosen, strict=True) if inside})


def group_figures(group: Group, a: Answers, found: dict[Key, Figure]) -> GroupFigures:
    """The group's figures out of all that were found."""
    own = {name: figure for (part, name), figure in found.items() if part == group.key}
    present = len(np.unique(a.truth[group.members & a.assessed]))
    images = int(group.members.sum())
    return GroupFigures(group.by, group.name, images, _lesions(a, group.members), present, own or None)
