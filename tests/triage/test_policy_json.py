"""A reading policy goes to JSON and back unchanged, and a wrong document is refused with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from qana_desktop.system.json_reads import BadJson
from qana_desktop.triage.diagnosis import CLASS_ORDER
from qana_desktop.triage.policy import Calibration, Conformal, DomainModel, Interval, OperatingPoint, ReadingPolicy
from qana_desktop.triage.policy_json import policy_from_json, policy_to_json
from tests.support.policies import policies

SOME = Interval(0.5, 0.4, 0.6, 10)
POLICY = ReadingPolicy(
    classes=CLASS_ORDER,
    views=("identity", "mirror"),
    calibration=Calibration(0.01, (0.0,) * 7, "an even population", (1 / 7,) * 7, SOME),
    decision_weights=(1.0,) * 7,
    operating_points=(OperatingPoint("cut", "malignancy", 0.2, "review", SOME, SOME),),
    conformal=Conformal(0.9, (0.9,) * 7),
    domain=DomainModel(((0.0, 0.0),) * 7, (1.0, 2.0), (3.0,) * 7, SOME, (SOME,) * 7),
)


def document() -> dict[str, Any]:
    return json.loads(policy_to_json(POLICY))


def refusal(changed: object) -> str:
    with pytest.raises(BadJson) as caught:
        policy_from_json(json.dumps(changed))
    assert caught.value.fault.code == "policy-bad"
    assert caught.value.fault.remedy
    return caught.value.fault.message


@given(policies())
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_every_policy_survives_the_round_trip(policy: ReadingPolicy) -> None:
    assert policy_from_json(policy_to_json(policy)) == policy


def test_the_classes_come_back_as_diagnoses_and_not_as_texts() -> None:
    assert all(type(dx) is type(CLASS_ORDER[0]) for dx in policy_from_json(policy_to_json(POLICY)).classes)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("schema", "2.0", "policy.json.schema is 2.0; this program reads 1.x."),
        ("schema", "1", "policy.json.schema must be like '1.0'."),
        ("classes.6", "mel", "policy.json.classes names a class twice."),
        (
            "classes.0",
            "wart",
            "policy.json.classes[0] must be one of akiec, bcc, bkl, df, mel, nv, vasc, not 'wart'.",
        ),
        ("views", [], "policy.json.views must name 1 to 64 views."),
        ("views", ["mirror", "mirror"], "policy.json.views names a view twice."),
        ("calibration.bias", [0.0] * 6, "policy.json.calibration.bias must have 7 elements, not 6."),
        ("calibration.bias.3", "0", "policy.json.calibration.bias[3] must be a number, not a text."),
        ("calibration.scale", 0, "policy.json.calibration.scale must be above 0."),
        ("calibration.scale", True, "policy.json.calibration.scale must be a number, not true or false."),
        ("calibration.scale", 10**400, "policy.json.calibration.scale must be a finite number."),
        ("calibration.prevalence", [0.5] * 7, "policy.json.calibration.prevalence must add up to 1, not 3.5."),
        ("calibration.ece.n", -1, "policy.json.calibration.ece.n must be at least 0, not -1."),
        ("calibration.ece.n", 1.5, "policy.json.calibration.ece.n must be a whole number, not a number."),
        ("calibration.ece.high", 0.3, "policy.json.calibration.ece.high must lie between 0.4 and 1, not 0.3."),
        ("decision_weights.2", 0, "policy.json.decision_weights[2] must be above 0."),
        ("operating_points", {}, "policy.json.operating_points must be a list, not an object."),
        ("operating_points.0.triage", "low_concern", None),
        ("operating_points.0.score", "wart", None),
        ("operating_points.0.threshold", 1.01, None),
        ("conformal.measured_by_class", [1.0], "policy.json.conformal.measured_by_class must have 0 elements, not 1."),
        ("conformal.quantiles.0", -0.1, "policy.json.conformal.quantiles[0] must lie between 0 and 1, not -0.1."),
        ("domain.centres.4", [1.0], "policy.json.domain.centres[4] must have 2 elements, not 1."),
        ("domain.limits", [1.0], "policy.json.domain.limits must have 7 elements, not 1."),
        ("domain.variances", [], "policy.json.domain.variances must have at least one element."),
        ("domain", 3, "policy.json.domain must be an object, not a number."),
        ("surprise", 3, "policy.json has an unknown 'surprise'."),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(place: str, value: object, message: str | None) -> None:
    changed: Any = document()
    *path, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    target = changed
    for step in path:
        target = target[step]
    target[last] = value
    said = refusal(changed)
    assert said == message if message else place.split(".")[-1] in said


@pytest.mark.parametrize("name", sorted({*document()} - {"second_reader"}))
def test_a_missing_part_is_named(name: str) -> None:
    changed = document()
    del changed[name]
    assert refusal(changed) == f"policy.json has no '{name}'."


def test_a_policy_of_the_version_before_the_second_reader_has_none() -> None:
    earlier = {**document(), "schema": "1.0"}
    del earlier["second_reader"]
    assert policy_from_json(json.dumps(earlier)) == POLICY


def test_a_second_reader_must_weigh_something() -> None:
    changed = document()
    changed["second_reader"] = {
        "ask_above": 0.5,
        "calibration": changed["calibration"],
        "first_weight": 0.0,
        "second_weight": 0.0,
        "passed_on": {"value": 0.2, "low": 0.1, "high": 0.3, "n": 90},
    }
    assert refusal(changed) == "policy.json.second_reader gives neither reader a weight."
    changed["second_reader"]["second_weight"] = 1.0
    read = policy_from_json(json.dumps(changed)).second_reader
    assert read is not None
    assert (read.ask_above, read.first_weight, read.second_weight) == (0.5, 0.0, 1.0)


def test_a_later_minor_version_is_read_without_what_it_adds() -> None:
    changed = {**document(), "schema": "1.9", "surprise": 3}
    changed["calibration"]["surprise"] = 4
    assert policy_from_json(json.dumps(changed)) == POLICY


@pytest.mark.parametrize("text", ["", "{", '{"schema": NaN}', "[" * 100_000, "null", "[]"])
def test_a_text_that_is_no_policy_is_refused_as_such(text: str) -> None:
    with pytest.raises(BadJson, match="policy"):
        policy_from_json(text)
