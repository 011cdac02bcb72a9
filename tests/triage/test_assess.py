"""What a reading says: probabilities, triage that doubt can only raise, and refusals that are never an answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qana_desktop.system.faults import Fault
from qana_desktop.triage.assess import (
    RULES,
    assess,
    conformal_set,
    malignancy_of,
    triage_at,
    worklist_key,
)
from qana_desktop.triage.calibration import probabilities
from qana_desktop.triage.diagnosis import CLASS_ORDER, MALIGNANT, Diagnosis
from qana_desktop.triage.outcome import Assessed, CannotAssess, Triage
from qana_desktop.triage.policy import Calibration, Conformal, DomainModel, Interval, OperatingPoint, ReadingPolicy
from qana_desktop.triage.quality import QualityFinding, QualityReport
from tests.support.policies import policies

SOME = Interval(0.5, 0.4, 0.6, 10)
LOGITS = hnp.arrays(np.int32, st.tuples(st.integers(1, 8), st.just(7)), elements=st.integers(-(2**15), 2**15))
NO_FEATURES = np.zeros((1, 0), np.int32)
ORDER = [Triage.LOW_CONCERN, Triage.REVIEW, Triage.REVIEW_NOW]
EVEN = tuple(1 / 7 for _ in range(7))
POLICY = ReadingPolicy(
    classes=CLASS_ORDER,
    views=("identity",),
    calibration=Calibration(0.01, (0.0,) * 7, "an even population", EVEN, SOME),
    decision_weights=(1.0,) * 7,
    operating_points=(
        OperatingPoint("now", "malignancy", 0.6, "review_now", SOME, SOME),
        OperatingPoint("look", "malignancy", 0.3, "review", SOME, SOME),
    ),
    conformal=Conformal(0.9, (0.0,) * 7),
    domain=None,
)
FAR = DomainModel(((0.0, 0.0),) * 7, (1.0, 4.0), (1.0,) * 7, SOME, (SOME,) * 7)
BLUR = Fault("quality-blur", "The image is blurred.", "Take it again.")
BLURRED = QualityReport((QualityFinding("sharpness", 1.0, 5.0, BLUR, refuses=True),))
SOFT = QualityReport((QualityFinding("sharpness", 4.0, 5.0, BLUR, refuses=False),))


def logits_for(*views: dict[Diagnosis, int]) -> np.ndarray:
    return np.array([[view.get(dx, 0) for dx in CLASS_ORDER] for view in views], np.int32)


def assessed(logits: np.ndarray, policy: ReadingPolicy = POLICY) -> Assessed:
    outcome = assess(logits, NO_FEATURES, policy)
    assert isinstance(outcome, Assessed)
    return outcome


@given(LOGITS, policies(with_domain=False))
def test_what_an_assessment_says_fits_together(logits: np.ndarray, policy: ReadingPolicy) -> None:
    outcome = assessed(logits, policy)
    shares = outcome.probabilities
    assert tuple(shares) == policy.classes
    assert sum(shares.values()) == pytest.approx(1.0)
    assert outcome.malignancy == pytest.approx(sum(shares[dx] for dx in MALIGNANT))
    assert 0.0 <= outcome.malignancy <= 1.0
    assert outcome.confidence == max(shares.values())
    assert outcome.could_be[0] == max(shares, key=shares.__getitem__)
    assert len(set(outcome.could_be)) == len(outcome.could_be)
    assert [shares[dx] for dx in outcome.could_be] == sorted((shares[dx] for dx in outcome.could_be), reverse=True)
    assert (outcome.view_agreement * len(logits)) == pytest.approx(round(outcome.view_agreement * len(logits)))


@given(LOGITS, policies(with_domain=False))
def test_no_rule_makes_a_triage_less_severe_than_the_malignancy_cut(logits: np.ndarray, policy: ReadingPolicy) -> None:
    outcome = assessed(logits, policy)
    points = tuple(point for point in policy.operating_points if point.score == "malignancy")
    base = triage_at(outcome.probabilities, points)
    assert ORDER.index(outcome.triage) >= ORDER.index(base)
    assert bool(outcome.raised_by) == (outcome.triage is not base)
    assert set(outcome.raised_by) <= set(RULES)
    plausible = {outcome.predicted, *outcome.could_be}
    assert outcome.triage is not Triage.LOW_CONCERN or not plausible & MALIGNANT


@given(LOGITS, policies(with_domain=False), st.randoms(use_true_random=False))
def test_the_order_of_the_views_changes_nothing(logits: np.ndarray, policy: ReadingPolicy, random) -> None:
    order = list(range(len(logits)))
    random.shuffle(order)
    assert assessed(logits[order], policy) == assessed(logits, policy)


@given(
    st.floats(0, 1),
    st.floats(0, 1),
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from(["review", "review_now"])), max_size=4),
)
def test_more_malignancy_is_never_less_urgent(one: float, other: float, cuts: list[tuple[float, str]]) -> None:
    points = tuple(OperatingPoint("cut", "malignancy", cut, triage, SOME, SOME) for cut, triage in cuts)
    low, high = sorted((one, other))
    less, more = (triage_at({Diagnosis.MEL: score, Diagnosis.NV: 1 - score}, points) for score in (low, high))
    assert ORDER.index(less) <= ORDER.index(more)


@given(hnp.arrays(np.float64, 7, elements=st.floats(0.001, 1)), st.tuples(*[st.floats(0, 1)] * 7), st.integers(0, 6))
def test_a_wider_quantile_only_adds_to_the_set(weights: np.ndarray, quantiles: tuple[float, ...], wider: int) -> None:
    by_class = dict(zip(CLASS_ORDER, (weights / weights.sum()).tolist(), strict=True))
    more = tuple(1.0 if k == wider else q for k, q in enumerate(quantiles))
    narrow, wide = (set(conformal_set(by_class, Conformal(0.9, q))) for q in (quantiles, more))
    assert narrow <= wide
    assert CLASS_ORDER[wider] in wide


def test_a_clear_nevus_is_of_low_concern_and_raised_by_nothing() -> None:
    outcome = assessed(logits_for({Diagnosis.NV: 900}))
    assert (outcome.triage, outcome.raised_by, outcome.predicted) == (Triage.LOW_CONCERN, (), Diagnosis.NV)


def test_a_score_exactly_at_the_cut_reaches_it() -> None:
    score = malignancy_of(assessed(logits_for({})).probabilities)
    at = replace(POLICY, operating_points=(OperatingPoint("at", "malignancy", score, "review_now", SOME, SOME),))
    assert assessed(logits_for({}), at).triage is Triage.REVIEW_NOW


def test_a_malignant_class_in_the_set_raises_a_benign_answer_to_review_and_says_so() -> None:
    logits = logits_for({Diagnosis.NV: 500, Diagnosis.MEL: 300})
    assert assessed(logits).triage is Triage.LOW_CONCERN
    wide = replace(POLICY, conformal=Conformal(0.9, (0.99,) * 7))
    outcome = assessed(logits, wide)
    assert outcome.could_be == (Diagnosis.NV, Diagnosis.MEL)
    assert (outcome.triage, outcome.raised_by) == (Triage.REVIEW, ("could-be-malignant",))


def test_an_answer_that_is_malignant_by_the_decision_rule_is_never_of_low_concern() -> None:
    weighed = replace(POLICY, decision_weights=tuple(100.0 if dx is Diagnosis.MEL else 1.0 for dx in CLASS_ORDER))
    outcome = assessed(logits_for({Diagnosis.NV: 500, Diagnosis.MEL: 200}), weighed)
    assert (outcome.predicted, outcome.confidence) == (Diagnosis.MEL, outcome.probabilities[Diagnosis.NV])
    assert (outcome.triage, outcome.raised_by) == (Triage.REVIEW, ("predicted-malignant",))


def test_the_own_operating_point_of_a_class_raises_past_the_malignancy_cut() -> None:
    own = OperatingPoint("melanoma", "mel", 0.05, "review_now", SOME, SOME)
    outcome = assessed(
        logits_for({Diagnosis.NV: 500, Diagnosis.MEL: 300}),
        replace(POLICY, operating_points=(*POLICY.operating_points, own)),
    )
    assert (outcome.triage, outcome.raised_by) == (Triage.REVIEW_NOW, ("class-cut",))


def test_views_that_contradict_each_other_raise_the_triage() -> None:
    views = ({Diagnosis.NV: 1500}, {Diagnosis.DF: 900}, {Diagnosis.VASC: 900})
    outcome = assessed(logits_for(*views))
    assert outcome.view_agreement == pytest.approx(1 / 3)
    assert (outcome.triage, outcome.raised_by) == (Triage.REVIEW, ("views-disagree",))


def test_a_quality_refusal_is_a_cannot_assess_and_can_be_overridden_in_the_open() -> None:
    logits = logits_for({Diagnosis.NV: 900})
    assert assess(logits, NO_FEATURES, POLICY, quality=BLURRED) == CannotAssess(BLUR)
    outcome = assess(logits, NO_FEATURES, POLICY, quality=BLURRED, ignore_quality=True)
    assert isinstance(outcome, Assessed)
    assert outcome.ignored == (BLUR,)


def test_a_quality_warning_does_not_stop_a_reading() -> None:
    outcome = assess(logits_for({Diagnosis.NV: 900}), NO_FEATURES, POLICY, quality=SOFT)
    assert isinstance(outcome, Assessed)
    assert outcome.ignored == ()


@pytest.mark.parametrize(("features", "inside"), [([[1, 2]], True), ([[1, 3]], False), ([[0, 0], [2, 4]], True)])
def test_an_image_beyond_the_limit_of_the_domain_is_refused(features: list[list[int]], inside: bool) -> None:
    # Mean over features of (x - 0)^2 / variance: (1 + 1) / 2 = 1 lies on the limit, (1 + 9 / 4) / 2 beyond it.
    policy = replace(POLICY, domain=FAR)
    logits = np.repeat(logits_for({Diagnosis.NV: 900}), len(features), axis=0)
    outcome = assess(logits, np.array(features, np.int32), policy)
    assert isinstance(outcome, Assessed) is inside
    if not inside:
        assert isinstance(outcome, CannotAssess)
        assert outcome.reason.code == "out-of-domain"
        ignoring = assess(logits, np.array(features, np.int32), policy, ignore_quality=True)
        assert isinstance(ignoring, Assessed)
        assert [fault.code for fault in ignoring.ignored] == ["out-of-domain"]


def test_the_first_refusal_is_that_of_quality_and_both_are_listed_when_ignored() -> None:
    policy, logits = replace(POLICY, domain=FAR), logits_for({Diagnosis.NV: 900})
    far = np.array([[15, 15]], np.int32)
    assert assess(logits, far, policy, quality=BLURRED) == CannotAssess(BLUR)
    outcome = assess(logits, far, policy, quality=BLURRED, ignore_quality=True)
    assert isinstance(outcome, Assessed)
    assert [fault.code for fault in outcome.ignored] == ["quality-blur", "out-of-domain"]


def test_outputs_that_do_not_fit_the_policy_are_a_bug_and_not_an_answer() -> None:
    with pytest.raises(ValueError, match="logits"):
        probabilities(np.zeros((1, 6), np.int32), POLICY.calibration)
    with pytest.raises(ValueError, match="features"):
        assess(logits_for({}), np.zeros((1, 3), np.int32), replace(POLICY, domain=FAR))


def test_a_worklist_shows_what_could_not_be_assessed_first_and_the_most_malignant_next() -> None:
    clear = assessed(logits_for({Diagnosis.NV: 900}))
    worse = assessed(logits_for({Diagnosis.NV: 900, Diagnosis.MEL: 100}))
    bad = assessed(logits_for({Diagnosis.MEL: 900}))
    cannot = CannotAssess(BLUR)
    assert sorted([clear, bad, worse, cannot], key=worklist_key) == [cannot, bad, worse, clear]
