"""Versions that were trained here: who approves one, how it comes into use, and the one action that goes back.

The pointer on the disk says what is in use, and is replaced in one step. The record is written before (begun) and after
(done); what a crash left open between the two is settled by `settle`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from qana_desktop.network.bundle import ACTIVE, open_bundle
from qana_desktop.network.bundle import activate as replace_pointer
from qana_desktop.network.manifest import BundleRefused
from qana_desktop.services import learning_faults as faults
from qana_desktop.services.activation import Activated, activate_version
from qana_desktop.services.jobs import CancelToken
from qana_desktop.services.learning_checks import compare_engines, compared_batch, engine_lines
from qana_desktop.services.learning_desk import LearningDesk
from qana_desktop.services.learning_judging import evaluation_of, find_version
from qana_desktop.services.learning_signing import check_signature
from qana_desktop.services.learning_states import FACTORY, VersionView, read_versions
from qana_desktop.store import learning
from qana_desktop.store.faults import StoreReadOnly, translated
from qana_desktop.store.learning import ActivationRow, ApprovalRow, EvaluationRow
from qana_desktop.store.store import SYSTEM
from qana_desktop.system.faults import KnownError
from qana_desktop.system.language import _
from qana_desktop.triage.access import Permission, User
from qana_desktop.triage.case import Filed
from qana_desktop.triage.policy_json import policy_from_json

ACTIVATE: Final = "activate"
ROLL_BACK: Final = "roll-back"
BEGUN: Final = "begun"
DONE: Final = "done"
LEFT: Final = "left"
"""An activation that was begun and came to nothing: what was in use stays."""
UNREADABLE: Final = "unreadable"
_REASON: Final = 3


@dataclass(frozen=True)
class Changed:
    """The version in use now and before: bundle ids."""

    now: str
    before: str


class VersionsDesk:
    """Decides about versions for the person who is signed in at `desk`."""

    def __init__(self, desk: LearningDesk, *, put_in_use: Callable[[Path, str], Activated] = activate_version) -> None:
        self._desk, self._put_in_use = desk, put_in_use

    def versions(self) -> tuple[VersionView, ...]:
        """Return every version that was trained here with what stands of it, oldest first."""
        self._desk.allowed(Permission.SEE)
        with self._desk.store.reading() as connection:
            return read_versions(connection, self._pointer())

    def approve(self, version: str, *, agrees: bool, reason: str) -> None:
        """Decide about a version that the gate accepted, with a reason.

        Raises LearningRefused for one that was not accepted, for who trained it, and without a reason.
        """
        user, desk = self._writer(Permission.APPROVE), self._desk
        row, found = find_version(desk, version), self._last_evaluation(version)
        if len(reason.strip()) < _REASON:
            raise faults.refused("no-reason", _("An approval needs a reason."), _("Write in a sentence why."))
        if row.by == user.entity:
            raise faults.refused(
                "own-version",
                _("You trained this version yourself. Another person has to decide about it."),
                _("Ask another approver."),
            )
        if agrees and not found.row.accepted:
            raise _not_accepted(version)
        with desk.store.transaction(user.entity) as action:
            learning.put(action, ApprovalRow(version, found.number, agrees, reason.strip()))

    def activate(self, version: str, *, token: CancelToken | None = None) -> Changed:
        """Put an approved version in use, after its golden outputs were right on every engine that is there.

        Raises LearningRefused, BundleRefused, DoesNotFit, EngineError, Cancelled; what was in use stays so then.
        """
        user, desk, token = self._writer(Permission.APPROVE), self._desk, token or CancelToken()
        self.settle()
        row = find_version(desk, version).row
        self._must_be_approved(version)
        bundle = desk.homes.open(version)
        check_signature(desk.store.keys, row, bundle.path)
        policy = policy_from_json(bundle.policy_json())
        batch = compared_batch((), policy.views, bundle.manifest.input_shape)
        desk.eye.close()
        engines = compare_engines(desk.eye.shelf, bundle.path, batch, check=token.check)
        for line in engine_lines(engines):
            if not line.holds:
                raise faults.refused("engines", line.sentence, _("The version in use stays in use. Train again."))
        token.check()
        before, told = self._pointer(), json.dumps([asdict(each) for each in engines], sort_keys=True)
        self._note(ActivationRow(ACTIVATE, BEGUN, version, before, "", told), user.entity)
        try:
            with translated():
                self._put_in_use(desk.homes.local, version)
        except KnownError as error:
            self._note(ActivationRow(ACTIVATE, LEFT, version, before, error.fault.code, told), user.entity)
            raise
        self._note(ActivationRow(ACTIVATE, DONE, version, before, "", told), user.entity)
        return Changed(version, before or desk.homes.factory_id())

    def roll_back(self, reason: str, *, to_factory: bool = False) -> Changed:
        """Put back in use what was in use before, else the factory version: one action, at once.

        Raises LearningRefused when the factory version is in use already. A version before that is damaged or gone is
        passed over for the factory version; so is everything when the pointer was changed outside of this program.
        """
        user, desk = self._writer(Permission.SIGN), self._desk
        try:
            self.settle()
        except faults.LearningRefused:
            to_factory = True
        now = self._pointer()
        if now == FACTORY:
            raise faults.refused(
                "factory-in-use", _("The factory version is in use already."), _("Nothing has to be done.")
            )
        target = FACTORY if to_factory else self._before(now)
        self._note(ActivationRow(ROLL_BACK, BEGUN, target, now, reason.strip(), "{}"), user.entity)
        with translated():
            if target == FACTORY:
                desk.homes.return_to_factory()
            else:
                replace_pointer(desk.homes.local, target)
        self._note(ActivationRow(ROLL_BACK, DONE, target, now, reason.strip(), "{}"), user.entity)
        return Changed(target or desk.homes.factory_id(), now)

    def settle(self) -> bool:
        """Finish the record of a change that a crash cut off, as the disk has it; returns whether there was one.

        Raises LearningRefused (`learning-changed-outside`) when another version is in use than was ever recorded.
        """
        with self._desk.store.reading() as connection:
            rows = [kept.row for kept in learning.all_of(connection, ActivationRow)]
        now = self._pointer()
        last = rows[-1] if rows else ActivationRow(ACTIVATE, DONE, FACTORY, FACTORY, "", "{}")
        if last.step == BEGUN and now in {last.version, last.before}:
            step = DONE if now == last.version else LEFT
            self._note(ActivationRow(last.deed, step, last.version, last.before, "interrupted", "{}"), SYSTEM)
            return True
        if now != (last.version if last.step == DONE else last.before):
            raise faults.refused(
                "changed-outside",
                _(
                    "The version in use was changed outside of this program: {version} was never put in use here."
                ).format(version=now or self._desk.homes.factory_id()),
                _("Find out who did it, then go back to the factory version."),
            )
        return False

    # --- inside

    def _writer(self, permission: Permission) -> Filed[User]:
        user = self._desk.allowed(permission)
        if self._desk.store.read_only is not None:
            raise StoreReadOnly(self._desk.store.read_only)
        return user

    def _pointer(self) -> str:
        homes = self._desk.homes
        try:
            return homes.active_id() if (homes.local / ACTIVE).exists() else FACTORY
        except BundleRefused:
            return UNREADABLE

    def _note(self, row: ActivationRow, by: str) -> None:
        with self._desk.store.transaction(by) as action:
            learning.put(action, row)

    def _last_evaluation(self, version: str) -> learning.Kept[EvaluationRow]:
        with self._desk.store.reading() as connection:
            found = learning.find(connection, EvaluationRow, version=version)
        if not found:
            raise _not_accepted(version)
        return found[-1]

    def _must_be_approved(self, version: str) -> None:
        evaluation = self._last_evaluation(version)
        if not evaluation_of(evaluation).accepted:
            raise _not_accepted(version)
        with self._desk.store.reading() as connection:
            approvals = learning.find(connection, ApprovalRow, version=version)
        if not approvals or not approvals[-1].row.agrees or approvals[-1].row.evaluation != evaluation.number:
            raise faults.refused(
                "not-approved",
                _("The version {version} was not approved after its last evaluation. It is not put in use.").format(
                    version=version
                ),
                _("An approver who did not train it has to decide about it first."),
            )

    def _before(self, now: str) -> str:
        """What was in use before `now`; the factory version where that is damaged, gone, or of another factory."""
        with self._desk.store.reading() as connection:
            rows = [kept.row for kept in learning.find(connection, ActivationRow, step=DONE, version=now)]
        before = rows[-1].before if rows else FACTORY
        try:
            return open_bundle(self._desk.homes.local / before).id if before else FACTORY
        except KnownError:
            return FACTORY


def _not_accepted(version: str) -> faults.LearningRefused:
    return faults.refused(
        "not-accepted",
        _("The version {version} was not accepted by the gate.").format(version=version),
        _("Judge it, or train another one."),
    )
