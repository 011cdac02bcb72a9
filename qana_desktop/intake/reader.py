"""The program's side of reading images: children that may die or hang over a hostile file, and the program goes on."""

from __future__ import annotations

import logging
import re
import threading
from types import TracebackType
from typing import Final, Self, cast

from qana_desktop.intake import refusals
from qana_desktop.intake.dicom_facts import DicomFacts
from qana_desktop.intake.prepared import (
    DisplayRequest,
    ExportPixels,
    ExportRequest,
    FactsRequest,
    Prepared,
    PrepareRequest,
    Source,
    UInt8Image,
)
from qana_desktop.system.childprocess import (
    BugInChild,
    ChildDied,
    ChildFailed,
    ChildOutOfMemory,
    ChildProcess,
    ChildTimedOut,
)
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _

log = logging.getLogger(__name__)

TIME_LIMIT_S: Final = 20.0
"""Ample for the largest image that is allowed, on a slow drive."""
MEMORY_LIMIT_MB: Final = 2048
"""Ample for the largest image that is allowed: 120 million pixels, 16-bit with transparency."""
BUGS_IN_A_ROW: Final = 3
"""So many images in a row may meet a bug of ours and be refused; then something is wrong with the program itself."""
TARGET: Final = "qana_desktop.intake.worker:make_reader"


class ImageReader:
    """Reads image files in two children, one for engines and one for the screen, so that neither waits for the other.

    Both start with their first request. Methods may be called from any thread. After a crash, a timeout or a bug the
    file is refused and the next file meets a fresh child; a bug that meets more than `BUGS_IN_A_ROW` files without one
    that can be read between them is raised as BugInChild. `close` ends both.
    """

    def __init__(
        self, *, time_limit_s: float = TIME_LIMIT_S, memory_limit_mb: int = MEMORY_LIMIT_MB, target: str = TARGET
    ) -> None:
        self._reading = _Lane("image-reader", target, time_limit_s, memory_limit_mb)
        self._display = _Lane("image-display", target, time_limit_s, memory_limit_mb)

    def start(self) -> None:
        """Start the reading child now, so that the first image does not wait for it; raises KnownError."""
        self._reading.start()

    def prepare(self, source: Source, *, input_size: int) -> Prepared:
        """Return the network's input (`input_size` squared) and the quality of one image; raises FileRefused."""
        return cast(Prepared, self._reading.ask(PrepareRequest(source, input_size)))

    def display(self, source: Source, *, longest_side: int | None = None) -> UInt8Image:
        """Return one image for the screen: uint8 RGB, upright, at most `longest_side` px a side; raises FileRefused."""
        return cast(UInt8Image, self._display.ask(DisplayRequest(source, longest_side)))

    def facts(self, source: Source) -> DicomFacts | None:
        """Return what a DICOM file says about patient, study and capture; None for other images. Raises FileRefused."""
        return cast("DicomFacts | None", self._display.ask(FactsRequest(source)))

    def export(self, source: Source) -> ExportPixels:
        """Return one image in full, with what it may keep when it leaves the clinic; raises FileRefused."""
        return cast(ExportPixels, self._display.ask(ExportRequest(source)))

    def close(self) -> None:
        """End both children; a request under way in another thread fails. Safe to call twice."""
        self._reading.close()
        self._display.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Lane:
    """One child, replaced when it is gone."""

    def __init__(self, name: str, target: str, time_limit_s: float, memory_limit_mb: int) -> None:
        self._name, self._target = name, target
        self._time_limit_s, self._memory_limit_mb = time_limit_s, memory_limit_mb
        self._lock = threading.Lock()
        self._child: ChildProcess | None = None
        self._closed = False
        self._bugs = 0

    def start(self) -> None:
        self._living_child()

    def ask(self, request: object) -> object:
        child = self._living_child()
        try:
            reply = child.call(request, timeout_s=self._time_limit_s)
        except KnownError as error:
            raise refusals.FileRefused(error.fault) from None
        except ChildOutOfMemory:
            raise refusals.out_of_memory() from None
        except ChildTimedOut:
            raise refusals.decoder_timeout(self._time_limit_s) from None
        except ChildDied:
            if self._closed:
                raise _closed() from None
            raise refusals.decoder_crashed() from None
        except BugInChild as error:
            self._after_bug(child, error)
            raise refusals.decoder_bug() from error
        self._bugs = 0
        return reply

    def _after_bug(self, child: ChildProcess, error: BugInChild) -> None:
        """End the child, which may be left half done; raises the bug itself when it is met again and again."""
        child.close()
        self._bugs += 1
        log.error("%s failed over an image (%d in a row): %s", self._name, self._bugs, _places(str(error)))
        if self._bugs > BUGS_IN_A_ROW:
            raise error

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._child is not None:
                self._child.close()

    def _living_child(self) -> ChildProcess:
        with self._lock:
            if self._closed:
                raise _closed()
            if self._child is not None and self._child.alive:
                return self._child
            if self._child is not None:
                self._child.close()
            self._child = self._started()
            return self._child

    def _started(self) -> ChildProcess:
        child = ChildProcess(self._target, name=self._name, memory_limit_mb=self._memory_limit_mb)
        try:
            return child.start()
        except (ChildDied, ChildTimedOut) as error:
            raise _not_started(error) from error


def _places(trace: str) -> str:
    """Kind of error and places in the code; the message and the folders of a traceback may name a person."""
    frames = re.findall(r'File ".*?([^/\\\\"]+)\.py", line (\d+), in (\w+)', trace)
    kind = re.search(r"^([\w.]+)(:|$)", trace.strip().rpartition("\n")[2])
    places = " > ".join(f"{module}:{line} {function}" for module, line, function in frames[-3:])
    return f"{kind[1] if kind else 'error'} at {places or 'no frame'}"


def _closed() -> KnownError:
    return KnownError(
        Fault("reader-closed", _("The program is closing. The image was not read."), _("Start it again."))
    )


def _not_started(error: ChildFailed) -> KnownError:
    return KnownError(
        Fault(
            "reader-not-started",
            _("The process that reads image files does not start: {error}. No image can be read.").format(error=error),
            _("Check that the computer has free memory, then start the program again."),
        )
    )
