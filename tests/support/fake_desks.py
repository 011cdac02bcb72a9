"""Small desks that keep the promises of `services.contract` without a network: answers are given by the file's name."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from qana_desktop.engines.contract import BoardStatus, DeviceLost, EngineError, EngineInfo, EngineState, ModelRefused
from qana_desktop.engines.watch import BoardsChanged
from qana_desktop.services.find_images import find_images
from qana_desktop.services.jobs import CancelToken, Progress
from qana_desktop.services.sources import ImageSource
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.triage.diagnosis import CLASS_ORDER, MALIGNANT, Diagnosis
from qana_desktop.triage.explanation import Explanation, NoExplanation
from qana_desktop.triage.measured import MeasuredValue, Method
from qana_desktop.triage.outcome import Assessed, CannotAssess, Latency, Outcome, Provenance, Reading, Triage
from qana_desktop.triage.policy import Calibration, Conformal, Interval, OperatingPoint, ReadingPolicy
from qana_desktop.triage.quality import QualityFinding, QualityReport

LOST = Fault("device-lost", "The engine stopped answering.", "Check the cable, then press Try again.")
BLURRED = Fault(
    "blurred",
    "The image is too blurred to read (sharpness 3, needs 8).",
    "Take it again with the lens on the skin.",
)
NOT_AN_IMAGE = Fault("not-an-image", "The file is not an image, so nothing was read.", "Choose an image file.")
NO_BOARD = Fault("no-status", "This engine is no board: it has no clock and no state.", "Choose a board.")
NO_SDK = Fault("sdk-missing", "The akida package is not installed.", "Install it, then press Look again.")

POLICY = ReadingPolicy(
    classes=CLASS_ORDER,
    views=("identity", "rot90", "rot180", "rot270", "flip", "flip-rot90", "flip-rot180", "flip-rot270"),
    calibration=Calibration(0.01, (0.0,) * 7, "made up for tests", (1 / 7,) * 7, Interval(0.04, 0.03, 0.05, 900)),
    decision_weights=(1.0,) * 7,
    operating_points=(
        OperatingPoint(
            "urgent", "malignancy", 0.55, "review_now", Interval(0.7, 0.66, 0.74, 400), Interval(0.95, 0.94, 0.96, 2000)
        ),
        OperatingPoint(
            "sensitive", "malignancy", 0.22, "review", Interval(0.9, 0.87, 0.93, 400), Interval(0.74, 0.72, 0.76, 2000)
        ),
    ),
    conformal=Conformal(0.9, (0.8,) * 7, Interval(0.9, 0.88, 0.92, 2400), (Interval(0.8, 0.75, 0.84, 300),) * 7),
    domain=None,
)

GOOD = QualityReport((QualityFinding("sharpness", 14.0, 8.0, None, True),))
BAD = QualityReport((QualityFinding("sharpness", 3.0, 8.0, BLURRED, True),))


def probabilities(malignancy: float, lead: Diagnosis) -> dict[Diagnosis, float]:
    """Return seven probabilities whose malignant ones add up to `malignancy`; `lead` leads on its side."""
    malignant = [d for d in CLASS_ORDER if d in MALIGNANT]
    benign = [d for d in CLASS_ORDER if d not in MALIGNANT]
    first = lead if lead in MALIGNANT else Diagnosis.MEL
    other = lead if lead not in MALIGNANT else Diagnosis.NV
    shares = {d: malignancy * (0.8 if d is first else 0.1) for d in malignant}
    return {d: shares.get(d, (1 - malignancy) * (0.7 if d is other else 0.1)) for d in (*malignant, *benign)}


def assessed(malignancy: float, lead: Diagnosis = Diagnosis.MEL, *, ignored: tuple[Fault, ...] = ()) -> Assessed:
    """Return an answer with this malignancy, triaged by `POLICY`."""
    shares = probabilities(malignancy, lead)
    triage = Triage.REVIEW_NOW if malignancy >= 0.55 else Triage.REVIEW if malignancy >= 0.22 else Triage.LOW_CONCERN
    ranked = sorted(shares, key=lambda d: -shares[d])
    could_be = tuple(d for d in ranked if shares[d] >= 0.15)
    return Assessed(triage, ranked[0], shares, malignancy, could_be, shares[ranked[0]], 0.875, (), ignored)


def reading_of(
    label: str, outcome: Outcome, *, sha: str | None = None, engine: str = "onnx-cpu", total: float = 6.2
) -> Reading:
    """Return a reading of one image with this outcome."""
    refused = isinstance(outcome, CannotAssess)
    energy = MeasuredValue(
        None,
        "mJ",
        Method.NOT_AVAILABLE,
        "one image",
        0,
        "2026-01-05T09:00:00Z",
        engine,
        "This machine has no power meter that may be read.",
    )
    return Reading(
        source=label,
        image_sha256=sha if sha is not None else hashlib.sha256(label.encode()).hexdigest(),
        outcome=outcome,
        quality=BAD if refused or outcome.ignored else GOOD,
        logits=() if refused else ((0,) * 7,) * 8,
        latency=Latency(3.1, 0.6, None if refused else 2.5, total),
        energy=None if refused else energy,
        provenance=None
        if refused
        else Provenance("made-up-bundle", engine, "Made-up runtime 1.0", "test machine", "made-up-1", "0.1.0"),
        when="2026-01-05T09:00:00Z",
    )


def outcome_by_name(name: str) -> Outcome:
    """Return an outcome from words in a file's name: blurred, or ``m71`` for malignancy 0.71; else low concern."""
    if "blurred" in name:
        return CannotAssess(BLURRED)
    for word in name.replace(".", "-").split("-"):
        if word.startswith("m") and word[1:].isdigit():
            value = int(word[1:]) / 100
            return assessed(value, Diagnosis.MEL if value >= 0.5 else Diagnosis.NV)
    return assessed(0.05, Diagnosis.NV)


