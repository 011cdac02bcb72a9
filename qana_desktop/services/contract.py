"""What the window and the command line may ask of the services; `triage_desk` and `device_desk` keep these promises."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from qana_desktop.engines.contract import BoardStatus, EngineInfo
from qana_desktop.engines.watch import BoardsChanged
from qana_desktop.services.jobs import CancelToken, Progress
from qana_desktop.services.sources import ImageSource
from qana_desktop.triage.explanation import Explanation, NoExplanation
from qana_desktop.triage.outcome import Reading
from qana_desktop.triage.policy import ReadingPolicy


class TriageDeskLike(Protocol):
    """Reads images. Every method may be called from any worker thread, none from the window's."""

    def find_images(self, paths: Iterable[Path]) -> list[ImageSource]:
        """Return the sources in files, folders (recursive), globs; raises KnownError for a path with no image."""
        ...

    def read(self, source: ImageSource, *, ignore_quality: bool = False) -> Reading:
        """Read one image with the chosen engine.

        Bad images come back as `CannotAssess`. Raises EngineError when no engine answers: a lost engine is for a person
        to decide on and is never turned into a reading of another engine.
        """
        ...

    def read_all(
        self,
        sources: Iterable[ImageSource],
        *,
        on_reading: Callable[[ImageSource, Reading], None],
        report: Callable[[Progress], None],
        token: CancelToken,
        ignore_quality: bool = False,
    ) -> None:
        """Read many, in order, handing over each as it comes; raises EngineError when no engine answers."""
        ...

    def display_image(self, source: ImageSource, *, longest_side: int | None = None) -> npt.NDArray[np.uint8]:
        """Return the image for the screen (uint8 RGB, upright, at most `longest_side` long); raises KnownError."""
        ...

    def mm_per_pixel(self, source: ImageSource) -> float | None:
        """Return the scale of an image as its file states it, None when it states none; raises KnownError."""
        ...

    def explain(self, source: ImageSource, reading: Reading) -> Explanation | NoExplanation:
        """Return where in the image the network saw what it answered, or why that cannot be shown.

        Made on demand; the first one takes up to seconds.
        """
        ...

    @property
    def second_reader(self) -> str | None:
        """The name of the network that reads too where the first is uncertain; None where the bundle has none."""
        ...

    def use_second_reader(self, on: bool) -> None:
        """Switch the second reader on or off: a person's decision, kept in each reading that it concerns. Immediate."""
        ...

    @property
    def policy(self) -> ReadingPolicy:
        """The reading policy of the active bundle: operating points, calibration, decision rule."""
        ...

    @property
    def bundle_id(self) -> str:
        """The active bundle's id."""
        ...


class DeviceDeskLike(Protocol):
    """Knows the engines and which one is chosen. Fallback is never silent: only `choose` changes the engine."""

    def engines(self) -> list[EngineInfo]:
        """Probe and list all engines, broken ones with their fault. Takes up to seconds: call from a worker."""
        ...

    def current(self) -> EngineInfo:
        """The chosen engine with its live state. Immediate."""
        ...

    def choose(self, engine_id: str) -> EngineInfo:
        """Open and self-test another engine and make it the chosen one; raises EngineError and keeps the old choice.

        `all-boards` is every board that can be used: they share the images of a batch.
        """
        ...

    def restart(self) -> EngineInfo:
        """Start the chosen engine again after it was lost or stuck; raises EngineError."""
        ...

    def set_clock(self, mode: str) -> EngineInfo:
        """Set the chosen board's clock mode; raises EngineError for an engine that has none."""
        ...

    def status(self) -> BoardStatus:
        """What the chosen board says of itself now; raises EngineError for other engines. May wait."""
        ...

    def subscribe(self, listener: Callable[[EngineInfo], None]) -> Callable[[], None]:
        """Call `listener` (from any thread) whenever the chosen engine's info changes; returns the unsubscriber."""
        ...

    def subscribe_boards(self, listener: Callable[[BoardsChanged], None]) -> Callable[[], None]:
        """Call `listener` (from any thread) when boards came or went; returns the unsubscriber."""
        ...

    def close(self) -> None:
        """Stop the engine's process. Safe to call twice."""
        ...
