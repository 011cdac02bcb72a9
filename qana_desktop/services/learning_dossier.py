"""The dossier of an update: all that is on record about one version, as JSON and as PDF, without names of patients."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from qana_desktop import __version__
from qana_desktop.reports.new_file import new_file
from qana_desktop.reports.pdf import draw_pdf
from qana_desktop.reports.update_dossier import update_dossier
from qana_desktop.services.learning_desk import LearningDesk
from qana_desktop.services.learning_faults import LearningRefused
from qana_desktop.services.learning_judging import evaluation_of, find_version
from qana_desktop.services.learning_queue import STANDING, read_queue
from qana_desktop.services.learning_signing import check_signature
from qana_desktop.services.learning_versions import VersionsDesk
from qana_desktop.store import learning, records
from qana_desktop.store.learning import ActivationRow, ApprovalRow, EvaluationRow, LookRow, VersionRow
from qana_desktop.triage.access import Permission, User

SCHEMA: Final = "1.0"


def dossier(desk: LearningDesk, version: str) -> dict[str, Any]:
    """Return what is on record about a version. Raises LearningRefused when none was trained here by that name."""
    desk.allowed(Permission.SEE)
    kept = find_version(desk, version)
    row, training = kept.row, json.loads(kept.row.document)
    state = next(view.state for view in VersionsDesk(desk).versions() if view.row.id == version)
    with desk.store.reading() as connection:
        names = _names(connection)
        standing = {each.row.id for each in read_queue(connection) if each.state in STANDING}
        cases = [
            {
                **case,
                "proposed_by": names(case["proposed_by"]),
                "confirmed_by": [names(who) for who in case["confirmed_by"]],
                "withdrawn_since": case["proposal"] not in standing,
            }
            for case in training.pop("cases")
        ]
        evaluations = [
            {"at": one.at, "by": names(one.by), **_without_patients(asdict(evaluation_of(one)))}
            for one in learning.find(connection, EvaluationRow, version=version)
        ]
        approvals = learning.find(connection, ApprovalRow, version=version)
        activations = [
            one for one in learning.all_of(connection, ActivationRow) if version in {one.row.version, one.row.before}
        ]
        looks = learning.find(connection, LookRow, version=version)
        return {
            "schema": SCHEMA,
            "made_at": desk.store.clock().astimezone(UTC).isoformat(timespec="seconds"),
            "program": f"QANA Desktop {__version__}",
            "audit_head": desk.store.head.printed(),
            "version": version,
            "parent": row.parent,
            "kind": row.kind,
            "state": str(state),
            "trained_at": kept.at,
            "trained_by": names(kept.by),
            "manifest_sha256": row.manifest,
            "signature_holds": _signature_holds(desk, row),
            "training": training,
            "cases": cases,
            "looks": [{"holdout": one.row.holdout, "at": one.at, "by": names(one.by)} for one in looks],
            "evaluations": evaluations,
            "approvals": [{"at": one.at, "by": names(one.by), **asdict(one.row)} for one in approvals],
            "activations": [{"at": one.at, "by": names(one.by), **asdict(one.row)} for one in activations],
        }


def write_dossier(desk: LearningDesk, version: str, path: Path) -> Path:
    """Write the dossier into the new file `path`: PDF where its name ends so, else JSON; that it left is recorded.

    Raises LearningRefused, ExportFailed.
    """
    user = desk.allowed(Permission.SEE)
    told = dossier(desk, version)
    if path.suffix.lower() == ".pdf":
        content = draw_pdf(update_dossier(told))
    else:
        content = (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()
    with new_file(path) as unfinished:
        unfinished.write_bytes(content)
        if desk.store.read_only is None:
            desk.store.record("learning-dossier", by=user.entity, bundle=version, note=path.suffix.lower())
    return path


def _names(connection: sa.Connection) -> Any:
    known = {user.entity: user.value.name for user in records.all_of(connection, User)}
    return lambda identity: known.get(identity, identity)


def _without_patients(evaluation: dict[str, Any]) -> dict[str, Any]:
    """The cases of the clinic stay as ids of lesions: who has the store can look them up, nobody else."""
    kept = ("where", "case", "label", "answer")
    turned = [{name: case[name] for name in kept} for case in evaluation["turned"]]
    return {**evaluation, "turned": turned}


def _signature_holds(desk: LearningDesk, row: VersionRow) -> bool:
    try:
        check_signature(desk.store.keys, row, desk.homes.path_of(row.id))
    except (LearningRefused, OSError):
        return False
    return True
