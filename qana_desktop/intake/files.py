"""Reads an untrusted path under a size limit. In a child: a dead network drive may hold a read for ever."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from qana_desktop.intake import refusals

_FLAGS: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
"""Without O_NONBLOCK, opening a pipe that nobody writes to would wait."""


def read_limited(path: Path, limit: int) -> bytes:
    """Return the file's bytes. Raises FileRefused: missing, unreadable, no regular file, more than `limit` bytes."""
    try:
        return _read(path, limit)
    except (FileNotFoundError, NotADirectoryError):
        raise refusals.missing() from None
    except (OSError, ValueError):  # ValueError: a null character in the path
        raise refusals.unreadable() from None


def _read(path: Path, limit: int) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):  # before opening: a device can act on being opened
        raise refusals.not_a_file()
    with os.fdopen(os.open(path, _FLAGS), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):  # again: it may have been exchanged in between
            raise refusals.not_a_file()
        data = file.read(limit + 1) if status.st_size <= limit else b""
    if status.st_size > limit or len(data) > limit:
        raise refusals.too_large(limit)
    return data
