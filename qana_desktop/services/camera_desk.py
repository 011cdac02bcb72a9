"""A dermatoscope as the system's camera: live frames, and the one that was seen as an image file. In a child."""

from __future__ import annotations

import threading
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from qana_desktop.intake.camera import Camera, KeptFrame, ListCameras, NextFrame, OpenCamera
from qana_desktop.system.childprocess import ChildFailed, ChildProcess
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _

TARGET: Final = "qana_desktop.intake.camera:make_camera"
OPEN_LIMIT_S: Final = 20.0
"""Some drivers take long over their first frame."""
FRAME_LIMIT_S: Final = 10.0


class CameraDesk:
    """One camera at a time. Every method may wait: call them from a worker. `close` in every case."""

    def __init__(self, target: str = TARGET) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._child: ChildProcess | None = None

    def cameras(self) -> list[Camera]:
        """Return the cameras of this computer; raises KnownError."""
        return cast("list[Camera]", self._ask(ListCameras(), OPEN_LIMIT_S))

    def open(self, camera_id: str) -> None:
        """Open a camera; raises KnownError when it is gone, in use or forbidden."""
        self._ask(OpenCamera(camera_id), OPEN_LIMIT_S)

    def frame(self, *, longest_side: int) -> npt.NDArray[np.uint8]:
        """Return the next frame for the screen: uint8 RGB; raises KnownError when the camera is lost."""
        return cast("npt.NDArray[np.uint8]", self._ask(NextFrame(longest_side), FRAME_LIMIT_S))

    def take(self) -> bytes:
        """Return the frame that was shown last, in full, as a PNG file; raises KnownError."""
        return cast(bytes, self._ask(KeptFrame(), FRAME_LIMIT_S))

    def close(self) -> None:
        """Let the camera go and end its child. Safe to call twice; another use starts anew."""
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            child.close()

    def _ask(self, request: object, limit_s: float) -> object:
        child = self._living()
        try:
            return child.call(request, timeout_s=limit_s)
        except ChildFailed:
            self.close()
            raise KnownError(_stuck()) from None

    def _living(self) -> ChildProcess:
        with self._lock:
            if self._child is not None and self._child.alive:
                return self._child
            if self._child is not None:
                self._child.close()
                self._child = None
            child = ChildProcess(self._target, name="camera")
            try:
                child.start()
            except ChildFailed:
                child.close()
                raise KnownError(_stuck()) from None
            self._child = child
            return child


def _stuck() -> Fault:
    return Fault(
        "camera-stuck",
        _("The camera does not answer."),
        _("Unplug it, plug it in again, then press Look again."),
    )
