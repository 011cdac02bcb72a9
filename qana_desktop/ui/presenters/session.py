"""The session's line at the foot of the window: images read, median, p95, and the first reading apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qana_desktop.services.store_state import StoreState
from qana_desktop.ui.texts import milliseconds, tr, trn

if TYPE_CHECKING:
    from qana_desktop.services.session_stats import LatencyStats


def session_line(readings: int, latency: LatencyStats | None) -> str:
    """Return the line. `latency` is that of the engine in use; None before its first answer."""
    images = trn(readings, "{n} reading this session", "{n} readings this session")
    if latency is None:
        return images
    first = tr("first {first}", first=milliseconds(latency.first.total))
    if latency.total is None:
        return f"{images} · {first}"
    times = tr(
        "median {median}, p95 {p95}",
        median=milliseconds(latency.total.median),
        p95=milliseconds(latency.total.p95),
    )
    return f"{images} · {times} · {first}"


def session_hint(latency: LatencyStats | None) -> str:
    """Return what the figures of the line mean."""
    if latency is None or latency.total is None:
        return tr("Time from file to answer is shown here once an engine has read images.")
    return trn(
        latency.total.n,
        "Time from file to answer, {n} reading with {engine}. The first one warms up and is kept apart.",
        "Time from file to answer, {n} readings with {engine}. The first one warms up and is kept apart.",
        engine=latency.engine,
    )


def nothing_kept(state: StoreState) -> str:
    """Return what is added to the session's line: that nothing is kept, where that is so."""
    return "" if state in {StoreState.OPEN, StoreState.LOCKED} else tr(" · nothing is kept")
