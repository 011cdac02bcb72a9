"""The fits of a reading policy find what was put into drawn data, and their intervals hold known values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.triage.calibration import softmax
from qana_desktop.triage.domain import out_of_domain
from qana_desktop.triage.fit import (
    balanced_weights,
    bootstrap,
    fit_calibration,
    fit_conformal,
    fit_domain,
    measured_conformal,
    measured_point,
    threshold_for_sensitivity,
    wilson,
)
from qana_desktop.triage.outcome import Triage
from qana_desktop.triage.policy import Conformal


def drawn_cases(n: int, *, scale: float, bias: list[float], seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    means = np.round(generator.normal(0, 100, (n, len(bias))))
    shares = softmax(scale * means + np.array(bias))
    labels = (generator.random((n, 1)) > np.cumsum(shares, axis=1)).sum(axis=1)
    return means, np.minimum(labels, len(bias) - 1)


def test_calibration_finds_the_slope_and_offsets_that_drew_the_labels() -> None:
    means, labels = drawn_cases(20_000, scale=0.02, bias=[0.5, 0.0, -0.5])
    natural = np.bincount(labels) / len(labels)
    scale, bias = fit_calibration(means, labels, natural)
    assert scale == pytest.approx(0.02, rel=0.05)
    assert bias == pytest.approx([0.5, 0.0, -0.5], abs=0.06)


def test_calibration_moves_the_mean_probability_to_the_named_prevalence() -> None:
    means, labels = drawn_cases(5_000, scale=0.01, bias=[1.0, 0.0, -1.0])
    wanted = np.array([0.1, 0.2, 0.7])
    scale, bias = fit_calibration(means, labels, wanted)
    weights = (wanted / np.bincount(labels))[labels]
    mean = (weights[:, None] * softmax(scale * means + bias)).sum(axis=0)
    assert mean == pytest.approx(wanted, abs=0.02)


def test_calibration_refuses_a_class_without_a_case_and_logits_that_point_the_wrong_way() -> None:
    means, labels = drawn_cases(500, scale=0.02, bias=[0.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="at least one case"):
        fit_calibration(means, np.zeros(500, np.int64), np.full(3, 1 / 3))
    with pytest.raises(ValueError, match="cannot be calibrated"):
        fit_calibration(-means, labels, np.full(3, 1 / 3))


def test_perfectly_separated_logits_still_give_a_finite_calibration() -> None:
    labels = np.arange(30) % 3
    scale, bias = fit_calibration(np.eye(3)[labels] * 1000.0, labels, np.full(3, 1 / 3))
    assert np.isfinite(scale)
    assert np.isfinite(bias).all()


def test_balanced_weights_undo_the_prevalence() -> None:
    prevalence = np.array([0.7, 0.2, 0.1])
    assert np.ptp(balanced_weights(prevalence) * prevalence) == pytest.approx(0)


def test_wilson_gives_the_textbook_interval() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857, table I: 81 of 263 gives .2553 to .3662.
    interval = wilson(81, 263)
    assert (interval.low, interval.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 0) == wilson(0, 0).__class__(0.0, 0.0, 1.0, 0)


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_wilson_interval_holds_its_value_and_stays_within_0_and_1(case: tuple[int, int]) -> None:
    interval = wilson(*case)
    assert 0.0 <= interval.low <= interval.value <= interval.high <= 1.0


def test_the_bootstrap_draws_lesions_and_not_images() -> None:
    values = np.repeat(np.random.default_rng(1).normal(size=40), 25)
    single = bootstrap(lambda rows: float(values[rows].mean()), np.arange(1000).astype(str), rounds=200)
    grouped = bootstrap(lambda rows: float(values[rows].mean()), np.repeat(np.arange(40), 25).astype(str), rounds=200)
    assert grouped.n == 40
    assert grouped.high - grouped.low > 3 * (single.high - single.low)
    assert grouped.low <= grouped.value <= grouped.high


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.01, 1.0))
def test_the_cut_keeps_the_wanted_sensitivity_and_no_higher_cut_does(values: list[float], wanted: float) -> None:
    scores, positive = np.array(values), np.ones(len(values), bool)
    cut = threshold_for_sensitivity(scores, positive, wanted)
    assert (scores >= cut).mean() >= wanted - 1e-9
    higher = scores[scores > cut]
    assert higher.size == 0 or (scores >= higher.min()).mean() < wanted + 1e-9


def test_a_cut_without_positives_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        threshold_for_sensitivity(np.array([0.1]), np.array([False]), 0.9)


def test_a_measured_point_counts_at_or_above_the_cut() -> None:
    scores, positive = np.array([0.1, 0.5, 0.5, 0.9]), np.array([False, False, True, True])
    point = measured_point("cut", "malignancy", 0.5, Triage.REVIEW, scores=scores, positive=positive)
    assert (point.sensitivity.value, point.specificity.value) == (1.0, 0.5)
    assert (point.sensitivity.n, point.specificity.n) == (2, 2)


def test_conformal_sets_reach_their_coverage_in_every_class_on_new_cases() -> None:
    means, labels = drawn_cases(8_000, scale=0.02, bias=[1.0, 0.0, -1.0])
    shares = softmax(0.02 * means + np.array([1.0, 0.0, -1.0]))
    conformal = fit_conformal(shares[:4000], labels[:4000], 0.9)
    covered = 1.0 - shares[4000:] <= np.array(conformal.quantiles)
    for k in range(3):
        assert covered[labels[4000:] == k, k].mean() == pytest.approx(0.9, abs=0.04)


def test_the_coverage_of_a_set_is_counted_with_the_most_probable_class_in_it() -> None:
    shares = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.8, 0.2]])
    found = measured_conformal(Conformal(0.9, (0.0, 0.5)), shares, np.array([0, 1, 1, 0]))
    assert found.measured is not None
    assert (found.measured.value, found.measured.n) == (0.75, 4)
    assert [part.value for part in found.measured_by_class] == [1.0, 0.5]


def test_a_class_with_too_few_cases_is_never_excluded() -> None:
    assert fit_conformal(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 0]), 0.9).quantiles == (1.0, 1.0)


def test_the_domain_model_keeps_its_false_reject_share_and_rejects_what_is_far_away() -> None:
    generator = np.random.default_rng(3)
    labels = np.arange(2000) % 2
    features = generator.normal(0, 1, (2000, 8)) + 5.0 * labels[:, None]
    features[:, 7] = 4.0
    model = fit_domain(features[:1000], labels[:1000], features[1000:], labels[1000:], false_reject=0.02)
    assert model.false_reject.value == pytest.approx(0.02, abs=0.002)
    assert out_of_domain(np.full((1, 8), 40.0), model).all()
    assert min(model.variances) > 0.0
    with pytest.raises(ValueError, match="at least one case"):
        fit_domain(features, labels, features, labels * 0, false_reject=0.02)


def test_a_rare_class_that_spreads_wider_is_not_refused_more_often() -> None:
    generator = np.random.default_rng(4)
    labels = np.array(([0] * 49 + [1]) * 80)
    spread = np.where(labels == 1, 3.0, 1.0)[:, None]
    features = generator.normal(0, 1, (4000, 8)) * spread + 20.0 * labels[:, None]
    model = fit_domain(features[:2000], labels[:2000], features[2000:], labels[2000:], false_reject=0.05)
    assert model.limits[1] > 4.0 * model.limits[0]
    assert model.false_rejects[1].value <= 0.1
    assert [share.n for share in model.false_rejects] == [1960, 40]
