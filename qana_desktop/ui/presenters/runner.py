"""What presenters ask of the program around them: work in the background, results back in the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from qana_desktop.system.faults import Fault
from qana_desktop.ui.presenters.notices import Notice

T = TypeVar("T")


def ignore_fault(_fault: Fault) -> None:
    """Do nothing: for work whose failure the worker itself has already shown."""


class Runner(Protocol):
    """Runs work away from the window. The bridge does it with threads, tests do it on the spot."""

    def run(
        self,
        lane: str,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[Fault], None] = ignore_fault,
    ) -> None:
        """Run `work` in the lane's thread, then `done(result)` or, when known, `failed(fault)` in the window's."""
        ...

    def post(self, call: Callable[[], None]) -> None:
        """Make `call` in the window's thread, in order. May be called from any thread."""
        ...

    def bug(self, error: BaseException) -> None:
        """Report an error that nobody expected: it goes to the crash record and to the person."""
        ...


class NoticeBoard(Protocol):
    """Shows banners."""

    def show_notice(self, notice: Notice) -> None:
        """Show a banner, in place of one with the same key."""
        ...

    def drop_notice(self, key: str) -> None:
        """Take a banner away, if it is there."""
        ...
