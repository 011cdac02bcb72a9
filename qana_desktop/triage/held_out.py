"""Was the network trained on these images? Answered from what the bundle says of its training; doubt counts as yes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from qana_desktop.triage.dataset import HAM10000_LESION, ImageRow, fold_of

NOT_HONEST: Final = "Training images included: not an honest estimate."


class Standing(StrEnum):
    """What can be said of the split."""

    HELD_OUT = "held-out"
    INCLUDED = "training-images-included"
    NOT_PROVED = "not-proved-held-out"


@dataclass(frozen=True)
class Training:
    """What a bundle was made with: HAM10000 without its sealed lesions and without `test_fold`.

    None: all folds. Lesions of the other folds were trained on, or set apart to fit calibration and cuts.
    """

    test_fold: int | None


@dataclass(frozen=True)
class HeldOut:
    """The answer with its ground, for the report; `seen_images` of `seen_lesions` are known to be in the training."""

    standing: Standing
    sentence: str
    seen_images: int
    seen_lesions: int

    @property
    def honest(self) -> bool:
        """Whether the figures are an honest estimate."""
        return self.standing is Standing.HELD_OUT


def held_out(rows: Sequence[ImageRow], training: Training | None, sealed: frozenset[str]) -> HeldOut:
    """Compare the rows of a split with the training of the bundle (None: the bundle does not say).

    `sealed` are the lesions that are known to be sealed; they take no part in any training.
    """
    if training is None:
        return _not_proved("the bundle does not say which lesions it was trained on")
    if not all(row.lesion_id.startswith(HAM10000_LESION) for row in rows):
        return _not_proved("not all images have lesion ids of HAM10000, by which it could be told")
    open_rows = [row for row in rows if row.lesion_id not in sealed]
    seen = [row for row in open_rows if fold_of(row.lesion_id) != training.test_fold]
    if seen:
        return _included(len(seen), len({row.lesion_id for row in seen}), len(rows))
    if not open_rows:
        return HeldOut(Standing.HELD_OUT, "All lesions are sealed ones, which no training sees: held out.", 0, 0)
    return HeldOut(
        Standing.HELD_OUT, f"The bundle was not trained on lesions of fold {training.test_fold}: held out.", 0, 0
    )


def _included(images: int, lesions: int, of: int) -> HeldOut:
    return HeldOut(
        Standing.INCLUDED,
        f"{NOT_HONEST} {images} of {of} images ({lesions} lesions) are of the folds that the bundle was trained on or"
        " fitted to.",
        images,
        lesions,
    )


def _not_proved(why: str) -> HeldOut:
    return HeldOut(
        Standing.NOT_PROVED,
        f"It cannot be proved that these images were held out: {why}. Read the figures as if training images were"
        " included: not an honest estimate.",
        0,
        0,
    )
