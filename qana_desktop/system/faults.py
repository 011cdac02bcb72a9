"""Faults that a person can act on: a stable code, what happened, what to do.

`Fault` is a value: it travels through pipes, JSON and the window. `KnownError` is its exception: raised where the cause
is known (a missing driver, an unreadable file), caught where someone can be told. Anything else that is raised is a bug
and reaches the crash record.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One known problem. `code` is stable, for programs (`file-empty`, `device-lost`); the texts are sentences."""

    code: str
    message: str
    remedy: str

    def sentence(self) -> str:
        """Return what happened and what to do, as one text for a person."""
        return f"{self.message} {self.remedy}".strip()


class KnownError(Exception):
    """A problem with a known cause; carries its `Fault`."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.sentence())
        self.fault = fault

    def __reduce__(self) -> tuple[type[KnownError], tuple[Fault]]:
        return type(self), (self.fault,)
