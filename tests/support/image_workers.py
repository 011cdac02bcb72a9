"""Image workers for real child processes that also do what a broken decoder does: die, hang, or write over memory."""

from __future__ import annotations

import os
import signal
import threading

from qana_desktop.intake.prepared import DisplayRequest, PrepareRequest
from qana_desktop.intake.worker import ImageWorker, make_reader

CRASHES = b"\xff\xd8\xff this file ends its reader"
HANGS = b"\xff\xd8\xff this file never ends"
TRIPS = b"\xff\xd8\xff this file meets a bug"


def make_breakable_reader() -> BreakableReader:
    """Return the real handler behind two trip wires."""
    return BreakableReader(make_reader())


class BreakableReader:
    """Dies over `CRASHES`, hangs over `HANGS`, has a bug over `TRIPS`, reads everything else."""

    def __init__(self, worker: ImageWorker) -> None:
        self._worker = worker

    def __call__(self, request: object) -> object:
        """Answer one request, or not."""
        match request:
            case PrepareRequest(source=source) | DisplayRequest(source=source) if source == CRASHES:
                os.kill(os.getpid(), getattr(signal, "SIGSEGV", signal.SIGTERM))
            case PrepareRequest(source=source) | DisplayRequest(source=source) if source == HANGS:
                threading.Event().wait()
            case PrepareRequest(source=source) | DisplayRequest(source=source) if source == TRIPS:
                raise ZeroDivisionError("Erika Mustermann divided by nothing")
        return self._worker(request)

    def close(self) -> None:
        """Pass it on."""
        self._worker.close()
