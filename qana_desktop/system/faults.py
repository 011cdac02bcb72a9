"""Faults that a person can act on: a stable code, what happened, what to do.

`Fault` is a value: it travels through pipes, JSON and the window. `KnownError` is its exception: raised where the cause
is known (a missing driver, an unreadable file), caught where someone can be told. Anything else that is raised is a bug
and reaches the crash record.

A fault holds English, whatever language it was written in: it is stored and sent. `sentence`, `what` and `todo` are in
the language of the person who reads them.
"""

from __future__ import annotations

from dataclasses import dataclass

from qana_desktop.system.language import english, said


@dataclass(frozen=True)
class Fault:
    """One known problem. `code` is stable, for programs (`file-empty`, `device-lost`); the texts are sentences."""

    code: str
    message: str
    remedy: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", english(self.message))
        object.__setattr__(self, "remedy", english(self.remedy))

    @property
    def what(self) -> str:
        """What happened, for a person."""
        return said(self.message)

    @property
    def todo(self) -> str:
        """What to do, for a person."""
        return said(self.remedy)

    def sentence(self) -> str:
        """Return what happened and what to do, as one text for a person."""
        return f"{self.what} {self.todo}".strip()


class KnownError(Exception):
    """A problem with a known cause; carries its `Fault`."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.message} {fault.remedy}".strip())
        self.fault = fault

    def __reduce__(self) -> tuple[type[KnownError], tuple[Fault]]:
        return type(self), (self.fault,)
