"""Where the built program is: `QANA_FROZEN` names its folder, `QANA_DEB` the package, `QANA_CHROOT` a bare Debian.

None of it is built by the usual test run, so without them these tests skip with a sentence (packaging/README.md).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONG_S = 300

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the run fail over a skipped test where everything is there: `QANA_NOTHING_SKIPPED`, as run.py sets it."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("QANA_NOTHING_SKIPPED") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def frozen() -> Path:
    """The folder that packaging/freeze.py made."""
    folder = Path(os.environ.get("QANA_FROZEN", ROOT / "dist" / "qana-desktop"))
    if not (folder / "qana-desktop-cli").is_file():
        pytest.skip("the program is not built here: python packaging/freeze.py, or QANA_FROZEN names its folder")
    return folder


@pytest.fixture
def bare_environment(tmp_path: Path) -> dict[str, str]:
    """What a clinic's machine has at least: no Python, no locale, no variables of ours but a home."""
    return {"HOME": str(tmp_path), "PATH": "/nonexistent", "QT_QPA_PLATFORM": "offscreen", "LC_ALL": "C"}


@pytest.fixture
def run(frozen: Path, bare_environment: dict[str, str], tmp_path: Path) -> Run:
    """Start a built program by name and wait for its end."""

    def start(name: str, *arguments: str | Path, folder: Path = frozen, before: Sequence[str] = (), **env: str):
        return subprocess.run(
            [*before, folder / name, *arguments],
            env={**bare_environment, **env},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=LONG_S,
            check=False,
        )

    return start
