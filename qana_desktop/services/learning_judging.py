"""Judges a version that was trained here: frozen cases through the gate, and the checks beside it; all on record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from typing import Final

import numpy as np
import numpy.typing as npt

from qana_desktop.learning.gate import Accepted, Comparison, Decision, Holdout, best_of, decide
from qana_desktop.learning.holdouts import Look, Role, looks_warning
from qana_desktop.learning.judged import Judged, judge
from qana_desktop.network.bundle import Bundle
from qana_desktop.network.manifest import Origin
from qana_desktop.services import learning_checks as checks
from qana_desktop.services import learning_faults as faults
from qana_desktop.services.jobs import CancelToken, Progress
from qana_desktop.services.learning_child import class_rows
from qana_desktop.services.learning_desk import LearningDesk
from qana_desktop.services.learning_factory import Factory
from qana_desktop.services.learning_queue import Queued, read_queue, ready_for
from qana_desktop.services.learning_signing import check_signature
from qana_desktop.services.learning_training import current
from qana_desktop.store import learning
from qana_desktop.store.faults import StoreReadOnly
from qana_desktop.store.learning import ActivationRow, EvaluationRow, Kept, LookRow, VersionRow
from qana_desktop.system.language import _
from qana_desktop.triage.access import Permission
from qana_desktop.triage.diagnosis import MALIGNANT, LesionClass
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.triage.policy_json import policy_from_json

Report = Callable[[Progress], None]
UInt8Image = npt.NDArray[np.uint8]
_SILENT: Final[Report] = lambda _progress: None  # noqa: E731 - a default value, not a function to read
_STEPS: Final = 5


@dataclass(frozen=True)
class TurnedCase:
    """A case that the new version reads wrong and the factory version right; `image` is a file's SHA-256, "" for none.

    `pseudonym` is of the clinic's patient.
    """

    where: str
    case: str
    label: str
    answer: str
    image: str = ""
    pseudonym: str = ""


@dataclass(frozen=True)
class Evaluation:
    """What the gate and the checks said about a version. `number` is its place in the store."""

    version: str
    accepted: bool
    lines: tuple[checks.CheckLine, ...]
    power: tuple[str, ...]
    turned: tuple[TurnedCase, ...]
    warnings: tuple[str, ...]
    engines: tuple[checks.AskedEngine, ...]
    number: int = 0

    @property
    def failed(self) -> tuple[checks.CheckLine, ...]:
        """The lines that do not hold."""
        return tuple(line for line in self.lines if not line.holds)


@dataclass(frozen=True, eq=False)
class _Local:
    """The clinic's holdout: one confirmed image of each lesion, and its prepared pixels where they were asked for."""

    cases: tuple[Queued, ...]
    images: tuple[UInt8Image, ...]
    classes: tuple[LesionClass, ...]

    def truth(self) -> npt.NDArray[np.int64]:
        """Indices in `classes`, those of the version that is judged."""
        return np.array([self.classes.index(each.label) for each in self.cases])


