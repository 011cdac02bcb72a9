"""Everything about learning for a window: one object with the desks in it, and one look at how things stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qana_desktop.engines.registry import EngineRegistry
from qana_desktop.intake.reader import ImageReader
from qana_desktop.services.case_desk import CaseDesk
from qana_desktop.services.learning_candidates import CandidateImage, candidates
from qana_desktop.services.learning_desk import Allowed, LearningDesk
from qana_desktop.services.learning_eye import EngineShelf, Eye
from qana_desktop.services.learning_faults import LearningRefused
from qana_desktop.services.learning_homes import ModelHomes, find_homes
from qana_desktop.services.learning_judging import Evaluation, JudgingDesk, evaluation_of
from qana_desktop.services.learning_queue import Queued
from qana_desktop.services.learning_states import FlaggedReading, VersionView, readings_to_repeat
from qana_desktop.services.learning_training import TrainingDesk
from qana_desktop.services.learning_versions import VersionsDesk
from qana_desktop.services.queues import RE_READ, put_in
from qana_desktop.store import records
from qana_desktop.store.store import Store
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.triage.access import User


def flag_for_reading_again(cases: CaseDesk, store: Store) -> int:
    """Put every case with a reading of a version that was taken back into the queue "re-read"; returns how many."""
    with store.reading() as connection:
        encounters = {each.encounter for each in readings_to_repeat(connection)}
    for encounter in sorted(encounters):
        put_in(cases, cases.open_case(encounter), RE_READ)
    return len(encounters)


@dataclass(frozen=True)
class LearningState:
    """How things stand. `cannot` says why this installation cannot learn, `trouble` what is wrong with what is in use.

    `evaluations` are the last ones, by version; `names` are users' names by id.
    """

    in_use: str
    factory: str
    cannot: Fault | None
    trouble: Fault | None
    queue: tuple[Queued, ...]
    candidates: tuple[CandidateImage, ...]
    versions: tuple[VersionView, ...]
    evaluations: dict[str, Evaluation]
    repeat: tuple[FlaggedReading, ...]
    names: dict[str, str]


class LearningRoom:
    """The desks of learning beside an open store. `close` ends what they started."""

    def __init__(
        self,
        store: Store,
        allowed: Allowed,
        *,
        homes: Callable[[], ModelHomes] = find_homes,
        shelf: Callable[[], EngineShelf] = EngineRegistry,
    ) -> None:
        self.store, self._reader = store, ImageReader()
        self.desk = LearningDesk(store, allowed, homes(), Eye(self._reader, shelf()))
        self.training, self.judging, self.versions = (
            TrainingDesk(self.desk),
            JudgingDesk(self.desk),
            VersionsDesk(self.desk),
        )

    def look(self) -> LearningState:
        """Return how things stand; raises NotAllowed, StoreError."""
        queue, versions, trouble = self.desk.queue(), self.versions.versions(), None
        try:
            if self.store.read_only is None:
                self.versions.settle()
        except LearningRefused as error:
            trouble = error.fault
        with self.store.reading() as connection:
            names = {user.entity: user.value.name for user in records.all_of(connection, User)}
            proven, repeat = candidates(connection), readings_to_repeat(connection)
        judged = {view.row.id: evaluation_of(view.evaluation) for view in versions if view.evaluation is not None}
        homes = self.desk.homes
        factory, cannot = homes.factory_id(), self._cannot()
        in_use = factory if trouble is not None else homes.active_id()
        return LearningState(in_use, factory, cannot, trouble, queue, proven, versions, judged, repeat, names)

    def roll_back(self, cases: CaseDesk, reason: str, *, to_factory: bool = False) -> int:
        """Go back, and put the cases that were read in between into the queue "re-read"; returns how many there are.

        Raises as `VersionsDesk.roll_back`.
        """
        self.versions.roll_back(reason, to_factory=to_factory)
        return flag_for_reading_again(cases, self.store)

    def picture(self, sha256: str, *, longest_side: int) -> npt.NDArray[np.uint8]:
        """Return an image of the store for the screen (uint8 RGB); raises BlobDamaged, FileRefused."""
        return self._reader.display(self.store.read_image(sha256), longest_side=longest_side)

    def close(self) -> None:
        """End engines and readers. Safe to call twice."""
        self.desk.close()
        self._reader.close()

    def _cannot(self) -> Fault | None:
        try:
            self.desk.factory()
        except KnownError as error:
            return error.fault
        return None
