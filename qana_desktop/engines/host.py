"""An engine in its own child process: time limits, self-test, counted restarts, live state, and never a guess."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from qana_desktop.engines import faults, worker
from qana_desktop.engines.batches import Batch
from qana_desktop.engines.contract import (
    ERRORS,
    BoardStatus,
    DeviceLost,
    EngineError,
    EngineInfo,
    EngineState,
    EngineTimeout,
    Inference,
    ModelRefused,
)
from qana_desktop.engines.selftest import require_selftest
from qana_desktop.network.bundle import Bundle
from qana_desktop.system.childprocess import (
    BugInChild,
    ChildDied,
    ChildFailed,
    ChildOutOfMemory,
    ChildProcess,
    ChildTimedOut,
)
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.triage.measured import MeasuredValue

log = logging.getLogger(__name__)

Listener = Callable[[EngineInfo], None]

_STATES: Final[dict[type[EngineError], EngineState]] = {
    EngineTimeout: EngineState.STUCK,
    DeviceLost: EngineState.LOST,
    ModelRefused: EngineState.REFUSED,
}

_ONLY_REFUSED: Final = frozenset({"bad-input", "clock-mode", "no-status"})
"""Faults of a request, not of the engine."""


@dataclass(frozen=True)
class Limits:
    """Times in seconds; a call may take `call_s` and `image_s` for each image. `restarts` until a person clears."""

    start_s: float = 90.0
    call_s: float = 10.0
    image_s: float = 2.0
    measure_s: float = 30.0
    restarts: int = 3


class EngineHost:
    """An `Engine` in the program, served by a child process. Every method may be called from any thread.

    `open` starts the child, which warms up, and compares the golden outputs before the engine is ready. When the child
    dies or hangs in the middle of a batch it is started again, tested again, and asked once more; no other engine is.
    After `Limits.restarts` of that, or when the second attempt fails too, the engine is blocked: `infer` raises the
    same error until a person calls `restart`.
    """

    def __init__(self, info: EngineInfo, adapter: str, bundle: Bundle, limits: Limits | None = None) -> None:
        self._adapter, self._bundle, self._limits = adapter, bundle, limits or Limits()
        self._info = replace(info, state=EngineState.AVAILABLE, fault=None)
        self._turn = threading.RLock()
        """Held by whoever uses or starts the child."""
        self._child: ChildProcess | None = None
        self._blocked: EngineError | None = None
        self._gone: DeviceLost | None = None
        """Why the device cannot be there, since the system said that it went."""
        self._clock = ""
        self._closed = False
        self._restarts = 0
        self._listeners: dict[object, Listener] = {}
        self._publishing = threading.Lock()

    @property
    def info(self) -> EngineInfo:
        """The engine with its live state. Never waits."""
        return self._info

    @property
    def restarts(self) -> int:
        """How often the child was started again since a person last opened or restarted the engine."""
        return self._restarts

    @property
    def pid(self) -> int | None:
        """The child's process id, None while there is none."""
        child = self._child
        return None if child is None else child.pid

    def open(self) -> EngineHost:
        """Start and test the engine; returns self. Raises EngineError, or BugInChild for what nobody foresaw."""
        return self.restart()

    def restart(self) -> EngineHost:
        """Clear what blocked the engine, forget the count, and start it: a person's decision. Raises EngineError."""
        with self._turn:
            if self._closed:
                raise DeviceLost(faults.closed())
            self._blocked, self._gone, self._restarts = None, None, 0
            self._start()
        return self

    def device_gone(self, fault: Fault) -> None:
        """The system says that the device went: end the child at once and block the engine until `restart`.

        An image under way gets DeviceLost with this fault. May be called while another thread waits for an answer.
        """
        self._gone = gone = DeviceLost(fault)
        child = self._child
        if child is not None:
            child.kill()
        with self._turn:
            if self._gone is gone and not self._closed:
                self._block(gone)

    def infer(self, batch: Batch) -> Inference:
        """Run uint8 NHWC images; raises EngineError, and then nothing was assessed."""
        limit_s = self._limits.call_s + self._limits.image_s * len(batch)
        with self._turn:
            return self._checked(self._with_one_more_try((worker.INFER, batch), limit_s), len(batch))

    def measure_energy(self, batch: Batch) -> MeasuredValue:
        """Measure the energy of one view over a burst; raises EngineError."""
        limit_s = self._limits.measure_s + self._limits.image_s * len(batch)
        with self._turn:
            value = self._with_one_more_try((worker.MEASURE, batch), limit_s)
            if not isinstance(value, MeasuredValue):
                raise self._block(DeviceLost(faults.garbled()))
            return value

    def set_clock(self, mode: str) -> EngineInfo:
        """Set a board's clock mode, kept over restarts; raises EngineError for an engine that has none."""
        with self._turn:
            self._adopt(self._with_one_more_try((worker.CLOCK, mode), self._limits.measure_s), EngineState.READY)
            self._clock = mode
            return self._info

    def status(self) -> BoardStatus:
        """What a board says of itself now; waits for the image under way. Raises EngineError for other engines."""
        with self._turn:
            value = self._with_one_more_try((worker.STATUS,), self._limits.call_s)
            if not isinstance(value, BoardStatus):
                raise self._block(DeviceLost(faults.garbled()))
            return value

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` on every change of state but READY to BUSY and back; returns the unsubscriber.

        It is called from the thread in which the change happens, and must not use the engine.
        """
        key = object()
        with self._publishing:
            self._listeners[key] = listener

        def unsubscribe() -> None:
            with self._publishing:
                self._listeners.pop(key, None)

        return unsubscribe

    def close(self) -> None:
        """End the child at once, also in the middle of a batch (whose caller gets DeviceLost). Safe to call twice."""
        self._closed = True
        child = self._child
        if child is not None:
            child.close()
        with self._turn:
            self._drop_child()
            self._publish(EngineState.AVAILABLE)

    def _with_one_more_try(self, request: worker.Request, limit_s: float) -> object:
        try:
            return self._try(request, limit_s)
        except (DeviceLost, EngineTimeout) as error:
            if self._gone is not None:
                raise self._gone from error
            if self._closed or self._blocked is not None:
                raise
            first = error
        try:
            return self._try(request, limit_s)
        except (DeviceLost, EngineTimeout) as error:
            raise self._block(error) from first

    def _try(self, request: worker.Request, limit_s: float) -> object:
        child = self._running_child()
        self._publish(EngineState.BUSY)
        try:
            reply = child.call(request, timeout_s=limit_s)
        except (ChildFailed, KnownError) as error:
            raise self._after_failure(error) from error
        self._publish(EngineState.READY)
        return reply

    def _running_child(self) -> ChildProcess:
        if self._closed:
            raise DeviceLost(faults.closed())
        if self._blocked is not None:
            raise self._blocked
        if self._child is not None and self._child.alive:
            return self._child
        if self._restarts >= self._limits.restarts:
            raise self._block(DeviceLost(faults.too_many_restarts(self._restarts)))
        self._restarts += 1
        number, most = self._restarts, self._limits.restarts
        log.warning("engine %s is started again (%d of %d)", self._info.engine_id, number, most)
        return self._start()

    def _start(self) -> ChildProcess:
        self._drop_child()
        self._publish(EngineState.STARTING)
        child = ChildProcess(
            worker.SERVE,
            (self._adapter, self._info.engine_id, str(self._bundle.path)),
            name=self._info.engine_id,
            start_timeout_s=self._limits.start_s,
            errors=ERRORS,
        )
        self._child = child
        try:
            child.start()
            self._adopt(child.call((worker.INFO,), timeout_s=self._limits.call_s))
            if self._clock:
                self._adopt(child.call((worker.CLOCK, self._clock), timeout_s=self._limits.measure_s))
            require_selftest(lambda batch: self._untested(child, batch), self._bundle.golden())
        except (ChildFailed, KnownError) as error:
            raise self._block(self._known(error)) from error
        threading.Thread(target=self._watch, args=(child,), name=f"{child.name}-exit-watch", daemon=True).start()
        self._publish(EngineState.READY)
        return child

    def _untested(self, child: ChildProcess, batch: Batch) -> Inference:
        """Infer with an engine that is not ready yet: no state is shown, nothing is tried twice."""
        return self._checked(child.call((worker.INFER, batch), timeout_s=self._limits.start_s), len(batch))

    def _adopt(self, info: object, state: EngineState = EngineState.STARTING) -> None:
        """Take what the child says of itself. Asked for by number, a board is known by its place from then on."""
        if not isinstance(info, EngineInfo) or not _is_meant(self._info.engine_id, info.engine_id):
            raise DeviceLost(faults.garbled())
        self._info = replace(info, state=state, fault=None)

    def _checked(self, reply: object, images: int) -> Inference:
        """Let pass only what an engine of this bundle can return."""
        shape = (images, len(self._bundle.manifest.classes) + self._bundle.manifest.features)
        if isinstance(reply, Inference) and _is_int32(reply.potentials, shape):
            return reply
        raise self._block(DeviceLost(faults.garbled()))

    def _after_failure(self, error: ChildFailed | KnownError) -> EngineError:
        """Return what to raise; the child is dropped unless it only refused the request."""
        known = self._known(error)
        if isinstance(error, ChildOutOfMemory) or known.fault.code in _ONLY_REFUSED:
            self._publish(EngineState.READY)
        elif isinstance(known, DeviceLost | EngineTimeout):
            self._drop_child()
            self._publish(_STATES[type(known)], known)
        else:
            return self._block(known)
        return known

    def _known(self, error: ChildFailed | KnownError) -> EngineError:
        """Translate. A bug in the child blocks the engine and is raised as itself: it belongs in a crash record."""
        match error:
            case EngineError():
                return error
            case KnownError():
                return ModelRefused(faults.refused(error.fault))
            case ChildTimedOut():
                return EngineTimeout(faults.timed_out())
            case ChildOutOfMemory():
                return EngineError(faults.out_of_memory())
            case BugInChild():
                self._block(DeviceLost(faults.bug()))
                raise error
            case ChildDied(exit_code=code):
                return DeviceLost(faults.died(code))
        raise error

    def _block(self, error: EngineError) -> EngineError:
        self._drop_child()
        self._blocked = error
        self._publish(_STATES.get(type(error), EngineState.UNAVAILABLE), error)
        return error

    def _drop_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def _watch(self, child: ChildProcess) -> None:
        """Notice when the child ends between two batches, so that the window tells before the next image does."""
        child.wait_ended()
        with self._turn:
            if self._child is child and not self._closed and self._gone is None:
                self._drop_child()
                self._publish(EngineState.LOST, DeviceLost(faults.died_idle()))

    def _publish(self, state: EngineState, error: EngineError | None = None) -> None:
        with self._publishing:
            before = self._info
            self._info = replace(before, state=state, fault=None if error is None else error.fault)
            listeners = tuple(self._listeners.values())
        quiet = {EngineState.READY, EngineState.BUSY}
        if before == self._info or {before.state, state} == quiet:
            return
        for listener in listeners:
            listener(self._info)


def _is_int32(values: object, shape: tuple[int, int]) -> bool:
    return isinstance(values, np.ndarray) and values.dtype == np.int32 and values.shape == shape


def _is_meant(asked: str, answered: str) -> bool:
    """Whether an engine that was asked for as `asked` may call itself `answered`: `akida-board:0` has a place too."""
    (kind, _, number), (other_kind, _, place) = asked.partition(":"), answered.partition(":")
    return asked == answered or (number.isdecimal() and kind == other_kind and place != "" and not place.isdecimal())