class JudgingDesk:
    """Judges for the person who is signed in at `desk`."""

    def __init__(self, desk: LearningDesk) -> None:
        self._desk = desk

    def evaluate(self, version: str, *, token: CancelToken | None = None, report: Report = _SILENT) -> Evaluation:
        """Judge a version on the frozen cases; each time counts as a look at them, also when it is cancelled.

        Raises Cancelled, LearningRefused, BundleRefused, EngineError, what reading images raises.
        """
        user, desk, token = self._desk.allowed(Permission.SIGN), self._desk, token or CancelToken()
        if desk.store.read_only is not None:
            raise StoreReadOnly(desk.store.read_only)
        row = find_version(desk, version)
        bundle, factory = desk.homes.open(version), desk.factory()
        check_signature(desk.store.keys, row.row, bundle.path)
        if row.row.parent != factory.id:
            raise _other_parent(version)
        policy = policy_from_json(bundle.policy_json())
        local = self._local(factory, policy, token, report)
        self._look(version, bool(local.cases), user.entity)
        report(Progress(1, _STEPS, _("Reading the factory's cases")))
        decision = self._decide(bundle, factory, local, token, report)
        report(Progress(3, _STEPS, _("Comparing the engines")))
        lines, engines = self._checks(bundle, factory, local, token)
        found = self._evaluation(version, decision, lines, engines, factory, local)
        with desk.store.transaction(user.entity) as action:
            number = learning.put(action, EvaluationRow(version, found.accepted, _to_json(found)))
        report(Progress(_STEPS, _STEPS, _("Judged")))
        return Evaluation(**{**vars(found), "number": number})

    # --- inside

    def _local(self, factory: Factory, policy: ReadingPolicy, token: CancelToken, report: Report) -> _Local:
        """All images are prepared: engines are compared on some, and a version for a camera reads them anew."""
        with self._desk.store.reading() as connection:
            queue = read_queue(connection)
        ready = [each for each in ready_for(queue, Role.HOLDOUT) if each.label in policy.classes]
        chosen = current(self._desk, factory, list({each.row.lesion: each for each in reversed(ready)}.values()), token)
        images = []
        for done, each in enumerate(chosen):
            token.check()
            report(Progress(done, len(chosen), _("Reading the clinic's own test cases")))
            content = self._desk.store.read_image(each.row.sha256)
            images.append(self._desk.eye.prepare(content, input_size=factory.input_size).network_input)
        return _Local(tuple(chosen), tuple(images), policy.classes)

    def _look(self, version: str, local: bool, user: str) -> None:
        """Recorded before anything is seen: a look that is cut off has been one."""
        with self._desk.store.transaction(user) as action:
            for holdout in (Holdout.FACTORY, Holdout.LOCAL) if local else (Holdout.FACTORY,):
                learning.put(action, LookRow(holdout.name.lower(), version))

    def _decide(self, bundle: Bundle, factory: Factory, local: _Local, token: CancelToken, report: Report) -> Decision:
        with self._desk.store.reading() as connection:
            used = {kept.row.version for kept in learning.find(connection, ActivationRow, step="done")}
        here = [self._desk.homes.open(each) for each in sorted(used) if self._is_here(each, factory, bundle)]
        former = [each for each in here if _knows_part_of(each, local.classes)]
        holdouts = (Holdout.FACTORY, Holdout.LOCAL) if local.cases else (Holdout.FACTORY,)
        comparisons = []
        for number, holdout in enumerate(holdouts):
            token.check()
            report(Progress(1 + number, _STEPS, _("Reading the test cases with the new version")))
            read = {each.id: self._read(holdout, each, factory, local) for each in (factory.bundle, *former, bundle)}
            best = reduce(lambda best, each: best_of(read[each.id], best), former, best_of(read[factory.id]))
            comparisons.append(Comparison(holdout, read[factory.id], read[bundle.id], best))
        return decide(tuple(comparisons), factory.protocol)

    def _is_here(self, version: str, factory: Factory, bundle: Bundle) -> bool:
        other = version not in {factory.id, bundle.id, ""}
        return other and self._desk.homes.path_of(version).is_dir()

    def _read(self, holdout: Holdout, bundle: Bundle, factory: Factory, local: _Local) -> Judged:
        """Factory cases keep the factory's thresholds: they are of its camera. A head is exact integer arithmetic."""
        policy = policy_from_json(bundle.policy_json())
        rows, also = class_rows(bundle.network()).astype(np.int64), local.classes[len(policy.classes) :]
        if holdout is Holdout.FACTORY:
            means = (factory.holdout.features.astype(np.int64) @ rows.T).mean(axis=1)
            return judge(factory.holdout.lesions, factory.holdout.labels, means, policy, also=also)
        if bundle.manifest.origin in {Origin.FACTORY, Origin.HEAD}:
            features = [each.case.features for each in local.cases]
        else:
            named, classes = policy.views, len(policy.classes)
            features = [
                self._desk.eye.read(bundle.path, image, classes=classes, named_views=named).features
                for image in local.images
            ]
        means = np.stack([(each.astype(np.int64) @ rows.T).mean(axis=0) for each in features])
        return judge([each.row.lesion for each in local.cases], local.truth(), means, policy, also=also)

    def _checks(
        self, bundle: Bundle, factory: Factory, local: _Local, token: CancelToken
    ) -> tuple[tuple[checks.CheckLine, ...], tuple[checks.AskedEngine, ...]]:
        desk, policy = self._desk, policy_from_json(bundle.policy_json())
        shape = bundle.manifest.input_shape
        lines = list(self._past(bundle, factory, local))
        token.check()
        lines += checks.domain_line(
            desk.eye, (factory.bundle.path, factory.policy), (bundle.path, policy), checks.odd_pictures(shape)
        )
        desk.eye.close()
        batch = checks.compared_batch(local.images, policy.views, shape)
        engines = checks.compare_engines(desk.eye.shelf, bundle.path, batch, check=token.check)
        return (*lines, *checks.engine_lines(engines)), engines

    def _past(self, bundle: Bundle, factory: Factory, local: _Local) -> Iterator[checks.CheckLine]:
        missed = [each.row.lesion for each in local.cases if each.row.answer not in {"", str(each.label)}]
        if missed:
            in_use = self._desk.homes.open_active()
            chosen = in_use if _knows_part_of(in_use, local.classes) else factory.bundle
            active = self._read(Holdout.LOCAL, chosen, factory, local)
            yield from checks.past_failures_line(active, self._read(Holdout.LOCAL, bundle, factory, local), missed)

    def _evaluation(
        self,
        version: str,
        decision: Decision,
        lines: Sequence[checks.CheckLine],
        engines: tuple[checks.AskedEngine, ...],
        factory: Factory,
        local: _Local,
    ) -> Evaluation:
        of_gate = [checks.CheckLine(line.code, str(line.holdout), line.holds, line.sentence) for line in decision.lines]
        turned = tuple(_turned(holdout, case, factory, local) for holdout, case in decision.turned_wrong)
        accepted = isinstance(decision, Accepted) and all(line.holds for line in lines)
        return Evaluation(
            version, accepted, (*of_gate, *lines), decision.power, turned, self._warnings(factory, local), engines
        )

    def _warnings(self, factory: Factory, local: _Local) -> tuple[str, ...]:
        with self._desk.store.reading() as connection:
            looks = learning.all_of(connection, LookRow)
        classes = factory.policy.classes
        malignant = {
            Holdout.FACTORY: sum(classes[label] in MALIGNANT for label in factory.holdout.labels),
            Holdout.LOCAL: sum(each.label in MALIGNANT for each in local.cases),
        }
        found = []
        for holdout, count in malignant.items():
            own = [Look(kept.row.version, kept.at) for kept in looks if kept.row.holdout == holdout.name.lower()]
            warning = looks_warning(own, count, factory.protocol)
            if warning is not None:
                found.append(_("{holdout}: {warning}").format(holdout=str(holdout).capitalize(), warning=warning))
        return tuple(found)


