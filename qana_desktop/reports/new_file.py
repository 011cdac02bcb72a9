"""Writes a new file whole or not at all: under another name first, in its own place only when everything went well."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qana_desktop.reports.faults import NOT_EMPTY, ExportFailed, not_written


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a name to write to beside `path`; the file gets its own name only when the block ends without an error.

    Raises ExportFailed when there is something at `path` already, or when the disk refuses.
    """
    if path.exists():
        raise ExportFailed(NOT_EMPTY)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".qana-export-", dir=path.parent))
    except OSError as error:
        raise not_written(error.strerror or "unknown reason") from error
    try:
        unfinished = folder / path.name
        yield unfinished
        unfinished.rename(path)
    except OSError as error:
        raise not_written(error.strerror or "unknown reason") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
