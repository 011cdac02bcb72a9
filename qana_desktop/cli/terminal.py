"""Writing to people and to programs: results on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Final

from rich.console import Console
from rich.text import Text

from qana_desktop.system.faults import Fault

INTENDED_USE: Final = "Research use, decision support for trained clinicians, not a medical device."
_STREAM_WIDTH: Final = 120
"""Columns of a table that goes into a file or a pipe."""


def console(*, stderr: bool = False) -> Console:
    """A console that keeps to NO_COLOR and the terminal's width; into a file it writes plain text."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _STREAM_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def prepare_streams() -> None:
    """Never fail on a character that the terminal cannot show."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def tell(message: str) -> None:
    """Write a line for a person to stderr."""
    console(stderr=True).print(plain(message), soft_wrap=True)


def tell_fault(fault: Fault) -> None:
    """Write what happened and what to do to stderr."""
    tell(fault.message)
    if fault.remedy:
        tell(fault.remedy)


def plain(text: str) -> Text:
    """The text without markup and without characters that would steer the terminal (a file may be named like that)."""
    return Text("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text))


def write_line(line: str) -> None:
    """Write one line for a program to stdout, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def give_up_stdout() -> None:
    """Point stdout to nowhere, so that the interpreter does not fail again when it flushes at the end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
