"""What happens in a simulated clinic: cameras taken in, cases learnt, a class added, updates judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from qana_desktop.learning.gate import Comparison, Decision, Holdout, Refused, best_of, decide
from qana_desktop.learning.head import HeadSettings, train_head
from qana_desktop.learning.judged import Judged
from qana_desktop.learning.memory import LocalCase
from qana_desktop.learning.new_class import NewClass, class_rows, learn_new_class
from qana_desktop.learning.protocol import Protocol
from qana_desktop.learning.site_calibration import calibrate_site, with_head_of
from qana_desktop.network.layers import IntegerNetwork
from qana_desktop.triage import metrics
from qana_desktop.triage.calibration import probabilities_of_means
from qana_desktop.triage.diagnosis import FULL_NAMES, MALIGNANT, SiteClass
from qana_desktop.triage.fit import wilson
from tests.benchmarks.clinic_world import Camera, Images, Rows, World, arrival, photographed, without_class

SETTINGS = HeadSettings()
LITTLE = 0.02
ROUNDS = 400
"""Bootstrap rounds over the lesions for testing."""
NEW_CASES, OTHER_CASES = 30, 70
HARMLESS, HARMFUL = "100 right labels, the factory's camera", "100 labels, melanomas called nevi"
PROTOCOLS = {
    "1 point, 1 case of a class": replace(Protocol(), malignant_loss=0.01, melanoma_loss=0.01, recall_free_cases=1),
    "2 points, 1 case of a class": replace(Protocol(), malignant_loss=0.02, melanoma_loss=0.02, recall_free_cases=1),
    "2 points, 2 cases of a class": replace(Protocol(), malignant_loss=0.02, melanoma_loss=0.02, recall_free_cases=2),
    "3 points, 2 cases of a class": replace(Protocol(), malignant_loss=0.03, melanoma_loss=0.03, recall_free_cases=2),
}


def learnt_head(world: World, rows: Rows, features: Images, **named: Any) -> IntegerNetwork:
    """The factory's network with a head that has learnt the clinic's lesions `rows`."""
    cases = world.cases(rows, features, **named)
    return train_head(
        world.network, world.codes, world.policy.calibration, world.memory, cases, settings=SETTINGS
    ).network


def judged_by_gate(world: World, network: IntegerNetwork, before: Judged | None, after: Judged | None) -> Decision:
    """The gate on the factory holdout and, when given, on the site's lesions."""
    factory = world.judge_factory(world.network)
    comparisons = [Comparison(Holdout.FACTORY, factory, world.judge_factory(network), best_of(factory))]
    if before is not None and after is not None:
        comparisons.append(Comparison(Holdout.LOCAL, before, after, best_of(before)))
    return decide(tuple(comparisons), world.protocol)


def clinic(
    world: World, camera: Camera, counts: Sequence[int], seeds: int, *, lean: bool = False
) -> Iterator[dict[str, Any]]:
    """Rows of the table of one camera: nothing, head, site calibration, both, for each number of cases or images."""
    shown, own = camera.photograph(world.test.images), camera.photograph(world.clinic.images)
    by_factory = world.read(world.network, shown)
    before = world.judge_site(world.network, by_factory)
    seen = world.read(world.network, own)
    wanted = world.judge_site(world.network, world.read(world.network, world.test.images))
    yield _row(camera, "nothing", 0, world, wanted, before, [(before, world.network)])
    for count in counts:
        found: dict[str, list[tuple[Judged, IntegerNetwork]]] = {"head": [], "site calibration": [], "both": []}
        for seed in range(seeds):
            rows = arrival(world, seed)[:count]
            images = own[photographed(world, seed, lean=lean)[:count]]
            calibrated = calibrate_site(world.network, world.reference, images)
            features = world.read(calibrated, shown)
            found["site calibration"].append((world.judge_site(calibrated, features), calibrated))
            if lean:
                continue
            head = learnt_head(world, rows, seen[rows])
            found["head"].append((world.judge_site(head, by_factory), head))
            both = with_head_of(calibrated, learnt_head(world, rows, world.read(calibrated, own[rows])))
            found["both"].append((world.judge_site(both, features), both))
        for name, versions in found.items():
            if versions:
                title = f"{name}, another mix of lesions" if lean else name
                yield _row(camera, title, count, world, wanted, before, versions)


