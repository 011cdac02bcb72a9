"""From readings with known diagnoses to the figures of an evaluation, all at the bundle's one decision rule. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

import numpy as np

from qana_desktop.triage import metrics
from qana_desktop.triage.answers import Answers
from qana_desktop.triage.dataset import ImageRow
from qana_desktop.triage.diagnosis import Diagnosis, LesionClass, class_named
from qana_desktop.triage.evaluation import (
    ACCURACY,
    BALANCED_ACCURACY,
    MACRO_F1,
    SPECIFICITIES,
    ClassFigures,
    PointFigures,
    Refusal,
    Scores,
)
from qana_desktop.triage.metrics import BoolArray, FloatArray, IntArray
from qana_desktop.triage.outcome import Assessed, CannotAssess, Outcome, Triage
from qana_desktop.triage.policy import MALIGNANCY, OperatingPoint, ReadingPolicy
from qana_desktop.triage.resampling import Figure, Key, Statistic, figures
from qana_desktop.triage.score_curves import reliability_bins, risk_curves, roc_curves
from qana_desktop.triage.subgroups import group_figures, group_statistics, groups_of

NOT_ASSESSED: Final = "cannot_assess"
ASSESSED: Final = "assessed"
AS_ERRORS: Final = "refusals as errors"
TO_A_PERSON: Final = "refusals to a person"


def score(
    rows: Sequence[ImageRow],
    outcomes: Sequence[Outcome],
    policy: ReadingPolicy,
    *,
    seed: int,
    rounds: int,
    on_round: Callable[[int], None] = lambda _done: None,
) -> Scores:
    """All figures with intervals from `rounds` draws of lesions. `on_round` may raise to stop."""
    answers = Answers.of(rows, outcomes, policy)
    groups = groups_of(answers.rows)
    plan = dict((*_overall(answers), *_per_class(answers), *_points(answers, policy)))
    plan |= group_statistics(answers, groups)
    found = dict(
        zip(plan, figures([*plan.values()], answers.lesions, rounds=rounds, seed=seed, on_round=on_round), strict=True)
    )
    return Scores(
        classes=tuple(_class(answers, index, found) for index in range(len(answers.classes))),
        assessed=_part(found, ASSESSED),
        refusals_as_errors=_part(found, AS_ERRORS),
        refusals_to_a_person=_part(found, TO_A_PERSON),
        points=tuple(_point(index, point, found) for index, point in enumerate(policy.operating_points)),
        confusion=tuple(tuple(map(int, row)) for row in answers.table(np.arange(len(rows)))),
        triage=_triage(answers),
        reliability=reliability_bins(answers.truth[answers.assessed], answers.scores[answers.assessed]),
        roc=roc_curves(answers),
        risk_coverage=risk_curves(answers),
        refusals=_refusals(answers),
        subgroups=tuple(group_figures(group, answers, found) for group in groups),
    )


def share(values: BoolArray | FloatArray) -> Callable[[IntArray], float]:
    """The share of the rows at which flags (n,) are set, or the mean of values (n,)."""
    return lambda rows: float(values[rows].mean())


def area(positive: BoolArray, scores: FloatArray) -> Callable[[IntArray], float]:
    """AUROC on the rows."""
    return lambda rows: metrics.auroc(positive[rows], scores[rows])


def _overall(a: Answers) -> Iterator[tuple[Key, Statistic]]:
    yield from _decisions(a)
    yield from _cuts(a)
    yield from _probabilities(a)


def _decisions(a: Answers) -> Iterator[tuple[Key, Statistic]]:
    """What the decision rule's answers are worth: over assessed images, and with refusals as wrong answers."""
    everything, right, named = np.ones(len(a.rows), np.bool_), a.answer == a.truth, a.answers_malignant
    for part, over in ((ASSESSED, a.assessed), (AS_ERRORS, everything)):
        yield (part, BALANCED_ACCURACY), Statistic(over, lambda rows: metrics.balanced_accuracy(a.table(rows)))
        yield (part, MACRO_F1), Statistic(over, lambda rows: metrics.macro_f1(a.table(rows)))
        yield (part, ACCURACY), Statistic(over, share(right), proportion=True)
    yield (ASSESSED, "malignant_answer_sensitivity"), Statistic(a.assessed & a.malignant, share(named), proportion=True)
    yield (
        (ASSESSED, "malignant_answer_specificity"),
        Statistic(a.assessed & ~a.malignant, share(~named), proportion=True),
    )


def _cuts(a: Answers) -> Iterator[tuple[Key, Statistic]]:
    """Sensitivities at stated specificities, and where the triage sends malignant and benign images."""
    mel = a.classes.index(Diagnosis.MEL)
    kinds = (("melanoma", a.truth == mel, a.scores[:, mel]), ("malignant", a.malignant, a.malignancy))
    for who, positive, scores in kinds:
        for at in SPECIFICITIES:
            name = f"{who}_sensitivity_at_{at:.2f}_specificity"
            yield (ASSESSED, name), Statistic(a.assessed, partial(_sensitivity_at, positive, scores, at))
    seen = a.review | ~a.assessed
    for part, over, sent in ((ASSESSED, a.assessed, a.review), (TO_A_PERSON, np.ones_like(seen), seen)):
        yield (part, "malignant_review_sensitivity"), Statistic(over & a.malignant, share(sent), proportion=True)
        yield (part, "malignant_review_specificity"), Statistic(over & ~a.malignant, share(~sent), proportion=True)


