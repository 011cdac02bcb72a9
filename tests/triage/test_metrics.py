"""The figures of the evaluation equal what one gets with pencil and paper."""

from __future__ import annotations

import numpy as np
import pytest

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
