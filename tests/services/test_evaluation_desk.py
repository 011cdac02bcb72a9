"""An evaluation reads as the product reads, with a real engine, and says what its figures are over."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from qana_desktop.services.composition import open_desks
from qana_desktop.services.datasets import DatasetRefused, open_dataset
from qana_desktop.services.evaluation_desk import EvaluationDesk, Question, training_of
from qana_desktop.services.evaluation_files import evaluation_json
from qana_desktop.services.jobs import Cancelled, CancelToken, Progress
from qana_desktop.system.clock import Clock
from qana_desktop.triage.dataset import HAM10000_IMAGES, HAM10000_LESIONS, fold_of, sealed_lesions
from qana_desktop.triage.evaluation import Evaluation
from qana_desktop.triage.held_out import Standing, Training
from tests.support.bundles import small_bundle
from tests.support.ham10000 import Entry, draw_images, entries_in, write_table

HELD, SEEN = entries_in(0), entries_in(1, lesions=3, first=500)
MISSING, BLURRED, BROKEN = HELD[0].image, HELD[1].image, HELD[2].image
QUICK = Question("fold-0", rounds=20)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_bundle(tmp_path_factory.mktemp("models"), evaluation={"data": {"test_fold": 0}})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folds; of fold 0 one image is missing, one is out of focus, one is no image."""
    folder = tmp_path_factory.mktemp("data")
    write_table(folder / "HAM10000_metadata.csv", [*HELD, *SEEN])
    draw_images(folder / "part_1", [e for e in HELD if e.image != MISSING], blurred=frozenset({BLURRED}))
    draw_images(folder / "part_2", SEEN)
    (folder / "part_1" / f"{BROKEN}.jpg").write_bytes(b"not an image at all")
    return folder


def evaluate(
    bundle: Path,
    folder: Path,
    question: Question = QUICK,
    *,
    report=lambda _progress: None,
    token: CancelToken | None = None,
) -> Evaluation:
    with open_desks(bundle, engine="onnx-cpu") as desks:
        desk = EvaluationDesk(desks.triage, desks.device, desks.bundle, Clock(), "a machine")
        return desk.evaluate(open_dataset(folder), question, report=report, token=token or CancelToken())


@pytest.fixture(scope="module")
def found(bundle: Path, data: Path) -> Evaluation:
    return evaluate(bundle, data)


def test_missing_and_unreadable_images_are_named_and_in_no_figure(found: Evaluation) -> None:
    assert found.counts.missing == (MISSING,)
    assert found.counts.unreadable == (BROKEN,)
    assert (found.counts.listed, found.counts.chosen) == (len(HELD) + len(SEEN), len(HELD))
    assert found.counts.read == len(HELD) - 2
    assert sum(map(sum, found.scores.confusion)) == len(HELD) - 2


def test_refused_images_are_counted_apart_and_in_both_ways(found: Evaluation) -> None:
    assert found.counts.assessed == len(HELD) - 3
    (refusal,) = found.scores.refusals
    assert (refusal.code, refusal.images) == ("image-blurred", 1)
    assert found.scores.assessed["accuracy"].images == len(HELD) - 3
    assert found.scores.refusals_as_errors["accuracy"].images == len(HELD) - 2


def test_the_answers_are_those_of_the_product(found: Evaluation, bundle: Path, data: Path) -> None:
    dataset = open_dataset(data)
    with open_desks(bundle, engine="onnx-cpu") as desks:
        sources = desks.triage.find_images([dataset.images[e.image] for e in HELD if e.image != MISSING])
        outcomes = {source.path.stem: desks.triage.read(source).outcome for source in sources if source.path}
    right = [getattr(outcomes[e.image], "predicted", None) == e.dx for e in HELD if e.image in outcomes]
    accuracy = found.scores.assessed["accuracy"]
    assert accuracy.value == pytest.approx(sum(right) / accuracy.images)


def test_the_fold_that_the_bundle_left_out_is_held_out(found: Evaluation) -> None:
    assert found.held_out.honest
    assert found.notes == ()


