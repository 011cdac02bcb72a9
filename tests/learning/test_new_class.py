"""A clinic's own class is learnt with its own number of cases, and a bundle with it is written, read and shown."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qana_desktop.learning.gate import Accepted, Comparison, Holdout, best_of, decide
from qana_desktop.learning.head import HeadSettings, TooFewCases
from qana_desktop.learning.holdouts import FeatureHoldout, holdout_from_bytes, holdout_to_bytes
from qana_desktop.learning.judged import judge
from qana_desktop.learning.memory import LocalCase
from qana_desktop.learning.new_class import LearntClass, NewClass, class_rows, learn_new_class
from qana_desktop.learning.protocol import Protocol
from qana_desktop.network.bundle import open_bundle
from qana_desktop.network.bundle_writer import BundleContents, write_bundle
from qana_desktop.network.manifest import Origin
from qana_desktop.triage.assess import assess
from qana_desktop.triage.diagnosis import Diagnosis, SiteClass
from qana_desktop.triage.domain import is_out_of_domain
from qana_desktop.triage.outcome import Assessed
from qana_desktop.triage.policy import DomainModel, ReadingPolicy
from qana_desktop.triage.policy_json import policy_from_json, policy_to_json
from tests.support.bundles import NOTHING_MEASURED
from tests.support.learning_world import FEATURES, VIEWS, build_world, cases

SCC = SiteClass("scc", "Squamous cell carcinoma", malignant=True)
SETTINGS = HeadSettings(steps=40)
WORLD = build_world(holdout=900)


def squamous(count: int, seed: int) -> np.ndarray:
    """Features (count, VIEWS, FEATURES) of the new class: something of each other class, and one feature of its own."""
    generator = np.random.default_rng(seed)
    base = generator.normal(5.0, 2.5, (count, 1, FEATURES))
    base[:, :, [0, 7, 12, 20, 26, 31]] += 2.5
    base[:, :, 35] += 6.0
    return np.clip(np.rint(base + generator.normal(0, 0.5, (count, VIEWS, FEATURES))), 0, 15).astype(np.uint8)


def own_cases(count: int, seed: int = 70) -> tuple[LocalCase, ...]:
    return tuple(
        LocalCase(f"patient-scc-{seed}-{n}", f"lesion-scc-{seed}-{n}", "scc", features)
        for n, features in enumerate(squamous(count, seed))
    )


def policy() -> ReadingPolicy:
    """The world's policy with a domain that its cases belong to."""
    means = WORLD.features.mean(axis=1)
    centres = tuple(tuple(map(float, means[WORLD.truth == k].mean(axis=0))) for k in range(7))
    domain = DomainModel(centres, (6.0,) * FEATURES, (2.5,) * 7, NOTHING_MEASURED, (NOTHING_MEASURED,) * 7)
    return replace(WORLD.policy, domain=domain)


def holdout() -> FeatureHoldout:
    ids = [f"lesion-{n}" for n in range(len(WORLD.truth))]
    content = holdout_to_bytes(ids, WORLD.truth, WORLD.features)
    return holdout_from_bytes(content, sha256=hashlib.sha256(content).hexdigest())


def learn(count: int = 40, fewest: int = 30, **named: float) -> LearntClass:
    local = (*own_cases(count), *cases([Diagnosis.NV] * 20 + [Diagnosis.MEL] * 10, seed=80))
    added = NewClass(SCC, fewest, **named)
    return learn_new_class(WORLD.network, policy(), WORLD.memory, holdout(), local, added, settings=SETTINGS)


@pytest.fixture(scope="module")
def learnt() -> LearntClass:
    return learn()


def test_left_out_lesions_of_the_new_class_are_recognised(learnt: LearntClass) -> None:
    assert learnt.sensitivity.n == 40
    assert learnt.sensitivity.value >= 0.6


def test_other_lesions_of_the_new_class_are_assessed_as_what_they_are(learnt: LearntClass) -> None:
    features = squamous(60, 71)
    rows = class_rows(learnt.trained.network).astype(np.int64)
    outcomes = [assess(each.astype(np.int64) @ rows.T, each, learnt.policy) for each in features]
    found = [outcome for outcome in outcomes if isinstance(outcome, Assessed)]
    assert len(found) > 50
    assert np.mean([outcome.predicted == SCC for outcome in found]) >= 0.6
    assert np.mean([outcome.malignancy for outcome in found]) > 0.5


