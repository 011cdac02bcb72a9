"""Errors that nobody expected: they go to the crash record, and the person is told what it means for the images."""

from __future__ import annotations

import logging
import sys
from types import TracebackType

from qana_desktop.system.crash import CrashRecord, CrashRecorder
from qana_desktop.system.figures import stored_moment
from qana_desktop.ui.presenters.notices import Notice, Tone
from qana_desktop.ui.presenters.runner import NoticeBoard
from qana_desktop.ui.texts import tr, trn

log = logging.getLogger(__name__)


class BugReporter:
    """Records a bug and shows a banner. Without a board (no window yet) it only records."""

    def __init__(self, recorder: CrashRecorder | None) -> None:
        self._recorder = recorder
        self._board: NoticeBoard | None = None

    def attach(self, board: NoticeBoard) -> None:
        """Show banners here from now on, also for errors in slots of the window."""
        self._board = board
        self._before = sys.excepthook
        sys.excepthook = self._hook

    def detach(self) -> None:
        """Show nothing more."""
        if self._board is not None:
            self._board = None
            sys.excepthook = self._before

    def report(self, error: BaseException) -> None:
        """Record an error that a worker ended with, and tell."""
        log.error("unexpected error in a worker", exc_info=error)
        if self._recorder is not None:
            self._recorder.record(error, where="worker")
        self._tell()

    def _hook(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self._before(kind, error, trace)
        self._tell()

    def _tell(self) -> None:
        if self._board is not None:
            self._board.show_notice(
                Notice(
                    "bug",
                    Tone.WARNS,
                    tr(
                        "A fault in the program stopped what it was doing. Readings already shown are not affected; "
                        "images without a reading stay unread. A record without patient data was kept. "
                        "If it happens again, close and open the program."
                    ),
                )
            )


def crash_notice(records: list[CrashRecord]) -> Notice | None:
    """Return what is said at the start after crashes, None when there were none."""
    if not records:
        return None
    text = trn(
        len(records),
        "The program stopped unexpectedly on {when}. No image was changed; readings of that session were not kept.",
        "The program stopped unexpectedly {n} times, last on {when}. No image was changed; readings of those "
        "sessions were not kept.",
        when=stored_moment(records[-1].when),
    )
    return Notice("crash", Tone.TELLS, text)
