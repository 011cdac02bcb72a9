"""The camera's side: lives in a child, so that a driver that hangs or dies takes nothing else with it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _

UInt8Image = npt.NDArray[np.uint8]

KNOWN_DEVICES: Final = Path("/sys/class/video4linux")
PROBED: Final = 4
"""Cameras that are tried by number where the system does not list them by name."""
LARGE: Final = 8192
"""Asked for in both directions: drivers answer with the largest that they have."""
EMPTY_FRAMES: Final = 5
"""So many frames in a row may fail before the camera counts as lost."""


@dataclass(frozen=True)
class Camera:
    """A camera of the system. `id` opens it: a number, or the path of a video file in tests; `name` is for a person."""

    id: str
    name: str


@dataclass(frozen=True)
class ListCameras:
    """Which cameras are there; answered with a list of `Camera`."""


@dataclass(frozen=True)
class OpenCamera:
    """Open a camera, in place of one that is open; answered with None."""

    id: str


@dataclass(frozen=True)
class NextFrame:
    """Wait for a frame, keep it, and answer with it: uint8 RGB, shrunk so that no side is longer."""

    longest_side: int


@dataclass(frozen=True)
class KeptFrame:
    """The frame that was answered last, in full, as the bytes of a PNG file."""


def make_camera() -> CameraChild:
    """Make the handler, in the child."""
    return CameraChild()


class CameraChild:
    """Answers the requests above; raises KnownError."""

    def __init__(self) -> None:
        self._capture: cv2.VideoCapture | None = None
        self._kept: npt.NDArray[np.uint8] | None = None

    def __call__(self, request: object) -> object:
        """Answer one request."""
        match request:
            case ListCameras():
                return list_cameras()
            case OpenCamera(id=camera_id):
                self._open(camera_id)
                return None
            case NextFrame(longest_side=side):
                return self._next(side)
            case KeptFrame():
                return self._png()
            case _:
                raise TypeError(f"no such request: {type(request).__name__}")

    def close(self) -> None:
        """Let the camera go: its light goes out."""
        if self._capture is not None:
            self._capture.release()
        self._capture = self._kept = None

    def _open(self, camera_id: str) -> None:
        self.close()
        capture = cv2.VideoCapture(int(camera_id)) if camera_id.isdecimal() else cv2.VideoCapture(camera_id)
        if not capture.isOpened():
            raise KnownError(_not_opened())
        if camera_id.isdecimal():
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, LARGE)
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, LARGE)
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._capture = capture

    def _next(self, longest_side: int) -> UInt8Image:
        if self._capture is None:
            raise KnownError(_not_opened())
        for _attempt in range(EMPTY_FRAMES):
            there, frame = self._capture.read()
            if there and frame is not None and frame.size:
                self._kept = np.asarray(frame, dtype=np.uint8)
                return _shrunk(cv2.cvtColor(self._kept, cv2.COLOR_BGR2RGB), longest_side)
        self.close()
        raise KnownError(_lost())

    def _png(self) -> bytes:
        if self._kept is None:
            raise KnownError(_lost())
        _done, encoded = cv2.imencode(".png", self._kept)
        return encoded.tobytes()


def list_cameras(root: Path = KNOWN_DEVICES, system: str = sys.platform) -> list[Camera]:
    """Return the system's cameras. Linux lists them by name; elsewhere a few numbers are tried."""
    if system == "linux":
        return _listed(root)
    return [Camera(str(number), _("Camera {number}").format(number=number + 1)) for number in _answering()]


def _listed(root: Path) -> list[Camera]:
    """One entry for each device that delivers images: a camera's second node, for its metadata, has another index."""
    found = []
    for node in sorted(root.glob("video*"), key=lambda path: int(path.name.removeprefix("video"))):
        try:
            index = (node / "index").read_text(encoding="utf-8").strip()
            name = (node / "name").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            continue
        if index == "0":
            found.append(Camera(node.name.removeprefix("video"), name))
    return found


def _answering() -> list[int]:
    there = []
    for number in range(PROBED):
        capture = cv2.VideoCapture(number)
        if capture.isOpened():
            there.append(number)
        capture.release()
    return there


def _shrunk(rgb: npt.NDArray[np.integer | np.floating], longest_side: int) -> UInt8Image:
    height, width = rgb.shape[:2]
    share = min(1.0, longest_side / max(height, width))
    if share < 1.0:
        rgb = cv2.resize(rgb, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
    return np.asarray(rgb, dtype=np.uint8)


def _not_opened() -> Fault:
    return Fault(
        "camera-not-opened",
        _("The camera cannot be opened."),
        _(
            "Close other programs that use it, check that the system lets programs use cameras, plug it in again, then "
            "press Look again."
        ),
    )


def _lost() -> Fault:
    return Fault(
        "camera-lost",
        _("The camera sends no more pictures."),
        _("Check its cable, then press Look again."),
    )
