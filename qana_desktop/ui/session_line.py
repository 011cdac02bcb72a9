"""The figures of this session in the foot of the window: how many readings, how long they took, whether it is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from qana_desktop.services.store_state import StoreState
from qana_desktop.triage.outcome import Reading
from qana_desktop.ui.presenters.session import nothing_kept, session_hint, session_line
from qana_desktop.ui.soon import Soon
from qana_desktop.ui.widgets.labels import ElidedLabel

if TYPE_CHECKING:
    from qana_desktop.services.session_stats import SessionStats


class SessionLine(QObject):
    """Counts readings and says so, a few times in a second at most."""

    def __init__(
        self, label: ElidedLabel, engine_id: Callable[[], str | None], state: Callable[[], StoreState]
    ) -> None:
        super().__init__(label)
        self._label, self._engine_id, self._state = label, engine_id, state
        self._stats: SessionStats | None = None
        self._count = 0
        self.soon = Soon(100, self)
        self.soon.due.connect(self.show)

    def attach(self, stats: SessionStats) -> None:
        """Measure with these statistics."""
        self._stats = stats

    def add(self, reading: Reading) -> None:
        """Count a reading."""
        self._count += 1
        if self._stats is not None:
            self._stats.add(reading)
        self.soon.ask()

    def show(self) -> None:
        """Say the figures now."""
        engine_id = self._engine_id()
        latency = self._stats.latency(engine_id) if self._stats is not None and engine_id is not None else None
        self._label.say(f"{session_line(self._count, latency)}{nothing_kept(self._state())}", session_hint(latency))
