"""The work of the `learn` commands: results on stdout, what a person reads on stderr."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from qana_desktop.cli import exit_codes
from qana_desktop.cli.progress import progress_bar
from qana_desktop.cli.store_run import PASSWORD, place_of, secret
from qana_desktop.cli.terminal import tell, write_line
from qana_desktop.engines.registry import EngineRegistry
from qana_desktop.intake.reader import ImageReader
from qana_desktop.network.manifest import Origin
from qana_desktop.services.case_desk import CaseDesk
from qana_desktop.services.learning_desk import LearningDesk, NewProposal
from qana_desktop.services.learning_dossier import write_dossier
from qana_desktop.services.learning_eye import Eye
from qana_desktop.services.learning_faults import refused
from qana_desktop.services.learning_homes import find_homes
from qana_desktop.services.learning_judging import Evaluation, JudgingDesk
from qana_desktop.services.learning_preview import preview
from qana_desktop.services.learning_queue import Queued
from qana_desktop.services.learning_room import flag_for_reading_again
from qana_desktop.services.learning_states import VersionView, readings_to_repeat
from qana_desktop.services.learning_training import TrainingDesk
from qana_desktop.services.learning_versions import VersionsDesk
from qana_desktop.services.queues import RE_READ
from qana_desktop.store import cases as stored
from qana_desktop.store import records
from qana_desktop.store.unlock import Credentials, open_store
from qana_desktop.store.users import Users
from qana_desktop.triage.case import Encounter, ProofSource
from qana_desktop.triage.diagnosis import Diagnosis, LesionClass, SiteClass


@dataclass(frozen=True)
class Given:
    """What the options say about cases that are proposed."""

    label: str
    source: str
    reported: str
    consent: bool
    note: str
    new_class: str
    malignant: bool

    def diagnosis(self) -> LesionClass:
        """The class that is meant; raises LearningRefused for a code that means none."""
        if not self.new_class and self.label in set(Diagnosis):
            return Diagnosis(self.label)
        try:
            return SiteClass(self.label, self.new_class, self.malignant)
        except ValueError as error:
            known = ", ".join(Diagnosis)
            message = f"“{self.label}” is none of the network's classes: {error}."
            raise refused("label", message, f"Use one of {known}, or name a new class with --new-class.") from error

    def of(self, image: str) -> NewProposal:
        """The proposal of one image."""
        source = ProofSource(self.source)
        return NewProposal(image, self.diagnosis(), source, self.reported, self.consent, self.note)


def run_propose(
    folder: Path | None, keys: Credentials, user: str, cases: tuple[str, ...], given: Given, *, as_json: bool
) -> int:
    """Propose every image of the cases; name the proposals on stdout and say what was refused."""
    with _desk(folder, keys, user) as desk, progress_bar() as show:
        found = desk.propose_all([given.of(image) for image in _images(desk, cases)], report=show)
    for one in found:
        if as_json:
            write_line(json.dumps(asdict(one), ensure_ascii=True))
        elif one.proposal:
            write_line(one.proposal)
        if one.fault is not None:
            tell(f"{one.image}: {one.fault.sentence()}")
    refusals = sum(one.fault is not None for one in found)
    tell(f"{len(found) - refusals} proposed, {refusals} refused.")
    return exit_codes.SOME_NOT if refusals else exit_codes.ALL_READ


def run_preview(
    folder: Path | None, keys: Credentials, user: str, cases: tuple[str, ...], given: Given, *, as_json: bool
) -> int:
    """Say what the cases would change; nothing is stored."""
    with _desk(folder, keys, user) as desk, progress_bar() as show:
        found = preview(desk, [given.of(image) for image in _images(desk, cases)], report=show)
    if as_json:
        write_line(json.dumps(asdict(found), ensure_ascii=True))
        return exit_codes.ALL_READ
    for case in found.cases:
        write_line(f"{case.image}: {case.label}, answered {case.now} now, {case.then} then")
    tell(f"{found.right_now} of {len(found.cases)} are answered right now, {found.right_then} then.")
    tell(f"{found.factory_changed} of {found.factory_all} training cases of the factory would be answered otherwise.")
    if found.left_out:
        tell(f"{found.left_out} images cannot be read and were left out.")
    return exit_codes.ALL_READ


def run_confirm(folder: Path | None, keys: Credentials, user: str, proposal: str, *, agrees: bool, note: str) -> int:
    """Confirm or decline."""
    with _desk(folder, keys, user) as desk:
        desk.confirm(proposal, agrees=agrees, note=note)
    tell("Confirmed." if agrees else "Taken out of the queue.")
    return exit_codes.ALL_READ


def run_withdraw(
    folder: Path | None, keys: Credentials, user: str, proposal: str, *, reason: str, whole_patient: bool
) -> int:
    """Withdraw one case, or its patient."""
    with _desk(folder, keys, user) as desk:
        if whole_patient:
            patient = next((each.row.patient for each in desk.queue() if each.row.id == proposal), "")
            count = desk.withdraw_patient(patient, reason)
        else:
            desk.withdraw(proposal, reason)
            count = 1
        used = [view for view in VersionsDesk(desk).versions() if view.withdrawn]
    tell(f"{count} cases left the queue.")
    for view in used:
        tell(f"{view.row.id} learnt from {view.withdrawn} cases that were withdrawn since. Train again without them.")
    return exit_codes.ALL_READ


def run_status(folder: Path | None, keys: Credentials, user: str, *, as_json: bool) -> int:
    """Show where everything stands."""
    with _desk(folder, keys, user) as desk:
        queue, versions = desk.queue(), VersionsDesk(desk).versions()
        in_use = desk.homes.active_id()
        with desk.store.reading() as connection:
            repeat = readings_to_repeat(connection)
    if as_json:
        told = {
            "in_use": in_use,
            "queue": [_queued(each) for each in queue],
            "versions": [_version(view) for view in versions],
            "read_again": [asdict(each) for each in repeat],
        }
        write_line(json.dumps(told, ensure_ascii=True))
        return exit_codes.ALL_READ
    for each in queue:
        second = f" (second person: {each.row.second})" if each.row.second else ""
        write_line(f"{each.row.id}  {each.state:9}  {each.label}  {each.row.source}  {each.role}{second}")
    for view in versions:
        gone = f", {view.withdrawn} withdrawn since" if view.withdrawn else ""
        write_line(f"{view.row.id}  {view.state:9}  {view.row.kind}  {view.cases} cases{gone}")
    write_line(f"in use: {in_use}")
    if repeat:
        tell(f"{len(repeat)} images were read by a version that was taken back. Read them again:")
        for one in repeat:
            write_line(f"read again: case {one.encounter}")
    return exit_codes.ALL_READ


def run_train(folder: Path | None, keys: Credentials, user: str, origin: Origin, *, device: str, as_json: bool) -> int:
    """Train and name the version."""
    with _desk(folder, keys, user) as desk, progress_bar() as show:
        trained = TrainingDesk(desk).train(origin, device=device, report=show)
    write_line(json.dumps(asdict(trained), ensure_ascii=True) if as_json else trained.version)
    tell("Judge it with `qana-desktop learn evaluate`. What is in use was not touched.")
    return exit_codes.ALL_READ


def run_evaluate(folder: Path | None, keys: Credentials, user: str, version: str, *, as_json: bool) -> int:
    """Judge and show every line."""
    with _desk(folder, keys, user) as desk, progress_bar() as show:
        found = JudgingDesk(desk).evaluate(version, report=show)
    if as_json:
        write_line(json.dumps(asdict(found), ensure_ascii=True))
    else:
        _show(found)
    return exit_codes.ALL_READ if found.accepted else exit_codes.SOME_NOT


def run_approve(folder: Path | None, keys: Credentials, user: str, version: str, *, agrees: bool, reason: str) -> int:
    """Decide."""
    with _desk(folder, keys, user) as desk:
        VersionsDesk(desk).approve(version, agrees=agrees, reason=reason)
    tell("Approved. `qana-desktop learn activate` puts it in use." if agrees else "Rejected.")
    return exit_codes.ALL_READ


def run_activate(folder: Path | None, keys: Credentials, user: str, version: str) -> int:
    """Put it in use."""
    with _desk(folder, keys, user) as desk:
        changed = VersionsDesk(desk).activate(version)
    tell(f"In use: {changed.now}. Before: {changed.before}. A window that is open uses it after a restart.")
    return exit_codes.ALL_READ


def run_rollback(folder: Path | None, keys: Credentials, user: str, *, reason: str, to_factory: bool) -> int:
    """Go back."""
    with _desks(folder, keys, user) as (desk, cases):
        changed = VersionsDesk(desk).roll_back(reason, to_factory=to_factory)
        repeat = flag_for_reading_again(cases, desk.store)
    tell(f"In use: {changed.now}. Taken back: {changed.before}. A window that is open uses it after a restart.")
    if repeat:
        tell(f"{repeat} cases were read by the version that was taken back. They are in the queue “{RE_READ}”.")
    return exit_codes.ALL_READ


def run_dossier(folder: Path | None, keys: Credentials, user: str, version: str, destination: Path) -> int:
    """Write the dossier."""
    with _desk(folder, keys, user) as desk:
        write_line(str(write_dossier(desk, version, destination.absolute())))
    return exit_codes.ALL_READ


def _show(found: Evaluation) -> None:
    for line in found.lines:
        write_line(f"{'✓' if line.holds else '✗'} {line.sentence}")
    for sentence in (*found.power, *found.warnings):
        tell(sentence)
    if found.turned:
        tell(f"{len(found.turned)} cases turned from right to wrong; the dossier lists them.")
    failed = len(found.failed)
    tell("The gate accepted it." if found.accepted else f"The gate refused it: {failed} lines do not hold.")


def _queued(each: Queued) -> dict[str, object]:
    told = {**vars(each.row), "state": str(each.state), "role": str(each.role), "by": each.by, "at": each.at}
    told["confirmations"] = [{"by": kept.by, "agrees": kept.row.agrees} for kept in each.confirmations]
    return {name: value for name, value in told.items() if name not in {"features", "picture"}}


def _version(view: VersionView) -> dict[str, object]:
    return {
        "version": view.row.id,
        "state": str(view.state),
        "kind": view.row.kind,
        "parent": view.row.parent,
        "cases": view.cases,
        "withdrawn": view.withdrawn,
        "trained_by": view.by,
        "trained_at": view.at,
    }


def _images(desk: LearningDesk, cases: tuple[str, ...]) -> tuple[str, ...]:
    """The images that are named, and all images of the cases that are."""
    with desk.store.reading() as connection:
        visits = records.newest(connection, Encounter, cases)
        opened = stored.read_cases(connection, list(visits))
    below = {visit: [image.image.entity for image in case.images] for visit, case in opened.items()}
    return tuple(image for case in cases for image in below.get(case, [case]))


@contextmanager
def _desk(folder: Path | None, keys: Credentials, user: str) -> Iterator[LearningDesk]:
    with _desks(folder, keys, user) as (learning, _cases):
        yield learning


@contextmanager
def _desks(folder: Path | None, keys: Credentials, user: str) -> Iterator[tuple[LearningDesk, CaseDesk]]:
    with closing(open_store(place_of(folder), keys)) as store, ImageReader() as reader:
        desk = CaseDesk(store, Users(store), keychain=keys.keychain, auto_lock_s=math.inf)
        desk.sign_in(user, secret(PASSWORD, f"Password of {user}"))
        learning = LearningDesk(store, desk.allowed, find_homes(), Eye(reader, EngineRegistry()))
        try:
            yield learning, desk
        finally:
            learning.close()
            desk.sign_out()
