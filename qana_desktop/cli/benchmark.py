"""`benchmark`: latency, throughput, start-up and energy of the engines on drawn images, shown and never stored."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from rich import box
from rich.table import Table

import qana_desktop
from qana_desktop.cli import exit_codes
from qana_desktop.cli.progress import Shows, progress_bar
from qana_desktop.cli.terminal import console, plain, tell, tell_fault, write_line
from qana_desktop.engines.contract import EngineError, uses_akida
from qana_desktop.engines.registry import EngineRegistry
from qana_desktop.services.composition import Desks, load_bundle, open_desks
from qana_desktop.services.demo_images import benchmark_jpegs
from qana_desktop.services.jobs import CancelToken, Progress
from qana_desktop.services.measuring import PARTS, Times, latency_of
from qana_desktop.services.session_stats import EnergyStats, SessionStats
from qana_desktop.services.sources import ImageSource
from qana_desktop.system.host import describe_host
from qana_desktop.system.language import _
from qana_desktop.triage.measured import Method
from qana_desktop.triage.outcome import Reading

NOTE_AKIDA: Final = (
    "Figures of the Akida runtime are for your own use: its licence does not let you publish them without BrainChip's "
    "written consent."
)
_DIFFERENT: Final = 24


@dataclass(frozen=True)
class Result:
    """One engine: `start_up_s` until ready and self-tested, `images_per_s` of a batch with decoding overlapped.

    `warm_up` is the total of the first readings, `first_ms` that of the very first; `latency` is of all others.
    """

    engine: str
    runtime: str
    views: int
    start_up_s: float
    images_per_s: float
    first_ms: float
    warm_up: Times | None
    latency: dict[str, Times | None]
    energy: tuple[EnergyStats, ...]


def run_benchmark(engine: str | None, bundle: Path | None, *, images: int, warm_up: int, as_json: bool) -> int:
    """Measure one engine, or all that work; returns the exit code."""
    bundle_id = load_bundle(bundle).id
    sources = _drawn(images + warm_up)
    results: list[Result] = []
    for name in [engine] if engine else _working_engines():
        try:
            results.append(_measure(name, bundle, sources, warm_up))
        except EngineError as error:
            tell_fault(error.fault)
    if not results:
        return exit_codes.NO_ENGINE
    if as_json:
        write_line(json.dumps(_document(bundle_id, images, results), ensure_ascii=True, indent=1))
    else:
        _print(bundle_id, images, results)
    if any(uses_akida(result.engine) for result in results):
        tell(NOTE_AKIDA)
    return exit_codes.ALL_READ


def _drawn(images: int) -> list[ImageSource]:
    """`images` sources over a few different files: drawing takes longer than reading, and no reading is remembered."""
    files = benchmark_jpegs(min(images, _DIFFERENT))
    return [
        ImageSource(f"drawn lesion {number}", data=data) for number, data in enumerate(islice(cycle(files), images))
    ]


def _working_engines() -> list[str]:
    return [info.engine_id for info in EngineRegistry().probe() if info.fault is None]


def _measure(engine: str, bundle: Path | None, sources: list[ImageSource], warm_up: int) -> Result:
    started = time.perf_counter()
    with open_desks(bundle, engine=engine) as desks, progress_bar() as show:
        ready = time.perf_counter() - started
        readings = _one_by_one(desks, sources, show)
        per_second = _batch(desks, sources, show)
        info, stats = desks.device.current(), SessionStats()
        for reading in readings:
            stats.add(reading)
        return Result(
            engine=info.engine_id,
            runtime=info.runtime,
            views=len(desks.triage.policy.views),
            start_up_s=ready,
            images_per_s=per_second,
            first_ms=readings[0].latency.total,
            warm_up=latency_of(readings[:warm_up])["total"],
            latency=latency_of(readings[warm_up:]),
            energy=stats.energy(),
        )


def _one_by_one(desks: Desks, sources: list[ImageSource], show: Shows) -> list[Reading]:
    """Latency as a person sees it: one image, then the next."""
    readings = []
    for done, source in enumerate(sources, start=1):
        readings.append(desks.triage.read(source, ignore_quality=True))
        show(Progress(done, len(sources), "Latency"))
    return readings


def _batch(desks: Desks, sources: list[ImageSource], show: Shows) -> float:
    """Images per second when many are read at once."""
    started = time.perf_counter()
    desks.triage.read_all(sources, on_reading=lambda *_: None, report=show, token=CancelToken(), ignore_quality=True)
    return len(sources) / (time.perf_counter() - started)


def _document(bundle: str, images: int, results: list[Result]) -> dict[str, object]:
    return {
        "program": qana_desktop.__version__,
        "bundle": bundle,
        "machine": describe_host(),
        "images": f"{images} drawn JPEG files of 600 x 450",
        "note": NOTE_AKIDA,
        "engines": [asdict(result) for result in results],
    }


def _print(bundle: str, images: int, results: list[Result]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for result in results:
        table.add_column(f"{result.engine}\n{result.runtime}", justify="right")
    for part in PARTS:
        table.add_row(f"{part}, ms", *(_spread(result.latency[part]) for result in results))
    table.add_row(_("warm-up, total, ms"), *(_spread(result.warm_up) for result in results))
    table.add_row(_("first image, ms"), *(f"{result.first_ms:.1f}" for result in results))
    table.add_row("batch, images/s", *(f"{result.images_per_s:.0f}" for result in results))
    table.add_row("start-up, s", *(f"{result.start_up_s:.2f}" for result in results))
    table.add_row("energy per image", *(_energy(result) for result in results))
    screen = console()
    screen.print(table)
    views = results[0].views
    screen.print(plain(_("Times are median / 95th / 99th percentile (number of images).")))
    screen.print(plain(f"{images} drawn images of 600 x 450, {views} views each · bundle {bundle} · {describe_host()}"))


def _spread(times: Times | None) -> str:
    return "-" if times is None else f"{times.median:.2f} / {times.p95:.2f} / {times.p99:.2f} ({times.n})"


_METHODS: Final = {
    Method.MEASURED_DEVICE: "measured at the device",
    Method.MEASURED_PACKAGE: "measured, whole processor",
    Method.ESTIMATED: "estimated, arithmetic alone",
    Method.NOT_AVAILABLE: "not available",
}


def _energy(result: Result) -> str:
    """Every method by itself: estimates and measurements are never mixed."""
    texts = [
        "not available" if entry.value is None else f"{entry.value:.3g} {entry.unit} ({_METHODS[entry.method]})"
        for entry in result.energy
    ]
    return "\n".join(texts) or "not available"
