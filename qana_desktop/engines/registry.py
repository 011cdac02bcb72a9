"""All engines of this machine, working or not: listing them in children, opening one, and the rule for `auto`."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Final

from qana_desktop.engines import worker
from qana_desktop.engines.akida_runtime import broken_fault
from qana_desktop.engines.contract import EngineError, EngineInfo, EngineState, ModelRefused, engine_error
from qana_desktop.engines.host import EngineHost, Limits
from qana_desktop.network.bundle import open_bundle
from qana_desktop.network.manifest import BundleRefused
from qana_desktop.system.childprocess import BugInChild, ChildDied, ChildFailed, ChildProcess, ChildTimedOut
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_, _

AUTO: Final = "auto"
PROBE_S: Final = 60.0
_OPEN: Final = frozenset(
    {EngineState.STARTING, EngineState.READY, EngineState.BUSY, EngineState.LOST, EngineState.STUCK}
)


@dataclass(frozen=True)
class AdapterSpec:
    """One kind of engine: its id (or what comes before ":N"), its name, the class that runs it in a child.

    Kinds of the same `runtime` are probed in one child. `chosen_by_auto` engines are tried in the order of the list.
    """

    kind: str
    name: str
    adapter: str
    runtime: str
    chosen_by_auto: bool = True


ADAPTERS: Final = (
    AdapterSpec("akida-board", N_("Akida board"), "qana_desktop.engines.akida_board:AkidaBoardAdapter", "akida"),
    AdapterSpec(
        "onnx-cpu", N_("ONNX Runtime (processor)"), "qana_desktop.engines.onnx_engine:OnnxAdapter", "onnxruntime"
    ),
    AdapterSpec(
        "akida-simulator",
        N_("Akida simulator"),
        "qana_desktop.engines.akida_simulator:AkidaSimulatorAdapter",
        "akida",
        chosen_by_auto=False,
    ),
)


class EngineRegistry:
    """Knows the kinds of engines. Nothing of a vendor is ever imported in this process."""

    def __init__(self, adapters: Sequence[AdapterSpec] = ADAPTERS, *, limits: Limits | None = None) -> None:
        self._adapters, self._limits = tuple(adapters), limits
        self._hosts: weakref.WeakSet[EngineHost] = weakref.WeakSet()
        self._last: dict[str, list[EngineInfo]] = {}

    def probe(self) -> list[EngineInfo]:
        """List all engines, broken ones with their fault; takes seconds. Engines that are open show their live state.

        While a board is open its kind is not probed, because a second process must not touch the device: the other
        boards are listed as they were found before.
        """
        live = {info.engine_id: info for host in self._hosts if (info := host.info).state in _OPEN}
        busy = {_kind(key) for key in live}
        self._last |= self._probe_kinds([spec for spec in self._adapters if spec.kind not in busy])
        return [info for spec in self._adapters for info in self._listed(spec, live)]

    def choose(self, wanted: str, listed: Iterable[EngineInfo] | None = None) -> EngineInfo:
        """Return the engine that `wanted` names; `auto` is a working board, else ONNX Runtime, never the simulator.

        Raises EngineError: the fault of the engine that was asked for, or of the last that `auto` may take.
        """
        infos = list(self.probe() if listed is None else listed)
        candidates = _automatic(self._adapters, infos) if wanted == AUTO else [_named(infos, wanted)]
        for info in candidates:
            if info.fault is None:
                return info
        raise engine_error(candidates[-1].fault or _unknown(wanted)) if candidates else EngineError(_unknown(wanted))

    def open(self, engine_id: str, bundle: Path) -> EngineHost:
        """Open an engine with a bundle and test it. Raises EngineError; BugInChild for what nobody foresaw."""
        engine_id = _with_number(engine_id)
        spec = self._spec(engine_id)
        try:
            opened = open_bundle(bundle)
        except BundleRefused as error:
            raise ModelRefused(replace(error.fault, code="model-refused")) from error
        info = EngineInfo(engine_id, spec.name, "", "", EngineState.AVAILABLE)
        host = EngineHost(info, spec.adapter, opened, self._limits)
        self._hosts.add(host)
        try:
            return host.open()
        except (EngineError, ChildFailed):
            host.close()
            raise

    def _listed(self, spec: AdapterSpec, live: dict[str, EngineInfo]) -> list[EngineInfo]:
        """The engines of a kind as they were found last, the open ones with their live state."""
        mine = {info.engine_id: info for info in _of_kind(spec, live.values())}
        found = [info for info in self._last.get(spec.kind, ()) if not mine or info.fault is None]
        known = [mine.pop(info.engine_id, info) for info in found]
        return [*known, *(mine[engine_id] for engine_id in sorted(mine))]

    def _spec(self, engine_id: str) -> AdapterSpec:
        for spec in self._adapters:
            if spec.kind == _kind(engine_id):
                return spec
        raise EngineError(_unknown(engine_id))

    def _probe_kinds(self, specs: list[AdapterSpec]) -> dict[str, list[EngineInfo]]:
        runtimes = sorted({spec.runtime for spec in specs})
        groups = [[spec for spec in specs if spec.runtime == runtime] for runtime in runtimes]
        if not groups:
            return {}
        with ThreadPoolExecutor(len(groups), thread_name_prefix="engine-probe") as pool:
            return dict(chain.from_iterable(found.items() for found in pool.map(_probe_group, groups)))


def _probe_group(specs: list[AdapterSpec]) -> dict[str, list[EngineInfo]]:
    """Probe the kinds of one runtime in one child; a runtime that kills it costs the listing nothing but itself."""
    child = ChildProcess(worker.PROBE, name=f"probe-{specs[0].runtime}", start_timeout_s=PROBE_S)
    found: dict[str, list[EngineInfo]] = {}
    try:
        child.start()
        for spec in specs:
            found[spec.kind] = _infos(child.call(spec.adapter, timeout_s=PROBE_S))
    except ChildFailed as error:
        fault = broken_fault(_how(error)) if specs[0].runtime == "akida" else _broken(specs[0].runtime, _how(error))
        found |= {spec.kind: [_unavailable(spec, fault)] for spec in specs if spec.kind not in found}
    finally:
        child.close()
    return found


def _infos(reply: object) -> list[EngineInfo]:
    if isinstance(reply, list) and all(isinstance(info, EngineInfo) for info in reply):
        return reply
    raise BugInChild(_("an adapter listed something that is no engine"))


def _how(error: ChildFailed) -> str:
    match error:
        case ChildDied(exit_code=code):
            return _("its process ended with exit code {code}").format(code=code)
        case ChildTimedOut():
            return _("it did not finish loading in time")
        case _:
            return str(error).strip().rpartition("\n")[2]


def _broken(runtime: str, cause: str) -> Fault:
    return Fault(
        "sdk-broken",
        _("{runtime} cannot be loaded ({cause}).").format(runtime=runtime, cause=cause),
        _("Install QANA Desktop again."),
    )


def _unavailable(spec: AdapterSpec, fault: Fault) -> EngineInfo:
    return EngineInfo(_with_number(spec.kind), spec.name, "", "", EngineState.UNAVAILABLE, fault)


def _kind(engine_id: str) -> str:
    return engine_id.partition(":")[0]


def _with_number(engine_id: str) -> str:
    """`akida-board` is the first board."""
    return f"{engine_id}:0" if engine_id == "akida-board" else engine_id


def _of_kind(spec: AdapterSpec, infos: Iterable[EngineInfo]) -> list[EngineInfo]:
    return [info for info in infos if _kind(info.engine_id) == spec.kind]


def _automatic(adapters: Sequence[AdapterSpec], infos: list[EngineInfo]) -> list[EngineInfo]:
    return [info for spec in adapters if spec.chosen_by_auto for info in _of_kind(spec, infos)]


def _named(infos: list[EngineInfo], wanted: str) -> EngineInfo:
    for info in infos:
        if info.engine_id == _with_number(wanted):
            return info
    raise EngineError(_unknown(wanted))


def _unknown(engine_id: str) -> Fault:
    return Fault(
        "engine-unknown",
        _("There is no engine '{engine_id}' on this machine, so no image can be assessed with it.").format(
            engine_id=engine_id
        ),
        _("Choose one of the listed engines."),
    )