def find_version(desk: LearningDesk, version: str) -> Kept[VersionRow]:
    """Return the record of a version; raises LearningRefused when none was trained here by that name."""
    with desk.store.reading() as connection:
        found = learning.find(connection, VersionRow, id=version)
    if not found:
        raise faults.unknown_version(version)
    return found[0]


def evaluation_of(kept: Kept[EvaluationRow]) -> Evaluation:
    """Return an evaluation as it was recorded."""
    told = json.loads(kept.row.document)
    return Evaluation(
        version=kept.row.version,
        accepted=kept.row.accepted,
        lines=tuple(checks.CheckLine(**line) for line in told["lines"]),
        power=tuple(told["power"]),
        turned=tuple(TurnedCase(**case) for case in told["turned"]),
        warnings=tuple(told["warnings"]),
        engines=tuple(checks.AskedEngine(**engine) for engine in told["engines"]),
        number=kept.number,
    )


def _to_json(found: Evaluation) -> str:
    told = asdict(found)
    told.pop("number")
    return json.dumps(told, sort_keys=True, ensure_ascii=False)


def _turned(holdout: Holdout, case: str, factory: Factory, local: _Local) -> TurnedCase:
    if holdout is Holdout.FACTORY:
        label = factory.policy.classes[factory.holdout.labels[factory.holdout.lesions.index(case)]]
        return TurnedCase(str(holdout), case, str(label), "")
    own = next(each for each in local.cases if each.row.lesion == case)
    return TurnedCase(str(holdout), case, str(own.label), own.row.answer, own.row.sha256, own.pseudonym)


def _knows_part_of(bundle: Bundle, classes: tuple[LesionClass, ...]) -> bool:
    """Whether a version's classes are those, or the first of those: only then its answers can be compared."""
    own = policy_from_json(bundle.policy_json()).classes
    return own == classes[: len(own)]


def _other_parent(version: str) -> faults.LearningRefused:
    return faults.refused(
        "other-parent",
        _("The version {version} was made from another factory version than the one that is installed now.").format(
            version=version
        ),
        _("Train again: the cases are all there."),
    )
