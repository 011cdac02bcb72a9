"""The program's side of reading an archive: a child that may die over a hostile one, and the program goes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast

from qana_desktop.reports.archive import ArchivedCase
from qana_desktop.reports.archive_check import ArchiveSummary, CheckedArchive
from qana_desktop.reports.faults import ArchiveRefused, archive_refused
from qana_desktop.system.childprocess import ChildDied, ChildOutOfMemory, ChildProcess, ChildTimedOut
from qana_desktop.system.faults import KnownError

CHECK_LIMIT_S: Final = 3600.0
"""Hashing the largest archive that is allowed, from a slow drive."""
READ_LIMIT_S: Final = 60.0
MEMORY_LIMIT_MB: Final = 1536


@dataclass(frozen=True)
class CheckRequest:
    """Check the archive at `path` and keep it open; answered by its `ArchiveSummary`."""

    path: Path


@dataclass(frozen=True)
class CaseRequest:
    """Give one case of the archive that was checked last."""

    encounter: str


@dataclass(frozen=True)
class ImageRequest:
    """Give one image's file of the archive that was checked last."""

    sha256: str


def make_archive_child() -> _ArchiveChild:
    """Return the handler for `childprocess`."""
    return _ArchiveChild()


class _ArchiveChild:
    """The child: one archive at a time."""

    def __init__(self) -> None:
        self._archive: CheckedArchive | None = None

    def __call__(self, request: object) -> ArchiveSummary | ArchivedCase | bytes:
        match request, self._archive:
            case CheckRequest(path=path), _:
                self.close()
                self._archive = CheckedArchive(path)
                return self._archive.summary
            case CaseRequest(encounter=encounter), CheckedArchive() as archive:
                return archive.case(encounter)
            case ImageRequest(sha256=sha256), CheckedArchive() as archive:
                return archive.image(sha256)
            case _:
                raise TypeError(f"no such request now: {type(request).__name__}")

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()
            self._archive = None


class ArchiveReader:
    """Reads archives in a child. Every method raises ArchiveRefused; `close` it."""

    def __init__(self) -> None:
        self._child: ChildProcess | None = None

    def check(self, path: Path) -> ArchiveSummary:
        """Check everything about the archive but the records of its cases, and keep it open."""
        return cast(ArchiveSummary, self._ask(CheckRequest(path.absolute()), CHECK_LIMIT_S))

    def case(self, encounter: str) -> ArchivedCase:
        """Return one case of the archive that was checked last."""
        return cast(ArchivedCase, self._ask(CaseRequest(encounter), READ_LIMIT_S))

    def image(self, sha256: str) -> bytes:
        """Return one image's file of the archive that was checked last."""
        return cast(bytes, self._ask(ImageRequest(sha256), READ_LIMIT_S))

    def close(self) -> None:
        """End the child. Safe to call twice."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, request: object, limit_s: float) -> object:
        if self._child is None or not self._child.alive:
            self.close()
            child = ChildProcess(
                "qana_desktop.reports.archive_reader:make_archive_child",
                name="archive-reader",
                memory_limit_mb=MEMORY_LIMIT_MB,
            )
            self._child = child.start()
        try:
            return self._child.call(request, timeout_s=limit_s)
        except KnownError as error:
            raise ArchiveRefused(error.fault) from None
        except ChildOutOfMemory:
            raise archive_refused("too-large", "it needs more memory than an archive may take") from None
        except (ChildDied, ChildTimedOut):
            self.close()
            raise archive_refused("damaged", "the process that read it did not come to an end with it") from None
