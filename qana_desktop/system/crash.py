"""The crash record: what the program was doing when a bug stopped it, without patient data, shown at the next start."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import logging
import os
import platform
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO

from qana_desktop import __version__
from qana_desktop.system.logs import describe_exception

PREFIX, NATIVE = "crash-", "native-crash.log"
MAX_RECORD_BYTES = 100_000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CrashRecord:
    """One crash. `what` names types and places in the code, never a message, a path or a value."""

    when: str
    version: str
    system: str
    where: str
    what: str


class CrashRecorder:
    """Writes one small JSON file per crash into a folder, and reads them at the next start."""

    def __init__(self, folder: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._folder = folder
        self._clock = clock
        self._native: IO[bytes] | None = None

    def install(self) -> None:
        """Record uncaught errors of the main thread and of other threads, and crashes inside native libraries."""
        self._folder.mkdir(parents=True, exist_ok=True)
        before, before_threads = sys.excepthook, threading.excepthook

        def main_hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
            self.record(error, where="main thread")
            before(kind, error, trace)

        def thread_hook(hook: threading.ExceptHookArgs) -> None:
            if hook.exc_value is not None:
                self.record(hook.exc_value, where="worker thread")
            before_threads(hook)

        sys.excepthook, threading.excepthook = main_hook, thread_hook
        self._native = (self._folder / NATIVE).open("ab")
        faulthandler.enable(self._native)

    def close(self) -> None:
        """Stop watching native libraries; an empty file of theirs is removed."""
        if self._native is None:
            return
        faulthandler.disable()
        self._native.close()
        self._native = None
        native = self._folder / NATIVE
        with contextlib.suppress(OSError):  # another window of this user may have removed it, or be writing to it
            if native.stat().st_size == 0:
                native.unlink()

    def record(self, error: BaseException, *, where: str) -> None:
        """Write a record of this error. An interrupt is none. Never raises: it runs while things go wrong."""
        if isinstance(error, KeyboardInterrupt | SystemExit):
            return
        when = self._clock()
        record = CrashRecord(
            when=when.isoformat(timespec="seconds"),
            version=__version__,
            system=f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
            where=where,
            what=describe_exception(error),
        )
        try:
            _write(self._folder / f"{PREFIX}{when:%Y%m%dT%H%M%S%f}.json", record)
        except OSError:
            log.exception("crash record not written")

    def pending(self) -> list[CrashRecord]:
        """Return the crashes since the last `dismiss`, oldest first; unreadable ones skipped, native ones summed up."""
        found = [record for path in self._files() if (record := _read(path)) is not None]
        native = self._folder / NATIVE
        if self._native is None and native.is_file() and native.stat().st_size:
            when = datetime.fromtimestamp(native.stat().st_mtime, UTC).isoformat(timespec="seconds")
            what = "stopped inside a native library"
            found.append(CrashRecord(when, __version__, platform.system(), where="native library", what=what))
        return found

    def dismiss(self) -> None:
        """Remove the records: a person has seen them. Call before `install`."""
        for path in [*self._files(), self._folder / NATIVE]:
            with contextlib.suppress(OSError):  # on Windows another window's open file cannot be removed
                path.unlink()

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob(f"{PREFIX}*.json"))


def _write(path: Path, record: CrashRecord) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
    os.replace(partial, path)  # noqa: PTH105 - the name says that it replaces


def _read(path: Path) -> CrashRecord | None:
    try:
        fields = json.loads(path.read_bytes()[:MAX_RECORD_BYTES])
        return CrashRecord(**{name: str(value) for name, value in fields.items()})
    except (OSError, ValueError, TypeError, AttributeError):
        return None
