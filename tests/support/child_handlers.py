"""Handlers that real child processes run in the tests: they answer, hang, crash, or send what they should not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from qana_desktop.system.faults import Fault, KnownError

Handler = Callable[[object], object]


class _Performer:
    """Does what the request, a tuple (verb, *arguments), says."""

    def __init__(self, left_behind: Path | None) -> None:
        self._left_behind = left_behind

    def __call__(self, request: object) -> object:
        verb, *arguments = request  # type: ignore[misc]
        return getattr(self, f"do_{verb}")(*arguments)

    def close(self) -> None:
        if self._left_behind is not None:
            self._left_behind.write_text("closed")

    def do_echo(self, value: object) -> object:
        return value

    def do_environment(self, name: str) -> str | None:
        return os.environ.get(name)

    def do_hang(self) -> None:
        threading.Event().wait()

    def do_hang_holding_the_interpreter(self) -> None:
        # A sleep in C through PyDLL keeps the interpreter lock, as a vendor's library does.
        import ctypes

        ctypes.PyDLL(None).sleep(1000)

    def do_ignore_termination_and_hang(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        threading.Event().wait()

    def do_exit(self, code: int) -> None:
        os._exit(code)

    def do_segfault(self) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    def do_bug(self) -> None:
        raise ZeroDivisionError("a bug that nobody expected")

    def do_fault(self, code: str) -> None:
        raise KnownError(Fault(code, "The thing happened.", "Do the other thing."))

    def do_allocate(self, megabytes: int) -> int:
        return int(np.ones(megabytes << 20, np.uint8)[-1])

    def do_send_function(self) -> object:
        return os.getcwd

    def do_send_path(self) -> object:
        return Path("somewhere")

    def do_send_lambda(self) -> object:
        return lambda: None

    def do_print(self, text: str) -> None:
        print(text, flush=True)
        os.write(1, text.encode())

    def do_start_program(self) -> int:
        return subprocess.run([sys.executable, "-c", "pass"], check=False).returncode


def performer(left_behind: Path | None = None) -> Handler:
    """Make the usual handler; `left_behind` is written when it is closed."""
    return _Performer(left_behind)


def fails_to_start(code: str) -> Handler:
    """Raise a known error instead of making a handler."""
    raise KnownError(Fault(code, "It cannot start.", "Start something else."))


def has_a_bug_at_start() -> Handler:
    """Raise what nobody expected."""
    raise ZeroDivisionError("a bug at start")


def finds_no_file_at_start() -> Handler:
    """Raise what a missing file of the operating system raises."""
    raise FileNotFoundError("no such device")


def dies_at_start() -> Handler:
    """End the process before there is a handler."""
    os._exit(3)


def hangs_at_start() -> Handler:
    """Never return."""
    threading.Event().wait()
    raise AssertionError
