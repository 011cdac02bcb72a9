"""Adapters that real children run in the tests: ONNX Runtime underneath, and every way to go wrong on top, on order."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np

from qana_desktop.engines.contract import DeviceLost, EngineInfo, EngineState, Inference, NoPermission
from qana_desktop.engines.onnx_engine import OnnxAdapter, OnnxEngine
from qana_desktop.system.faults import Fault

ENGINE_ID = "odd"
HERE = __name__


class Order(IntEnum):
    """What the engine does when an image is filled with this value. The golden images hold no such image."""

    DIE = 200
    DIE_ONCE = 201
    HANG = 202
    HANG_ONCE = 203
    BUG = 204
    LOSE_DEVICE = 205
    RETURN_TEXT = 206
    RETURN_FLOATS = 207
    RETURN_TOO_FEW = 208
    EXHAUST_MEMORY = 209


def order(value: Order, *, images: int = 1) -> np.ndarray:
    """A batch that makes `OddEngine` do it."""
    return np.full((images, 32, 32, 3), value, np.uint8)


class OddEngine:
    """Obeys orders, answers everything else as ONNX Runtime does."""

    def __init__(self, engine: OnnxEngine, marks: Path) -> None:
        self._engine, self._marks = engine, marks
        self.info = replace(engine.info, engine_id=ENGINE_ID, name="Odd engine")
        self.close = engine.close
        self.measure_energy = engine.measure_energy

    def infer(self, batch: np.ndarray) -> Any:
        levels = np.unique(batch)
        if len(levels) == 1 and levels[0] in list(Order):
            answer = self._obey(Order(int(levels[0])), batch)
            if answer is not None:
                return answer
        return self._engine.infer(batch)

    def _obey(self, what: Order, batch: np.ndarray) -> Any:
        match what:
            case Order.DIE:
                os._exit(9)
            case Order.DIE_ONCE if self._first_time(what):
                os._exit(9)
            case Order.HANG:
                threading.Event().wait()
            case Order.HANG_ONCE if self._first_time(what):
                threading.Event().wait()
            case Order.BUG:
                raise ZeroDivisionError("nobody expected this")
            case Order.LOSE_DEVICE:
                raise DeviceLost(Fault("device-lost", "The cable is out.", "Put it in."))
            case Order.RETURN_TEXT:
                return "mel, probably"
            case Order.RETURN_FLOATS:
                whole = self._engine.infer(batch)
                return Inference(whole.potentials.astype(np.float32), whole.latency_ms, whole.energy)  # type: ignore[arg-type]
            case Order.RETURN_TOO_FEW:
                whole = self._engine.infer(batch)
                return Inference(whole.potentials[:-1], whole.latency_ms, whole.energy)
            case Order.EXHAUST_MEMORY:
                raise MemoryError
        return None

    def _first_time(self, what: Order) -> bool:
        mark = self._marks / f"did-{what.name}"
        if mark.exists():
            return False
        mark.touch()
        return True


class OddAdapter:
    """The adapter of `OddEngine`; marks of what was done once lie beside the bundles."""

    def probe(self) -> list[EngineInfo]:
        return [EngineInfo(ENGINE_ID, "Odd engine", "", "", EngineState.AVAILABLE)]

    def open(self, engine_id: str, bundle: Path) -> Any:
        return OddEngine(OnnxAdapter().open(engine_id, bundle), bundle.parent)


class _Liar(OddEngine):
    def infer(self, batch: np.ndarray) -> Any:
        answer = super().infer(batch)
        answer.potentials[-1, 0] += 1
        return answer


class LiesByOne(OddAdapter):
    """One integer of each batch is one too large."""

    def open(self, engine_id: str, bundle: Path) -> Any:
        return _Liar(OnnxAdapter().open(engine_id, bundle), bundle.parent)


class DiesAtOpen(OddAdapter):
    """The library takes its process with it."""

    def open(self, engine_id: str, bundle: Path) -> Any:
        os._exit(11)


class HangsAtOpen(OddAdapter):
    """The driver never answers."""

    def open(self, engine_id: str, bundle: Path) -> Any:
        threading.Event().wait()


class MayNotOpen(OddAdapter):
    """The device belongs to somebody else."""

    def open(self, engine_id: str, bundle: Path) -> Any:
        raise NoPermission(Fault("no-permission", "The device is there, you may not open it.", "Ask for it."))


class HasABugAtOpen(OddAdapter):
    """Nobody expected this."""

    def open(self, engine_id: str, bundle: Path) -> Any:
        raise ZeroDivisionError("nobody expected this at start")


class DiesInProbe(OddAdapter):
    """A broken library that ends its process when it is looked at."""

    def probe(self) -> list[EngineInfo]:
        os._exit(12)


class BreaksInProbe(OddAdapter):
    """A broken library that raises what no adapter foresaw."""

    def probe(self) -> list[EngineInfo]:
        raise SystemError("initialisation of _core failed without raising an exception")
