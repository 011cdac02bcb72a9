"""Catches what the decoding libraries write to standard error: libjpeg reports lost image data nowhere else."""

from __future__ import annotations

import os
import re
import tempfile
from types import TracebackType
from typing import Final, Self

_STDERR: Final = 2
_LOST_DATA: Final = re.compile(
    r"Premature end of JPEG|Corrupt JPEG data: (?!\d{1,2} extraneous bytes before marker 0xd9)", re.ASCII
)
_NO_MEMORY: Final = re.compile(r"[Ii]nsufficient memory|Failed to allocate|[Oo]ut of memory", re.ASCII)


class NativeMessages:
    """While entered, standard error (the descriptor, not `sys.stderr`) goes to a file; afterwards `text` has it."""

    def __init__(self) -> None:
        self.text = ""
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this object, closed in `close`
        self._kept: int | None = None

    def __enter__(self) -> Self:
        self.text = ""
        try:
            self._kept = os.dup(_STDERR)
        except OSError:  # started without a standard error: nothing to put back
            self._kept = None
        os.dup2(self._file.fileno(), _STDERR)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._kept is None:
            os.close(_STDERR)
        else:
            os.dup2(self._kept, _STDERR)
            os.close(self._kept)
        self._file.seek(0)
        self.text = self._file.read().decode("utf-8", errors="replace")
        self._file.seek(0)
        self._file.truncate()

    @property
    def data_lost(self) -> bool:
        """Whether libjpeg filled a hole in the image data (a few bytes of padding after the last scan are harmless)."""
        return _LOST_DATA.search(self.text) is not None

    @property
    def out_of_memory(self) -> bool:
        """Whether a library had not enough memory."""
        return _NO_MEMORY.search(self.text) is not None

    def close(self) -> None:
        """Let the file go."""
        self._file.close()
