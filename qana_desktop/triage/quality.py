"""The verdict on an image's quality: values and rule. Measuring the pixels is `intake.quality`'s work."""

from __future__ import annotations

from dataclasses import dataclass

from qana_desktop.system.faults import Fault


@dataclass(frozen=True)
class QualityFinding:
    """One measured property: `name` (`sharpness`, `exposure`, ...), its `value` and the `limit` it is held to.

    `fault` is None when the property is good; `refuses` says that the fault forbids a reading, else it is a warning.
    """

    name: str
    value: float
    limit: float
    fault: Fault | None
    refuses: bool


@dataclass(frozen=True)
class QualityReport:
    """All findings of one image, refusals first."""

    findings: tuple[QualityFinding, ...]

    @property
    def refusals(self) -> tuple[Fault, ...]:
        """Faults that forbid a reading."""
        return tuple(f.fault for f in self.findings if f.fault is not None and f.refuses)

    @property
    def warnings(self) -> tuple[Fault, ...]:
        """Faults that a person should know of, but that do not forbid a reading."""
        return tuple(f.fault for f in self.findings if f.fault is not None and not f.refuses)
