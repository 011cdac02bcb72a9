"""What the camera view does: look for cameras, show one live, hold a frame, take it; and what it says meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from qana_desktop.system.faults import Fault
from qana_desktop.ui.presenters.runner import Runner
from qana_desktop.ui.texts import tr, trn

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qana_desktop.intake.camera import Camera

T = TypeVar("T")

LANE = "camera"
LIVE_SIDE = 1280
"""Longest side of a live frame, in pixels; what is taken has the camera's own size."""


class Phase(StrEnum):
    """Where the view is."""

    LOOKING = "looking"
    NONE = "none"
    OPENING = "opening"
    LIVE = "live"
    HELD = "held"
    LOST = "lost"


@dataclass(frozen=True)
class CameraState:
    """What is shown beside the picture."""

    phase: Phase
    sentence: str
    can_hold: bool = False
    can_take: bool = False


class CameraDeskLike(Protocol):
    """`services.camera_desk`; every method may wait and may raise KnownError."""

    def cameras(self) -> list[Camera]:
        """Return the cameras of this computer."""
        ...

    def open(self, camera_id: str) -> None:
        """Open one."""
        ...

    def frame(self, *, longest_side: int) -> npt.NDArray[np.uint8]:
        """Return the next frame: uint8 RGB."""
        ...

    def take(self) -> bytes:
        """Return the frame that was shown last as a PNG file."""
        ...

    def close(self) -> None:
        """Let the camera go."""
        ...


class CameraView(Protocol):
    """What the presenter asks of the window."""

    def show_cameras(self, cameras: Sequence[Camera]) -> None:
        """Fill the list of cameras."""
        ...

    def show_state(self, state: CameraState) -> None:
        """Show where the view is."""
        ...

    def show_frame(self, rgb: npt.NDArray[np.uint8]) -> None:
        """Show a frame."""
        ...

    def image_taken(self, data: bytes) -> None:
        """An image was taken: the bytes of a PNG file."""
        ...


class CameraPresenter:
    """Frames are asked for one by one: the next when the last was shown, so that nothing piles up."""

    def __init__(self, view: CameraView, runner: Runner, desk: CameraDeskLike) -> None:
        self._view, self._runner, self._desk = view, runner, desk
        self._turn = 0
        self._taken = 0
        self.phase = Phase.LOOKING

    def look(self) -> None:
        """Look for cameras, and show the first."""
        turn = self._begin(Phase.LOOKING, tr("Looking for cameras."))
        self._run(turn, self._desk.cameras, self._found)

    def choose(self, camera_id: str) -> None:
        """Show another camera."""
        turn = self._begin(Phase.OPENING, tr("Opening the camera."))
        self._run(turn, lambda: self._desk.open(camera_id), lambda _none: self._live())

    def hold(self) -> None:
        """Hold the frame that is shown, or go on live."""
        if self.phase is Phase.LIVE:
            self._say(Phase.HELD, tr("Held. Press Take to read this image, or Space to go on."))
            self._turn += 1
        elif self.phase is Phase.HELD:
            self._turn += 1
            self._live()

    def take(self) -> None:
        """Take the frame that is shown, then go on live."""
        if self.phase not in (Phase.LIVE, Phase.HELD):
            return
        turn = self._begin(Phase.HELD, tr("Taking the image."))
        self._run(turn, self._desk.take, self._has)

    def leave(self) -> None:
        """Let the camera go. Waits for it a moment: a camera whose light stays on is trusted by nobody."""
        self._turn += 1
        self.phase = Phase.LOOKING
        self._desk.close()
        # What had begun just before may have opened it anew.
        self._runner.run(LANE, self._desk.close, lambda _none: None)

    # --- what arrives; what belongs to an earlier turn is neither begun nor shown ---

    def _run(self, turn: int, work: Callable[[], T], done: Callable[[T], None]) -> None:
        def begin() -> T | None:
            return work() if turn == self._turn else None

        def arrived(result: T | None) -> None:
            if turn == self._turn:
                done(cast(T, result))

        def failed(fault: Fault) -> None:
            if turn == self._turn:
                self._say(Phase.LOST, fault.sentence())

        self._runner.run(LANE, begin, arrived, failed)

    def _found(self, found: Sequence[Camera]) -> None:
        self._view.show_cameras(found)
        if found:
            self.choose(found[0].id)
            return
        sentence = tr(
            "No camera was found. Plug the dermatoscope in, switch it to its camera mode, check that the system lets "
            "programs use cameras, then press Look again."
        )
        self._say(Phase.NONE, sentence)

    def _live(self) -> None:
        self._say(Phase.LIVE, self._live_sentence())
        self._ask()

    def _ask(self) -> None:
        self._run(self._turn, lambda: self._desk.frame(longest_side=LIVE_SIDE), self._shown)

    def _shown(self, rgb: npt.NDArray[np.uint8]) -> None:
        self._view.show_frame(rgb)
        self._ask()

    def _has(self, data: bytes) -> None:
        self._taken += 1
        self._view.image_taken(data)
        self._live()

    def _begin(self, phase: Phase, sentence: str) -> int:
        self._turn += 1
        self._say(phase, sentence)
        return self._turn

    def _say(self, phase: Phase, sentence: str) -> None:
        self.phase = phase
        live = phase in (Phase.LIVE, Phase.HELD)
        self._view.show_state(CameraState(phase, sentence, live, live))

    def _live_sentence(self) -> str:
        if not self._taken:
            return tr("Live. Put the lens on the skin; Space holds the image, Enter takes it.")
        return trn(self._taken, "{n} image was taken. Live again.", "{n} images were taken. Live again.")
