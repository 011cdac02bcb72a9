"""A board that is killed, hangs and is unplugged while images run through it, and the count of what became of each."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from qana_desktop.engines.contract import DeviceLost, EngineError, EngineInfo, EngineState, Inference
from qana_desktop.engines.host import EngineHost, Limits
from qana_desktop.engines.machine import BoardPlace
from qana_desktop.engines.onnx_engine import OnnxAdapter
from qana_desktop.engines.registry import AdapterSpec, EngineRegistry
from qana_desktop.engines.watch import BoardsChanged
from qana_desktop.network.arithmetic import run
from qana_desktop.services.composition import load_bundle
from qana_desktop.services.device_desk import DeviceDesk
from qana_desktop.services.jobs import CancelToken
from qana_desktop.services.sources import ImageSource
from qana_desktop.services.triage_desk import TriageDesk
from qana_desktop.system.clock import Clock
from qana_desktop.system.faults import Fault
from qana_desktop.triage.measured import MeasuredValue
from qana_desktop.triage.outcome import Reading
from qana_desktop.triage.quality import QualityReport
from tests.support.bundles import SIDE, small_bundle, small_network, small_policy

PLACES = tuple(BoardPlace(f"akida{n}", f"pci-0000:0{n}:00.0", usable=True) for n in (3, 5))
BOARDS = tuple(f"akida-board:{place.place}" for place in PLACES)
SPEC = AdapterSpec("akida-board", "Faulty board", "tests.support.faulty_engine:FaultyAdapter", "faulty")
LIMITS = Limits(start_s=60.0, call_s=1.0, image_s=0.0)
CHUNK = 500


class Kind(Enum):
    """What happens to the board."""

    KILL = "killed"
    HANG = "hung"
    UNPLUG = "unplugged"


# --- in the child -------------------------------------------------------------------------------


class FaultyAdapter:
    """Two boards, computed by ONNX Runtime. A mark beside the bundle makes one hang, or be gone while it lies there."""

    def probe(self) -> list[EngineInfo]:
        return [EngineInfo(board, "Faulty board", "", "", EngineState.AVAILABLE) for board in BOARDS]

    def open(self, engine_id: str, bundle: Path) -> Any:
        return FaultyBoard(engine_id, OnnxAdapter().open(engine_id, bundle), bundle.parent)


class FaultyBoard:
    """Signs its energy with its own name, so that a reading tells which board really computed it."""

    def __init__(self, engine_id: str, engine: Any, marks: Path) -> None:
        self._engine, self._marks = engine, marks
        self.info = replace(engine.info, engine_id=engine_id, name="Faulty board")
        self.close = engine.close
        self._there()

    def infer(self, batch: np.ndarray) -> Inference:
        hang = self._marks / "hang"
        with contextlib.suppress(FileNotFoundError):
            hang.unlink()
            threading.Event().wait()
        self._there()
        found: Inference = self._engine.infer(batch)
        return replace(found, energy=replace(found.energy, engine=self.info.engine_id))

    def measure_energy(self, batch: np.ndarray) -> MeasuredValue:
        return self.infer(batch).energy

    def _there(self) -> None:
        if (self._marks / "unplugged").exists():
            raise DeviceLost(Fault("device-lost", "The board is not there. The image was not assessed.", "Plug it in."))


# --- in the program -----------------------------------------------------------------------------


@dataclass
class Tally:
    """What became of each image: its readings, and the reasons that were stated for it while it was unread."""

    readings: dict[int, list[Reading]] = field(default_factory=dict)
    reasons: dict[int, list[str]] = field(default_factory=dict)
    left: set[int] = field(default_factory=set)
    faults: Counter[str] = field(default_factory=Counter)
    restarts_by_person: int = 0
    changes_of_board: int = 0
    wrong_integers: int = 0
    wrong_engine: int = 0

    def summary(self, images: int) -> dict[str, object]:
        """Counts alone: no image, no time."""
        counts = Counter(len(found) for found in self.readings.values())
        with_reason = sum(1 for index in range(images) if index not in self.readings and self.reasons.get(index))
        return {
            "images": images,
            "faults": dict(sorted(self.faults.items())),
            "images with exactly one reading": counts[1],
            "images with more than one reading": sum(n for readings, n in counts.items() if readings > 1),
            "images left unread with a stated reason": with_reason,
            "images with neither": images - len(self.readings) - with_reason,
            "readings with a wrong integer": self.wrong_integers,
            "readings attributed to the wrong engine": self.wrong_engine,
            "restarts by a person": self.restarts_by_person,
            "changes of board by a person": self.changes_of_board,
        }


class Reader:
    """Hands the bytes of a source to the network as they are."""

    def prepare(self, source: Path | bytes, *, input_size: int) -> Any:
        assert isinstance(source, bytes)
        pixels = np.frombuffer(source, np.uint8).reshape(input_size, input_size, 3)
        return SimpleNamespace(
            network_input=pixels, quality=QualityReport(()), sha256="0" * 64, decode_ms=0.0, preprocess_ms=0.0
        )

    def facts(self, source: Path | bytes) -> None:
        return None

    def display(self, source: Path | bytes, *, longest_side: int | None = None) -> np.ndarray:
        raise NotImplementedError


class Trouble:
    """The device desk, with faults at chosen images: a kill some milliseconds in, a hang, an unplugged board."""

    def __init__(self, desk: DeviceDesk, marks: Path, plan: dict[int, Kind], chance: random.Random) -> None:
        self._desk, self._marks, self._plan, self._chance = desk, marks, plan, chance
        self.index = 0
        self.happened: Counter[str] = Counter()
        self._timers: list[threading.Timer] = []

    def infer(self, batch: np.ndarray) -> Any:
        kind = self._plan.pop(self.index, None)
        if kind is not None:
            self.happened[kind.value] += 1
            self._cause(kind)
        return self._desk.infer(batch)

    def plug_in(self) -> None:
        """Put the board back, as the system would tell."""
        self.settle()
        with contextlib.suppress(FileNotFoundError):
            (self._marks / "unplugged").unlink()

    def settle(self) -> None:
        """Wait until what was begun has happened."""
        while self._timers:
            self._timers.pop().join()
        with contextlib.suppress(FileNotFoundError):
            (self._marks / "hang").unlink()

    def _cause(self, kind: Kind) -> None:
        match kind:
            case Kind.HANG:
                (self._marks / "hang").touch()
            case Kind.KILL:
                self._soon(self._kill)
            case Kind.UNPLUG:
                self._soon(self._unplug)

    def _soon(self, what: Any) -> None:
        timer = threading.Timer(self._chance.uniform(0, 0.004), what)
        self._timers.append(timer)
        timer.start()

    def _kill(self) -> None:
        engine = self._desk._engine
        pid = engine.pid if isinstance(engine, EngineHost) else None
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _unplug(self) -> None:
        (self._marks / "unplugged").touch()
        place = PLACES[BOARDS.index(self._desk.current().engine_id)]
        if self._chance.random() < 0.5:
            self._desk.boards_changed(BoardsChanged(appeared=(), vanished=(place,)))


@contextlib.contextmanager
def desks(
    folder: Path, plan: dict[int, Kind], chance: random.Random
) -> Iterator[tuple[TriageDesk, DeviceDesk, Trouble]]:
    """The real desks, host and child over the faulty boards."""
    bundle = load_bundle(small_bundle(folder / "models", policy=small_policy(views=1)))
    device = DeviceDesk(EngineRegistry([SPEC], limits=LIMITS), bundle.path)
    trouble = Trouble(device, bundle.path.parent, plan, chance)
    try:
        device.choose(BOARDS[0])
        yield TriageDesk(Reader(), trouble, bundle, Clock(), "test host"), device, trouble
    finally:
        trouble.settle()
        device.close()


def run_images(folder: Path, *, images: int, faults: int, seed: int) -> Tally:
    """Read `images` drawn inputs, in the course of which the board fails `faults` times; a person acts each time.

    At each stop a person restarts, takes the other board, or leaves the image unread; then the batch goes on where it
    was.
    """
    chance = random.Random(seed)  # noqa: S311 - a test that can be repeated
    kinds = list(Kind)
    at = chance.sample(range(images), faults)
    plan = {index: kinds[number % len(kinds)] for number, index in enumerate(at)}
    pixels = np.random.default_rng(seed).integers(0, 256, (images, SIDE, SIDE, 3)).astype(np.uint8)
    sources = [ImageSource(str(index), data=image.tobytes()) for index, image in enumerate(pixels)]
    tally = Tally()
    with desks(folder, plan, chance) as (triage, device, trouble):
        start = 0
        while start < images:
            start = _read_on(triage, trouble, sources, start, tally)
            if start < images:
                start = _person_acts(device, trouble, start, tally, chance)
        tally.faults = trouble.happened
    _compare(tally, pixels)
    return tally


def _read_on(triage: TriageDesk, trouble: Trouble, sources: list[ImageSource], start: int, tally: Tally) -> int:
    """Read from `start` until the engine stops or nothing is left; returns the first image that is unread."""
    trouble.index = start

    def keep(source: ImageSource, reading: Reading) -> None:
        tally.readings.setdefault(int(source.label), []).append(reading)
        trouble.index = int(source.label) + 1

    try:
        triage.read_all(sources[start:], on_reading=keep, report=lambda _progress: None, token=CancelToken())
    except EngineError as error:
        tally.reasons.setdefault(trouble.index, []).append(error.fault.sentence())
    return trouble.index


def _person_acts(device: DeviceDesk, trouble: Trouble, start: int, tally: Tally, chance: random.Random) -> int:
    trouble.plug_in()
    if chance.random() < 0.3:
        tally.changes_of_board += 1
        device.choose(next(board for board in BOARDS if board != device.current().engine_id))
    else:
        tally.restarts_by_person += 1
        device.restart()
    if chance.random() < 0.3:
        tally.left.add(start)
        return start + 1
    return start


def _compare(tally: Tally, pixels: np.ndarray) -> None:
    network, classes = small_network(), small_network().classes
    for begin in range(0, len(pixels), CHUNK):
        expected = run(network, pixels[begin : begin + CHUNK])[-1][:, :classes]
        for offset, row in enumerate(expected):
            for reading in tally.readings.get(begin + offset, []):
                tally.wrong_integers += reading.logits != (tuple(int(value) for value in row),)
                tally.wrong_engine += _computed_elsewhere(reading)


def _computed_elsewhere(reading: Reading) -> bool:
    return reading.provenance is None or reading.energy is None or reading.provenance.engine != reading.energy.engine
