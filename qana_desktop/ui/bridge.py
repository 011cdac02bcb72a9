"""The one object between worker threads and the window: results cross here as queued signals, and nowhere else."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.ui.lanes import Lane
from qana_desktop.ui.presenters.runner import ignore_fault

T = TypeVar("T")

SLICE_S = 0.012
"""Longest time that deliveries keep the window from painting and from hearing keys, in seconds."""

NEWEST_FIRST = frozenset({"pictures", "thumbnails", "store-pages"})


class Bridge(QObject):
    """A `Runner`: work goes to lanes, results come back in slices, so that a flood of them never stalls the window."""

    _arrived = Signal()

    def __init__(self, on_bug: Callable[[BaseException], None]) -> None:
        super().__init__()
        self._on_bug = on_bug
        self._lanes: dict[str, Lane] = {}
        self._calls: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        self._scheduled = False
        self._closed = False
        self._pending = 0
        self._arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def run(
        self,
        lane: str,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[Fault], None] = ignore_fault,
    ) -> None:
        """Run `work` in the lane's thread, then `done(result)` or `failed(fault)` in the window's."""
        if self._closed:
            return
        if lane not in self._lanes:
            self._lanes[lane] = Lane(lane, newest_first=lane in NEWEST_FIRST)
        self._pending += 1
        self._lanes[lane].put(lambda: self._carry(work, self._counted(done), self._counted(failed)))

    def post(self, call: Callable[[], None]) -> None:
        """Make `call` in the window's thread, in order. From any thread; after `close` it is dropped."""
        if self._closed:
            return
        with self._lock:
            self._calls.append(call)
            first, self._scheduled = not self._scheduled, True
        if first:
            self._arrived.emit()

    def bug(self, error: BaseException) -> None:
        """Hand on an error that nobody expected. From the window's thread."""
        self._on_bug(error)

    @property
    def idle(self) -> bool:
        """Whether nothing waits, runs or is on its way."""
        return self._pending == 0 and not self._scheduled

    def close(self) -> None:
        """Deliver nothing more, and forget what waits. Safe to call twice."""
        self._closed = True
        self._calls.clear()
        for lane in self._lanes.values():
            lane.close()

    def join(self, timeout: float) -> bool:
        """Wait for the lanes (seconds, each); return whether all ended."""
        ended = [lane.join(timeout) for lane in self._lanes.values()]
        return all(ended)

    def _carry(self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[Fault], None]) -> None:
        try:
            result = work()
        except KnownError as error:
            fault = error.fault
            self.post(lambda: failed(fault))
        except Exception as error:  # noqa: BLE001 - the end of a thread: whatever it was must reach the crash record
            bug = error
            self.post(lambda: self._counted(self._on_bug)(bug))
        else:
            self.post(lambda: done(result))

    def _counted(self, call: Callable[[T], None]) -> Callable[[T], None]:
        def arrived(result: T) -> None:
            self._pending -= 1
            call(result)

        return arrived

    @Slot()
    def _deliver(self) -> None:
        until = perf_counter() + SLICE_S
        while (call := self._next()) is not None:
            try:
                call()
            except BaseException:
                self._arrived.emit()
                raise
            if perf_counter() > until:
                self._arrived.emit()
                return

    def _next(self) -> Callable[[], None] | None:
        with self._lock:
            if self._calls and not self._closed:
                return self._calls.popleft()
            self._scheduled = False
            return None
