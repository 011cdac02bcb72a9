"""What the `devices` commands do: list, watch, map, add and remove the vendor's library."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import typer

from qana_desktop.cli import exit_codes
from qana_desktop.cli.terminal import console, plain, tell, write_line
from qana_desktop.engines.akida_install import add_runtime, added_runtime, remove_runtime, this_machine
from qana_desktop.engines.akida_wheel import WheelFacts, inspect_wheel
from qana_desktop.engines.contract import EngineInfo
from qana_desktop.engines.machine import BoardPlace, Machine
from qana_desktop.engines.mapping import BoardMapping, mapping_report
from qana_desktop.engines.registry import EngineRegistry
from qana_desktop.engines.watch import BoardsChanged, BoardWatch
from qana_desktop.services.composition import load_bundle

TERMS: Final = "The Akida library is BrainChip's, under BrainChip's terms: read them before you use it."


def run_list(*, as_json: bool) -> int:
    """List what the system shows, what the library lists, and which library that is."""
    engines = [info for info in EngineRegistry().probe() if info.engine_id.startswith("akida")]
    report = {"boards": [asdict(place) for place in Machine().places()], "library": _library(), "engines": engines}
    if as_json:
        report["engines"] = [asdict(info) for info in engines]
        write_line(json.dumps(report, ensure_ascii=True, indent=1))
    else:
        _print_list(Machine().places(), engines)
    usable = any(info.fault is None and info.engine_id.startswith("akida-board") for info in engines)
    return exit_codes.ALL_READ if usable else exit_codes.NO_ENGINE


def run_watch(
    seconds: float | None, *, as_json: bool, machine: Machine | None = None, ended: threading.Event | None = None
) -> int:
    """Write a line for each board that comes or goes, until the time is over, `ended` is set, or Ctrl-C."""
    watch = BoardWatch(lambda change: _write_change(change, as_json=as_json), machine)
    for place in watch.seen:
        _write_event("is there", place, as_json=as_json)
    if not watch.seen:
        tell("No board is there. Waiting.")
    watch.start()
    try:
        (ended or threading.Event()).wait(seconds)
    except KeyboardInterrupt:
        tell("Ended.")
    finally:
        watch.close()
    return exit_codes.ALL_READ


def run_map(bundle: Path | None, *, as_json: bool) -> int:
    """Show the mapping report; raises EngineError where the library cannot be used."""
    active = load_bundle(bundle)
    report = mapping_report(active.path)
    if as_json:
        write_line(json.dumps({"bundle": active.id, "boards": [asdict(entry) for entry in report]}, indent=1))
    else:
        screen = console()
        screen.print(plain(f"Bundle {active.id}"))
        for entry in report:
            for line in mapping_lines(entry):
                screen.print(plain(line), soft_wrap=True)
    return exit_codes.ALL_READ if all(entry.fits for entry in report) else exit_codes.SOME_NOT


def mapping_lines(entry: BoardMapping) -> list[str]:
    """A board's mapping as lines for a person."""
    if entry.fault is not None:
        return [f"✗ {entry.board} ({entry.description}): {entry.fault.sentence()}"]
    passes = "1 pass" if entry.passes == 1 else f"{entry.passes} passes"
    layers = ", ".join(f"{layer.name} {layer.processors}" for layer in entry.layers if layer.processors)
    memory = ", ".join(f"{what} {size / 1024:.0f} KiB" for what, size in entry.memory)
    return [
        f"✓ {entry.board} ({entry.description}): fits, {entry.used} of {entry.processors} neural processors, {passes}",
        f"    processors: {layers}",
        f"    memory: {memory}",
    ]


def run_install(wheel: Path, *, yes: bool) -> int:
    """Show what the file is, ask, and add it; raises WheelRefused."""
    seen = inspect_wheel(wheel, this_machine())
    for line in wheel_lines(seen):
        tell(line)
    if not yes and not typer.confirm("Add this library?", err=True):
        return exit_codes.SOME_NOT
    added = add_runtime(wheel, seen=seen)
    tell(f"Akida {added.version} was added. Engines use it from their next start on.")
    return exit_codes.ALL_READ


def wheel_lines(facts: WheelFacts) -> list[str]:
    """What a person sees before agreeing."""
    return [
        f"Akida {facts.version} for {', '.join(facts.tags)}, {facts.size / 2**20:.1f} MiB",
        f"SHA-256 {facts.sha256}",
        "Compare this with the hash that BrainChip publishes for the file.",
        TERMS,
    ]


def run_remove() -> int:
    """Remove the added library."""
    tell("The Akida library was removed." if remove_runtime() else "No Akida library was added, so none was removed.")
    return exit_codes.ALL_READ


def library_line() -> str:
    """Return which library was added, for a person; "" for none."""
    added = added_runtime()
    return "" if added is None else f"akida {added.version}, added {added.added}, SHA-256 {added.sha256}"


def _library() -> dict[str, Any] | None:
    added = added_runtime()
    return None if added is None else {"version": added.version, "sha256": added.sha256, "added": added.added}


def _print_list(places: tuple[BoardPlace, ...], engines: list[EngineInfo]) -> None:
    screen = console()
    for info in engines:
        facts = ", ".join(text for text in (info.runtime, info.detail) if text)
        screen.print(plain(f"{'✗' if info.fault else '✓'} {info.engine_id}: {info.name} ({facts})"), soft_wrap=True)
        if info.fault is not None:
            screen.print(plain(f"    {info.fault.sentence()}"), soft_wrap=True)
    for place in places:
        may = "may be opened" if place.usable else "may not be opened by you"
        screen.print(plain(f"/dev/{place.node}: {place.place or 'place unknown'}, {may}"), soft_wrap=True)
    if line := library_line():
        screen.print(plain(f"Added library: {line}"), soft_wrap=True)


def _write_change(change: BoardsChanged, *, as_json: bool) -> None:
    for place in change.vanished:
        _write_event("is gone", place, as_json=as_json)
    for place in change.appeared:
        _write_event("appeared", place, as_json=as_json)


def _write_event(what: str, place: BoardPlace, *, as_json: bool) -> None:
    if as_json:
        write_line(json.dumps({"event": what, **asdict(place)}))
    else:
        write_line(f"{place.label} {what} ({place.node})")
