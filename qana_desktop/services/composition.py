"""Makes the desks that window and command line share, joins them, and owns the order in which they end."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from qana_desktop.engines.contract import EngineError, EngineInfo
from qana_desktop.engines.explainer import Explainer
from qana_desktop.engines.registry import AUTO, EngineRegistry
from qana_desktop.engines.second_reader import SecondReader
from qana_desktop.engines.watch import BoardWatch
from qana_desktop.intake.prepared import Prepared
from qana_desktop.intake.reader import ImageReader
from qana_desktop.network.bundle import Bundle, open_bundle
from qana_desktop.network.preprocess import DIHEDRAL, PREPROCESS_VERSION
from qana_desktop.services.board_desk import BoardDesk
from qana_desktop.services.explaining import Explaining
from qana_desktop.services.learning_homes import find_homes
from qana_desktop.services.second_opinion import SecondOpinion
from qana_desktop.services.triage_desk import ActiveBundle, TriageDesk
from qana_desktop.system.clock import Clock
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.host import describe_host
from qana_desktop.system.json_reads import BadJson
from qana_desktop.system.language import _
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.triage.policy_json import policy_from_json

_NOT_THERE: Final = frozenset({"device-missing", "sdk-missing", "sdk-platform"})
"""Faults that say that there simply is no board: nothing to tell a person who asked for any engine."""


class BundleUnfit(KnownError):
    """The bundle is whole, but this program cannot read images with it."""


@dataclass(frozen=True, eq=False)
class Desks:
    """What window and command line work with. `passed_over`: why `auto` did not take a board that is there.

    `device` is what was chosen: one engine, or several that share the work.
    """

    triage: TriageDesk
    device: BoardDesk
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
        device = BoardDesk(registry, active.path)
        watch = BoardWatch(device.boards_changed)
        ending.callback(watch.close)
        ending.callback(device.close)
        watch.start()
        passed_over = _start(reader, registry, device, engine) if engine is not None else ()
        yield Desks(_triage(reader, device, active, ending), device, active, passed_over)


def _triage(reader: ImageReader, device: BoardDesk, active: ActiveBundle, ending: ExitStack) -> TriageDesk:
    """The triage desk with those whom it asks now and then; their processes start with the first question."""
    bundle, clock = open_bundle(active.path), Clock()

    def prepare(source: Path | bytes, size: int) -> Prepared:
        return reader.prepare(source, input_size=size)

    explainer = Explainer(bundle)
    ending.callback(explainer.close)
    second = None if bundle.manifest.second_reader is None else SecondReader(bundle)
    if second is not None:
        ending.callback(second.close)
    return TriageDesk(
        reader,
        device,
        active,
        clock,
        describe_host(),
        second=SecondOpinion(second, prepare, active.policy, clock),
        explaining=Explaining(
            explainer,
            prepare,
            bundle.network(),
            active.policy,
            bundle_id=active.id,
            input_size=active.input_size,
        ),
    )


def load_bundle(path: Path | None = None) -> ActiveBundle:
    """Open and check a bundle (None: the active one); raises BundleRefused, BundleUnfit, ResourcesMissing."""
    bundle = find_homes().open_active() if path is None else open_bundle(path)
    try:
        policy = policy_from_json(bundle.policy_json())
    except BadJson as error:
        raise BundleUnfit(error.fault) from error
    for problem in _problems(bundle, policy):
        raise BundleUnfit(
            Fault(
                "bundle-unfit",
                _("The bundle “{id}” cannot be used: {problem}.").format(id=bundle.id, problem=problem),
                _("Choose another version of the network, or install this one again."),
            )
        )
    return ActiveBundle(bundle.id, bundle.path, bundle.manifest.input_shape[0], policy)


def _problems(bundle: Bundle, policy: ReadingPolicy) -> Iterator[str]:
    manifest = bundle.manifest
    height, width, channels = manifest.input_shape
    if (height, channels) != (width, 3):
        yield _("its network does not take square RGB images")
    if manifest.preprocess_version != PREPROCESS_VERSION:
        yield _("it needs preprocessing {preprocess_version}, and this program has {preprocess_version2}").format(
            preprocess_version=manifest.preprocess_version, preprocess_version2=PREPROCESS_VERSION
        )
    if tuple(str(known) for known in policy.classes) != manifest.classes or policy.views != manifest.views:
        yield _("its reading policy is for other classes or views than its network")
    if not set(policy.views) <= set(DIHEDRAL):
        yield _("it asks for a view that this program does not know")
    if policy.domain is not None and len(policy.domain.variances) != manifest.features:
        yield _("its domain model is for another number of features")


def _start(reader: ImageReader, registry: EngineRegistry, device: BoardDesk, wanted: str) -> tuple[Fault, ...]:
    """Start the image reader while the engines start, which takes longer."""
    with ThreadPoolExecutor(1, thread_name_prefix="start-reader") as pool:
        reading = pool.submit(reader.start)
        passed_over: tuple[Fault, ...] = ()
        if wanted == AUTO:
            passed_over = _choose_automatically(registry, device)
        else:
            device.choose(wanted)
        reading.result()
    return passed_over


def _choose_automatically(registry: EngineRegistry, device: BoardDesk) -> tuple[Fault, ...]:
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
