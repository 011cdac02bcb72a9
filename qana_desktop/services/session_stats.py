"""Figures of this session: latency per engine with the first run apart, energy per method. Safe between threads."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from qana_desktop.triage.measured import Method
from qana_desktop.triage.outcome import Latency, Reading

PARTS = ("decode", "preprocess", "inference", "total")


@dataclass(frozen=True)
class Spread:
    """Milliseconds: median and 95th percentile of `n` readings."""

    median: float
    p95: float
    n: int


@dataclass(frozen=True)
class LatencyStats:
    """Latency with one engine. `first` is the first reading, apart; a part that never happened is None."""

    engine: str
    first: Latency
    decode: Spread | None
    preprocess: Spread | None
    inference: Spread | None
    total: Spread | None


@dataclass(frozen=True)
class EnergyStats:
    """Mean energy per image of one engine by one method, never mixed. `value` is None when not available."""

    engine: str
    method: Method
    unit: str
    value: float | None
    n: int


@dataclass
class _EngineTimes:
    first: Latency
    parts: dict[str, array[float]] = field(default_factory=lambda: {part: array("d") for part in PARTS})


class SessionStats:
    """Collects readings that an engine answered; what no engine saw is no figure of an engine."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: dict[str, _EngineTimes] = {}
        self._energy: dict[tuple[str, Method, str], tuple[float, int]] = {}

    def add(self, reading: Reading) -> None:
        """Count one reading."""
        if reading.latency.inference is None or reading.provenance is None:
            return
        with self._lock:
            self._add_latency(reading.provenance.engine, reading.latency)
            self._add_energy(reading.provenance.engine, reading)

    def latency(self, engine: str) -> LatencyStats | None:
        """Latency of the readings with this engine; None before the first."""
        with self._lock:
            times = self._times.get(engine)
            if times is None:
                return None
            spreads = {part: spread_of(values) for part, values in times.parts.items()}
            return LatencyStats(engine, times.first, **spreads)

    def engines(self) -> tuple[str, ...]:
        """Engines that have answered in this session, in the order of their first answer."""
        with self._lock:
            return tuple(self._times)

    def energy(self) -> tuple[EnergyStats, ...]:
        """One entry per engine, method and unit."""
        with self._lock:
            return tuple(
                EnergyStats(engine, method, unit, None if method is Method.NOT_AVAILABLE else total / n, n)
                for (engine, method, unit), (total, n) in self._energy.items()
            )

    def _add_latency(self, engine: str, latency: Latency) -> None:
        if engine not in self._times:
            self._times[engine] = _EngineTimes(latency)
            return
        for part, values in self._times[engine].parts.items():
            milliseconds = getattr(latency, part)
            if milliseconds is not None:
                values.append(milliseconds)

    def _add_energy(self, engine: str, reading: Reading) -> None:
        if reading.energy is None:
            return
        key = (engine, reading.energy.method, reading.energy.unit)
        total, n = self._energy.get(key, (0.0, 0))
        self._energy[key] = (total + (reading.energy.value or 0.0), n + 1)


def spread_of(milliseconds: Sequence[float]) -> Spread | None:
    """Median and 95th percentile (linear interpolation); None for no values."""
    if not milliseconds:
        return None
    median, p95 = np.percentile(np.fromiter(milliseconds, np.float64, len(milliseconds)), [50, 95])
    return Spread(float(median), float(p95), len(milliseconds))
