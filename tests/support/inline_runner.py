"""A `Runner` without threads or Qt, and a screen that remembers what presenters told it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.triage.outcome import Reading
from qana_desktop.ui.presenters.batch import BatchView
from qana_desktop.ui.presenters.engine import EngineLine
from qana_desktop.ui.presenters.notices import Notice, Refusal
from qana_desktop.ui.presenters.runner import ignore_fault

T = TypeVar("T")


class InlineRunner:
    """Does work on the spot; `settle` delivers what other threads posted until nothing is under way."""

    def __init__(self) -> None:
        self._calls: deque[Callable[[], None]] = deque()
        self._arrived = threading.Event()
        self.bugs: list[BaseException] = []

    def run(
        self,
        lane: str,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[Fault], None] = ignore_fault,
    ) -> None:
        try:
            result = work()
        except KnownError as error:
            failed(error.fault)
        else:
            done(result)

    def post(self, call: Callable[[], None]) -> None:
        self._calls.append(call)
        self._arrived.set()

    def bug(self, error: BaseException) -> None:
        self.bugs.append(error)

    def settle(self, ended: Callable[[], bool]) -> None:
        """Deliver posts until `ended`."""
        while True:
            while self._calls:
                self._calls.popleft()()
            if ended():
                return
            assert self._arrived.wait(10), "nothing more arrives, and the work has not ended"
            self._arrived.clear()


class Screen:
    """All screens of the presenters in one."""

    def __init__(self) -> None:
        self.notices: dict[str, Notice] = {}
        self.refusals: list[Refusal] = []
        self.selected: list[int] = []
        self.batches: list[BatchView | None] = []
        self.arrived: list[tuple[int, Reading]] = []
        self.engine: EngineLine | None = None
        self.engines: list[EngineLine] = []
        self.busy: list[str] = []
        self.chooser_opened = 0
        self.chosen: list[str] = []

    def show_notice(self, notice: Notice) -> None:
        self.notices[notice.key] = notice

    def drop_notice(self, key: str) -> None:
        self.notices.pop(key, None)

    def show_refusals(self, refusals: Sequence[Refusal]) -> None:
        self.refusals = list(refusals)

    def select(self, entry_id: int) -> None:
        self.selected.append(entry_id)

    def show_batch(self, batch: BatchView | None) -> None:
        self.batches.append(batch)

    def reading_arrived(self, entry_id: int, reading: Reading) -> None:
        self.arrived.append((entry_id, reading))

    def show_engine(self, line: EngineLine) -> None:
        self.engine = line

    def show_engines(self, lines: Sequence[EngineLine], *, busy: str) -> None:
        self.engines = list(lines)
        self.busy.append(busy)

    def open_chooser(self) -> None:
        self.chooser_opened += 1

    def engine_chosen(self, engine_id: str) -> None:
        self.chosen.append(engine_id)

    def answer(self, key: str, label: str) -> None:
        """Press a button of a banner."""
        notice = self.notices[key]
        answer = next(a for a in notice.answers if a.label == label)
        if answer.closes:
            self.drop_notice(key)
        answer.run()
