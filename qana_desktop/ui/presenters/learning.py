"""What the Learning page says, in plain words: the queue, the versions, a verdict line by line. No widgets."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qana_desktop.system.language import N_
from qana_desktop.triage.access import Permission
from qana_desktop.triage.diagnosis import FULL_NAMES, LesionClass, SiteClass
from qana_desktop.ui.texts import tr, trn

if TYPE_CHECKING:
    from qana_desktop.services.learning_judging import Evaluation
    from qana_desktop.services.learning_preview import Preview
    from qana_desktop.services.learning_queue import Queued
    from qana_desktop.services.learning_room import LearningState
    from qana_desktop.services.learning_states import VersionView

May = Callable[[Permission], bool]


@dataclass(frozen=True)
class QueueLine:
    """A proposed case. `picture` is its image's SHA-256."""

    id: str
    title: str
    state: str
    detail: str
    picture: str
    waits: bool
    can_confirm: bool
    can_withdraw: bool


@dataclass(frozen=True)
class VersionLine:
    """A version that was trained here, and what can be done with it now."""

    id: str
    title: str
    state: str
    detail: str
    in_use: bool
    can_judge: bool
    can_approve: bool
    can_activate: bool


@dataclass(frozen=True)
class VerdictLine:
    """One line of a verdict."""

    holds: bool
    sentence: str


@dataclass(frozen=True)
class TurnedLine:
    """A case that turned from right to wrong; `picture` is "" for a case of the factory, whose image is not here."""

    title: str
    picture: str


@dataclass(frozen=True)
class VerdictView:
    """What the gate said, failed lines first."""

    headline: str
    accepted: bool
    lines: tuple[VerdictLine, ...]
    power: tuple[str, ...]
    warnings: tuple[str, ...]
    turned: tuple[TurnedLine, ...]
    turned_title: str


@dataclass(frozen=True)
class LearningView:
    """The page. `notes` are sentences that need attention, first of all."""

    in_use: str
    notes: tuple[str, ...]
    proven: str
    can_propose: bool
    queue_title: str
    queue: tuple[QueueLine, ...]
    ready: str
    can_train: bool
    can_calibrate: bool
    versions: tuple[VersionLine, ...]
    can_roll_back: bool


def learning_view(state: LearningState, *, user: str, may: May, saves: bool) -> LearningView:
    """Return the page for the person `user` (an id), who may do what `may` says; `saves`: the store can be written."""
    can_enter, can_sign = saves and may(Permission.ENTER), saves and may(Permission.SIGN)
    queue = tuple(
        queue_line(each, state.names, user=user, can_sign=can_sign, can_enter=can_enter) for each in state.queue
    )
    waiting = sum(line.waits for line in queue)
    ready = [each for each in state.queue if each.state == "ready"]
    able = state.cannot is None
    return LearningView(
        in_use=_in_use(state),
        notes=tuple(_notes(state)),
        proven=_proven(len(state.candidates)),
        can_propose=able and can_enter and bool(state.candidates),
        queue_title=_queue_title(len(queue), waiting),
        queue=tuple(sorted(queue, key=lambda line: not line.waits)),
        ready=_ready(sum(each.role == "training" for each in ready), sum(each.role == "holdout" for each in ready)),
        can_train=able and can_sign and any(each.role == "training" for each in ready),
        can_calibrate=able and can_sign,
        versions=tuple(
            version_line(view, state.names, user=user, may=may, saves=saves and able)
            for view in reversed(state.versions)
        ),
        can_roll_back=can_sign and (state.in_use != state.factory or state.trouble is not None),
    )


def queue_line(each: Queued, names: dict[str, str], *, user: str, can_sign: bool, can_enter: bool) -> QueueLine:
    """Return a line of the queue."""
    waits, stands = each.state == "waiting", each.state in {"waiting", "ready"}
    second = SECOND.get(each.row.second, "")
    who = names.get(each.by, tr("someone unknown"))
    parts = [
        tr(SOURCES.get(each.row.source, each.row.source)),
        tr("proposed by {who} on {day}", who=who, day=each.at[:10]),
    ]
    if waits:
        parts.append(tr("a second person has to confirm: {why}", why=tr(second)))
    parts += [
        tr("confirmed by {who}", who=names.get(kept.by, tr("someone unknown")))
        if kept.row.agrees
        else tr("not confirmed by {who}", who=names.get(kept.by, tr("someone unknown")))
        for kept in each.confirmations
    ]
    return QueueLine(
        id=each.row.id,
        title=" · ".join((each.pseudonym or tr("withdrawn patient"), class_words(each.label))),
        state=_state_words(each),
        detail=" · ".join(parts),
        picture=each.row.sha256,
        waits=waits,
        can_confirm=can_sign and stands and each.by != user and user not in {kept.by for kept in each.confirmations},
        can_withdraw=can_enter and stands,
    )


def version_line(view: VersionView, names: dict[str, str], *, user: str, may: May, saves: bool) -> VersionLine:
    """Return a line of the list of versions."""
    kind = tr(KINDS.get(view.row.kind, view.row.kind))
    told = json.loads(view.row.document)
    detail = [
        tr(
            "{kind}, from {cases} cases and {images} images without diagnosis",
            kind=kind,
            cases=view.cases,
            images=told.get("images", 0),
        ),
        tr("trained by {who} on {when}", who=names.get(view.by, ""), when=view.at[:16].replace("T", " ")),
    ]
    if view.approval is not None:
        word = tr("approved by {who}: {why}") if view.approval.row.agrees else tr("rejected by {who}: {why}")
        detail.append(word.format(who=names.get(view.approval.by, ""), why=view.approval.row.reason))
    if view.withdrawn:
        detail.append(
            trn(
                view.withdrawn,
                "one of its cases was withdrawn since: train again without it",
                "{n} of its cases were withdrawn since: train again without them",
            )
        )
    state = str(view.state)
    return VersionLine(
        id=view.row.id,
        title=view.row.id,
        state=tr(STATES[state]),
        detail=" · ".join(detail),
        in_use=state == "in-use",
        can_judge=saves and may(Permission.SIGN),
        can_approve=saves and may(Permission.APPROVE) and view.by != user and view.evaluation is not None,
        can_activate=saves and may(Permission.APPROVE) and state in {"approved", "retired"},
    )


