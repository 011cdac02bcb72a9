"""Many requests, one update: what changes hundreds of times in a second is drawn a few times."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal


class Soon(QObject):
    """`due` is sent once, some milliseconds after the first `ask`, however often it is asked meanwhile."""

    due = Signal()

    def __init__(self, milliseconds: int, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(milliseconds)
        self._timer.timeout.connect(self.due)

    def ask(self) -> None:
        """Ask for an update soon."""
        if not self._timer.isActive():
            self._timer.start()

    @property
    def waits(self) -> bool:
        """Whether an update is still to come."""
        return self._timer.isActive()
