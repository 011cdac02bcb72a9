"""The second reader's rule, fitted on drawn logits: it is asked where it helps, and the report counts what is used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qana_desktop.training.second_reader import Pair, ReadingCost, fit_second_reader, fit_weights
from qana_desktop.triage.calibration import probabilities_of_means
from qana_desktop.triage.fit import balanced_weights, fit_calibration
from qana_desktop.triage.policy import Calibration, ReadingPolicy
from qana_desktop.triage.second_reader import normalised_entropy, pooled
from tests.support.bundles import NOTHING_MEASURED, small_policy

SHARES = np.array([0.05, 0.06, 0.12, 0.03, 0.12, 0.58, 0.04])
COST = ReadingCost(first=100, second=5000)


def drawn(n: int, seed: int, *, first: float, second: float) -> Pair:
    """Two readers whose logits point at the truth by so much, in noise of their own and noise that they share."""
    random = np.random.default_rng(seed)
    truth = np.sort(random.choice(7, n, p=SHARES))
    truth[:7] = np.arange(7)
    shared = random.normal(0, 0.7, (n, 1, 7))
    logits = []
    for good in (first, second):
        noise = shared + random.normal(0, 0.7, (n, 1, 7)) + random.normal(0, 0.2, (n, 2, 7))
        logits.append(good * np.eye(7)[truth][:, None] + noise)
    return Pair(100.0 * logits[0], logits[1], truth, tuple(f"L{i // 2}" for i in range(n)))


def policy_for(pair: Pair) -> ReadingPolicy:
    scale, bias = fit_calibration(pair.first.mean(axis=1), pair.truth, SHARES)
    own = Calibration(scale, tuple(map(float, bias)), "drawn", tuple(map(float, SHARES)), NOTHING_MEASURED)
    weights = balanced_weights(SHARES) ** 0.5
    return replace(small_policy(), calibration=own, decision_weights=tuple(map(float, weights)))


CALIBRATION, TEST = (drawn(900, seed, first=1.8, second=3.2) for seed in (1, 2))
POLICY = policy_for(CALIBRATION)


@pytest.fixture(scope="module")
def fitted() -> tuple:
    return fit_second_reader(CALIBRATION, TEST, POLICY, SHARES, cost=COST)


def test_a_better_second_reader_is_asked_and_makes_the_answers_better(fitted: tuple) -> None:
    rule, report = fitted
    assert 0.05 < rule.passed_on.value <= 0.5
    alone, used = (report["readers"][name] for name in ("first reader alone", "as in use"))
    assert used["balanced_accuracy"]["value"] > alone["balanced_accuracy"]["value"] + 0.02
    assert used["accuracy"]["value"] > alone["accuracy"]["value"]


def test_what_is_reported_is_what_the_rule_does_on_test_images(fitted: tuple) -> None:
    rule, report = fitted
    first = probabilities_of_means(TEST.first.mean(axis=1), POLICY.calibration)
    asked = normalised_entropy(first) > rule.ask_above
    assert rule.passed_on.n == len(TEST.truth)
    assert rule.passed_on.value == asked.mean()
    assert report["cost"]["as_in_use"] == pytest.approx(100 + asked.mean() * 5000)


def test_the_table_goes_from_nobody_to_everybody(fitted: tuple) -> None:
    _, report = fitted
    passed = [row["passed_on"] for row in report["by_share"]]
    assert (passed[0], passed[-1]) == (0.0, 1.0)
    assert passed == sorted(passed)
    assert report["by_share"][0]["accuracy"] == report["readers"]["first reader alone"]["accuracy"]["value"]
    assert report["by_share"][-1]["accuracy"] == report["readers"]["both readers, every image"]["accuracy"]["value"]


def test_a_second_reader_sends_no_malignant_image_away(fitted: tuple) -> None:
    _, report = fitted
    alone, used = (report["triage"][name] for name in ("first reader alone", "as in use"))
    assert used["malignant_review_sensitivity"]["value"] >= alone["malignant_review_sensitivity"]["value"]


def test_a_second_reader_that_guesses_gets_no_weight_and_no_images() -> None:
    calibration = drawn(900, 3, first=2.5, second=0.05)
    rule, report = fit_second_reader(
        calibration, drawn(900, 4, first=2.5, second=0.05), policy_for(calibration), SHARES, cost=COST
    )
    assert rule.second_weight < 0.5 * rule.first_weight
    used, alone = (
        report["readers"][name]["balanced_accuracy"]["value"] for name in ("as in use", "first reader alone")
    )
    assert used >= alone - 0.02


def test_weights_of_equally_good_readers_with_noise_of_their_own_add_up_their_evidence() -> None:
    random = np.random.default_rng(5)
    truth = random.choice(7, 4000, p=SHARES)
    logits = [2.0 * np.eye(7)[truth] + random.normal(0, 1.0, (4000, 7)) for _ in range(2)]
    shares = [np.exp(2.0 * part) * SHARES for part in logits]
    first, second = (part / part.sum(axis=1, keepdims=True) for part in shares)
    a, b = fit_weights(first, second, truth, SHARES)
    assert a == pytest.approx(1.0, abs=0.2)
    assert b == pytest.approx(1.0, abs=0.2)
    both = pooled(first, second, SHARES, first_weight=a, second_weight=b)
    assert (both.argmax(axis=1) == truth).mean() > (first.argmax(axis=1) == truth).mean()