def _row(
    camera: Camera,
    name: str,
    count: int,
    world: World,
    wanted: Judged,
    before: Judged,
    versions: list[tuple[Judged, IntegerNetwork]],
) -> dict[str, Any]:
    factory = world.judge_factory(world.network)
    on_factory = [world.judge_factory(network) for _, network in versions]
    site = [judged for judged, _ in versions]
    decisions = [judged_by_gate(world, network, before, judged) for judged, network in versions]
    return {
        "camera": camera.name,
        "what": name,
        "count": count,
        "seeds": len(versions),
        "factory_colours": wanted.balanced_accuracy(),
        "site": float(np.mean([judged.balanced_accuracy() for judged in site])),
        "site_change": change(site, before),
        "won_back": _won_back(wanted, before, site),
        "factory_change": change(on_factory, factory),
        "site_auroc": float(np.mean([metrics.macro_auroc(judged.truth, judged.probabilities) for judged in site])),
        "malignant_sensitivity": _at_first_cut(site, malignant=True),
        "specificity": _at_first_cut(site, malignant=False),
        "recalls": _recalls(site),
        "accepted": sum(not isinstance(decision, Refused) for decision in decisions),
        "failed": [line.code for decision in decisions if isinstance(decision, Refused) for line in decision.failed],
    }


def _won_back(wanted: Judged, before: Judged, after: Sequence[Judged]) -> float | None:
    """Share of what the camera cost; None where it cost next to nothing."""
    lost = wanted.balanced_accuracy() - before.balanced_accuracy()
    gained = float(np.mean([judged.balanced_accuracy() for judged in after])) - before.balanced_accuracy()
    return gained / lost if lost > LITTLE else None


def change(after: Sequence[Judged], before: Judged) -> dict[str, float]:
    """Balanced accuracy against `before`: mean over seeds, smallest, largest, and a 95 % interval over lesions."""
    differences = [judged.balanced_accuracy() - before.balanced_accuracy() for judged in after]
    truth, dice = before.truth, np.random.default_rng(0)
    gain = np.mean([judged.right.astype(float) - before.right for judged in after], axis=0)
    weights = dice.poisson(1.0, (ROUNDS, len(truth))).astype(np.float64)
    by_class = [
        (weights[:, truth == k] * gain[truth == k]).sum(axis=1) / np.maximum(weights[:, truth == k].sum(axis=1), 1.0)
        for k in np.unique(truth)
    ]
    low, high = np.percentile(np.mean(by_class, axis=0), [2.5, 97.5])
    return {
        "mean": float(np.mean(differences)),
        "smallest": min(differences),
        "largest": max(differences),
        "low": float(low),
        "high": float(high),
    }


def _at_first_cut(judged: Sequence[Judged], *, malignant: bool) -> list[float]:
    """Sensitivity or specificity at the most sensitive printed cut, seed by seed."""
    column = int(np.argmax(judged[0].reached.sum(axis=0)))
    group = judged[0].malignant if malignant else ~judged[0].malignant
    reached = [each.reached[group, column] for each in judged]
    return [float(each.mean() if malignant else (~each).mean()) for each in reached]


def _recalls(judged: Sequence[Judged]) -> dict[str, float]:
    tables = [metrics.recalls(metrics.confusion(each.truth, each.answers, len(each.classes))) for each in judged]
    return {str(known): float(value) for known, value in zip(judged[0].classes, np.mean(tables, axis=0), strict=True)}


