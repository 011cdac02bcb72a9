"""Long work as a value: a Job with progress, a truthful cancel, and an end state."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from qana_desktop.system.faults import Fault, KnownError

T = TypeVar("T")


class JobState(StrEnum):
    """Where a job is. The last four are ends."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Progress:
    """How far a job is: `done` of `total` (None: unknown), and what it is doing, as words for a person."""

    done: int
    total: int | None
    what: str


class Cancelled(Exception):
    """Raised inside a job's work, at a point where nothing is half-done, after someone asked it to stop."""


class CancelToken:
    """Asked by the work between two items; set by whoever cancels. Safe between threads."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop at its next safe point."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether someone asked."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise `Cancelled` if someone asked."""
        if self._event.is_set():
            raise Cancelled


class Job(Generic[T]):
    """One piece of long work in its own thread.

    `work(token, report)` runs in the thread; `on_progress` and `on_end` are called from it (a window hands them on by
    queued signals). An error that is not known is kept in `error` and handed to `on_end` as well: it must reach the
    crash record.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[CancelToken, Callable[[Progress], None]], T],
        *,
        on_progress: Callable[[Progress], None] = lambda _progress: None,
        on_end: Callable[[Job[T]], None] = lambda _job: None,
        can_cancel: bool = True,
    ) -> None:
        self.name = name
        self.can_cancel = can_cancel
        self.state = JobState.RUNNING
        self.progress = Progress(0, None, name)
        self.result: T | None = None
        self.fault: Fault | None = None
        self.error: BaseException | None = None
        self._work, self._on_progress, self._on_end = work, on_progress, on_end
        self._token = CancelToken()
        self._thread = threading.Thread(target=self._run, name=f"job-{name}", daemon=True)

    def start(self) -> Job[T]:
        """Start the thread and return self."""
        self._thread.start()
        return self

    def cancel(self) -> None:
        """Ask the work to stop; nothing happens when it cannot be cancelled or has ended."""
        if self.can_cancel:
            self._token.cancel()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread (seconds); return whether it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.result = self._work(self._token, self._report)
            self.state = JobState.DONE
        except Cancelled:
            self.state = JobState.CANCELLED
        except KnownError as error:
            self.state, self.fault, self.error = JobState.FAILED, error.fault, error
        except BaseException as error:  # noqa: BLE001 - the end of a thread: whatever it was must reach the owner
            self.state, self.error = JobState.FAILED, error
        self._on_end(self)

    def _report(self, progress: Progress) -> None:
        self.progress = progress
        self._on_progress(progress)
