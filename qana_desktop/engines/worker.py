"""What an engine's child process runs: open one engine with one bundle, answer its host; or probe, and end."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, cast

from qana_desktop.engines.batches import Batch
from qana_desktop.engines.contract import Engine, EngineAdapter, EngineError, EngineInfo
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import _

Request: TypeAlias = tuple[str] | tuple[str, Batch] | tuple[str, str]

SERVE = f"{__name__}:serve_engine"
PROBE = f"{__name__}:serve_probe"

INFO = "info"
INFER = "infer"
MEASURE = "measure"
CLOCK = "clock"
STATUS = "status"


class EngineHandler:
    """Answers the host's requests with the open engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, request: object) -> object:
        """Do what the request, a tuple (verb, batch), asks."""
        match request:
            case (str(verb),) if verb == INFO:
                return self._engine.info
            case (str(verb), batch) if verb == INFER:
                return self._engine.infer(cast("Batch", batch))
            case (str(verb), batch) if verb == MEASURE:
                return self._engine.measure_energy(cast("Batch", batch))
            case (str(verb), str(mode)) if verb == CLOCK:
                self._of_the_board("set_clock")(mode)
                return self._engine.info
            case (str(verb),) if verb == STATUS:
                return self._of_the_board("status")()
            case _:
                raise ValueError("an engine was asked for something that it does not know")

    def _of_the_board(self, what: str) -> Callable[..., object]:
        """What only boards can do; raises EngineError for other engines."""
        method = getattr(self._engine, what, None)
        if method is None:
            fault = Fault(
                "no-status", _("This engine is no board: it has no clock and no state."), _("Choose a board.")
            )
            raise EngineError(fault)
        return cast("Callable[..., object]", method)

    def close(self) -> None:
        """Release the device."""
        self._engine.close()


def serve_engine(adapter: str, engine_id: str, bundle: str) -> EngineHandler:
    """Open the engine; `adapter` is "package.module:Class". Raises EngineError or BundleRefused."""
    return EngineHandler(load_adapter(adapter).open(engine_id, Path(bundle)))


def serve_probe() -> Callable[[object], list[EngineInfo]]:
    """Answer adapter names with what that adapter finds on this machine."""
    return lambda adapter: load_adapter(cast("str", adapter)).probe()


def load_adapter(adapter: str) -> EngineAdapter:
    """Make the adapter that "package.module:Class" names."""
    module, _, name = adapter.partition(":")
    return cast("EngineAdapter", getattr(importlib.import_module(module), name)())
