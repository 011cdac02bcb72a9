"""The session's figures: how many images were read and how long a reading took, per engine, the first one apart."""

from __future__ import annotations

from collections import defaultdict

from qana_desktop.triage.outcome import Reading
from qana_desktop.ui.texts import milliseconds, tr, trn


class SessionStats:
    """Total latencies of this session's readings in which an engine answered, never mixed between engines."""

    def __init__(self) -> None:
        self._totals: dict[str, list[float]] = defaultdict(list)
        self.count = 0

    def add(self, reading: Reading) -> None:
        """Count a reading; its latency counts when an engine answered."""
        self.count += 1
        if reading.provenance is not None and reading.latency.inference is not None:
            self._totals[reading.provenance.engine].append(reading.latency.total)

    def line(self, engine_id: str | None) -> str:
        """Return the line for the foot of the window, for the engine in use."""
        images = trn(self.count, "{n} image this session", "{n} images this session")
        totals = self._totals.get(engine_id or "", [])
        if not totals:
            return images
        first = tr("first {first}", first=milliseconds(totals[0]))
        rest = totals[1:]
        if not rest:
            return f"{images} · {first}"
        times = tr("median {median}, p95 {p95}", median=milliseconds(median(rest)), p95=milliseconds(p95(rest)))
        return f"{images} · {times} · {first}"

    def explanation(self, engine_id: str | None) -> str:
        """Return what the figures of the line mean."""
        count = max(0, len(self._totals.get(engine_id or "", [])) - 1)
        return trn(
            count,
            "Time from file to answer, over {n} reading on this engine. The first one warms up and is apart.",
            "Time from file to answer, over {n} readings on this engine. The first one warms up and is apart.",
        )


def median(values: list[float]) -> float:
    """Return the median of at least one value."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def p95(values: list[float]) -> float:
    """Return the smallest value that at least 95 % of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[-(-len(ordered) * 95 // 100) - 1]
