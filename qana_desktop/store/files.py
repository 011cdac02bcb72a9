"""Files that are whole or not there: new file, flush to disk, rename."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Final

PARTIAL: Final = ".partial"
"""Ending of a file or folder that is not finished; such a one is never read and may be deleted."""


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a crash at any moment leaves the old file or the new one; raises OSError."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        with partial.open("xb") as file:
            file.write(content)
            flush(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def flush(descriptor: int) -> None:
    """Make the system write a file's content to the disk itself; raises OSError."""
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def flush_folder(folder: Path) -> None:
    """Make a rename in `folder` last. Windows does so by itself and cannot open folders."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Flush a file that something else wrote; raises OSError."""
    with path.open("rb+") as file:
        flush(file.fileno())
