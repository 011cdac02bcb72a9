"""A reading policy as JSON and back: every number is checked on the way in, and a refusal names the place.

The schema is `major.minor`. A document of another major version is refused; one of a later minor version is read, and
what it has beyond this version is left aside.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Final

from qana_desktop.system.json_reads import JsonNode
from qana_desktop.triage.diagnosis import Diagnosis, LesionClass, SiteClass
from qana_desktop.triage.outcome import Triage
from qana_desktop.triage.policy import (
    MALIGNANCY,
    SCHEMA,
    Calibration,
    Conformal,
    DomainModel,
    Interval,
    OperatingPoint,
    ReadingPolicy,
    SecondReaderPolicy,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_CODE: Final = "policy-bad"
_REMEDY: Final = "The bundle cannot be used; take another bundle or write this one again."
_SUM_TOLERANCE: Final = 1e-6
_VIEWS_AT_MOST: Final = 64


def policy_to_json(policy: ReadingPolicy) -> str:
    """Return the policy as JSON text (ASCII, indented, fixed order of keys); raises ValueError for NaN or infinity."""
    return json.dumps({"schema": SCHEMA, **asdict(policy)}, indent=1, allow_nan=False) + "\n"


def policy_from_json(text: str) -> ReadingPolicy:
    """Read what `policy_to_json` wrote; raises `BadJson` (code `policy-bad`) that names the first wrong place."""
    root = JsonNode.parse(text, document="policy.json", code=_CODE, remedy=_REMEDY)
    return _Reads(_strict(root.key("schema"))).policy(root)


def _strict(schema: JsonNode) -> bool:
    """Whether unknown keys are mistakes (they are not in a later minor version)."""
    parts = re.fullmatch(r"(\d{1,6})\.(\d{1,6})", schema.text())
    if parts is None:
        schema.refuse("must be like '1.0'")
    major, minor = (int(part) for part in SCHEMA.split("."))
    if int(parts[1]) != major:
        schema.refuse(f"is {schema.text()}; this program reads {major}.x")
    return int(parts[2]) <= minor


class _Reads:
    """One read per value of the policy, with what it must fulfil."""

    def __init__(self, strict: bool) -> None:
        self._strict = strict

    def policy(self, node: JsonNode) -> ReadingPolicy:
        self._only(node, ReadingPolicy, "schema")
        classes = _classes(node.key("classes"))
        count = len(classes)
        return ReadingPolicy(
            classes=classes,
            views=_views(node.key("views")),
            calibration=self._calibration(node.key("calibration"), count),
            decision_weights=_positive(node.key("decision_weights"), count),
            operating_points=tuple(self._point(item, classes) for item in node.key("operating_points").items()),
            conformal=self._conformal(node.key("conformal"), count),
            domain=node.key("domain").or_none(lambda domain: self._domain(domain, count)),
            second_reader=node.key_or_null("second_reader").or_none(lambda second: self._second_reader(second, count)),
        )

    def _calibration(self, node: JsonNode, count: int) -> Calibration:
        self._only(node, Calibration)
        prevalence = node.key("prevalence").numbers(count, low=0.0, high=1.0)
        if abs(math.fsum(prevalence) - 1.0) > _SUM_TOLERANCE:
            node.key("prevalence").refuse(f"must add up to 1, not {math.fsum(prevalence):g}")
        scale = node.key("scale").number(low=0.0)
        if scale == 0.0:
            node.key("scale").refuse("must be above 0")
        return Calibration(
            scale=scale,
            bias=node.key("bias").numbers(count),
            prevalence_name=node.key("prevalence_name").text(),
            prevalence=prevalence,
            ece=self._interval(node.key("ece")),
        )

    def _point(self, node: JsonNode, classes: tuple[LesionClass, ...]) -> OperatingPoint:
        self._only(node, OperatingPoint)
        return OperatingPoint(
            name=node.key("name").text(),
            score=node.key("score").choice((MALIGNANCY, *map(str, classes))),
            threshold=node.key("threshold").number(low=0.0, high=1.0),
            triage=node.key("triage").choice((Triage.REVIEW_NOW, Triage.REVIEW)),
            sensitivity=self._interval(node.key("sensitivity")),
            specificity=self._interval(node.key("specificity")),
        )

    def _conformal(self, node: JsonNode, count: int) -> Conformal:
        self._only(node, Conformal)
        return Conformal(
            coverage=node.key("coverage").number(low=0.0, high=1.0),
            quantiles=node.key("quantiles").numbers(count, low=0.0, high=1.0),
            measured=(measured := node.key("measured").or_none(self._interval)),
            measured_by_class=tuple(
                self._interval(item)
                for item in node.key("measured_by_class").items(count=0 if measured is None else count)
            ),
        )

    def _domain(self, node: JsonNode, count: int) -> DomainModel:
        self._only(node, DomainModel)
        features = len(node.key("variances").items())
        if features == 0:
            node.key("variances").refuse("must have at least one element")
        return DomainModel(
            centres=tuple(row.numbers(features) for row in node.key("centres").items(count=count)),
            variances=_positive(node.key("variances"), features),
            limits=_positive(node.key("limits"), count),
            false_reject=self._interval(node.key("false_reject")),
            false_rejects=tuple(self._interval(item) for item in node.key("false_rejects").items(count=count)),
        )

    def _second_reader(self, node: JsonNode, count: int) -> SecondReaderPolicy:
        self._only(node, SecondReaderPolicy)
        first, second = (node.key(name).number(low=0.0) for name in ("first_weight", "second_weight"))
        if first + second == 0.0:
            node.refuse("gives neither reader a weight")
        return SecondReaderPolicy(
            ask_above=node.key("ask_above").number(low=0.0, high=1.0),
            calibration=self._calibration(node.key("calibration"), count),
            first_weight=first,
            second_weight=second,
            passed_on=self._interval(node.key("passed_on")),
        )

    def _interval(self, node: JsonNode) -> Interval:
        self._only(node, Interval)
        low = node.key("low").number(low=0.0, high=1.0)
        high = node.key("high").number(low=low, high=1.0)
        return Interval(node.key("value").number(low=0.0, high=1.0), low, high, node.key("n").integer())

    def _only(self, node: JsonNode, shape: type[DataclassInstance], *others: str) -> None:
        if self._strict:
            node.only((*(field.name for field in fields(shape)), *others))


def _classes(node: JsonNode) -> tuple[LesionClass, ...]:
    classes = tuple(_class(item) for item in node.items())
    codes = [str(known) for known in classes]
    if len(codes) < 2:
        node.refuse("must name at least two classes")
    if len(set(codes)) != len(codes):
        node.refuse("names a class twice")
    return classes


def _class(node: JsonNode) -> LesionClass:
    """One of the seven by its code, or what a clinic said of its own class."""
    if not node.is_object():
        return Diagnosis(node.choice(tuple(Diagnosis)))
    node.only([field.name for field in fields(SiteClass)])
    code, name, malignant = node.key("code").text(), node.key("name").text(), node.key("malignant").flag()
    try:
        return SiteClass(code, name, malignant)
    except ValueError as error:
        node.refuse(f"breaks a rule: {error}")


def _views(node: JsonNode) -> tuple[str, ...]:
    names = tuple(item.text() for item in node.items())
    if not 1 <= len(names) <= _VIEWS_AT_MOST:
        node.refuse(f"must name 1 to {_VIEWS_AT_MOST} views")
    if len(set(names)) != len(names):
        node.refuse("names a view twice")
    return names


def _positive(node: JsonNode, count: int) -> tuple[float, ...]:
    for item in node.items(count=count):
        if item.number(low=0.0) == 0.0:
            item.refuse("must be above 0")
    return node.numbers(count)
