"""A consistent copy of the encrypted database while it is in use, under the same key or another."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from qana_desktop.store.connection import open_raw
from qana_desktop.store.files import flush_folder, sync_file

PAGES_PER_STEP: Final = 2000


def copy_database(
    source: Path,
    source_key: bytes,
    target: Path,
    target_key: bytes,
    *,
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> None:
    """Copy with SQLite's online backup; `report(pages done, pages in all)`. Raises dbapi2.Error, OSError.

    The copy is one file without a write-ahead log, flushed to the disk. `target` must not exist.
    """
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(open_raw(source, source_key)) as from_, closing(open_raw(target, target_key, mode="rwc")) as to:
        from_.backup(
            to, pages=PAGES_PER_STEP, progress=lambda _status, left, total: report(total - left, total), sleep=0.05
        )
        to.execute("PRAGMA journal_mode = DELETE").fetchall()
    sync_file(target)
    flush_folder(target.parent)