def verdict_view(found: Evaluation) -> VerdictView:
    """Return a verdict, failed lines first."""
    failed = len(found.failed)
    headline = (
        tr("Accepted: every line holds. A person decides now.")
        if found.accepted
        else trn(
            failed,
            "Refused: one line does not hold. What is in use stays in use; a refusal is normal.",
            "Refused: {n} lines do not hold. What is in use stays in use; a refusal is normal.",
        )
    )
    lines = sorted(found.lines, key=lambda line: line.holds)
    turned = tuple(
        TurnedLine(
            tr("{whose} · {label}", whose=case.pseudonym or case.case, label=_code_words(case.label)), case.image
        )
        for case in sorted(found.turned, key=lambda case: not case.image)
    )
    title = trn(len(turned), "One case turned from right to wrong", "{n} cases turned from right to wrong")
    return VerdictView(
        headline,
        found.accepted,
        tuple(VerdictLine(line.holds, line.sentence) for line in lines),
        found.power,
        found.warnings,
        turned,
        title if turned else "",
    )


def preview_words(found: Preview) -> str:
    """Return what cases would change, as sentences."""
    parts = [
        trn(
            len(found.cases),
            "Of this one image the network answers {now} right now; after learning from it, {then}.",
            "Of these {n} images the network answers {now} right now; after learning from them, {then}.",
            now=found.right_now,
            then=found.right_then,
        ),
        tr(
            "It would answer {changed} of {all} training images of the factory otherwise than today.",
            changed=found.factory_changed,
            all=found.factory_all,
        ),
        tr("This is no test: the images were learnt from. Nothing was stored, and no test case was looked at."),
    ]
    if found.left_out:
        parts.append(trn(found.left_out, "One image cannot be read.", "{n} images cannot be read."))
    return " ".join(parts)


def class_words(label: LesionClass) -> str:
    """Return a class with its name and code."""
    name = label.name if isinstance(label, SiteClass) else tr(FULL_NAMES[label])
    return f"{name} ({label})"


def _code_words(code: str) -> str:
    known = {str(dx): tr(name) for dx, name in FULL_NAMES.items()}
    return known.get(code, code)


def _in_use(state: LearningState) -> str:
    if state.in_use == state.factory:
        return tr("In use: the factory version, {version}.", version=state.in_use)
    return tr(
        "In use: {version}, trained here. The factory version is always there to go back to.", version=state.in_use
    )


def _notes(state: LearningState) -> list[str]:
    found = [fault.sentence() for fault in (state.trouble, state.cannot) if fault is not None]
    if state.repeat:
        found.append(
            trn(
                len(state.repeat),
                "One image was read by a version that was taken back. Its case is in the queue “re-read”.",
                "{n} images were read by versions that were taken back. Their cases are in the queue “re-read”.",
            )
        )
    last = next((state.evaluations[view.row.id] for view in reversed(state.versions) if view.evaluation), None)
    return [*found, *(last.warnings if last is not None else ())]


def _proven(count: int) -> str:
    if not count:
        return tr("No further case has a proven diagnosis. Enter outcomes on the Cases page: histology, follow-up.")
    return trn(
        count,
        "One image of the store has a proven diagnosis and was not proposed yet.",
        "{n} images of the store have a proven diagnosis and were not proposed yet.",
    )


def _queue_title(count: int, waiting: int) -> str:
    if not count:
        return tr("No case was proposed yet")
    proposed = trn(count, "One case", "{n} cases")
    return (
        tr("{cases}, {waiting} waiting for a second person", cases=proposed, waiting=waiting) if waiting else proposed
    )


def _ready(training: int, testing: int) -> str:
    return tr(
        "{training} confirmed images to learn from, {testing} kept for testing. Which patients are kept is fixed once,"
        " by chance, and nobody chooses it.",
        training=training,
        testing=testing,
    )


def _state_words(each: Queued) -> str:
    if each.state == "ready" and each.role == "holdout":
        return tr("confirmed, kept for testing")
    return tr(QUEUE_STATES[str(each.state)])


QUEUE_STATES = {
    "waiting": N_("waits for a second person"),
    "ready": N_("confirmed"),
    "declined": N_("not confirmed"),
    "withdrawn": N_("withdrawn"),
}
SECOND = {
    "malignant": N_("the diagnosis is malignant"),
    "against-network": N_("the network was sure of another answer"),
    "single-opinion": N_("the diagnosis is one person's opinion"),
}
SOURCES = {
    "histology": N_("histology"),
    "confocal": N_("confocal microscopy"),
    "follow_up": N_("follow-up"),
    "two_experts": N_("two experts"),
    "single_opinion": N_("one opinion"),
}
STATES = {
    "trained": N_("not judged yet"),
    "refused": N_("refused by the gate"),
    "accepted": N_("accepted by the gate, not decided"),
    "approved": N_("approved"),
    "rejected": N_("rejected"),
    "in-use": N_("in use"),
    "retired": N_("was in use"),
}
KINDS = {
    "head": N_("learnt from cases"),
    "site-calibration": N_("set to this clinic's camera"),
    "site-calibration-and-head": N_("set to this clinic's camera and learnt from cases"),
}
