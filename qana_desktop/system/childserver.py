"""The child's side of `childprocess`: make the handler, answer requests, end with the parent."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeAlias

from qana_desktop.system import wire
from qana_desktop.system.faults import KnownError

Handler: TypeAlias = Callable[[object], object]

SELF_DESTRUCT_MARGIN_S = 3.0
"""How far past a call's limit a child ends itself, should the parent that would have killed it be gone."""


def serve(
    target: str,
    args: tuple[object, ...],
    requests: Connection,
    replies: Connection,
    memory_limit_mb: int | None,
    start_timeout_s: float,
) -> None:
    """Be the child: make the handler, say so, answer until the parent closes the pipe or is gone."""
    _prepare_process()
    _end_with_parent()
    _self_destruct_after(start_timeout_s)
    handler: Handler | None = None
    try:
        with suppress(EOFError, OSError):  # the parent closed the pipe or is gone
            started, answer = _start(target, args, memory_limit_mb)
            handler = started
            wire.send(replies, wire.pack(answer))
            if started is not None:
                _self_destruct_after(None)
                _answer(started, requests, replies)
    finally:
        _close_handler(handler)


def _start(
    target: str, args: tuple[object, ...], memory_limit_mb: int | None
) -> tuple[Handler | None, tuple[object, ...]]:
    """Return the handler and the word that it is ready; or none, and why: that belongs to the parent."""
    try:
        handler = _make_handler(target, args)
        _limit_memory(memory_limit_mb)
    except BaseException as error:  # noqa: BLE001 - whatever keeps a handler from being made is the answer
        return None, _failure(error)
    return handler, ("reply", None)


def _answer(handler: Handler, requests: Connection, replies: Connection) -> None:
    while True:
        timeout_s, request = wire.receive_request(requests)
        _self_destruct_after(timeout_s)
        try:
            reply = wire.pack(("reply", handler(request)))
        except Exception as error:  # noqa: BLE001 - the child's loop: every failure is an answer
            reply = wire.pack(_failure(error))
        del request
        _self_destruct_after(None)
        wire.send(replies, reply)
        del reply


def _failure(error: BaseException) -> tuple[str, ...]:
    match error:
        case KnownError(fault=fault):
            return "fault", fault.code, fault.message, fault.remedy
        case MemoryError():
            return ("memory",)
        case _:
            return "bug", "".join(traceback.format_exception(error))


def _make_handler(target: str, args: tuple[object, ...]) -> Handler:
    module, _, function = target.partition(":")
    handler = getattr(importlib.import_module(module), function)(*args)
    if not callable(handler):
        raise TypeError(f"{target} did not return a handler")
    return handler  # type: ignore[no-any-return]


def _close_handler(handler: Handler | None) -> None:
    close = getattr(handler, "close", None)
    if close is not None:
        close()


def _prepare_process() -> None:
    """Set what must hold before any library is imported: no telemetry, no Ctrl-C, nothing on standard output."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.stderr is not None and sys.stdout is not None:
        sys.stdout = sys.stderr
        os.dup2(2, 1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _self_destruct_after(timeout_s: float | None) -> None:
    """End this process well past the limit even while a library holds the interpreter lock (POSIX; None: never)."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, 0 if timeout_s is None else timeout_s + SELF_DESTRUCT_MARGIN_S)


def _limit_memory(memory_limit_mb: int | None) -> None:
    if memory_limit_mb is None or not sys.platform.startswith("linux"):
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + memory_limit_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
