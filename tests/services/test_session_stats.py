"""The session's figures: per engine, the first run apart, methods of energy never mixed."""

from __future__ import annotations

from qana_desktop.services.session_stats import SessionStats, spread_of
from qana_desktop.system.faults import Fault
from qana_desktop.triage.measured import MeasuredValue, Method
from qana_desktop.triage.outcome import CannotAssess, Latency, Provenance, Reading


def reading(engine: str, total: float, energy: MeasuredValue | None = None, *, inferred: bool = True) -> Reading:
    return Reading(
        source="an image",
        image_sha256=None,
        outcome=CannotAssess(Fault("x", "x", "x")),
        quality=None,
        logits=(),
        latency=Latency(1.0, 1.0, total - 2.0 if inferred else None, total),
        energy=energy,
        provenance=Provenance("b", engine, "r", "h", "1", "0") if inferred else None,
        when="2026-01-01T00:00:00Z",
    )


def energy(value: float | None, method: Method) -> MeasuredValue:
    return MeasuredValue(value, "mJ", method, "one image", 1, "2026-01-01T00:00:00Z", "e", "because")


def test_the_first_reading_of_each_engine_is_apart() -> None:
    stats = SessionStats()
    for total in (100.0, 10.0, 20.0, 30.0):
        stats.add(reading("a", total))
    stats.add(reading("b", 50.0))
    latency = stats.latency("a")
    assert latency is not None
    assert latency.first.total == 100.0
    assert latency.total is not None
    assert (latency.total.median, latency.total.n) == (20.0, 3)
    alone = stats.latency("b")
    assert alone is not None
    assert (alone.first.total, alone.total) == (50.0, None)
    assert stats.engines() == ("a", "b")
    assert stats.latency("c") is None


def test_an_image_that_no_engine_saw_is_no_figure_of_an_engine() -> None:
    stats = SessionStats()
    stats.add(reading("a", 5.0, inferred=False))
    assert stats.engines() == ()


def test_energies_of_different_methods_are_never_in_one_mean() -> None:
    stats = SessionStats()
    for value, method in ((2.0, Method.ESTIMATED), (4.0, Method.ESTIMATED), (10.0, Method.MEASURED_DEVICE)):
        stats.add(reading("a", 5.0, energy(value, method)))
    stats.add(reading("a", 5.0, energy(None, Method.NOT_AVAILABLE)))
    means = {entry.method: (entry.value, entry.n) for entry in stats.energy()}
    assert means == {
        Method.ESTIMATED: (3.0, 2),
        Method.MEASURED_DEVICE: (10.0, 1),
        Method.NOT_AVAILABLE: (None, 1),
    }


def test_a_spread_is_median_and_95th_percentile() -> None:
    spread = spread_of([float(value) for value in range(101)])
    assert spread is not None
    assert (spread.median, spread.p95, spread.n) == (50.0, 95.0, 101)
    assert spread_of([]) is None
