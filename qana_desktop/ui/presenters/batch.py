"""Reading the queue: one job at a time, results as they come, cancel, and what happens when the engine is lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from qana_desktop.services.jobs import CancelToken, Job, JobState, Progress
from qana_desktop.services.sources import ImageSource
from qana_desktop.system.faults import Fault
from qana_desktop.triage.outcome import Reading
from qana_desktop.ui.presenters.runner import Runner
from qana_desktop.ui.presenters.worklist import Worklist
from qana_desktop.ui.texts import grouped, tr

if TYPE_CHECKING:
    from qana_desktop.services.contract import TriageDeskLike


@dataclass(frozen=True)
class BatchView:
    """Progress for the eye: `done` of `total`, the sentence beside it, and whether it is being cancelled."""

    done: int
    total: int
    text: str
    cancelling: bool = False


class BatchScreen(Protocol):
    """The part of the window that a running batch speaks to."""

    def show_batch(self, batch: BatchView | None) -> None:
        """Show progress, or nothing."""
        ...

    def reading_arrived(self, entry_id: int, reading: Reading) -> None:
        """An image has a new reading."""
        ...


Report = Callable[[Progress], None]


class BatchPresenter:
    """Feeds one `Job` from a queue that may grow while it runs. Methods belong to the window's thread."""

    def __init__(
        self, worklist: Worklist, runner: Runner, screen: BatchScreen, on_engine_fault: Callable[[Fault], None]
    ) -> None:
        self._worklist, self._runner, self._screen = worklist, runner, screen
        self._on_engine_fault = on_engine_fault
        self._desk: TriageDeskLike | None = None
        self._queue: deque[ImageSource] = deque()
        self._overrides: deque[ImageSource] = deque()
        self._in_run: set[int] = set()
        self._done = 0
        self._held = False
        self._interrupted: list[int] = []
        """Images that a run left when its engine was lost, and those that were brought since."""
        self._job: Job[None] | None = None
        self._cancelling = False

    @property
    def running(self) -> bool:
        """Whether images are being read."""
        return self._job is not None

    def attach(self, desk: TriageDeskLike) -> None:
        """Start to read."""
        self._desk = desk
        self._start()

    def hold(self) -> None:
        """Start no new run until `resume`: there is no engine that works."""
        self._held = True

    def release(self) -> None:
        """Read again what is brought from now on: a person chose an engine."""
        self._held = False

    def leave(self) -> None:
        """A person decided to leave unread what the lost engine left: `go_on` does not read it."""
        self._interrupted.clear()

    def go_on(self) -> int:
        """Read on where the lost engine stopped; returns how many images that are. Others stay unread."""
        unread = set(self._worklist.unread_ids())
        left = [entry_id for entry_id in self._interrupted if entry_id in unread]
        if left and self._job is None:
            self._held = False
            self.enqueue(left)
            return len(left)
        return 0

    def enqueue(self, entry_ids: Sequence[int]) -> None:
        """Read these images, after those that wait already. While held they stay unread."""
        if self._held:
            self._interrupted += [entry_id for entry_id in entry_ids if entry_id not in self._interrupted]
            return
        self._interrupted.clear()
        self._worklist.set_waiting(entry_ids, waiting=True)
        self._queue.extend(self._worklist.entry(entry_id).source for entry_id in entry_ids)
        self._in_run.update(entry_ids)
        self._start()

    def read_anyway(self, entry_id: int) -> None:
        """Read one image next, against the quality check; the result is marked."""
        self._held = False
        self._worklist.set_waiting([entry_id], waiting=True)
        self._overrides.append(self._worklist.entry(entry_id).source)
        self._in_run.add(entry_id)
        self._start()

    def resume(self) -> None:
        """Read all images that are unread."""
        self._held = False
        self.enqueue(self._worklist.unread_ids())

    def cancel(self) -> None:
        """Stop after the image that is being read; the others stay unread and can be resumed."""
        if self._job is not None:
            self._cancelling = True
            self._job.cancel()
            self._show()

    def join(self, timeout: float) -> bool:
        """Wait for the run to end (seconds), at shutdown."""
        return self._job is None or self._job.join(timeout)

    def _start(self) -> None:
        desk = self._desk
        if desk is None or self._job is not None or not (self._queue or self._overrides):
            return
        self._cancelling = False
        self._job = Job("reading", lambda token, report: self._work(desk, token, report), on_end=self._ended)
        self._show()
        self._job.start()

    def _work(self, desk: TriageDeskLike, token: CancelToken, report: Report) -> None:
        """Run in the job's thread: overrides first, then the queue, until both are empty."""
        while self._queue or self._overrides:
            token.check()
            if self._overrides:
                source = self._overrides.popleft()
                self._arrived(source, desk.read(source, ignore_quality=True))
            else:
                desk.read_all(self._take(), on_reading=self._arrived, report=report, token=token)

    def _take(self) -> Iterator[ImageSource]:
        while self._queue and not self._overrides:
            yield self._queue.popleft()

    def _arrived(self, source: ImageSource, reading: Reading) -> None:
        self._runner.post(lambda: self._store(source, reading))

    def _ended(self, job: Job[None]) -> None:
        self._runner.post(lambda: self._finish(job))

    def _store(self, source: ImageSource, reading: Reading) -> None:
        entry_id = self._worklist.id_of(source)
        self._worklist.add_reading(entry_id, reading)
        self._in_run.discard(entry_id)
        self._done += 1
        self._screen.reading_arrived(entry_id, reading)
        self._show()

    def _finish(self, job: Job[None]) -> None:
        self._job = None
        if job.state is JobState.DONE and (self._queue or self._overrides):
            self._start()
            return
        left = sorted(self._in_run)
        self._queue.clear()
        self._overrides.clear()
        self._in_run.clear()
        self._done = 0
        self._worklist.set_waiting(left, waiting=False)
        self._screen.show_batch(None)
        self._tell_end(job, left)

    def _tell_end(self, job: Job[None], left: list[int]) -> None:
        if job.state is not JobState.FAILED:
            return
        self._held = True
        if job.fault is not None:
            self._interrupted = left
            self._on_engine_fault(job.fault)
        elif job.error is not None:
            self._runner.bug(job.error)

    def _show(self) -> None:
        if self._job is None:
            return
        total = self._done + len(self._in_run)
        if self._cancelling:
            text = tr("Stopping after the image that is being read")
        else:
            text = tr("Reading {k} of {n}", k=grouped(min(self._done + 1, total)), n=grouped(total))
        self._screen.show_batch(BatchView(self._done, total, text, self._cancelling))
