"""Drawn policies and logits for the property tests of triage."""

from __future__ import annotations

from hypothesis import strategies as st

from qana_desktop.triage.diagnosis import CLASS_ORDER, Diagnosis
from qana_desktop.triage.policy import (
    Calibration,
    Conformal,
    DomainModel,
    Interval,
    OperatingPoint,
    ReadingPolicy,
    SecondReaderPolicy,
)

UNIT = st.floats(0.0, 1.0)
POSITIVE = st.floats(1e-3, 1e3)
ANY = st.floats(-1e3, 1e3)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    low, value, high = sorted(draw(st.tuples(UNIT, UNIT, UNIT)))
    return Interval(value, low, high, draw(st.integers(0, 10**6)))


@st.composite
def calibrations(draw: st.DrawFn, count: int) -> Calibration:
    shares = draw(st.lists(st.floats(0.01, 1.0), min_size=count, max_size=count))
    return Calibration(
        scale=draw(st.floats(1e-4, 1.0)),
        bias=tuple(draw(st.lists(st.floats(-5, 5), min_size=count, max_size=count))),
        prevalence_name=draw(st.text(max_size=20)),
        prevalence=tuple(share / sum(shares) for share in shares),
        ece=draw(intervals()),
    )


def operating_points(classes: tuple[Diagnosis, ...]) -> st.SearchStrategy[OperatingPoint]:
    return st.builds(
        OperatingPoint,
        name=st.text(max_size=20),
        score=st.sampled_from(("malignancy", *map(str, classes))),
        threshold=UNIT,
        triage=st.sampled_from(("review_now", "review")),
        sensitivity=intervals(),
        specificity=intervals(),
    )


@st.composite
def conformals(draw: st.DrawFn, count: int) -> Conformal:
    coverage, quantiles = draw(UNIT), draw(st.tuples(*[UNIT] * count))
    if draw(st.booleans()):
        return Conformal(coverage, quantiles)
    return Conformal(coverage, quantiles, draw(intervals()), draw(st.tuples(*[intervals()] * count)))


@st.composite
def domains(draw: st.DrawFn, count: int) -> DomainModel:
    features = draw(st.integers(1, 4))
    row = st.tuples(*[ANY] * features)
    return DomainModel(
        centres=draw(st.tuples(*[row] * count)),
        variances=draw(st.tuples(*[POSITIVE] * features)),
        limits=draw(st.tuples(*[POSITIVE] * count)),
        false_reject=draw(intervals()),
        false_rejects=draw(st.tuples(*[intervals()] * count)),
    )


@st.composite
def second_readers(draw: st.DrawFn, count: int) -> SecondReaderPolicy:
    weights = draw(st.floats(0.0, 2.0)), draw(st.floats(0.01, 2.0))
    return SecondReaderPolicy(draw(UNIT), draw(calibrations(count)), *weights, draw(intervals()))


@st.composite
def policies(
    draw: st.DrawFn, *, with_domain: bool | None = None, classes: tuple[Diagnosis, ...] = CLASS_ORDER
) -> ReadingPolicy:
    count = len(classes)
    wanted = draw(st.booleans()) if with_domain is None else with_domain
    return ReadingPolicy(
        classes=classes,
        views=("identity", "mirror", "rotate-90")[: draw(st.integers(1, 3))],
        calibration=draw(calibrations(count)),
        decision_weights=draw(st.tuples(*[POSITIVE] * count)),
        operating_points=tuple(draw(st.lists(operating_points(classes), max_size=4))),
        conformal=draw(conformals(count)),
        domain=draw(domains(count)) if wanted else None,
        second_reader=draw(st.none() | second_readers(count)),
    )
