"""The figures of the evaluation equal what one gets with pencil and paper."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qana_desktop.triage import metrics

TRUTH = np.array([0, 0, 0, 0, 1, 1, 2])
ANSWER = np.array([0, 0, 0, 1, 1, 0, 2])
TABLE = metrics.confusion(TRUTH, ANSWER, 3)


def test_the_confusion_counts_truth_by_row_and_answer_by_column() -> None:
    assert TABLE.tolist() == [[3, 1, 0], [1, 1, 0], [0, 0, 1]]


def test_balanced_accuracy_is_the_mean_of_the_recalls() -> None:
    assert metrics.recalls(TABLE).tolist() == [0.75, 0.5, 1.0]
    assert metrics.balanced_accuracy(TABLE) == pytest.approx(2.25 / 3)


def test_a_class_without_a_case_is_left_out_of_balanced_accuracy_and_macro_f1() -> None:
    table = metrics.confusion(np.array([0, 1]), np.array([0, 2]), 3)
    assert metrics.balanced_accuracy(table) == pytest.approx(0.5)
    assert metrics.macro_f1(table) == pytest.approx(0.5)


def test_accuracy_and_macro_f1_come_from_the_same_table() -> None:
    assert metrics.accuracy(TABLE) == pytest.approx(5 / 7)
    assert metrics.macro_f1(TABLE) == pytest.approx((6 / 8 + 2 / 4 + 2 / 2) / 3)


def test_auroc_counts_pairs_in_the_right_order_and_ties_half() -> None:
    positive = np.array([True, True, False, False])
    assert metrics.auroc(positive, np.array([0.9, 0.4, 0.4, 0.1])) == pytest.approx(3.5 / 4)
    assert np.isnan(metrics.auroc(np.array([True]), np.array([0.5])))


def test_sensitivity_is_read_where_the_wanted_share_of_negatives_lies_below_the_cut() -> None:
    positive = np.array([False, False, False, False, True, True])
    score = np.array([0.1, 0.2, 0.3, 0.6, 0.5, 0.7])
    assert metrics.threshold_at_specificity(positive, score, 0.75) == 0.5
    assert metrics.sensitivity_at_specificity(positive, score, 0.75) == 1.0
    assert metrics.sensitivity_at_specificity(positive, score, 1.0) == 0.5


def test_full_specificity_over_the_highest_negative_leaves_no_positive() -> None:
    positive, score = np.array([True, False]), np.array([0.2, 0.9])
    assert metrics.threshold_at_specificity(positive, score, 1.0) > 0.9
    assert metrics.sensitivity_at_specificity(positive, score, 1.0) == 0.0


def test_calibration_error_is_the_gap_of_confidence_and_accuracy_by_bin() -> None:
    found = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    truth = np.array([0, 1, 0, 1])
    expected = (abs(0.5 - 0.9) * 2 + abs(1.0 - 0.6) * 2) / 4
    assert metrics.expected_calibration_error(truth, found, bins=10) == pytest.approx(expected)


def test_calibration_bins_hold_counts_confidences_and_right_answers() -> None:
    found = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [1.0, 0.0]])
    counts, confidence, right = metrics.reliability(np.array([0, 1, 0, 0]), found, bins=10)
    assert counts.tolist() == [0, 0, 0, 0, 0, 0, 1, 0, 0, 3]
    assert confidence[9] == pytest.approx(2.8)
    assert right.tolist() == [0, 0, 0, 0, 0, 0, 1, 0, 0, 2]


def test_precision_is_of_those_that_were_called_so_and_unknown_where_none_was() -> None:
    assert metrics.precisions(TABLE).tolist() == [0.75, 0.5, 1.0]
    assert np.isnan(metrics.precisions(metrics.confusion(np.array([0, 1]), np.array([0, 0]), 2))[1])


def test_a_refused_case_is_wrong_in_every_figure_and_no_class_is_blamed_for_it() -> None:
    table = metrics.confusion(np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1]), 2, refusals=True)
    assert table.tolist() == [[1, 0, 1], [0, 2, 0]]
    assert metrics.recalls(table).tolist() == [0.5, 1.0]
    assert metrics.precisions(table).tolist() == [1.0, 1.0]
    assert metrics.macro_f1(table) == pytest.approx((2 / 3 + 1.0) / 2)
    assert metrics.accuracy(table) == pytest.approx(3 / 4)


def test_a_roc_curve_takes_cases_of_equal_score_together() -> None:
    false_rate, true_rate = metrics.roc_points(np.array([True, False, True, False]), np.array([0.9, 0.5, 0.5, 0.1]))
    assert false_rate.tolist() == [0.0, 0.0, 0.5, 1.0]
    assert true_rate.tolist() == [0.0, 0.5, 1.0, 1.0]


def test_a_roc_curve_of_one_kind_of_case_is_refused() -> None:
    with pytest.raises(ValueError, match="positive and negative"):
        metrics.roc_points(np.array([True, True]), np.array([0.1, 0.2]))


def test_risk_is_the_error_rate_of_the_surest_answers() -> None:
    coverage, risk = metrics.risk_coverage(np.array([True, False, True, True]), np.array([0.9, 0.6, 0.7, 0.6]))
    assert coverage.tolist() == [0.25, 0.5, 1.0]
    assert risk.tolist() == [0.0, 0.0, 0.25]
    area = metrics.area_under_risk(np.array([True, False, True, True]), np.array([0.9, 0.6, 0.7, 0.6]))
    assert area == pytest.approx(0.5 * 0.25)


def test_auroc_of_a_single_class_is_unknown() -> None:
    assert np.isnan(metrics.macro_auroc(np.array([0, 0]), np.array([[0.5, 0.5], [0.2, 0.8]])))


# --- against scikit-learn ---------------------------------------------------------------------------------------------


@st.composite
def drawn_scores(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels of three classes, each with a case, and scores with ties."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(6, 60))
    truth = np.concatenate([[0, 1, 2], generator.integers(0, 3, n - 3)])
    scores = np.round(generator.dirichlet(np.ones(3), n) + 0.3 * np.eye(3)[truth], draw(st.integers(1, 3)))
    return truth, scores / scores.sum(axis=1, keepdims=True)


@given(drawn_scores())
@settings(max_examples=40)
def test_figures_equal_those_of_scikit_learn(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    learn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed, so nothing can be compared")
    truth, scores = drawn
    answer = scores.argmax(axis=1)
    table = metrics.confusion(truth, answer, 3)
    assert table.tolist() == learn.confusion_matrix(truth, answer, labels=[0, 1, 2]).tolist()
    assert metrics.balanced_accuracy(table) == pytest.approx(learn.balanced_accuracy_score(truth, answer))
    assert metrics.macro_f1(table) == pytest.approx(learn.f1_score(truth, answer, average="macro"))
    known = metrics.precisions(table)
    theirs = learn.precision_score(truth, answer, average=None, labels=[0, 1, 2], zero_division=np.nan)
    assert np.allclose(known, theirs, equal_nan=True)
    assert metrics.macro_auroc(truth, scores) == pytest.approx(
        np.mean([learn.roc_auc_score(truth == k, scores[:, k]) for k in range(3)])
    )
    false_rate, true_rate = metrics.roc_points(truth == 0, scores[:, 0])
    theirs_false, theirs_true, _ = learn.roc_curve(truth == 0, scores[:, 0], drop_intermediate=False)
    assert np.allclose(false_rate, theirs_false)
    assert np.allclose(true_rate, theirs_true)