def new_class(world: World, code: str, seeds: int) -> dict[str, Any]:
    """A class that head, memory and policy of the factory lack: learnt from 30 lesions beside 70 others."""
    gone = world.codes.index(code)
    factory = without_class(world, code)
    known = world.policy.classes[gone]
    added = NewClass(SiteClass(f"new{code}", FULL_NAMES[known], malignant=known in MALIGNANT), NEW_CASES)
    read = world.read(world.network, world.clinic.images)
    features = np.concatenate([read, world.holdout.features])
    labels = np.concatenate([world.clinic.labels, world.holdout.labels])
    names = (*world.clinic.names, *world.holdout.lesions)
    sensitivities, others, right, n = [], [], 0, 0
    for seed in range(seeds):
        dice = np.random.default_rng(seed)
        mine = dice.permutation(np.flatnonzero(labels == gone))
        taught, test = mine[:NEW_CASES], np.setdiff1d(mine[NEW_CASES:], np.arange(len(read)))
        rest = arrival(world, seed)
        rest = rest[world.clinic.labels[rest] != gone][:OTHER_CASES]
        cases = world.cases(rest, read[rest])
        code_of_new = added.known.code
        cases += tuple(LocalCase(f"patient-{names[row]}", names[row], code_of_new, features[row]) for row in taught)
        learnt = learn_new_class(
            factory.network, factory.policy, factory.memory, world.holdout, cases, added, settings=SETTINGS
        )
        rows = class_rows(learnt.trained.network)
        means = (features[test].astype(np.float64) @ rows.T).mean(axis=1)
        shares = probabilities_of_means(means, learnt.policy.calibration) * np.asarray(learnt.policy.decision_weights)
        called = shares.argmax(axis=1) == len(learnt.policy.classes) - 1
        sensitivities.append(float(called.mean()))
        right, n = right + int(called.sum()), n + len(called)
        others.append(_others(world, factory, learnt.trained.network, learnt.policy, gone))
    return {
        "class": code,
        "name": FULL_NAMES[known],
        "lesions_for_testing": n // seeds,
        "sensitivity": [float(np.mean(sensitivities)), min(sensitivities), max(sensitivities)],
        "interval_of_one_seed": asdict(wilson(round(right / seeds), n // seeds)),
        "others_change": [float(np.mean(others)), min(others), max(others)],
        "sensitivity_when_trained_with_it": _recalls([world.judge_factory(world.network)])[code],
    }


def _others(world: World, factory: World, network: IntegerNetwork, policy: Any, gone: int) -> float:
    """Change of balanced accuracy over the other classes on the factory holdout."""
    rows = world.holdout.labels != gone
    truth = np.where(world.holdout.labels > gone, world.holdout.labels - 1, world.holdout.labels)[rows]
    names = [name for name, kept in zip(world.holdout.lesions, rows, strict=True) if kept]
    features = world.holdout.features[rows]
    before = factory.judge(factory.network, features, names, truth, factory.policy)
    after = factory.judge(network, features, names, truth, policy)
    return after.balanced_accuracy() - before.balanced_accuracy()


def refusals(world: World, updates: int) -> list[dict[str, Any]]:
    """How often updates are refused on the factory holdout alone, by protocols: harmless ones and harmful ones."""
    read = world.read(world.network, world.clinic.images)
    factory = world.judge_factory(world.network)
    judged: dict[str, list[Judged]] = {HARMLESS: [], HARMFUL: []}
    for seed in range(updates):
        rows = arrival(world, seed + 500)[:100]
        judged[HARMLESS].append(world.judge_factory(learnt_head(world, rows, read[rows])))
        false = {"said": lambda code: "nv" if code == "mel" else code}
        judged[HARMFUL].append(world.judge_factory(learnt_head(world, rows, read[rows], **false)))
    return [
        {"what": what, "protocol": name, "updates": updates, **_refused(factory, versions, protocol)}
        for what, versions in judged.items()
        for name, protocol in PROTOCOLS.items()
    ]


def _refused(factory: Judged, versions: Sequence[Judged], protocol: Protocol) -> dict[str, Any]:
    decisions = [decide((Comparison(Holdout.FACTORY, factory, each, best_of(factory)),), protocol) for each in versions]
    failed = [{line.code for line in each.failed} for each in decisions if isinstance(each, Refused)]
    codes = sorted({code for each in failed for code in each})
    count = len(failed)
    accuracy = float(np.mean([each.balanced_accuracy() for each in versions]))
    return {
        "refused": count,
        "interval": asdict(wilson(count, len(versions))),
        "lines": {code: sum(code in each for each in failed) for code in codes},
        "melanoma_sensitivity_change": float(np.mean([_melanoma(each) - _melanoma(factory) for each in versions])),
        "balanced_accuracy_change": accuracy - factory.balanced_accuracy(),
    }


def _melanoma(judged: Judged) -> float:
    return float(judged.reached[judged.melanoma, 0].mean())
