"""Trains a new version from the confirmed cases: gathers them, watches the child, files and signs what comes of it."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from qana_desktop.learning.head import HeadSettings
from qana_desktop.learning.holdouts import Role
from qana_desktop.learning.site_calibration import FEWEST_IMAGES
from qana_desktop.network.bundle import list_bundles
from qana_desktop.network.manifest import Origin
from qana_desktop.services import learning_faults as faults
from qana_desktop.services.jobs import CancelToken, Progress
from qana_desktop.services.learning_child import ASK, TARGET, TrainAnswer, TrainRequest
from qana_desktop.services.learning_desk import LearningDesk
from qana_desktop.services.learning_factory import Factory
from qana_desktop.services.learning_queue import Queued, ready_for
from qana_desktop.services.learning_signing import manifest_hash, sign
from qana_desktop.services.learning_site_images import site_images
from qana_desktop.store import learning
from qana_desktop.store.faults import StoreReadOnly, fault_of_system
from qana_desktop.store.files import flush_folder
from qana_desktop.store.learning import VersionRow
from qana_desktop.system.childprocess import ChildDied, ChildFailed, ChildOutOfMemory, ChildProcess, ChildTimedOut
from qana_desktop.system.faults import KnownError
from qana_desktop.system.language import _
from qana_desktop.triage.access import Permission
from qana_desktop.triage.diagnosis import LesionClass, SiteClass

Report = Callable[[Progress], None]
STAGING: Final = ".training-"
START_S: Final = 60.0
ASK_S: Final = 60.0
LONGEST_S: Final = 1800.0
_SILENT: Final[Report] = lambda _progress: None  # noqa: E731 - a default value, not a function to read


@dataclass(frozen=True)
class Trained:
    """A version that was trained: its id, and what is recorded about how it was made."""

    version: str
    document: dict[str, object]


class TrainingDesk:
    """Trains for the person who is signed in at `desk`. One training at a time; any thread may call."""

    def __init__(self, desk: LearningDesk, *, settings: HeadSettings | None = None) -> None:
        self._desk, self._settings = desk, settings

    def train(
        self,
        origin: Origin = Origin.HEAD,
        *,
        device: str = "",
        token: CancelToken | None = None,
        report: Report = _SILENT,
    ) -> Trained:
        """Train on a copy of the factory version with every confirmed case; nothing that is in use is touched.

        Raises Cancelled (nothing is left), LearningRefused, TooFewCases, TooFewImages, what reading images raises.
        """
        user, desk = self._desk.allowed(Permission.SIGN), self._desk
        if desk.store.read_only is not None:
            raise StoreReadOnly(desk.store.read_only)
        token = token or CancelToken()
        factory = desk.factory()
        ready = ready_for(desk.queue(), Role.TRAINING) if origin is not Origin.SITE_CALIBRATION else ()
        cases, added = learnable(ready, factory)
        if origin is not Origin.SITE_CALIBRATION and not cases:
            raise faults.nothing_to_learn()
        self._sweep()
        with _staging(desk.homes.local) as folder:
            request = self._request(factory, cases, added, origin, device, folder, token, report)
            answer = run_in_child(request, token, report)
            token.check()
            place = _move_in(folder / answer.bundle, desk.homes.local)
            return self._file(place, factory, origin, cases, answer, by=user.entity)

    def _request(
        self,
        factory: Factory,
        cases: Sequence[Queued],
        added: SiteClass | None,
        origin: Origin,
        device: str,
        folder: Path,
        token: CancelToken,
        report: Report,
    ) -> TrainRequest:
        desk, size = self._desk, factory.input_size
        reading = _Reading(desk, size, token, report)
        with_images = origin is not Origin.HEAD
        unlabelled = None
        if with_images:
            with desk.store.reading() as connection:
                named = site_images(connection, device)
            if len(named) < FEWEST_IMAGES:
                raise faults.too_few_images(len(named), FEWEST_IMAGES)
            unlabelled = reading.of(named)
        return TrainRequest(
            origin=origin,
            factory=factory.bundle.path,
            into=folder,
            created=desk.store.clock().astimezone(UTC).isoformat(timespec="seconds"),
            cases=tuple(each.case for each in current(desk, factory, cases, token)),
            added=added,
            images=unlabelled,
            case_images=reading.of([each.row.sha256 for each in cases]) if with_images and cases else None,
            device=device,
            settings=self._settings or HeadSettings(new_class_cases=factory.protocol.new_class_cases),
        )

    def _file(
        self, place: Path, factory: Factory, origin: Origin, cases: Sequence[Queued], answer: TrainAnswer, *, by: str
    ) -> Trained:
        """Record the version, after its files are in place: a crash in between leaves files for the next to sweep."""
        document = {**json.loads(answer.facts), "cases": [_told(each) for each in cases]}
        text, manifest = json.dumps(document, sort_keys=True), manifest_hash(place)
        named = {"identity": place.name, "parent": factory.id, "kind": str(origin)}
        signature = sign(self._desk.store.keys, **named, manifest=manifest, document=text)
        row = VersionRow(place.name, factory.id, str(origin), manifest, signature, text)
        with self._desk.store.transaction(by) as action:
            if not learning.find(action.connection, VersionRow, id=place.name):
                learning.put(action, row)
        return Trained(place.name, document)

    def _sweep(self) -> None:
        """Remove what a crash may have left: unfinished folders, and bundles that were never recorded."""
        desk = self._desk
        with desk.store.reading() as connection:
            known = {kept.row.id for kept in learning.all_of(connection, VersionRow)}
        kept = {*known, desk.homes.active_id()}
        if not desk.homes.local.is_dir():
            return
        left = [desk.homes.local / name for name in list_bundles(desk.homes.local) if name not in kept]
        for path in (*left, *desk.homes.local.glob(f"{STAGING}*"), *desk.homes.local.glob(".ACTIVE-*")):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def learnable(ready: Sequence[Queued], factory: Factory) -> tuple[tuple[Queued, ...], SiteClass | None]:
    """The cases that can be learnt from now, and the new class among them.

    A new class waits until it has as many lesions as the protocol asks for; of several, the largest comes first.
    """
    known = set(factory.policy.classes)
    lesions: dict[LesionClass, set[str]] = {}
    for each in ready:
        if each.label not in known:
            lesions.setdefault(each.label, set()).add(each.row.lesion)
    enough = {label: len(own) for label, own in lesions.items() if len(own) >= factory.protocol.new_class_cases}
    added = max(enough, key=lambda label: (enough[label], str(label)), default=None)
    chosen = tuple(each for each in ready if each.label in known or each.label == added)
    return chosen, added if isinstance(added, SiteClass) else None


def run_in_child(request: TrainRequest, token: CancelToken, report: Report) -> TrainAnswer:
    """Train in a child and wait; it is killed when `token` asks, or after half an hour.

    Raises Cancelled, the known errors of training, LearningRefused when the child fails.
    """
    child = ChildProcess(TARGET, name="trainer", start_timeout_s=START_S)
    began = time.monotonic()
    try:
        child.start()
        answer = _ask(child, request)
        while not answer.ended:
            token.check()
            report(Progress(answer.done, answer.total, _("Training on a copy")))
            if time.monotonic() - began > LONGEST_S:
                raise _failed()
            answer = _ask(child, ASK)
    except (ChildDied, ChildTimedOut, ChildOutOfMemory) as error:
        raise _failed() from error
    finally:
        child.kill()
        child.close()
    if answer.fault is not None:
        raise KnownError(answer.fault)
    return answer


def current(desk: LearningDesk, factory: Factory, cases: Sequence[Queued], token: CancelToken) -> tuple[Queued, ...]:
    """The cases with features of this factory version: those that an earlier one read are read again."""
    return tuple(each if each.row.backbone == factory.id else _read_again(desk, factory, each, token) for each in cases)


def _read_again(desk: LearningDesk, factory: Factory, queued: Queued, token: CancelToken) -> Queued:
    token.check()
    found = desk.look(queued.row.sha256, factory)[1]
    return queued.with_features(found.features)


@dataclass(frozen=True)
class _Reading:
    """Network inputs of stored images, one after another."""

    desk: LearningDesk
    size: int
    token: CancelToken
    report: Report

    def of(self, images: Sequence[str]) -> npt.NDArray[np.uint8]:
        found = []
        for done, sha256 in enumerate(images):
            self.token.check()
            self.report(Progress(done, len(images), _("Reading images")))
            content = self.desk.store.read_image(sha256)
            found.append(self.desk.eye.prepare(content, input_size=self.size).network_input)
        return np.stack(found) if found else np.zeros((0, self.size, self.size, 3), np.uint8)


@contextmanager
def _staging(local: Path) -> Iterator[Path]:
    """A folder beside the versions for what is not finished; gone at the end, whatever happens."""
    try:
        local.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=STAGING, dir=local))
    except OSError as error:
        raise KnownError(fault_of_system(error)) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _move_in(bundle: Path, local: Path) -> Path:
    place = local / bundle.name
    try:
        if not place.exists():
            bundle.replace(place)
            flush_folder(local)
    except OSError as error:
        raise KnownError(fault_of_system(error)) from error
    return place


def _ask(child: ChildProcess, request: object) -> TrainAnswer:
    answer = child.call(request, timeout_s=ASK_S)
    if not isinstance(answer, TrainAnswer):
        raise ChildFailed("the trainer answered something else")
    return answer


def _told(queued: Queued) -> dict[str, object]:
    """A case as the record of a version keeps it: ids and words, no name."""
    row = queued.row
    return {
        "proposal": row.id,
        "patient": row.patient,
        "lesion": row.lesion,
        "label": row.label,
        "source": row.source,
        "reported": row.reported,
        "proposed_by": queued.by,
        "proposed_at": queued.at,
        "second": row.second,
        "confirmed_by": [kept.by for kept in queued.confirmations],
    }


def _failed() -> faults.LearningRefused:
    return faults.refused(
        "training-failed",
        _("The training ended without a result. Nothing was changed."),
        _("Close other programs to free memory, then train again."),
    )
