"""Cameras for tests: a video file, and one whose driver ends its process."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

SIZE = (320, 240)
FRAMES = 12


def draw_video(path: Path, *, frames: int = FRAMES) -> Path:
    """Write a video whose frames grow brighter."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, SIZE)
    assert writer.isOpened()
    for number in range(frames):
        frame = np.full((SIZE[1], SIZE[0], 3), (120, 150, 180), np.uint8)
        cv2.circle(frame, (160, 120), 40 + number, (40, 60, 110), -1)
        writer.write(frame)
    writer.release()
    return path


def make_dying_camera() -> Callable[[object], object]:
    """Make a handler that ends its process, as a bad driver does."""

    def die(_request: object) -> object:
        os._exit(9)

    return die
