"""What holds for every test: no network, own folders, no unexpected warning in the log, nothing left running."""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 10.0
"""How long something that is ending may take to end before it counts as left behind. Waited for, never slept."""

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# A busy machine is no fault of the program: no test depends on how long a draw takes.
settings.register_profile("qana", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("qana")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer what only some machines can be asked."""
    parser.addoption("--akida-device", action="store_true", help="also ask the Akida board in this computer")


# --- no network ---------------------------------------------------------------------------------


class NetworkUsed(Exception):
    """A test, or the program in it, tried to reach a network."""


LOCAL_FAMILIES = {getattr(socket, "AF_UNIX", None), None}


def _forbid_network(event: str, arguments: tuple[object, ...]) -> None:
    # Windows has no socketpair of its own: multiprocessing and asyncio build theirs from loopback sockets there.
    if event == "socket.__new__" and arguments[1] not in LOCAL_FAMILIES and sys.platform != "win32":
        raise NetworkUsed(f"a socket of family {arguments[1]} was made; QANA Desktop opens none")
    if event in {"socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}:
        raise NetworkUsed(f"{event} was called; QANA Desktop asks no name server")
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in {"127.0.0.1", "::1"}:
        raise NetworkUsed("a connection was opened; QANA Desktop opens none")


def pytest_configure(config: pytest.Config) -> None:
    """From here to the end of the run: an audit hook also sees what code calls below `socket.socket`, and stays.

    A run that a script started in the background has Ctrl-C ignored, and so have its children: the tests of Ctrl-C need
    it as a person at a terminal has it.
    """
    sys.addaudithook(_forbid_network)
    signal.signal(signal.SIGINT, signal.default_int_handler)


ENDED = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep how the run ended for the last hook."""
    session.config.stash[ENDED] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End the run with its own status, before native libraries are taken down.

    WORKAROUND: after a full run, all passed, the interpreter's end crashed with signal 11 on Debian 12's Python 3.11.2
    (not on 3.11.7, nor after parts of the run; the library is not known). How the programs themselves end is tested in
    processes of their own.
    """
    if ENDED in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[ENDED])


# --- own folders --------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test an empty home of its own, for this process and for its children, and return it."""
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QANA_HOME", str(home / "qana"))
    return home


# --- nothing unexpected in the log --------------------------------------------------------------


@pytest.fixture(autouse=True)
def _no_unexpected_warning(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    expected = [mark.args[0] for mark in request.node.iter_markers("expects_log")]
    loud = [record for phase in ("setup", "call") for record in caplog.get_records(phase)]
    lines = [f"{r.name}: {r.getMessage()}" for r in loud if r.levelno >= logging.WARNING]
    surprises = [line for line in lines if not any(re.search(pattern, line) for pattern in expected)]
    missing = [pattern for pattern in expected if not any(re.search(pattern, line) for line in lines)]
    assert not surprises, f"logged without being expected: {surprises}"
    assert not missing, f"expected in the log and not there: {missing}"


# --- nothing left running -----------------------------------------------------------------------


def _children() -> dict[int, str]:
    """Return command lines of living child processes by id (Linux; elsewhere only multiprocessing's)."""
    found = {child.pid or 0: child.name for child in multiprocessing.active_children()}
    for task in Path("/proc/self/task").glob("*/children"):
        for pid in task.read_text().split():
            found.setdefault(int(pid), _command_line(pid))
    return {pid: line for pid, line in found.items() if line and "resource_tracker" not in line}


def _command_line(pid: str) -> str:
    """Return the command line, empty for a process that has ended and waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _threads() -> set[threading.Thread]:
    """Return Python's own threads; threads of Qt or of a library that passed through Python are theirs to end."""
    return {thread for thread in threading.enumerate() if not isinstance(thread, threading._DummyThread)}


@pytest.fixture(autouse=True)
def _nothing_left_running(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.node.get_closest_marker("keeps_processes"):
        yield
        return
    threads, children = _threads(), set(_children())
    yield
    for thread in _threads() - threads:
        thread.join(PATIENCE_S)
    for child in multiprocessing.active_children():
        if child.pid not in children:
            child.join(PATIENCE_S)
    left_threads = [thread.name for thread in _threads() - threads]
    left_children = [line for pid, line in _children().items() if pid not in children]
    assert not left_threads, f"threads left running: {left_threads}"
    assert not left_children, f"child processes left running: {left_children}"


# --- what is not on every machine ---------------------------------------------------------------


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real images (`ham10000/`, `isic2017/`): $QANA_DATA, or `../shared/data` beside the repo."""
    folder = Path(os.environ.get("QANA_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "ham10000" / "metadata.csv").is_file():
        pytest.skip("the HAM10000 images are not on this machine: set QANA_DATA to the folder that has ham10000/ in it")
    return folder


@pytest.fixture(scope="session")
def akida() -> ModuleType:
    """Return the akida package, whose simulator is real; skips where it cannot be installed (macOS) or was left out."""
    reason = "the akida package is not installed, so nothing can be compared with its simulator"
    return pytest.importorskip("akida", reason=reason, exc_type=ImportError)
