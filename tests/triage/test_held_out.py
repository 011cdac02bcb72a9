"""Whether a split was held out is proved or doubted, never assumed."""

from __future__ import annotations

from itertools import count

from qana_desktop.triage.dataset import ImageRow, fold_of
from qana_desktop.triage.diagnosis import Diagnosis
from qana_desktop.triage.held_out import NOT_HONEST, Standing, Training, held_out

NONE_SEALED: frozenset[str] = frozenset()


def lesion_in(fold: int) -> str:
    """A lesion id of HAM10000's form that lies in this fold."""
    return next(name for number in count() if fold_of(name := f"HAM_{number:07}") == fold)


def row_in(fold: int, image_id: str = "I") -> ImageRow:
    return ImageRow(image_id, lesion_in(fold), Diagnosis.NV)


def test_lesions_of_the_fold_that_was_left_out_are_held_out() -> None:
    found = held_out([row_in(2)], Training(2), NONE_SEALED)
    assert found.honest
    assert found.seen_images == 0


def test_lesions_of_a_training_fold_make_the_figures_dishonest_and_are_counted() -> None:
    found = held_out([row_in(2), row_in(1, "a"), row_in(1, "b")], Training(2), NONE_SEALED)
    assert found.standing is Standing.INCLUDED
    assert found.sentence.startswith(NOT_HONEST)
    assert (found.seen_images, found.seen_lesions) == (2, 1)


def test_a_fold_column_that_says_otherwise_proves_nothing() -> None:
    row = ImageRow("I", lesion_in(1), Diagnosis.NV, fold=2)
    assert not held_out([row], Training(2), NONE_SEALED).honest


def test_a_bundle_that_was_trained_on_all_folds_has_only_sealed_lesions_left() -> None:
    row = row_in(0)
    assert not held_out([row], Training(None), NONE_SEALED).honest
    assert held_out([row], Training(None), frozenset({row.lesion_id})).honest


def test_a_bundle_that_does_not_say_what_it_was_trained_on_proves_nothing() -> None:
    row = row_in(0)
    found = held_out([row], None, frozenset({row.lesion_id}))
    assert found.standing is Standing.NOT_PROVED
    assert "not an honest estimate" in found.sentence


def test_lesions_that_are_not_of_ham10000_cannot_be_proved_to_be_held_out() -> None:
    found = held_out([ImageRow("I", "CLINIC-7", Diagnosis.NV)], Training(0), NONE_SEALED)
    assert found.standing is Standing.NOT_PROVED
