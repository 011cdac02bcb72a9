"""A class that a clinic defined counts, is named and is kept like one of the seven."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from qana_desktop.system.json_reads import BadJson
from qana_desktop.triage.assess import PREDICTED_MALIGNANT, assess
from qana_desktop.triage.case import Finding, Kind, ProofSource, ProvenOutcome
from qana_desktop.triage.diagnosis import (
    FULL_NAMES,
    MALIGNANT,
    Diagnosis,
    LesionClass,
    SiteClass,
    class_named,
    read_out,
    written_out,
)
from qana_desktop.triage.outcome import Assessed, Latency, Reading, Triage
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.triage.policy_json import policy_from_json, policy_to_json
from qana_desktop.triage.record_json import record_from_json, record_to_json
from tests.support.bundles import FEATURES, NOTHING_MEASURED, small_policy

SCC = SiteClass("scc", "Squamous cell carcinoma", malignant=True)
WART = SiteClass("wart", "Warze (gutartig)", malignant=False)


def policy(*added: LesionClass) -> ReadingPolicy:
    """The small policy with more classes."""
    old, count = small_policy(), 7 + len(added)
    assert old.domain is not None
    return replace(
        old,
        classes=(*old.classes, *added),
        calibration=replace(old.calibration, bias=(0.0,) * count, prevalence=(1 / count,) * count),
        decision_weights=(1.0,) * count,
        conformal=replace(old.conformal, quantiles=(0.7,) * count),
        domain=replace(
            old.domain,
            centres=((7.0,) * FEATURES,) * count,
            limits=(1e6,) * count,
            false_rejects=(NOTHING_MEASURED,) * count,
        ),
    )


def outcome(strongest: int, *added: LesionClass) -> Assessed:
    """What the small policy says of logits that are for one class."""
    logits = np.zeros((2, 7 + len(added)), np.int32)
    logits[:, strongest] = 300
    found = assess(logits, np.full((2, FEATURES), 7), policy(*added))
    assert isinstance(found, Assessed)
    return found


def test_a_malignant_class_of_the_clinic_raises_the_malignancy_and_the_triage() -> None:
    found = outcome(7, SCC)
    assert found.predicted == SCC
    assert found.malignancy > 0.9
    assert found.triage is Triage.REVIEW_NOW
    assert SCC in found.could_be


def test_a_benign_class_of_the_clinic_does_not() -> None:
    found = outcome(8, SCC, WART)
    assert found.predicted == WART
    assert found.malignancy < 0.1
    assert PREDICTED_MALIGNANT not in found.raised_by
    assert (SCC in MALIGNANT, WART in MALIGNANT, Diagnosis.NV in MALIGNANT) == (True, False, False)
    assert FULL_NAMES[found.predicted] == "Warze (gutartig)"


def test_its_policy_is_written_and_read_back() -> None:
    assert policy_from_json(policy_to_json(policy(SCC, WART))) == policy(SCC, WART)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"code": "mel"}, "one that is taken"),
        ({"code": "malignancy"}, "one that is taken"),
        ({"code": "../x"}, "small letters"),
        ({"name": "two\nlines"}, "one line"),
        ({"name": ""}, "one line"),
        ({"malignant": "yes"}, "must be true or false"),
        ({"cases": 3}, "unknown 'cases'"),
    ],
)
def test_a_policy_with_a_class_that_breaks_a_rule_is_refused_with_the_place(
    change: dict[str, object], words: str
) -> None:
    document = json.loads(policy_to_json(policy(SCC)))
    document["classes"][7] |= change
    with pytest.raises(BadJson, match=r"policy\.json\.classes\[7\]") as refusal:
        policy_from_json(json.dumps(document))
    assert words in refusal.value.fault.message


def test_two_classes_of_one_code_are_refused() -> None:
    other = SiteClass("scc", "Another", malignant=False)
    with pytest.raises(BadJson, match="names a class twice"):
        policy_from_json(policy_to_json(policy(SCC, other)))


def test_a_reading_keeps_what_the_clinic_meant_without_its_bundle() -> None:
    reading = Reading("a.jpg", None, outcome(7, SCC, WART), None, (), Latency(None, None, None, 1.0), None, None, "now")
    read = record_from_json(Kind.READING, record_to_json(reading))
    assert read == reading
    assert isinstance(read, Reading)
    assert isinstance(read.outcome, Assessed)
    assert read.outcome.predicted in MALIGNANT


def test_a_proven_outcome_may_be_a_class_of_the_clinic() -> None:
    proven = ProvenOutcome(Finding(SCC), ProofSource.HISTOLOGY, "2026-11-02")
    assert record_from_json(Kind.OUTCOME, record_to_json(proven)) == proven
    text = record_to_json(proven).replace("(malignant)", "(unclear)")
    with pytest.raises(BadJson, match="no class of lesions"):
        record_from_json(Kind.OUTCOME, text)


def test_a_class_is_written_out_and_read_again() -> None:
    for known in (*Diagnosis, SCC, WART):
        assert read_out(written_out(known)) == known
    assert class_named("scc", (Diagnosis.MEL, SCC)) is SCC
    with pytest.raises(KeyError):
        class_named("scc", tuple(Diagnosis))
