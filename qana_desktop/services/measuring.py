"""Latency and energy of the chosen engine: warm-up apart, the total that a person waits for first, method with each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from qana_desktop.engines.contract import EngineInfo
from qana_desktop.services.jobs import CancelToken, Progress
from qana_desktop.services.sources import ImageSource
from qana_desktop.triage.measured import MeasuredValue, Method
from qana_desktop.triage.outcome import Reading

PARTS: Final = ("total", "decode", "preprocess", "inference")
"""The total first: it is what a person waits for."""


class Reads(Protocol):
    """The triage desk, as far as a measurement needs it."""

    def read(self, source: ImageSource, *, ignore_quality: bool = False) -> Reading:
        """Read one image; raises EngineError."""
        ...


class Measures(Protocol):
    """The device desk, as far as a measurement needs it."""

    def current(self) -> EngineInfo:
        """The chosen engine."""
        ...

    def measure_energy(self, batch: npt.NDArray[np.uint8]) -> MeasuredValue:
        """Measure one burst; raises EngineError."""
        ...


@dataclass(frozen=True)
class Times:
    """Milliseconds of `n` images, by linear interpolation between the sorted values."""

    median: float
    p95: float
    p99: float
    n: int


@dataclass(frozen=True)
class BurstEnergy:
    """Bursts of one method. Values are of one view of an image, in `unit`; None where there is no figure.

    `images` is how many images each burst ran; `note` is the last burst's: what was measured, and what is in it.
    """

    method: Method
    unit: str
    scope: str
    median: float | None
    lowest: float | None
    highest: float | None
    bursts: int
    images: tuple[int, ...]
    note: str


@dataclass(frozen=True)
class Measurement:
    """What was measured of one engine. A part of the latency that never happened is None."""

    engine: EngineInfo
    first_ms: float
    warm_up: Times | None
    latency: dict[str, Times | None]
    energy: tuple[BurstEnergy, ...]


def measure(
    triage: Reads,
    device: Measures,
    sources: Sequence[ImageSource],
    burst: npt.NDArray[np.uint8],
    *,
    warm_up: int,
    bursts: int,
    report: Callable[[Progress], None],
    token: CancelToken,
) -> Measurement:
    """Read `sources`, the first `warm_up` of them apart, then measure `bursts` bursts of the network input `burst`.

    `sources` must be more than `warm_up`, which is at least 1. Raises EngineError, Cancelled.
    """
    readings = []
    for done, source in enumerate(sources, start=1):
        token.check()
        readings.append(triage.read(source, ignore_quality=True))
        report(Progress(done, len(sources) + bursts, "Latency"))
    values = []
    for done in range(1, bursts + 1):
        token.check()
        values.append(device.measure_energy(burst))
        report(Progress(len(sources) + done, len(sources) + bursts, "Energy"))
    warm, rest = readings[:warm_up], readings[warm_up:]
    return Measurement(
        engine=device.current(),
        first_ms=readings[0].latency.total,
        warm_up=latency_of(warm)["total"],
        latency=latency_of(rest),
        energy=burst_energies(values),
    )


def latency_of(readings: Sequence[Reading]) -> dict[str, Times | None]:
    """Times of each part of these readings, in the order of `PARTS`; None for a part that never happened."""
    return {part: _times([getattr(reading.latency, part) for reading in readings]) for part in PARTS}


def burst_energies(values: Sequence[MeasuredValue]) -> tuple[BurstEnergy, ...]:
    """Put the bursts of each method, unit and scope together; different ones are never mixed."""
    ordered = sorted(values, key=_kind)
    return tuple(_together(list(group)) for _key, group in groupby(ordered, key=_kind))


def _kind(value: MeasuredValue) -> tuple[str, str, str]:
    return value.method.value, value.unit, value.scope


def _together(values: list[MeasuredValue]) -> BurstEnergy:
    last, known = values[-1], [value.value for value in values if value.value is not None]
    median = float(np.median(known)) if known else None
    low, high = (min(known), max(known)) if known else (None, None)
    images = tuple(value.n for value in values)
    return BurstEnergy(last.method, last.unit, last.scope, median, low, high, len(values), images, last.note)


def _times(milliseconds: Sequence[float | None]) -> Times | None:
    known = [value for value in milliseconds if value is not None]
    if not known:
        return None
    median, p95, p99 = np.percentile(np.array(known), [50, 95, 99])
    return Times(float(median), float(p95), float(p99), len(known))
