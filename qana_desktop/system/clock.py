"""What time it is, and how long something took: one object, so that tests can bring their own."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The machine's clock."""

    def now(self) -> str:
        """The present moment as ISO 8601 in UTC, to the second."""
        return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    def ms(self) -> float:
        """Milliseconds since some moment, never going back: for differences only."""
        return time.perf_counter() * 1000.0
