"""Makes the desks that window and command line share, joins them, and owns the order in which they end."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from qana_desktop.engines.contract import EngineError, EngineInfo
from qana_desktop.engines.registry import AUTO, EngineRegistry
from qana_desktop.engines.watch import BoardWatch
from qana_desktop.intake.reader import ImageReader
from qana_desktop.network.bundle import Bundle, active_bundle, open_bundle
from qana_desktop.network.preprocess import DIHEDRAL, PREPROCESS_VERSION
from qana_desktop.services.board_team import BoardTeam
from qana_desktop.services.device_desk import DeviceDesk
from qana_desktop.services.triage_desk import ActiveBundle, TriageDesk
from qana_desktop.system.clock import Clock
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.host import describe_host
from qana_desktop.system.json_reads import BadJson
from qana_desktop.system.resources import models_dir
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.triage.policy_json import policy_from_json

ALL_BOARDS: Final = "all-boards"

_NOT_THERE: Final = frozenset({"device-missing", "sdk-missing", "sdk-platform"})
"""Faults that say that there simply is no board: nothing to tell a person who asked for any engine."""


class BundleUnfit(KnownError):
    """The bundle is whole, but this program cannot read images with it."""


@dataclass(frozen=True, eq=False)
class Desks:
    """What window and command line work with. `passed_over`: why `auto` did not take a board that is there.

    `device` is the chosen engine, the first one where several share the work.
    """

    triage: TriageDesk
    device: DeviceDesk
    bundle: ActiveBundle
    passed_over: tuple[Fault, ...]


@contextmanager
def open_desks(bundle: Path | None = None, *, engine: str | None = AUTO) -> Iterator[Desks]:
    """Open the desks with a bundle (None: the active one) and an engine (None: a person chooses later).

    `engine` is an id, `akida-board` for the first board, or `auto`: a board that works, else ONNX Runtime, never the
    simulator. Several ids with commas between them, or `all-boards`, share the images of a batch. On leaving, the
    engines' processes end before the image reader's. Raises BundleRefused, BundleUnfit, ResourcesMissing, EngineError.
    """
    active = load_bundle(bundle)
    registry = EngineRegistry()
    with ExitStack() as ending:
        reader = ending.enter_context(ImageReader())
        names = _several(registry, engine)
        desks = [DeviceDesk(registry, active.path) for _ in names]
        team = BoardTeam(desks)
        watch = BoardWatch(team.boards_changed)
        ending.callback(watch.close)
        for desk in desks:
            ending.callback(desk.close)
        watch.start()
        passed_over = _start(reader, registry, dict(zip(names, desks, strict=True))) if engine is not None else ()
        device: DeviceDesk | BoardTeam = desks[0] if len(desks) == 1 else team
        yield Desks(TriageDesk(reader, device, active, Clock(), describe_host()), desks[0], active, passed_over)


def _several(registry: EngineRegistry, wanted: str | None) -> list[str]:
    """The names of the engines that shall share the work; mostly one. Raises EngineError for one named twice."""
    if wanted == ALL_BOARDS:
        listed = registry.probe()
        found = [info.engine_id for info in listed if info.engine_id.startswith("akida-board") and info.fault is None]
        return found or [registry.choose("akida-board", listed).engine_id]
    names = [name.strip() for name in (wanted or "").split(",")]
    if len(set(names)) != len(names):
        raise EngineError(
            Fault("engine-twice", "An engine was named twice, so no image was assessed.", "Name each engine once.")
        )
    return names


def load_bundle(path: Path | None = None) -> ActiveBundle:
    """Open and check a bundle (None: the active one); raises BundleRefused, BundleUnfit, ResourcesMissing."""
    bundle = active_bundle(models_dir()) if path is None else open_bundle(path)
    try:
        policy = policy_from_json(bundle.policy_json())
    except BadJson as error:
        raise BundleUnfit(error.fault) from error
    for problem in _problems(bundle, policy):
        raise BundleUnfit(
            Fault(
                "bundle-unfit",
                f"The bundle “{bundle.id}” cannot be used: {problem}.",
                "Choose another version of the network, or install this one again.",
            )
        )
    return ActiveBundle(bundle.id, bundle.path, bundle.manifest.input_shape[0], policy)


def _problems(bundle: Bundle, policy: ReadingPolicy) -> Iterator[str]:
    manifest = bundle.manifest
    height, width, channels = manifest.input_shape
    if (height, channels) != (width, 3):
        yield "its network does not take square RGB images"
    if manifest.preprocess_version != PREPROCESS_VERSION:
        yield f"it needs preprocessing {manifest.preprocess_version}, and this program has {PREPROCESS_VERSION}"
    if tuple(policy.classes) != manifest.classes or policy.views != manifest.views:
        yield "its reading policy is for other classes or views than its network"
    if not set(policy.views) <= set(DIHEDRAL):
        yield "it asks for a view that this program does not know"
    if policy.domain is not None and len(policy.domain.variances) != manifest.features:
        yield "its domain model is for another number of features"


def _start(reader: ImageReader, registry: EngineRegistry, chosen: dict[str, DeviceDesk]) -> tuple[Fault, ...]:
    """Start the image reader while the engines start, which takes longer."""
    with ThreadPoolExecutor(1, thread_name_prefix="start-reader") as pool:
        reading = pool.submit(reader.start)
        passed_over: tuple[Fault, ...] = ()
        for wanted, device in chosen.items():
            if wanted == AUTO:
                passed_over += _choose_automatically(registry, device)
            else:
                device.choose(wanted)
        reading.result()
    return passed_over


def _choose_automatically(registry: EngineRegistry, device: DeviceDesk) -> tuple[Fault, ...]:
    """Take the first engine that opens, and return why others were passed over: a person asked for any of them."""
    listed, failed = registry.probe(), list[EngineError]()
    passed_over: list[Fault] = []
    while True:
        try:
            info = registry.choose(AUTO, listed)
        except EngineError as error:
            raise (failed or [error])[-1] from None
        passed_over += [fault for fault in _faults_before(listed, info) if fault not in passed_over]
        try:
            device.choose(info.engine_id)
        except EngineError as error:
            failed.append(error)
            listed[listed.index(info)] = replace(info, fault=error.fault)
        else:
            return tuple(passed_over)


def _faults_before(listed: list[EngineInfo], taken: EngineInfo) -> list[Fault]:
    before = listed[: listed.index(taken)]
    return [info.fault for info in before if info.fault is not None and info.fault.code not in _NOT_THERE]
