"""What a data set's table says of its images, and the splits by lesion that any machine finds again. Pure."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from qana_desktop.triage.diagnosis import Diagnosis

FOLDS: Final = 5
SEALED_SHARE: Final = 0.2
SEALED: Final = "sealed"
DEVELOPMENT: Final = "development"
ALL: Final = "all"
FOLD_NAMES: Final = tuple(f"fold-{index}" for index in range(FOLDS))
SPLITS: Final = (*FOLD_NAMES, SEALED, DEVELOPMENT, ALL)

HAM10000_IMAGES: Final = 10_015
HAM10000_LESIONS: Final = 7_470
"""Size of the release (Tschandl et al., Sci Data 5:180161, 2018): by it a whole HAM10000 is known."""
HAM10000_LESION: Final = "HAM_"
"""How the lesion ids of HAM10000 begin."""


@dataclass(frozen=True)
class ImageRow:
    """One image as the table describes it.

    `fold` is None when the table has no such column, `age` (years) when it was not noted; texts are "" then.
    `lesion_id` is the image's own id when the table names no lesions.
    """

    image_id: str
    lesion_id: str
    dx: Diagnosis
    dx_type: str = ""
    age: float | None = None
    sex: str = ""
    site: str = ""
    fold: int | None = None


def fold_of(lesion_id: str) -> int:
    """The fold of a lesion: sha256("qana-fold:" + lesion_id) mod 5."""
    return int(_digest("qana-fold", lesion_id), 16) % FOLDS


def is_whole_ham10000(rows: Sequence[ImageRow]) -> bool:
    """Whether these are all images of the release: only then can the sealed split be rebuilt."""
    lesions = {row.lesion_id for row in rows}
    return (
        len(rows) == HAM10000_IMAGES
        and len(lesions) == HAM10000_LESIONS
        and all(lesion.startswith(HAM10000_LESION) for lesion in lesions)
    )


def sealed_lesions(rows: Iterable[ImageRow]) -> frozenset[str]:
    """The first 20 % (rounded) of the lesions of each diagnosis, in the order of sha256("qana-sealed-2026:" + id).

    Means something only for all lesions of a release (`is_whole_ham10000`).
    """
    by_diagnosis: dict[Diagnosis, set[str]] = defaultdict(set)
    for row in rows:
        by_diagnosis[row.dx].add(row.lesion_id)
    sealed: set[str] = set()
    for lesions in by_diagnosis.values():
        ordered = sorted(lesions, key=sealed_key)
        sealed.update(ordered[: round(SEALED_SHARE * len(ordered))])
    return frozenset(sealed)


def known_sealed(rows: Sequence[ImageRow]) -> frozenset[str]:
    """The sealed lesions among all rows of a table; none unless it is a whole HAM10000."""
    return sealed_lesions(rows) if is_whole_ham10000(rows) else frozenset()


def sealed_key(lesion_id: str) -> str:
    """What lesions are sorted by to seal the first of them."""
    return _digest("qana-sealed-2026", lesion_id)


def choose(rows: Sequence[ImageRow], split: str) -> list[ImageRow]:
    """The rows of a split, in their order. Of a whole HAM10000, folds and `development` are without sealed lesions.

    `sealed` needs a whole HAM10000: raises ValueError without.
    """
    if split == SEALED and not is_whole_ham10000(rows):
        raise ValueError("the sealed split can only be rebuilt from a whole HAM10000")
    if split == ALL:
        return list(rows)
    sealed = known_sealed(rows)
    if split == SEALED:
        return [row for row in rows if row.lesion_id in sealed]
    development = [row for row in rows if row.lesion_id not in sealed]
    if split == DEVELOPMENT:
        return development
    wanted = FOLD_NAMES.index(split)
    return [row for row in development if _fold(row) == wanted]


def _fold(row: ImageRow) -> int:
    return fold_of(row.lesion_id) if row.fold is None else row.fold


def take(rows: Sequence[ImageRow], limit: int | None) -> list[ImageRow]:
    """At most `limit` rows, in their order; which ones hangs on a hash of the image id, not on their place."""
    if limit is None or limit >= len(rows):
        return list(rows)
    chosen = set(sorted((row.image_id for row in rows), key=lambda name: _digest("qana-limit", name))[:limit])
    return [row for row in rows if row.image_id in chosen]


def _digest(salt: str, name: str) -> str:
    return hashlib.sha256(f"{salt}:{name}".encode()).hexdigest()
