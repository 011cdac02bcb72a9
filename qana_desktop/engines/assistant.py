"""A network that is asked now and then, in a child of its own that starts with the first question."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from qana_desktop.engines import faults
from qana_desktop.engines.contract import ERRORS, DeviceLost, EngineError, EngineTimeout, ModelRefused
from qana_desktop.system.childprocess import (
    BugInChild,
    ChildDied,
    ChildFailed,
    ChildOutOfMemory,
    ChildProcess,
    ChildTimedOut,
)
from qana_desktop.system.faults import KnownError

log = logging.getLogger(__name__)

Reply = TypeVar("Reply")

RESTARTS: Final = 3
"""How often a child that ended is started again before a person must restart the program's engines."""


@dataclass(frozen=True)
class AssistantLimits:
    """Times in seconds: to start, and for one call."""

    start_s: float = 90.0
    call_s: float = 30.0


class Assistant:
    """Asks a child, made by `target` ("package.module:factory") with `arguments`. Any thread may call.

    A child that dies or hangs in the middle of a question is started again and asked once more; what fails twice, and
    what nobody foresaw, is raised. After `RESTARTS` of that every question fails at once, until `reset`.
    """

    def __init__(
        self,
        target: str,
        arguments: tuple[object, ...],
        *,
        name: str,
        check: Callable[[ChildProcess], None] = lambda _child: None,
        limits: AssistantLimits | None = None,
    ) -> None:
        """`check` is called with each child that was started, and raises EngineError when it may not be used."""
        self._target, self._arguments, self._name, self._check = target, arguments, name, check
        self._limits = limits or AssistantLimits()
        self._turn = threading.RLock()
        self._child: ChildProcess | None = None
        self._starts = 0
        self._blocked: EngineError | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The child's process id, None while there is none."""
        child = self._child
        return None if child is None else child.pid

    def ask(self, request: object, kind: type[Reply]) -> Reply:
        """Return the child's reply, which must be a `kind`. Raises EngineError."""
        with self._turn:
            try:
                reply = self._once(request)
            except (DeviceLost, EngineTimeout) as error:
                if self._closed or self._blocked is not None:
                    raise
                log.warning("%s is started again after: %s", self._name, error.fault.code)
                reply = self._once(request)
            if not isinstance(reply, kind):
                raise self._block(DeviceLost(faults.garbled()))
            return reply

    def start(self) -> None:
        """Start the child now, so that the first question does not wait for it. Raises EngineError."""
        with self._turn:
            self._living_child()

    def reset(self) -> None:
        """Forget what blocked it: a person wants it tried again."""
        with self._turn:
            self._blocked, self._starts = None, 0

    def close(self) -> None:
        """End the child at once, also in the middle of a question (whose caller gets DeviceLost). Safe to repeat."""
        self._closed = True
        child = self._child
        if child is not None:
            child.close()
        with self._turn:
            self._drop()

    def _once(self, request: object) -> object:
        try:
            return self._living_child().call(request, timeout_s=self._limits.call_s)
        except (ChildFailed, KnownError) as error:
            raise self._translated(error) from error

    def _living_child(self) -> ChildProcess:
        if self._closed:
            raise DeviceLost(faults.closed())
        if self._blocked is not None:
            raise self._blocked
        if self._child is not None and self._child.alive:
            return self._child
        if self._starts > RESTARTS:
            raise self._block(DeviceLost(faults.too_many_restarts(RESTARTS)))
        self._starts += 1
        return self._started()

    def _started(self) -> ChildProcess:
        self._drop()
        child = ChildProcess(
            self._target, self._arguments, name=self._name, start_timeout_s=self._limits.start_s, errors=ERRORS
        )
        self._child = child
        try:
            child.start()
            self._check(child)
        except (ChildFailed, KnownError) as error:
            raise self._block(self._translated(error)) from error
        return child

    def _translated(self, error: ChildFailed | KnownError) -> EngineError:
        """What to raise. A child that only refused the question lives on; one that failed otherwise is dropped."""
        match error:
            case EngineError():
                return error
            case KnownError():
                return self._block(ModelRefused(faults.refused(error.fault)))
            case ChildOutOfMemory():
                return EngineError(faults.out_of_memory())
            case ChildTimedOut():
                self._drop()
                return EngineTimeout(faults.timed_out())
            case ChildDied(exit_code=code):
                self._drop()
                return DeviceLost(faults.died(code))
            case BugInChild():
                log.error("%s failed in a way that nobody foresaw", self._name, exc_info=error)
        return self._block(DeviceLost(faults.bug()))

    def _block(self, error: EngineError) -> EngineError:
        self._drop()
        self._blocked = error
        return error

    def _drop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close()
