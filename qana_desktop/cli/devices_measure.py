"""`devices measure`: latency with the warm-up apart, energy in bursts, each figure with its method and its n."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from rich import box
from rich.table import Table

import qana_desktop
from qana_desktop.cli import exit_codes
from qana_desktop.cli.benchmark import NOTE_AKIDA
from qana_desktop.cli.progress import progress_bar
from qana_desktop.cli.terminal import console, plain, tell, tell_fault, write_line
from qana_desktop.engines.contract import uses_akida
from qana_desktop.network.bundle import open_bundle
from qana_desktop.services.composition import Desks, open_desks
from qana_desktop.services.demo_images import benchmark_jpegs
from qana_desktop.services.jobs import CancelToken
from qana_desktop.services.measuring import BurstEnergy, Measurement, Times, measure
from qana_desktop.services.sources import ImageSource
from qana_desktop.system.host import describe_host

_DIFFERENT = 24


def run_measure(
    engine: str, bundle: Path | None, *, images: int, warm_up: int, bursts: int, clock: str | None, as_json: bool
) -> int:
    """Measure one engine; raises EngineError where it cannot be used or has no such clock."""
    with open_desks(bundle, engine=engine) as desks:
        for fault in desks.passed_over:
            tell_fault(fault)
        if clock is not None:
            desks.device.set_clock(clock)
        with progress_bar() as show:
            found = measure(
                desks.triage,
                desks.device,
                _drawn(images + warm_up),
                _one_input(desks),
                warm_up=warm_up,
                bursts=bursts,
                report=show,
                token=CancelToken(),
            )
        views = len(desks.triage.policy.views)
        if as_json:
            write_line(json.dumps(_document(desks, found, views), indent=1))
        else:
            _print(desks, found, views)
    if uses_akida(found.engine.engine_id):
        tell(NOTE_AKIDA)
    return exit_codes.ALL_READ


def _drawn(count: int) -> list[ImageSource]:
    files = benchmark_jpegs(min(count, _DIFFERENT))
    return [ImageSource(f"drawn lesion {n}", data=data) for n, data in enumerate(islice(cycle(files), count))]


def _one_input(desks: Desks) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A golden image: the burst must not depend on what lies on this disk."""
    return open_bundle(desks.bundle.path).golden().images[:1]


def _document(desks: Desks, found: Measurement, views: int) -> dict[str, object]:
    return {
        "program": qana_desktop.__version__,
        "bundle": desks.triage.bundle_id,
        "machine": describe_host(),
        "views": views,
        **asdict(found),
    }


def _print(desks: Desks, found: Measurement, views: int) -> None:
    info, screen = found.engine, console()
    detail = ", ".join(text for text in (info.runtime, info.detail) if text)
    screen.print(plain(f"{info.engine_id}: {info.name} ({detail})"), soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("ms per image", "median", "p95", "p99", "n"):
        table.add_column(title, justify="left" if title.startswith("ms") else "right")
    for part, times in found.latency.items():
        table.add_row(part, *_cells(times))
    table.add_row("warm-up, total", *_cells(found.warm_up))
    screen.print(table)
    screen.print(plain(f"first image {found.first_ms:.1f} ms, apart"))
    for entry in found.energy:
        screen.print(plain(energy_line(entry)), soft_wrap=True)
    screen.print(plain(f"{views} views an image · bundle {desks.triage.bundle_id} · {describe_host()}"))


def _cells(times: Times | None) -> tuple[str, ...]:
    if times is None:
        return ("-", "-", "-", "0")
    return (f"{times.median:.2f}", f"{times.p95:.2f}", f"{times.p99:.2f}", str(times.n))


def energy_line(entry: BurstEnergy) -> str:
    """One method's energy for a person: value, spread over the bursts, method, n, and what is in it."""
    if entry.median is None:
        return f"energy: {entry.method.value}. {entry.note}"
    spread = f", {entry.lowest:.3g} to {entry.highest:.3g}" if entry.bursts > 1 else ""
    bursts = f"{entry.bursts} bursts of {', '.join(map(str, entry.images))} images"
    return (
        f"energy: {entry.median:.3g} {entry.unit}{spread}, {entry.method.value}, {entry.scope}, {bursts}. {entry.note}"
    )
