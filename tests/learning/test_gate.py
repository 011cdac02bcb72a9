"""The gate lets an equal version through, and refuses a worse one by the line that should, with its numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.learning.gate import Accepted, Best, Comparison, Decision, Holdout, Refused, best_of, decide
from qana_desktop.learning.judged import Judged, judge
from qana_desktop.learning.protocol import Protocol
from qana_desktop.triage.diagnosis import CLASS_ORDER, Diagnosis
from tests.support.learning_world import build_world

PROTOCOL = Protocol(malignant_loss=0.01, melanoma_loss=0.01)
COUNTS = {"akiec": 40, "bcc": 60, "bkl": 100, "df": 12, "mel": 200, "nv": 500, "vasc": 20}


def perfect() -> Judged:
    """A version that is right everywhere and sure of it."""
    truth = np.repeat(np.arange(7), [COUNTS[dx] for dx in CLASS_ORDER])
    reached = np.repeat(np.isin(truth, [0, 1, 4])[:, None], 2, axis=1)
    cases = tuple(f"case-{n}" for n in range(len(truth)))
    return Judged(CLASS_ORDER, cases, truth, np.eye(7)[truth], truth.copy(), ("now", "review"), reached)


def worse(judged: Judged, dx: Diagnosis, count: int, *, cut: int | None = None, first: int = 0) -> Judged:
    """The same, with `count` cases of a class wrong: in their answer, or at one cut."""
    rows = np.flatnonzero(judged.of(dx))[first : first + count]
    if cut is None:
        answers, probabilities = judged.answers.copy(), judged.probabilities.copy()
        answers[rows] = (answers[rows] + 1) % 7
        return replace(judged, answers=answers, probabilities=probabilities)
    reached = judged.reached.copy()
    reached[rows, cut] ^= True
    return replace(judged, reached=reached)


def gate(candidate: Judged, factory: Judged | None = None, best: Best | None = None) -> Decision:
    factory = factory or perfect()
    return decide((Comparison(Holdout.FACTORY, factory, candidate, best or best_of(factory)),), PROTOCOL)


def failed(decision: Decision) -> set[str]:
    return {line.code for line in decision.failed} if isinstance(decision, Refused) else set()


def test_an_equal_version_is_accepted() -> None:
    assert isinstance(gate(perfect()), Accepted)


def test_one_point_of_malignant_sensitivity_may_be_lost_and_no_case_more() -> None:
    assert isinstance(gate(worse(perfect(), Diagnosis.BCC, 3, cut=1)), Accepted)
    assert "malignant-sensitivity" in failed(gate(worse(perfect(), Diagnosis.BCC, 4, cut=1)))


def test_melanoma_has_its_own_line_that_gains_elsewhere_do_not_pay_for() -> None:
    factory = worse(perfect(), Diagnosis.BCC, 20, cut=1)
    candidate = worse(perfect(), Diagnosis.MEL, 3, cut=1)
    assert failed(gate(candidate, factory, best_of(factory))) == {"melanoma-sensitivity"}


def test_each_printed_cut_is_held() -> None:
    for cut in (0, 1):
        assert "melanoma-sensitivity" in failed(gate(worse(perfect(), Diagnosis.MEL, 3, cut=cut)))


def test_a_significant_paired_loss_is_refused_where_the_share_alone_would_pass() -> None:
    lenient = replace(PROTOCOL, malignant_loss=0.1, melanoma_loss=0.1, ratchet_loss=0.1)
    candidate = worse(perfect(), Diagnosis.BCC, 5, cut=0)
    comparison = Comparison(Holdout.FACTORY, perfect(), candidate, best_of(perfect()))
    assert failed(decide((comparison,), lenient)) == {"malignant-paired"}


def test_a_class_may_lose_five_points_or_a_single_case() -> None:
    assert isinstance(gate(worse(perfect(), Diagnosis.DF, 1)), Accepted)
    assert "class-recall" in failed(gate(worse(perfect(), Diagnosis.DF, 2)))
    assert isinstance(gate(worse(perfect(), Diagnosis.NV, 25)), Accepted)
    assert failed(gate(worse(perfect(), Diagnosis.NV, 26))) == {"class-recall"}


def test_specificity_flips_and_calibration_have_their_lines() -> None:
    assert failed(gate(worse(perfect(), Diagnosis.NV, 40, cut=1))) == {"specificity"}
    assert "flips" in failed(gate(worse(worse(perfect(), Diagnosis.NV, 80), Diagnosis.BKL, 20)))
    unsure = replace(perfect(), probabilities=0.9 * perfect().probabilities + 0.1 / 7)
    assert failed(gate(unsure)) == {"calibration"}


def test_many_small_losses_stop_at_the_best_ever() -> None:
    """Each version loses two melanomas more than the last; the factory version itself was worse than the first."""
    factory = worse(perfect(), Diagnosis.MEL, 30, cut=1)
    best, accepted = best_of(perfect(), best_of(factory)), 0
    for update in range(10):
        candidate = worse(perfect(), Diagnosis.MEL, 2 * (update + 1), cut=1)
        decision = gate(candidate, factory, best)
        if isinstance(decision, Refused):
            assert failed(decision) <= {"melanoma-ratchet", "malignant-ratchet"}
            continue
        accepted += 1
        best = best_of(candidate, best)
    assert accepted == 2


def test_ten_updates_of_two_points_each_are_refused_at_the_first() -> None:
    for update in range(10):
        candidate = worse(perfect(), Diagnosis.MEL, 4 * (update + 1), cut=1)
        assert {"melanoma-sensitivity", "malignant-sensitivity"} <= failed(gate(candidate))


def test_a_holdout_without_enough_malignant_cases_proves_nothing() -> None:
    few = np.flatnonzero(~perfect().malignant)
    whole = perfect()
    part = replace(
        whole,
        cases=tuple(whole.cases[n] for n in few),
        truth=whole.truth[few],
        probabilities=whole.probabilities[few],
        answers=whole.answers[few],
        reached=whole.reached[few],
    )
    decision = gate(part, part)
    assert failed(decision) == {"enough-malignant"}
    assert "shows nothing about missed cancers" in decision.power[0]


def test_the_local_holdout_may_change_its_answers_and_is_held_to_the_rest() -> None:
    factory = worse(perfect(), Diagnosis.NV, 200)
    local = Comparison(Holdout.LOCAL, factory, perfect(), best_of(factory))
    own = Comparison(Holdout.FACTORY, perfect(), perfect(), best_of(perfect()))
    assert isinstance(decide((own, local), PROTOCOL), Accepted)
    lost = replace(
        local, factory=perfect(), candidate=worse(perfect(), Diagnosis.MEL, 10, cut=1), best=best_of(perfect())
    )
    decision = decide((own, lost), PROTOCOL)
    assert isinstance(decision, Refused)
    assert {line.holdout for line in decision.failed} == {Holdout.LOCAL}


def test_every_line_is_a_sentence_with_numbers_and_turned_cases_are_named() -> None:
    decision = gate(worse(perfect(), Diagnosis.MEL, 3))
    for line in decision.lines:
        assert line.sentence.endswith(".")
        assert any(letter.isdigit() for letter in line.sentence)
    assert [case for _, case in decision.turned_wrong] == [perfect().cases[n] for n in range(212, 215)]


def test_two_readings_of_other_cases_are_a_mistake_of_the_caller() -> None:
    other = replace(perfect(), cases=tuple(reversed(perfect().cases)))
    with pytest.raises(ValueError, match="same cases"):
        gate(other)
    with pytest.raises(ValueError, match="once on the factory holdout"):
        decide((), PROTOCOL)


@given(st.integers(0, 200), st.integers(0, 200), st.sampled_from((0, 1)))
def test_to_lose_more_melanomas_never_turns_a_refusal_into_acceptance(one: int, more: int, cut: int) -> None:
    less = gate(worse(perfect(), Diagnosis.MEL, one, cut=cut))
    worst = gate(worse(perfect(), Diagnosis.MEL, min(200, one + more), cut=cut))
    assert failed(less) <= failed(worst)


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_cases_does_not_matter(seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(perfect().cases))

    def turned(judged: Judged) -> Judged:
        return replace(
            judged,
            cases=tuple(judged.cases[n] for n in order),
            truth=judged.truth[order],
            probabilities=judged.probabilities[order],
            answers=judged.answers[order],
            reached=judged.reached[order],
        )

    candidate = worse(worse(perfect(), Diagnosis.MEL, 3, cut=1), Diagnosis.DF, 2)
    assert failed(gate(turned(candidate), turned(perfect()))) == failed(gate(candidate))


def test_a_reading_is_judged_as_in_use_and_bad_shapes_are_refused() -> None:
    world = build_world(holdout=200)
    judged = world.read(world.network)
    assert judged.reached.shape == (200, 2)
    assert judged.balanced_accuracy() > 0.5
    means = world.means(world.network)
    with pytest.raises(ValueError, match="none twice"):
        judge(["a"] * 200, world.truth, means, world.policy)
    with pytest.raises(ValueError, match="logits"):
        judge([str(n) for n in range(200)], world.truth, means[:, :6], world.policy)
    with pytest.raises(ValueError, match="true class"):
        judge([str(n) for n in range(200)], world.truth + 1, means, world.policy)


def at_the_clinic(before: Judged, after: Judged, promised: Judged) -> set[str]:
    """The lines that refuse at the clinic; the factory's own cases do not change."""
    comparisons = (
        Comparison(Holdout.FACTORY, promised, promised, best_of(promised)),
        Comparison(Holdout.LOCAL, before, after, best_of(after)),
    )
    decision = decide(comparisons, PROTOCOL)
    return {line.code for line in decision.failed} if isinstance(decision, Refused) else set()


def test_a_recall_that_was_high_because_a_camera_looked_like_nevi_may_fall_to_what_was_promised() -> None:
    promised = worse(perfect(), Diagnosis.NV, 60)
    assert at_the_clinic(perfect(), worse(perfect(), Diagnosis.NV, 60), promised) == set()
    assert at_the_clinic(perfect(), worse(perfect(), Diagnosis.NV, 120), promised) == {"class-recall"}


def test_at_the_clinic_a_loss_of_recall_by_chance_is_no_refusal_and_one_beyond_it_is() -> None:
    before = worse(perfect(), Diagnosis.VASC, 4)
    swapped = worse(perfect(), Diagnosis.VASC, 6, first=3)
    assert at_the_clinic(before, swapped, perfect()) == set()
    assert at_the_clinic(perfect(), worse(perfect(), Diagnosis.VASC, 6), perfect()) == {"class-recall"}
