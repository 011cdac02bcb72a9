"""`classify`: reads images and writes a table for people or JSON lines for programs."""

from __future__ import annotations

import threading
from pathlib import Path

from qana_desktop.cli import exit_codes
from qana_desktop.cli.progress import progress_bar
from qana_desktop.cli.records import record_of, to_line
from qana_desktop.cli.tables import policy_lines, reading_table
from qana_desktop.cli.terminal import INTENDED_USE, console, plain, tell, tell_fault, write_line
from qana_desktop.engines.contract import DeviceLost, EngineError, EngineInfo, EngineState, EngineTimeout
from qana_desktop.services.composition import Desks, open_desks
from qana_desktop.services.find_images import find_images
from qana_desktop.services.jobs import CancelToken
from qana_desktop.services.sources import ImageSource
from qana_desktop.triage.outcome import CannotAssess, Reading


def run_classify(
    paths: list[Path],
    *,
    engine: str,
    bundle: Path | None,
    as_json: bool,
    ignore_quality: bool,
    wait_for_board_s: float = 0.0,
    second_reader: bool = True,
) -> int:
    """Read the images in `paths`; returns the exit code. Raises KnownError before anything was read."""
    sources = find_images(paths)
    with open_desks(bundle, engine=engine) as desks:
        for fault in desks.passed_over:
            tell_fault(fault)
        desks.triage.use_second_reader(second_reader)
        return classify_with(
            desks, sources, as_json=as_json, ignore_quality=ignore_quality, wait_for_board_s=wait_for_board_s
        )


def classify_with(
    desks: Desks,
    sources: list[ImageSource],
    *,
    as_json: bool,
    ignore_quality: bool = False,
    wait_for_board_s: float = 0.0,
) -> int:
    """Read and write; returns the exit code. What was read is written also when the engine is lost on the way.

    A board that goes is waited for so many seconds; when the same one comes back, reading goes on where it was.
    """
    output = _JsonLines(desks) if as_json else _People(desks)
    try:
        while True:
            try:
                _read(desks, sources[output.count :], output, ignore_quality=ignore_quality)
                break
            except (DeviceLost, EngineTimeout) as error:
                if not wait_for_board_s:
                    raise
                tell_fault(error.fault)
                if not _came_back(desks, wait_for_board_s):
                    raise
                tell(f"The board is back; reading goes on after image {output.count}.")
    except EngineError as error:
        output.finish()
        tell_fault(error.fault)
        tell(f"{output.count} of {len(sources)} images were read; the others were not assessed.")
        return exit_codes.NO_ENGINE
    output.finish()
    return exit_codes.SOME_NOT if output.refused else exit_codes.ALL_READ


def _read(desks: Desks, sources: list[ImageSource], output: _JsonLines | _People, *, ignore_quality: bool) -> None:
    with progress_bar() as show:
        desks.triage.read_all(
            sources,
            on_reading=lambda _source, reading: output.add(reading),
            report=show,
            token=CancelToken(),
            ignore_quality=ignore_quality,
        )


def _came_back(desks: Desks, seconds: float) -> bool:
    """Wait until the engine that was lost works again: the desk starts it when its board comes back."""
    back = threading.Event()

    def listen(info: EngineInfo) -> None:
        if info.state is EngineState.READY:
            back.set()

    unsubscribe = desks.device.subscribe(listen)
    try:
        return desks.device.current().state is EngineState.READY or back.wait(seconds)
    finally:
        unsubscribe()


class _JsonLines:
    """One JSON object per image, as soon as it was read."""

    def __init__(self, desks: Desks) -> None:
        self._bundle = desks.triage.bundle_id
        self.count, self.refused = 0, 0

    def add(self, reading: Reading) -> None:
        self.count += 1
        self.refused += isinstance(reading.outcome, CannotAssess)
        write_line(to_line(record_of(reading, bundle=self._bundle)))

    def finish(self) -> None:
        """Nothing is held back."""


class _People:
    """A table at the end, the most urgent first, and under it what the words stand for."""

    def __init__(self, desks: Desks) -> None:
        self._desks = desks
        self._readings: list[Reading] = []

    @property
    def count(self) -> int:
        return len(self._readings)

    @property
    def refused(self) -> int:
        return sum(isinstance(reading.outcome, CannotAssess) for reading in self._readings)

    def add(self, reading: Reading) -> None:
        self._readings.append(reading)

    def finish(self) -> None:
        screen = console()
        screen.print(reading_table(self._readings))
        for line in (*policy_lines(self._desks.triage.policy), self._provenance(), INTENDED_USE):
            screen.print(plain(line))

    def _provenance(self) -> str:
        engine, used = self._desks.device.current(), self._engines()
        named = f"engines {', '.join(used)}" if len(used) > 1 else f"engine {engine.name} ({engine.engine_id})"
        return f"{self.count} images · bundle {self._desks.triage.bundle_id} · {named}"

    def _engines(self) -> list[str]:
        """The engines that really read."""
        return sorted({reading.provenance.engine for reading in self._readings if reading.provenance is not None})
