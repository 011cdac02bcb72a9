"""Small engines and an image reader for tests of the desks: they answer at once and fail when they are told to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from qana_desktop.engines.contract import EngineError, EngineInfo, EngineState, Inference
from qana_desktop.services.sources import ImageSource
from qana_desktop.system.faults import Fault, KnownError
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


@dataclass(eq=False)
class FakeEngine:
    """Answers until `fails` holds an error; counts its calls and closings."""

    fails: EngineError | None = None
    calls: int = 0
    closed: int = 0
    before: Callable[[], None] = lambda: None

    def infer(self, batch: np.ndarray) -> Inference:
        self.before()
        self.calls += 1
        if self.fails is not None:
            raise self.fails
        energy = MeasuredValue(0.25, "mJ", Method.ESTIMATED, "one input", 1, "2026-01-01T00:00:00Z", "one")
        return Inference(potentials_of(batch), 1.0, energy)

    def close(self) -> None:
        self.closed += 1


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
        self.opened.append(FakeEngine())
        return self.opened[-1]


@dataclass(frozen=True, eq=False)
class FakePrepared:
    network_input: np.ndarray
    quality: QualityReport
    sha256: str = "0" * 64
    decode_ms: float = 2.0
    preprocess_ms: float = 1.0


class FakeReader:
    """The label says what comes: "blurred...", "empty...", else an image whose first pixel is the label's number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.prepared: list[str] = []

    def prepare(self, source: ImageSource) -> FakePrepared:
        with self._lock:
            self.prepared.append(source.label)
        if source.label.startswith("empty"):
            raise KnownError(UNREADABLE)
        fault = BLURRED if source.label.startswith("blurred") else None
        finding = QualityFinding("sharpness", 9.0, 5.0, fault, refuses=True)
        number = int("".join(char for char in source.label if char.isdigit()) or 0)
        return FakePrepared(np.full((8, 8, 3), number % 256, np.uint8), QualityReport((finding,)))

    def display(self, source: ImageSource, *, longest_side: int | None = None) -> np.ndarray:
        return np.zeros((4, 4, 3), np.uint8)


def images(*labels: str) -> list[ImageSource]:
    return [ImageSource(label=label, data=b"image") for label in labels]
