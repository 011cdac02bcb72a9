"""Small engines and an image reader for tests of the desks: they answer at once and fail when they are told to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from qana_desktop.engines.contract import EngineError, EngineInfo, EngineState, Inference
from qana_desktop.intake.refusals import FileRefused
from qana_desktop.services.sources import ImageSource
from qana_desktop.system.faults import Fault
from qana_desktop.triage.measured import MeasuredValue, Method
from qana_desktop.triage.quality import QualityFinding, QualityReport

CLASSES, FEATURES = 7, 16
BLURRED = Fault("quality-blur", "The image is too blurred to read.", "Take it again.")
UNREADABLE = Fault("file-empty", "The file is empty.", "Copy it again.")


def potentials_of(batch: np.ndarray) -> np.ndarray:
    """Seven logits of which the level of the first pixel decides, and features of 7."""
    logits = np.zeros((len(batch), CLASSES), np.int32)
    logits[np.arange(len(batch)), batch[:, 0, 0, 0] % CLASSES] = 500
    return np.concatenate([logits, np.full((len(batch), FEATURES), 7, np.int32)], axis=1)


SCOPE = "arithmetic of one view of an image"
ENERGY = MeasuredValue(0.25, "mJ", Method.ESTIMATED, SCOPE, 1, "2026-01-01T00:00:00Z", "one")


@dataclass(eq=False)
class FakeEngine:
    """Answers until it is made to fail, then is lost until it is restarted; counts calls, starts and closings."""

    info: EngineInfo
    calls: int = 0
    starts: int = 0
    closed: int = 0
    before: Callable[[], None] = lambda: None
    _fails: EngineError | None = None
    _listeners: list[Callable[[EngineInfo], None]] = field(default_factory=list)

    def fail_with(self, error: EngineError) -> None:
        self._fails = error

    def infer(self, batch: np.ndarray) -> Inference:
        self.info = replace(self.info, state=EngineState.BUSY)
        self.before()
        self.calls += 1
        if self._fails is not None:
            self._show(EngineState.LOST, self._fails.fault)
            raise self._fails
        self.info = replace(self.info, state=EngineState.READY)
        return Inference(potentials_of(batch), 1.0, ENERGY)

    def measure_energy(self, batch: np.ndarray) -> MeasuredValue:
        return ENERGY

    def restart(self) -> FakeEngine:
        self.starts += 1
        self._fails = None
        self._show(EngineState.READY)
        return self

    def subscribe(self, listener: Callable[[EngineInfo], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def close(self) -> None:
        self.closed += 1

    def _show(self, state: EngineState, fault: Fault | None = None) -> None:
        self.info = replace(self.info, state=state, fault=fault)
        for listener in self._listeners:
            listener(self.info)


@dataclass(eq=False)
class FakeEngines:
    """Lists `ids`; opening one of `broken` raises its error. Every opened engine is kept in `opened`."""

    ids: tuple[str, ...] = ("one", "two")
    broken: dict[str, EngineError] = field(default_factory=dict)
    opened: list[FakeEngine] = field(default_factory=list)

    def probe(self) -> list[EngineInfo]:
        return [
            EngineInfo(i, f"Engine {i}", "fake 1.0", "", EngineState.AVAILABLE)
            if i not in self.broken
            else EngineInfo(i, f"Engine {i}", "", "", EngineState.UNAVAILABLE, self.broken[i].fault)
            for i in self.ids
        ]

    def open(self, engine_id: str, bundle: Path) -> FakeEngine:
        if engine_id in self.broken:
            raise self.broken[engine_id]
        self.opened.append(FakeEngine(EngineInfo(engine_id, f"Engine {engine_id}", "fake 1.0", "", EngineState.READY)))
        return self.opened[-1]


@dataclass(frozen=True, eq=False)
class FakePrepared:
    network_input: np.ndarray
    quality: QualityReport
    sha256: str = "0" * 64
    decode_ms: float = 2.0
    preprocess_ms: float = 1.0


class FakeReader:
    """The bytes say what comes: "blurred...", "empty...", else an image whose first pixel is the number in them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.prepared: list[str] = []

    def prepare(self, source: Path | bytes, *, input_size: int) -> FakePrepared:
        assert isinstance(source, bytes)
        label = source.decode()
        with self._lock:
            self.prepared.append(label)
        if label.startswith("empty"):
            raise FileRefused(UNREADABLE)
        fault = BLURRED if label.startswith("blurred") else None
        finding = QualityFinding("sharpness", 9.0, 5.0, fault, refuses=True)
        number = int("".join(char for char in label if char.isdigit()) or 0)
        return FakePrepared(np.full((input_size, input_size, 3), number % 256, np.uint8), QualityReport((finding,)))

    def facts(self, source: Path | bytes) -> None:
        return None

    def display(self, source: Path | bytes, *, longest_side: int | None = None) -> np.ndarray:
        return np.zeros((4, 4, 3), np.uint8)


def images(*labels: str) -> list[ImageSource]:
    return [ImageSource(label=label, data=label.encode()) for label in labels]
