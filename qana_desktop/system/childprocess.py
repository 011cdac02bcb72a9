"""A spawned child process that answers requests: time limits, memory limits, known faults, no orphans.

The parent holds a `ChildProcess` and calls it; the child runs `childserver.serve`: it makes a handler and answers
until its pipe closes. Requests and replies travel by pickle over two private one-way pipes (no socket is opened).
Replies come from a process that may have read a hostile file or run a vendor's library, so they are read by an
unpickler that knows arrays, the program's own dataclasses and enumerations, and nothing else.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from qana_desktop.system import wire
from qana_desktop.system.childserver import serve
from qana_desktop.system.faults import Fault, KnownError

NO_ERRORS: Mapping[str, type[KnownError]] = MappingProxyType({})
POLITE_S = 5.0
"""How long a child may take to release what it holds after its pipe was closed, before it is killed."""


class ChildFailed(Exception):
    """Base of what can go wrong with a child other than a known fault."""


class ChildDied(ChildFailed):
    """The child ended without an answer. `exit_code` is negative for a signal, None when it never ran."""

    def __init__(self, exit_code: int | None) -> None:
        super().__init__(f"the child process ended with exit code {exit_code}")
        self.exit_code = exit_code


class ChildTimedOut(ChildFailed):
    """No answer within the limit; the child has been killed."""


class ChildOutOfMemory(ChildFailed):
    """The request needed more memory than the child may use; the child lives on."""


class BugInChild(ChildFailed):
    """An exception that nobody expected was raised in the child; the text is its traceback."""


class ChildProcess:
    """One child, started once. `call` may be used from any thread; calls run one at a time.

    `target` is "package.module:function": called in the child with `args`, it returns the handler `request -> reply`.
    If the handler has a method `close`, the child calls it before it ends. A `KnownError` raised in the child is raised
    here as `errors[code]`, or as `KnownError` for a code that is not in `errors`. `memory_limit_mb` (Linux) is what a
    request may allocate beyond what the child holds when it is ready. `close` the object in every case, also after a
    call that failed.
    """

    def __init__(
        self,
        target: str,
        args: tuple[object, ...] = (),
        *,
        name: str,
        start_timeout_s: float = 30.0,
        memory_limit_mb: int | None = None,
        errors: Mapping[str, type[KnownError]] = NO_ERRORS,
    ) -> None:
        self.name = name
        self._errors = errors
        self._start_timeout_s = start_timeout_s
        context = multiprocessing.get_context("spawn")
        self._child_reads, self._requests = context.Pipe(duplex=False)
        self._replies, self._child_writes = context.Pipe(duplex=False)
        for connection in (self._requests, self._replies):
            wire.widen(connection)
        self._process = context.Process(
            target=serve,
            args=(target, args, self._child_reads, self._child_writes, memory_limit_mb, start_timeout_s),
            name=name,
            daemon=True,
        )
        self._calls = threading.Lock()
        self._reaping = threading.Lock()
        self._watchdog = _Watchdog(self._process.kill, name=f"{name}-watchdog")
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The child's process id; None before `start`."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the child runs."""
        return not self._closed and self._process.pid is not None and self._process.is_alive()

    def start(self) -> ChildProcess:
        """Start the child and wait until its handler is made; returns self.

        Raises ChildDied, ChildTimedOut, BugInChild or the known error that the factory raised; the child is gone then.
        """
        with self._calls:
            self._process.start()
            self._child_reads.close()
            self._child_writes.close()
            self._watchdog.start()
            try:
                with self._limit(self._start_timeout_s):
                    message = self._receive()
                self._open(message)
            except (ChildFailed, KnownError):
                self._end()
                raise
        return self

    def call(self, request: object, *, timeout_s: float) -> object:
        """Send one request and return the reply.

        Raises ChildDied, ChildTimedOut (the child is killed), ChildOutOfMemory, BugInChild, or the child's known error.
        """
        packed = wire.pack((timeout_s, request))
        with self._calls:
            if self._closed:
                raise ChildDied(self._process.exitcode)
            with self._limit(timeout_s):
                wire.send(self._requests, packed)
                message = self._receive()
        return self._open(message)

    def wait_ended(self) -> None:
        """Return when the child, once started, has ended for whatever reason."""
        multiprocessing.connection.wait([self._process.sentinel])

    def kill(self) -> None:
        """End the child at once, also in the middle of another thread's call (which then raises ChildDied)."""
        if self._process.pid is not None and not self._closed:
            self._process.kill()
            self._reap()

    def close(self) -> None:
        """Let the child release what it holds and end it; one at work for another thread is killed. Safe to repeat."""
        if not self._calls.acquire(blocking=False):
            self.kill()
            self._calls.acquire()
        try:
            self._end()
        finally:
            self._calls.release()

    def _end(self) -> None:
        if self._closed:
            return
        for connection in (self._requests, self._child_reads, self._child_writes):
            connection.close()
        if self._process.pid is not None:
            self._reap(POLITE_S)
            self._process.kill()
            self._reap()
        self._closed = True
        self._replies.close()
        self._watchdog.stop()

    def _reap(self, timeout_s: float | None = None) -> None:
        """Wait for the end of the child, one thread at a time: the second of two would find nobody to wait for."""
        with self._reaping:
            self._process.join(timeout_s)

    @contextmanager
    def _limit(self, timeout_s: float) -> Iterator[None]:
        """Run the body against the watchdog: past the limit it kills the child, which ends a pending read or write.

        A body left in the middle (Ctrl-C, a reply that may not be read) costs the child its life: its answer could be
        taken for the next call's.
        """
        late = f"{self.name} did not answer within {timeout_s:g} s"
        self._watchdog.arm(timeout_s)
        try:
            yield
        except (EOFError, OSError) as error:
            self._reap()
            if self._watchdog.disarm():
                raise ChildTimedOut(late) from error
            raise ChildDied(self._process.exitcode) from error
        except BaseException:
            self._process.kill()
            raise
        finally:
            expired = self._watchdog.disarm()
        if expired:
            raise ChildTimedOut(late)

    def _receive(self) -> object:
        try:
            return wire.receive(self._replies, wire.ReplyUnpickler)
        except wire.NotAReply as error:
            raise BugInChild(f"{self.name} sent something that is not a reply: {error}") from error

    def _open(self, message: object) -> object:
        match message:
            case ("reply", reply):
                return reply
            case ("fault", str(code), str(text), str(remedy)):
                raise self._errors.get(code, KnownError)(Fault(code, text, remedy))
            case ("memory",):
                raise ChildOutOfMemory(f"{self.name} needed more memory than it may use")
            case ("bug", str(text)):
                raise BugInChild(text)
            case _:
                raise BugInChild(f"{self.name} sent a message of no known kind")


class _Watchdog:
    """One thread that calls `expire` when an armed limit passes.

    Arming is cheap: the thread is woken only when it would sleep past the new deadline, so a stream of short calls with
    long limits wakes it about once per limit.
    """

    def __init__(self, expire: Callable[[], None], *, name: str) -> None:
        self._expire = expire
        self._changed = threading.Condition()
        self._deadline: float | None = None
        self._wakes_at: float | None = None
        self._fired = False
        self._stopped = False
        self._thread = threading.Thread(target=self._watch, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def arm(self, timeout_s: float) -> None:
        with self._changed:
            self._fired = False
            self._deadline = time.monotonic() + timeout_s
            if self._wakes_at is None or self._wakes_at > self._deadline:
                self._changed.notify()

    def disarm(self) -> bool:
        """Forget the limit; return whether it had passed."""
        with self._changed:
            self._deadline = None
            return self._fired

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _watch(self) -> None:
        with self._changed:
            while not self._stopped:
                now = time.monotonic()
                if self._deadline is not None and now >= self._deadline:
                    self._deadline, self._fired = None, True
                    self._expire()
                    continue
                self._wakes_at = self._deadline
                self._changed.wait(None if self._deadline is None else self._deadline - now)
                self._wakes_at = None