def test_images_that_the_bundle_was_trained_on_are_warned_of_and_counted(bundle: Path, data: Path) -> None:
    mixed = evaluate(bundle, data, replace(QUICK, split="all"))
    assert mixed.held_out.standing is Standing.INCLUDED
    assert mixed.held_out.seen_images == len(SEEN)
    stored = json.loads(evaluation_json(mixed))
    assert "not an honest estimate" in stored["held_out"]["sentence"]


def test_a_bundle_that_does_not_name_its_fold_proves_nothing(tmp_path: Path, data: Path) -> None:
    silent = small_bundle(tmp_path)
    assert training_of(silent) is None
    assert evaluate(silent, data).held_out.standing is Standing.NOT_PROVED


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ('{"data": {"test_fold": 3}}', Training(3)),
        ('{"data": {"test_fold": null}}', Training(None)),
        ('{"data": {"test_fold": "3"}}', None),
        ('{"data": {"test_fold": true}}', None),
        ('{"data": []}', None),
        ("[]", None),
        ("no JSON", None),
    ],
)
def test_only_a_plain_statement_of_the_fold_is_believed(tmp_path: Path, written: str, known: Training | None) -> None:
    (tmp_path / "evaluation.json").write_text(written)
    assert training_of(tmp_path) == known


def test_a_trial_says_that_it_is_one(bundle: Path, data: Path) -> None:
    trial = evaluate(bundle, data, replace(QUICK, limit=8))
    assert trial.counts.chosen == 8
    assert "A trial on 8 images" in trial.notes[0]


def test_the_same_evaluation_twice_gives_the_same_figures(found: Evaluation, bundle: Path, data: Path) -> None:
    assert evaluate(bundle, data).scores == found.scores


def test_the_json_has_neither_nan_nor_a_path_of_this_machine(found: Evaluation, data: Path) -> None:
    text = evaluation_json(found)
    assert "NaN" not in text
    assert str(data) not in text
    assert json.loads(text)["counts"]["missing"] == [MISSING]


def test_the_sealed_split_of_a_part_of_ham10000_is_refused(bundle: Path, data: Path) -> None:
    with pytest.raises(DatasetRefused, match="whole HAM10000"):
        evaluate(bundle, data, replace(QUICK, split="sealed"))


def test_the_sealed_split_of_a_whole_release_is_held_out_whatever_the_fold(bundle: Path, tmp_path: Path) -> None:
    """A table of the size of HAM10000, with files for a few images only: the others are reported as missing."""
    entries = [
        Entry(f"HAM_{n % HAM10000_LESIONS:07}", f"ISIC_{n:07}", HELD[n % HAM10000_LESIONS % 7].dx)
        for n in range(HAM10000_IMAGES)
    ]
    write_table(tmp_path / "HAM10000_metadata.csv", entries)
    sealed = sealed_lesions(open_dataset(tmp_path).rows)
    members = [entry for entry in entries if entry.lesion in sealed]
    draw_images(tmp_path / "images", members[:6])
    found = evaluate(bundle, tmp_path, replace(QUICK, split="sealed"))
    assert {fold_of(entry.lesion) for entry in members[:6]} != {0}
    assert found.held_out.honest
    assert (found.counts.chosen, len(found.counts.missing)) == (len(members), len(members) - 6)


def test_a_split_without_any_image_is_refused(bundle: Path, data: Path) -> None:
    with pytest.raises(DatasetRefused, match="fold-4"):
        evaluate(bundle, data, replace(QUICK, split="fold-4"))


@pytest.mark.parametrize("phase", ["Reading images", "Drawing lesions for intervals"])
def test_a_cancelled_evaluation_ends_while_reading_and_while_drawing_lesions(
    bundle: Path, data: Path, phase: str
) -> None:
    token, seen = CancelToken(), list[Progress]()

    def report(progress: Progress) -> None:
        seen.append(progress)
        if progress.what.startswith(phase) and progress.done >= 2:
            token.cancel()

    with pytest.raises(Cancelled):
        evaluate(bundle, data, report=report, token=token)
    assert seen[-1].total is not None
    assert seen[-1].done < seen[-1].total
