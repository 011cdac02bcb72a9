"""Background threads of the window: one per resource, so that thumbnails never wait for an engine."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

Task = Callable[[], None]


class Lane:
    """One thread that does its tasks one by one: in order, or the newest first when older ones matter less."""

    def __init__(self, name: str, *, newest_first: bool = False) -> None:
        self._newest_first = newest_first
        self._tasks: deque[Task] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=f"lane-{name}", daemon=True)
        self._thread.start()

    def put(self, task: Task) -> None:
        """Do `task` later. After `close` nothing is done."""
        with self._changed:
            if not self._closed:
                self._tasks.append(task)
                self._changed.notify()

    def close(self) -> None:
        """Forget what waits; the running task ends by itself."""
        with self._changed:
            self._closed = True
            self._tasks.clear()
            self._changed.notify()

    def join(self, timeout: float) -> bool:
        """Wait for the thread (seconds); return whether it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (task := self._next()) is not None:
            task()

    def _next(self) -> Task | None:
        with self._changed:
            while not self._tasks and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            return self._tasks.pop() if self._newest_first else self._tasks.popleft()
