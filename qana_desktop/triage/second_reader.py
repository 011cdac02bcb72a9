"""When a second network is asked, and what two readers say together. Pure.

The first reader is asked always, the second where the first is uncertain. Both are calibrated to the same prevalence,
so that one set of cuts judges either of them. Together they answer with a weighted sum of their log-probabilities; the
triage is the most severe of what each says alone and both say together, and what the image could be is all that either
holds possible: a second reader never hides what the first one saw.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qana_desktop.triage.assess import ONE_READER, SECOND_SILENT, SEVERITY, judged
from qana_desktop.triage.calibration import FloatArray, probabilities_of_means, softmax
from qana_desktop.triage.outcome import Assessed, Outcome, Reading, SecondAsked, Triage
from qana_desktop.triage.policy import ReadingPolicy, SecondReaderPolicy

_LEAST = 1e-12
"""Probabilities below this weigh like this: a logarithm of zero would let one reader decide alone."""


def normalised_entropy(shares: FloatArray) -> FloatArray:
    """Entropy of probabilities (..., classes) over that of an even spread: 0 is certain, 1 knows nothing -> (...)."""
    logs = np.log(np.maximum(shares, _LEAST))
    entropy = -(shares * logs).sum(axis=-1) / np.log(shares.shape[-1])
    return np.asarray(np.clip(entropy, 0.0, 1.0), dtype=np.float64)


def uncertainty(outcome: Assessed) -> float:
    """The normalised entropy of what a reader said."""
    return float(normalised_entropy(np.array([*outcome.probabilities.values()])))


def together(first: FloatArray, second: FloatArray, rule: SecondReaderPolicy) -> FloatArray:
    """Probabilities (..., classes) of two readers -> of both, by the rule's weights."""
    prevalence = np.asarray(rule.calibration.prevalence, dtype=np.float64)
    return pooled(first, second, prevalence, first_weight=rule.first_weight, second_weight=rule.second_weight)


def pooled(
    first: FloatArray, second: FloatArray, prevalence: FloatArray, *, first_weight: float, second_weight: float
) -> FloatArray:
    """Weighted sum of log-probabilities, normalised; what the weights leave to 1 is the prevalence's.

    Both readers start from the same prevalence; so it counts once, whatever the weights.
    """
    first_log, second_log, prior_log = (np.log(np.maximum(part, _LEAST)) for part in (first, second, prevalence))
    rest = 1.0 - first_weight - second_weight
    return softmax(first_weight * first_log + second_weight * second_log + rest * prior_log)


def judge_second(logits: FloatArray, policy: ReadingPolicy, rule: SecondReaderPolicy) -> Assessed:
    """What the second reader alone says, from its float logits (views, classes), at the cuts of the policy.

    Raises ValueError when the shape does not fit the policy, or a logit is no finite number.
    """
    classes = len(policy.classes)
    if logits.ndim != 2 or logits.shape[0] == 0 or logits.shape[1] != classes:
        raise ValueError(f"logits of shape (views, {classes}) were expected, not {logits.shape}")
    if not np.all(np.isfinite(logits)):
        raise ValueError("the second reader's logits are not all numbers")
    wide = logits.astype(np.float64)
    shares = probabilities_of_means(wide.mean(axis=0), rule.calibration)
    return judged(shares, policy, views=probabilities_of_means(wide, rule.calibration))


def read_together(first: Assessed, second: Assessed, policy: ReadingPolicy, rule: SecondReaderPolicy) -> Assessed:
    """The outcome of an image that two readers read."""
    shares = together(_shares(first, policy), _shares(second, policy), rule)
    both = judged(shares, policy, views=shares[None])
    triage = max((reader.triage for reader in (first, second, both)), key=SEVERITY.__getitem__)
    possible = {*first.could_be, *second.could_be, both.predicted, *both.could_be[:1]}
    return replace(
        both,
        triage=triage,
        could_be=tuple(sorted(possible, key=lambda dx: -both.probabilities[dx])),
        view_agreement=min(first.view_agreement, second.view_agreement),
        raised_by=(*both.raised_by, *((ONE_READER,) if triage is not both.triage else ())),
        ignored=first.ignored,
    )


def without_second(first: Assessed) -> Assessed:
    """The outcome where the second reader should have read and could not: low concern becomes review."""
    if first.triage is not Triage.LOW_CONCERN:
        return first
    return replace(first, triage=Triage.REVIEW, raised_by=(*first.raised_by, SECOND_SILENT))


def first_alone(reading: Reading) -> Outcome:
    """The outcome as the first reader alone gave it."""
    outcome, second = reading.outcome, reading.second_reader
    if isinstance(second, SecondAsked):
        return second.first
    if isinstance(outcome, Assessed) and SECOND_SILENT in outcome.raised_by:
        rest = tuple(rule for rule in outcome.raised_by if rule != SECOND_SILENT)
        return replace(outcome, triage=Triage.LOW_CONCERN, raised_by=rest)
    return outcome


def _shares(reader: Assessed, policy: ReadingPolicy) -> FloatArray:
    return np.array([reader.probabilities[dx] for dx in policy.classes], dtype=np.float64)