class FakeDeviceDesk:
    """Three engines: one that works, one that may be chosen, one that is missing."""

    def __init__(self) -> None:
        self.infos = {
            "onnx-cpu": EngineInfo("onnx-cpu", "ONNX Runtime", "1.0", "this processor", EngineState.READY),
            "second": EngineInfo("second", "Second engine", "1.0", "for tests", EngineState.AVAILABLE),
            "akida-board:0": EngineInfo("akida-board:0", "Akida board", "", "", EngineState.UNAVAILABLE, NO_SDK),
        }
        self.chosen = "onnx-cpu"
        self.refuses: set[str] = set()
        self.restarts = 0
        self.closed = False
        self._listeners: list[Callable[[EngineInfo], None]] = []
        self._board_listeners: list[Callable[[BoardsChanged], None]] = []

    def engines(self) -> list[EngineInfo]:
        return list(self.infos.values())

    def current(self) -> EngineInfo:
        return self.infos[self.chosen]

    def choose(self, engine_id: str) -> EngineInfo:
        if engine_id in self.refuses:
            raise ModelRefused(Fault("model-refused", "The engine failed its self-test.", "Choose another engine."))
        self.chosen = engine_id
        self._set(EngineState.READY, None)
        return self.current()

    def restart(self) -> EngineInfo:
        self.restarts += 1
        if self.chosen in self.refuses:
            raise DeviceLost(LOST)
        self._set(EngineState.READY, None)
        return self.current()

    def set_clock(self, mode: str) -> EngineInfo:
        raise EngineError(NO_BOARD)

    def status(self) -> BoardStatus:
        raise EngineError(NO_BOARD)

    def subscribe(self, listener: Callable[[EngineInfo], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def subscribe_boards(self, listener: Callable[[BoardsChanged], None]) -> Callable[[], None]:
        self._board_listeners.append(listener)
        return lambda: self._board_listeners.remove(listener)

    def boards_changed(self, change: BoardsChanged) -> None:
        """Let boards come or go."""
        for listener in list(self._board_listeners):
            listener(change)

    def lose(self) -> None:
        """Let the chosen engine vanish."""
        self._set(EngineState.LOST, LOST)

    def worry(self, fault: Fault) -> None:
        """Let one of several engines that share the work be lost, while the others go on."""
        self._set(EngineState.READY, fault)

    def close(self) -> None:
        self.closed = True

    def _set(self, state: EngineState, fault: Fault | None) -> None:
        self.infos[self.chosen] = replace(self.infos[self.chosen], state=state, fault=fault)
        for listener in list(self._listeners):
            listener(self.current())


class FakeTriageDesk:
    """Reads by name. `gate`, when set, is acquired before each reading, so that a test decides the pace."""

    def __init__(self, devices: FakeDeviceDesk) -> None:
        self.devices = devices
        self.gate: threading.Semaphore | None = None
        self.lose_before: str | None = None
        self.read_labels: list[str] = []
        self.policy = POLICY
        self.bundle_id = "made-up-bundle"
        self.outcome: Callable[[str], Outcome] = outcome_by_name
        self.second_reader: str | None = None
        self.second_reader_on = True
        self.closed = threading.Event()

    def find_images(self, paths: Iterable[Path]) -> list[ImageSource]:
        return find_images(paths)

    def read(self, source: ImageSource, *, ignore_quality: bool = False) -> Reading:
        self._wait()
        self._check_engine(source)
        self.read_labels.append(source.label)
        outcome = self.outcome(Path(source.label).name)
        if ignore_quality and isinstance(outcome, CannotAssess):
            outcome = assessed(0.31, Diagnosis.BKL, ignored=(outcome.reason,))
        sha = hashlib.sha256(source.data if source.data is not None else _bytes_of(source)).hexdigest()
        return reading_of(source.label, outcome, sha=sha, engine=self.devices.chosen)

    def use_second_reader(self, on: bool) -> None:
        self.second_reader_on = on

    def mm_per_pixel(self, source: ImageSource) -> float | None:
        """A scale for files whose name says so."""
        return 0.02 if "scaled" in source.label else None

    def explain(self, source: ImageSource, reading: Reading) -> Explanation | NoExplanation:
        """A map that points at the top left for melanoma, and away from it for all else; none for a refused image."""
        if isinstance(reading.outcome, CannotAssess):
            return NoExplanation(Fault("not-assessed", "There is nothing to explain.", "Read the image first."))
        maps = np.zeros((7, 8, 8))
        maps[:, :4, :4] = -0.1
        maps[CLASS_ORDER.index(Diagnosis.MEL), :4, :4] = 0.6
        return Explanation(CLASS_ORDER, maps, reading.outcome.predicted, 0.6, "computed by a made-up runtime", 56)

    def read_all(
        self,
        sources: Iterable[ImageSource],
        *,
        on_reading: Callable[[ImageSource, Reading], None],
        report: Callable[[Progress], None],
        token: CancelToken,
        ignore_quality: bool = False,
    ) -> None:
        for done, source in enumerate(sources):
            token.check()
            on_reading(source, self.read(source, ignore_quality=ignore_quality))
            report(Progress(done + 1, None, "reading"))

    def display_image(self, source: ImageSource, *, longest_side: int | None = None) -> npt.NDArray[np.uint8]:
        data = np.frombuffer(source.data if source.data is not None else _bytes_of(source), np.uint8)
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        if bgr is None:
            raise KnownError(NOT_AN_IMAGE)
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        shrink = min(1.0, (longest_side or 10**6) / max(rgb.shape[:2]))
        size = (max(1, round(rgb.shape[1] * shrink)), max(1, round(rgb.shape[0] * shrink)))
        return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def close(self) -> None:
        """Wake a reading that waits, as the end of a child process does."""
        self.closed.set()
        if self.gate is not None:
            self.gate.release(10_000)

    def _wait(self) -> None:
        if self.gate is not None:
            self.gate.acquire()

    def _check_engine(self, source: ImageSource) -> None:
        if self.closed.is_set():
            raise DeviceLost(LOST)
        if self.lose_before is not None and self.lose_before in source.label:
            self.lose_before = None
            self.devices.lose()
        current = self.devices.current()
        if current.fault is not None and current.state is not EngineState.READY:
            raise EngineError(current.fault)


def _bytes_of(source: ImageSource) -> bytes:
    assert source.path is not None
    try:
        return source.path.read_bytes()
    except OSError as error:
        raise KnownError(NOT_AN_IMAGE) from error


def draw_lesion(path: Path, *, seed: int, size: tuple[int, int] = (600, 450)) -> Path:
    """Draw a synthetic lesion into a file; the same seed draws the same pixels."""
    random = np.random.default_rng(seed)
    width, height = size
    image = np.full((height, width, 3), (150, 178, 222), np.uint8)
    centre = (width // 2 + int(random.integers(-40, 40)), height // 2 + int(random.integers(-30, 30)))
    axes = (int(random.integers(60, 130)), int(random.integers(50, 110)))
    cv2.ellipse(image, centre, axes, float(random.integers(0, 180)), 0, 360, (40, 60, 110), -1, cv2.LINE_AA)
    cv2.putText(image, "SYNTHETIC", (12, height - 14), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (90, 90, 90), 2, cv2.LINE_AA)
    blurred = cv2.GaussianBlur(image, (0, 0), 3)
    done = cv2.imwrite(str(path), blurred)
    assert done
    return path
