"""Two readers: when the second is asked, and that together they never say less than one of them alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qana_desktop.triage.assess import ONE_READER, RULES, SECOND_SILENT, SEVERITY, judged
from qana_desktop.triage.case import Kind
from qana_desktop.triage.diagnosis import CLASS_ORDER, Diagnosis
from qana_desktop.triage.measured import MeasuredValue, Method
from qana_desktop.triage.outcome import Assessed, SecondAsked, SecondSilent, Triage
from qana_desktop.triage.policy import Calibration, Interval, ReadingPolicy, SecondReaderPolicy
from qana_desktop.triage.record_json import record_from_json, record_to_json
from qana_desktop.triage.second_reader import (
    judge_second,
    normalised_entropy,
    read_together,
    together,
    uncertainty,
    without_second,
)
from tests.support.bundles import small_policy
from tests.support.policies import policies
from tests.support.stores import REFUSED, reading

SOME = Interval(0.2, 0.1, 0.3, 90)
RULE = SecondReaderPolicy(0.5, Calibration(1.0, (0.0,) * 7, "an even population", (1 / 7,) * 7, SOME), 0.5, 0.5, SOME)
POLICY = small_policy(views=1)
SHARES = hnp.arrays(np.float64, 7, elements=st.floats(1e-6, 1.0)).map(lambda a: a / a.sum())
LOGITS = hnp.arrays(np.float64, st.tuples(st.integers(1, 4), st.just(7)), elements=st.floats(-30, 30))


def said(shares: np.ndarray, policy: ReadingPolicy = POLICY) -> Assessed:
    return judged(shares, policy, views=shares[None])


def sure_of(dx: Diagnosis, share: float = 0.94) -> np.ndarray:
    shares = np.full(7, (1 - share) / 6)
    shares[CLASS_ORDER.index(dx)] = share
    return shares


def test_entropy_is_nothing_for_certainty_and_one_for_an_even_spread() -> None:
    assert normalised_entropy(np.eye(7)[2]) == 0.0
    assert normalised_entropy(np.full(7, 1 / 7)) == pytest.approx(1.0)
    assert uncertainty(said(sure_of(Diagnosis.NV, 0.99))) < 0.1


@given(SHARES)
def test_entropy_lies_between_nothing_and_one_whatever_the_probabilities(shares: np.ndarray) -> None:
    assert 0.0 <= normalised_entropy(shares) <= 1.0


@given(SHARES, SHARES)
def test_both_together_are_probabilities_between_those_of_the_two(first: np.ndarray, second: np.ndarray) -> None:
    both = together(first, second, RULE)
    assert both.sum() == pytest.approx(1.0)
    ratio = np.log(both[0] / both[1])
    ratios = [np.log(part[0] / part[1]) for part in (first, second)]
    assert min(ratios) - 1e-9 <= ratio <= max(ratios) + 1e-9, "the pooled odds lie between the readers' odds"


@given(SHARES)
def test_a_reader_without_weight_changes_nothing(shares: np.ndarray) -> None:
    alone = replace(RULE, first_weight=1.0, second_weight=0.0)
    assert together(shares, sure_of(Diagnosis.MEL), alone) == pytest.approx(shares)


@given(st.data())
def test_the_more_severe_triage_leads_and_nothing_that_a_reader_held_possible_is_lost(data: st.DataObject) -> None:
    policy = data.draw(policies(with_domain=False))
    first, second = said(data.draw(SHARES), policy), said(data.draw(SHARES), policy)
    both = read_together(first, second, policy, RULE)
    assert SEVERITY[both.triage] >= max(SEVERITY[first.triage], SEVERITY[second.triage])
    assert {*first.could_be, *second.could_be, both.predicted} <= {*both.could_be}
    assert set(both.raised_by) <= set(RULES)
    ranked = [both.probabilities[dx] for dx in both.could_be]
    assert ranked == sorted(ranked, reverse=True)


def test_where_one_reader_alone_is_more_urgent_the_reading_says_so() -> None:
    benign, malignant = said(sure_of(Diagnosis.NV, 0.999)), said(sure_of(Diagnosis.MEL, 0.85))
    assert (benign.triage, malignant.triage) == (Triage.LOW_CONCERN, Triage.REVIEW_NOW)
    both = read_together(benign, malignant, POLICY, RULE)
    assert both.triage is Triage.REVIEW_NOW
    assert ONE_READER in both.raised_by
    assert read_together(malignant, benign, POLICY, RULE).triage is Triage.REVIEW_NOW


def test_two_readers_who_agree_need_no_such_note() -> None:
    nevus = said(sure_of(Diagnosis.NV))
    assert read_together(nevus, nevus, POLICY, RULE).raised_by == ()


@given(LOGITS)
def test_the_second_reader_is_judged_at_its_own_calibration(logits: np.ndarray) -> None:
    outcome = judge_second(logits, POLICY, RULE)
    mean = logits.mean(axis=0)
    shares = np.exp(mean - mean.max())
    assert [*outcome.probabilities.values()] == pytest.approx(shares / shares.sum())
    assert 0.0 <= outcome.view_agreement <= 1.0


@pytest.mark.parametrize("logits", [np.zeros((0, 7)), np.zeros((2, 6)), np.full((1, 7), np.nan), np.zeros(7)])
def test_logits_that_cannot_be_a_reading_are_refused(logits: np.ndarray) -> None:
    with pytest.raises(ValueError, match="logits"):
        judge_second(logits, POLICY, RULE)


def test_a_second_reader_that_could_not_be_asked_never_leaves_low_concern() -> None:
    calm, urgent = said(sure_of(Diagnosis.NV)), said(sure_of(Diagnosis.MEL))
    assert without_second(calm).triage is Triage.REVIEW
    assert SECOND_SILENT in without_second(calm).raised_by
    assert without_second(urgent) == urgent


def test_a_reading_with_two_readers_is_stored_and_comes_back_as_it_was() -> None:
    first, second = said(sure_of(Diagnosis.NV)), said(sure_of(Diagnosis.BKL))
    energy = MeasuredValue(1.5, "mJ", Method.ESTIMATED, "one image, 2 views", 1, "2026-01-01T00:00:00+00:00", "second")
    asked = SecondAsked(
        0.7, 0.5, "Larger", "onnxruntime 1.28", ((0.25, -1.5) * 3 + (0.0,),), first, second, 31.5, energy
    )
    silent = SecondSilent(0.7, 0.5, REFUSED.reason)
    for value in (asked, silent, None):
        record = replace(reading(), second_reader=value)
        assert record_from_json(Kind.READING, record_to_json(record)) == record


def test_a_reading_that_was_stored_before_there_was_a_second_reader_has_none() -> None:
    earlier = record_to_json(reading()).replace('"second_reader":null,', "")
    assert "second_reader" not in earlier
    assert record_from_json(Kind.READING, earlier) == reading()