def _probabilities(a: Answers) -> Iterator[tuple[Key, Statistic]]:
    """What the probabilities are worth, whatever is decided by them."""
    right, surest = a.answer == a.truth, a.scores.max(axis=1, initial=0.0)
    of = {
        "malignant_auroc": area(a.malignant, a.malignancy),
        "auroc_macro": lambda rows: metrics.macro_auroc(a.truth[rows], a.scores[rows]),
        "ece": lambda rows: metrics.expected_calibration_error(a.truth[rows], a.scores[rows]),
        "aurc": lambda rows: metrics.area_under_risk(right[rows], surest[rows]),
    }
    for name, function in of.items():
        yield (ASSESSED, name), Statistic(a.assessed, function)


def _sensitivity_at(positive: BoolArray, scores: FloatArray, specificity: float, rows: IntArray) -> float:
    chosen = positive[rows]
    if chosen.all() or not chosen.any():
        return float("nan")
    return metrics.sensitivity_at_specificity(chosen, scores[rows], specificity)


def _per_class(a: Answers) -> Iterator[tuple[Key, Statistic]]:
    sizes = a.could_be.sum(axis=1).astype(np.float64)
    for k, dx in enumerate(a.classes):
        own = a.truth == k
        members = own & a.assessed
        yield (str(dx), "recall"), Statistic(members, share(a.answer == k), proportion=True)
        yield (str(dx), "precision"), Statistic(a.answer == k, share(own), proportion=True)
        yield (str(dx), "auroc"), Statistic(a.assessed, area(own, a.scores[:, k]))
        yield (str(dx), "coverage"), Statistic(members, share(a.could_be[:, k]), proportion=True)
        yield (str(dx), "set_size"), Statistic(members, share(sizes))
        yield (str(dx), "false_reject"), Statistic(own, share(~a.assessed), proportion=True)


def _class(a: Answers, k: int, found: dict[Key, Figure]) -> ClassFigures:
    members = [row.lesion_id for row, truth in zip(a.rows, a.truth, strict=True) if truth == k]
    return ClassFigures(str(a.classes[k]), len(members), len(set(members)), **_part(found, str(a.classes[k])))


def _points(a: Answers, policy: ReadingPolicy) -> Iterator[tuple[Key, Statistic]]:
    for index, point in enumerate(policy.operating_points):
        part = _point_part(index)
        if point.score == MALIGNANCY:
            scores, positive = a.malignancy, a.malignant
        else:
            k = a.classes.index(class_named(point.score, a.classes))
            scores, positive = a.scores[:, k], a.truth == k
        reached = np.asarray(scores >= point.threshold) & a.assessed
        seen = reached | ~a.assessed
        yield (part, "sensitivity"), Statistic(a.assessed & positive, share(reached), proportion=True)
        yield (part, "specificity"), Statistic(a.assessed & ~positive, share(~reached), proportion=True)
        yield (part, "sensitivity_with_refused"), Statistic(positive, share(seen), proportion=True)
        yield (part, "specificity_with_refused"), Statistic(~positive, share(~seen), proportion=True)


def _point_part(index: int) -> str:
    return f"operating point {index}"


def _point(index: int, point: OperatingPoint, found: dict[Key, Figure]) -> PointFigures:
    return PointFigures(
        point.name,
        point.score,
        point.threshold,
        point.triage,
        point.sensitivity,
        point.specificity,
        **_part(found, _point_part(index)),
    )


def _part(found: dict[Key, Figure], part: str) -> dict[str, Figure]:
    return {name: figure for (own, name), figure in found.items() if own == part}


def _triage(a: Answers) -> dict[str, dict[str, int]]:
    """Counts of malignant and benign images by where they were sent, the most urgent first."""
    sent = [o.triage.value if isinstance(o, Assessed) else NOT_ASSESSED for o in a.outcomes]
    kinds = (NOT_ASSESSED, *(triage.value for triage in Triage))
    counts = Counter(zip(a.malignant.tolist(), sent, strict=True))
    return {
        "malignant": {kind: counts[(True, kind)] for kind in kinds},
        "benign": {kind: counts[(False, kind)] for kind in kinds},
    }


def _refusals(a: Answers) -> tuple[Refusal, ...]:
    by_code: dict[str, list[tuple[LesionClass, CannotAssess]]] = {}
    for row, outcome in zip(a.rows, a.outcomes, strict=True):
        if isinstance(outcome, CannotAssess):
            by_code.setdefault(outcome.reason.code, []).append((row.dx, outcome))
    return tuple(
        Refusal(
            code,
            refused[0][1].reason.message,
            len(refused),
            {str(dx): sum(own is dx for own, _ in refused) for dx in a.classes},
        )
        for code, refused in sorted(by_code.items())
    )
