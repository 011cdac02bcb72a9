"""A measured value with its method: latency and energy are never shown without how they were obtained."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Method(StrEnum):
    """How a value was obtained. Methods are never mixed in one average."""

    MEASURED_DEVICE = "measured-device"
    MEASURED_PACKAGE = "measured-package"
    ESTIMATED = "estimated"
    NOT_AVAILABLE = "not-available"


@dataclass(frozen=True)
class MeasuredValue:
    """One figure: `value` in `unit`, or None with the reason in `note` when the method is not-available.

    `scope` says what it covers ("one image, 8 views", "processor package"), `n` how many measurements stand behind it,
    `when` is ISO 8601 UTC, `engine` the engine's id.
    """

    value: float | None
    unit: str
    method: Method
    scope: str
    n: int
    when: str
    engine: str
    note: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) != (self.method is Method.NOT_AVAILABLE):
            raise ValueError("a value is missing exactly when its method is not-available")
        if self.value is None and not self.note:
            raise ValueError("a value that is not available must say why")
