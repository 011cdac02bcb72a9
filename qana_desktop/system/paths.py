"""Where the program keeps its own files: data, settings, cache and logs, apart from the user's images."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

APP_NAME = "qana-desktop"
HOME_VARIABLE = "QANA_HOME"
"""Environment variable that puts all folders below one of the caller's choice: for tests, or for a second set-up."""


@dataclass(frozen=True)
class Paths:
    """The program's folders. They need not exist yet: `make` makes them."""

    data: Path
    config: Path
    cache: Path
    logs: Path

    def make(self) -> Paths:
        """Make the folders, readable by this user only, and return self; raises OSError."""
        for folder in (self.data, self.config, self.cache, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self


def find_paths(environ: Mapping[str, str] = os.environ) -> Paths:
    """Return the folders of this user, below `QANA_HOME` if that is set, else where the operating system wants them.

    Windows: %LOCALAPPDATA%; macOS: ~/Library; others: the XDG base directories.
    """
    if home := environ.get(HOME_VARIABLE):
        root = Path(home).expanduser().absolute()
        return Paths(data=root / "data", config=root / "config", cache=root / "cache", logs=root / "logs")
    dirs = platformdirs.PlatformDirs(APP_NAME, appauthor=False)
    return Paths(
        data=dirs.user_data_path,
        config=dirs.user_config_path,
        cache=dirs.user_cache_path,
        logs=dirs.user_log_path,
    )
