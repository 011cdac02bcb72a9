"""What a person's cases would change, before anything is proposed: trained on a copy that nobody keeps.

No frozen case is looked at: a test that is asked before every step is no test. Shown is what the new head says of the
cases themselves, and how many of the factory's training cases it would answer otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from qana_desktop.learning.head import HeadSettings
from qana_desktop.learning.holdouts import Role
from qana_desktop.learning.memory import LocalCase
from qana_desktop.network.manifest import Origin
from qana_desktop.services import learning_faults as faults
from qana_desktop.services.jobs import CancelToken, Progress
from qana_desktop.services.learning_child import TrainRequest, class_rows
from qana_desktop.services.learning_desk import LearningDesk, NewProposal
from qana_desktop.services.learning_factory import Factory
from qana_desktop.services.learning_queue import ready_for
from qana_desktop.services.learning_training import current, learnable, run_in_child
from qana_desktop.system.language import _
from qana_desktop.triage.access import Permission
from qana_desktop.triage.assess import assess
from qana_desktop.triage.calibration import probabilities_of_means
from qana_desktop.triage.outcome import CannotAssess
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.triage.policy_json import policy_from_json

Report = Callable[[Progress], None]
_SILENT: Final[Report] = lambda _progress: None  # noqa: E731 - a default value, not a function to read


@dataclass(frozen=True)
class PreviewedCase:
    """One of the cases: its diagnosis, and the answer now and with what would be learnt."""

    image: str
    label: str
    now: str
    then: str


@dataclass(frozen=True)
class Preview:
    """What would change. `left_out` counts cases that cannot be read, or whose class is too new to be learnt.

    `others` are learnt from already. `factory_changed` of `factory_all` training cases of the factory would be answered
    otherwise.
    """

    cases: tuple[PreviewedCase, ...]
    left_out: int
    others: int
    factory_changed: int
    factory_all: int

    @property
    def right_now(self) -> int:
        """How many of the cases are answered right now."""
        return sum(case.now == case.label for case in self.cases)

    @property
    def right_then(self) -> int:
        """How many would be; they were learnt from, so this says less than it seems."""
        return sum(case.then == case.label for case in self.cases)


def preview(
    desk: LearningDesk,
    news: Sequence[NewProposal],
    *,
    token: CancelToken | None = None,
    report: Report = _SILENT,
) -> Preview:
    """Train a head on the confirmed cases and these, and say what changes; nothing is stored.

    Raises Cancelled, LearningRefused when none of the cases can be read, TooFewCases, EngineError.
    """
    desk.allowed(Permission.ENTER)
    token, factory = token or CancelToken(), desk.factory()
    ready, added = learnable(ready_for(desk.queue(), Role.TRAINING), factory)
    known = {*map(str, factory.policy.classes), str(added)}
    cases = [one for one in _looked_at(desk, factory, news, token, report) if one[1].label in known]
    if not cases:
        raise faults.nothing_to_learn()
    others = current(desk, factory, ready, token)
    request = TrainRequest(
        origin=Origin.HEAD,
        factory=factory.bundle.path,
        into=Path(),
        created=desk.store.clock().astimezone(UTC).isoformat(timespec="seconds"),
        cases=(*(each.case for each in others), *(case for _image, case in cases)),
        added=added,
        settings=HeadSettings(new_class_cases=factory.protocol.new_class_cases),
        keep=False,
    )
    answer = run_in_child(request, token, report)
    if answer.rows is None:
        raise ValueError("a training without an end")
    before, after = class_rows(factory.network), answer.rows
    memory = factory.memory.features[:, None, :]
    versions = ((before, factory.policy), (after, policy_from_json(answer.policy)))
    now, then = (_answers(memory, *version) for version in versions)
    own = np.stack([case.features for _image, case in cases])
    own_now, own_then = (_answers(own, *version) for version in versions)
    codes = [str(known) for known in versions[1][1].classes]
    shown = zip(cases, own_now, own_then, strict=True)
    return Preview(
        cases=tuple(PreviewedCase(image, case.label, codes[a], codes[b]) for (image, case), a, b in shown),
        left_out=len(news) - len(cases),
        others=len(others),
        factory_changed=int((now != then).sum()),
        factory_all=len(now),
    )


def _looked_at(
    desk: LearningDesk, factory: Factory, news: Sequence[NewProposal], token: CancelToken, report: Report
) -> list[tuple[str, LocalCase]]:
    found = []
    for done, new in enumerate(news):
        token.check()
        report(Progress(done, len(news), _("Looking at the images")))
        place = desk.place_of(new.image)
        prepared, seen = desk.look(place.image.value.sha256, factory)
        outcome = assess(seen.logits, seen.features, factory.policy, quality=prepared.quality)
        if not isinstance(outcome, CannotAssess):
            found.append((new.image, LocalCase(place.patient, place.lesion, str(new.label), seen.features)))
    return found


def _answers(
    features: npt.NDArray[np.uint8], rows: npt.NDArray[np.int8], policy: ReadingPolicy
) -> npt.NDArray[np.int64]:
    """Class indices (n,) that rows (classes, F) give for features (n, views, F), by a policy."""
    means = (features.astype(np.int64) @ rows.astype(np.int64).T).mean(axis=1)
    shares = probabilities_of_means(means, policy.calibration)
    return np.asarray((shares * np.asarray(policy.decision_weights)).argmax(axis=1), dtype=np.int64)
