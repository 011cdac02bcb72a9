"""The figures of an evaluation, from outcomes that are made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qana_desktop.system.faults import Fault
from qana_desktop.triage.dataset import ImageRow
from qana_desktop.triage.diagnosis import CLASS_ORDER, MALIGNANT, Diagnosis
from qana_desktop.triage.evaluation import TITLES, Scores
from qana_desktop.triage.fit import wilson
from qana_desktop.triage.outcome import Assessed, CannotAssess, Outcome, Triage
from qana_desktop.triage.scoring import score
from tests.support.bundles import small_policy

BLURRED = CannotAssess(Fault("image-blurred", "The image is too blurred to read.", "Take it again."))
MEL, NV, BCC = Diagnosis.MEL, Diagnosis.NV, Diagnosis.BCC


def answer(dx: Diagnosis, share: float = 0.7, *, could_be: tuple[Diagnosis, ...] = ()) -> Assessed:
    """An answer with `share` for its class and the rest spread evenly."""
    rest = (1.0 - share) / (len(CLASS_ORDER) - 1)
    shares = {other: share if other is dx else rest for other in CLASS_ORDER}
    malignancy = sum(p for other, p in shares.items() if other in MALIGNANT)
    triage = Triage.REVIEW if malignancy >= 0.4 else Triage.LOW_CONCERN
    return Assessed(triage, dx, shares, malignancy, could_be or (dx,), share, 1.0)


def row(number: int, dx: Diagnosis, lesion: str | None = None, **facts: object) -> ImageRow:
    return replace(ImageRow(f"I{number}", lesion or f"L{number}", dx), **facts)


def scores_of(cases: list[tuple[Diagnosis, Outcome]], *, rounds: int = 20) -> Scores:
    rows = [row(number, dx) for number, (dx, _) in enumerate(cases)]
    return score(rows, [outcome for _, outcome in cases], small_policy(), seed=1, rounds=rounds)


CASES: list[tuple[Diagnosis, Outcome]] = [
    (NV, answer(NV)),
    (NV, answer(NV)),
    (NV, answer(MEL, could_be=(MEL, NV))),
    (NV, BLURRED),
    (MEL, answer(MEL)),
    (MEL, answer(NV, could_be=(NV, MEL))),
    (MEL, BLURRED),
    (BCC, answer(BCC)),
]


def test_figures_over_assessed_images_leave_refused_ones_out() -> None:
    found = scores_of(CASES).assessed
    assert found["balanced_accuracy"].value == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert found["accuracy"].value == pytest.approx(4 / 6)
    assert found["macro_f1"].value == pytest.approx((4 / 6 + 2 / 4 + 1) / 3)
    assert (found["accuracy"].images, found["accuracy"].lesions) == (6, 6)


def test_refused_images_count_as_wrong_answers_where_it_says_so() -> None:
    found = scores_of(CASES).refusals_as_errors
    assert found["balanced_accuracy"].value == pytest.approx((2 / 4 + 1 / 3 + 1) / 3)
    assert found["accuracy"].value == pytest.approx(4 / 8)
    assert found["macro_f1"].value == pytest.approx((4 / 7 + 2 / 5 + 1) / 3)
    assert found["accuracy"].images == 8


def test_refused_images_count_as_sent_to_a_person_where_it_says_so() -> None:
    scores = scores_of(CASES)
    assert scores.assessed["malignant_review_sensitivity"].value == pytest.approx(2 / 3)
    assert scores.refusals_to_a_person["malignant_review_sensitivity"].value == pytest.approx(3 / 4)
    assert scores.assessed["malignant_review_specificity"].value == pytest.approx(2 / 3)
    assert scores.refusals_to_a_person["malignant_review_specificity"].value == pytest.approx(2 / 4)


def test_an_operating_point_is_counted_with_and_without_refused_images() -> None:
    look = next(point for point in scores_of(CASES).points if point.name == "look")
    assert (look.sensitivity.value, look.sensitivity.images) == (pytest.approx(2 / 3), 3)
    assert (look.sensitivity_with_refused.value, look.sensitivity_with_refused.images) == (pytest.approx(3 / 4), 4)
    assert (look.specificity.value, look.specificity.images) == (pytest.approx(2 / 3), 3)
    assert (look.specificity_with_refused.value, look.specificity_with_refused.images) == (pytest.approx(2 / 4), 4)


def test_each_class_has_its_recall_precision_sets_and_false_rejects() -> None:
    by_class = {entry.dx: entry for entry in scores_of(CASES).classes}
    assert by_class["nv"].recall.value == pytest.approx(2 / 3)
    assert by_class["nv"].precision.value == pytest.approx(2 / 3)
    assert by_class["nv"].coverage.value == pytest.approx(1.0)
    assert by_class["nv"].set_size.value == pytest.approx(4 / 3)
    assert by_class["bcc"].set_size.value == pytest.approx(1.0)
    assert by_class["mel"].false_reject.value == pytest.approx(1 / 3)
    assert (by_class["mel"].images, by_class["mel"].recall.images) == (3, 2)


def test_a_class_without_a_case_has_no_value_rather_than_zero() -> None:
    vasc = next(entry for entry in scores_of(CASES).classes if entry.dx == "vasc")
    assert (vasc.images, vasc.recall.value, vasc.auroc.value, vasc.precision.value) == (0, None, None, None)


def test_confusion_has_not_assessed_as_its_last_column() -> None:
    table = np.array(scores_of(CASES).confusion)
    assert table.shape == (7, 8)
    assert table[:, -1].tolist() == [0, 0, 0, 0, 1, 1, 0]
    assert table.sum() == 8


def test_the_triage_table_counts_malignant_and_benign_images_by_where_they_went() -> None:
    triage = scores_of(CASES).triage
    assert triage["malignant"] == {"cannot_assess": 1, "review_now": 0, "review": 2, "low_concern": 1}
    assert triage["benign"] == {"cannot_assess": 1, "review_now": 0, "review": 1, "low_concern": 2}


def test_refusals_are_counted_by_reason_and_class() -> None:
    (refusal,) = scores_of(CASES).refusals
    assert (refusal.code, refusal.images) == ("image-blurred", 2)
    assert (refusal.by_class["nv"], refusal.by_class["mel"], refusal.by_class["df"]) == (1, 1, 0)


def test_every_overall_figure_has_a_title() -> None:
    scores = scores_of(CASES)
    named = {*scores.assessed, *scores.refusals_as_errors, *scores.refusals_to_a_person}
    assert named <= set(TITLES)
    assert named | {"malignant_auroc"} == set(TITLES)


def test_the_same_seed_gives_the_same_intervals_and_every_interval_holds_its_value() -> None:
    cases = CASES * 5
    first, again = scores_of(cases, rounds=50), scores_of(cases, rounds=50)
    assert first == again
    for figure in first.assessed.values():
        assert figure.value is not None
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low <= figure.value <= figure.high


def test_images_of_one_lesion_are_drawn_together() -> None:
    """Ten images of one lesion say no more than one of them."""
    rows = [row(number, NV, "L0") for number in range(10)]
    found = score(rows, [answer(MEL), *[answer(NV)] * 9], small_policy(), seed=1, rounds=20).assessed["accuracy"]
    assert (found.value, found.low, found.high, found.images, found.lesions) == (0.9, None, None, 10, 1)


def test_where_every_lesion_has_it_the_interval_is_wilsons_and_not_a_point() -> None:
    found = scores_of([(NV, answer(NV))] * 10).assessed["accuracy"]
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(wilson(10, 10).low)


def test_images_that_are_all_refused_give_counts_and_no_figure() -> None:
    scores = scores_of([(NV, BLURRED), (MEL, BLURRED)])
    assert all(figure.value is None for figure in scores.assessed.values())
    assert scores.refusals_as_errors["accuracy"].value == 0.0
    assert scores.reliability == ()
    assert scores.risk_coverage == ()
    assert scores.roc == ()


def test_a_small_subgroup_says_n_and_nothing_else() -> None:
    rows = [row(number, NV if number % 2 else MEL, sex="male" if number < 60 else "female") for number in range(65)]
    scores = score(rows, [answer(r.dx) for r in rows], small_policy(), seed=1, rounds=5)
    groups = {entry.group: entry for entry in scores.subgroups if entry.by == "sex"}
    assert groups["female"].figures is None
    assert groups["female"].images == 5
    figures = groups["male"].figures
    assert figures is not None
    assert figures["malignant_review_sensitivity"].value == 1.0
    assert figures["malignant_review_sensitivity"].lesions == 30


def test_a_subgroup_with_few_malignant_lesions_says_nothing_about_them() -> None:
    rows = [row(number, MEL if number < 3 else NV, age=30.0) for number in range(40)]
    scores = score(rows, [answer(r.dx) for r in rows], small_policy(), seed=1, rounds=5)
    (group,) = [entry for entry in scores.subgroups if entry.by == "age"]
    assert group.group == "0 to 39"
    assert group.figures is not None
    assert group.figures["malignant_review_sensitivity"].value is None
    assert group.figures["malignant_auroc"].value is None
    assert group.figures["malignant_review_specificity"].value == 1.0


def test_work_that_is_told_to_stop_stops_between_two_draws() -> None:
    def stop(done: int) -> None:
        if done == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        score([row(1, NV)], [answer(NV)], small_policy(), seed=1, rounds=100, on_round=stop)
