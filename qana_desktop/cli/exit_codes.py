"""What the exit code of a command says."""

from __future__ import annotations

from typing import Final

ALL_READ: Final = 0
"""Everything that was asked for was done."""
SOME_NOT: Final = 1
"""Some images cannot be assessed, or some check failed."""
USAGE: Final = 2
"""The command cannot be carried out as it was written."""
NO_ENGINE: Final = 3
"""No engine, or no bundle for it: nothing could be assessed."""
INTERRUPTED: Final = 130
"""Ctrl-C (128 + SIGINT)."""
PIPE_CLOSED: Final = 141
"""Whoever read the output stopped reading (128 + SIGPIPE)."""
