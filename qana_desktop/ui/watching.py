"""Looks at the watched folder from time to time, in the background, and hands on what has come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from qana_desktop.services.watched_folder import WatchedFolder
from qana_desktop.system.faults import Fault
from qana_desktop.ui.presenters.notices import Notice, Tone
from qana_desktop.ui.presenters.runner import NoticeBoard, Runner

LOOK_MS = 2000
LANE = "watching"
KEY = "watching"


class Watching(QObject):
    """Watches one folder, or none. A folder that is away is told once; it is looked at again until it is back."""

    def __init__(self, runner: Runner, notices: NoticeBoard, take: Callable[[Sequence[Path]], None]) -> None:
        super().__init__()
        self._runner, self._notices, self._take = runner, notices, take
        self._folder: WatchedFolder | None = None
        self._looking = self._away = False
        self.timer = QTimer(self)
        self.timer.setInterval(LOOK_MS)
        self.timer.timeout.connect(self.look)

    def watch(self, folder: Path | None) -> None:
        """Watch this folder from now on, in place of another; None watches none."""
        if folder == (self._folder.folder if self._folder is not None else None):
            return
        self._folder = None if folder is None else WatchedFolder(folder)
        self._away = False
        self._notices.drop_notice(KEY)
        if self._folder is None:
            self.timer.stop()
        else:
            self.timer.start()
            self.look()

    def stop(self) -> None:
        """Look no more, at the end of the program."""
        self.timer.stop()

    def look(self) -> None:
        """Look now, unless a look is under way."""
        folder = self._folder
        if folder is None or self._looking:
            return
        self._looking = True
        self._runner.run(LANE, folder.look, lambda found: self._seen(folder, found), self._unreachable)

    def _seen(self, folder: WatchedFolder, found: list[Path]) -> None:
        self._looking = False
        if self._away:
            self._away = False
            self._notices.drop_notice(KEY)
        if found and folder is self._folder:
            self._take(found)

    def _unreachable(self, fault: Fault) -> None:
        self._looking = False
        if not self._away:
            self._away = True
            self._notices.show_notice(Notice(KEY, Tone.WARNS, fault.sentence()))