def test_the_old_classes_lose_next_to_nothing_and_the_gate_compares_the_two(learnt: LearntClass) -> None:
    ids = [f"lesion-{n}" for n in range(len(WORLD.truth))]
    before = judge(ids, WORLD.truth, WORLD.means(WORLD.network), policy(), also=(SCC,))
    means = WORLD.features.astype(np.float64).mean(axis=1) @ class_rows(learnt.trained.network).T
    after = judge(ids, WORLD.truth, means, learnt.policy)
    assert after.classes == before.classes
    assert after.balanced_accuracy() > before.balanced_accuracy() - 0.03
    decision = decide((Comparison(Holdout.FACTORY, before, after, best_of(before)),), Protocol())
    assert isinstance(decision, Accepted) or {line.code for line in decision.failed} <= {
        "melanoma-sensitivity",
        "malignant-sensitivity",
        "class-recall",
    }


def test_a_factory_version_never_answers_a_class_that_it_does_not_know() -> None:
    truth = np.array([7, 0])
    judged = judge(["new", "old"], truth, np.zeros((2, 7)), policy(), also=(SCC,))
    assert list(judged.malignant) == [True, True]
    assert not judged.right[0]
    with pytest.raises(ValueError, match="none of the policy's"):
        judge(["new", "old"], truth, np.zeros((2, 7)), policy())


def test_the_policy_has_an_entry_for_it_everywhere_and_the_old_ones_stay(learnt: LearntClass) -> None:
    old, new = policy(), learnt.policy
    assert new.classes == (*old.classes, SCC)
    assert new.conformal.quantiles[:7] == old.conformal.quantiles
    assert new.calibration.prevalence[-1] == pytest.approx(0.01)
    ratio = np.array(new.calibration.prevalence[:7]) / np.array(old.calibration.prevalence)
    assert ratio == pytest.approx(ratio[0])
    assert new.operating_points[:-1] == old.operating_points
    assert (new.operating_points[-1].score, new.operating_points[-1].triage) == ("scc", "review")
    assert new.operating_points[-1].specificity.n == len(WORLD.truth)
    assert policy_from_json(policy_to_json(new)) == new


def test_an_image_of_the_new_class_is_in_the_domain(learnt: LearntClass) -> None:
    assert learnt.policy.domain is not None
    assert not any(is_out_of_domain(case.features, learnt.policy.domain) for case in own_cases(40))


def test_a_bundle_with_it_is_written_and_read(learnt: LearntClass, tmp_path: Path) -> None:
    contents = BundleContents(
        name="site",
        network=learnt.trained.network,
        classes=tuple(map(str, learnt.policy.classes)),
        views=learnt.policy.views,
        policy_json=policy_to_json(learnt.policy),
        evaluation_json="{}",
        model_card="# Drawn\n",
        licence="CC0-1.0",
        origin=Origin.HEAD,
    )
    bundle = open_bundle(write_bundle(tmp_path, contents))
    assert bundle.manifest.classes[-1] == "scc"
    assert policy_from_json(bundle.policy_json()).classes[-1] == SCC
    assert bundle.network().classes == 8


def test_each_class_has_its_own_least_number_of_cases() -> None:
    with pytest.raises(TooFewCases, match="has 25 confirmed lesions, and is learnt from 30"):
        learn(25)
    assert learn(25, fewest=20).sensitivity.n == 25
    with pytest.raises(ValueError, match="at least 10"):
        NewClass(SCC, 5)
    with pytest.raises(ValueError, match="between"):
        NewClass(SCC, prevalence=0.9)


def test_steps_are_counted_over_all_trainings() -> None:
    heard: list[tuple[int, int]] = []
    local = own_cases(12)
    learn_new_class(
        WORLD.network, policy(), WORLD.memory, holdout(), local, NewClass(SCC, 10),
        settings=HeadSettings(steps=5), on_step=lambda done, total: heard.append((done, total)),
    )  # fmt: skip
    assert heard[-1] == (20, 20)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
