"""All lesions of one patient, from the lines of the worklist: where each stands now, and which case that is."""

from __future__ import annotations

from collections.abc import Iterable

from qana_desktop.triage.worklist import CaseState, WorklistRow
from qana_desktop.ui.presenters.body_map import MappedLesion
from qana_desktop.ui.presenters.kept import row_group, row_number
from qana_desktop.ui.texts import tr


def mapped(rows: Iterable[WorklistRow], *, clinician_first: bool) -> tuple[list[MappedLesion], dict[str, str]]:
    """Return the lesions of one patient's cases, each as its newest case stands, and that case by lesion.

    With `clinician_first`, answers to cases that nobody assessed stay hidden here as they do elsewhere.
    """
    newest: dict[str, WorklistRow] = {}
    for row in sorted(rows, key=lambda row: row.opened):
        newest[row.lesion] = row
    lesions = []
    for number, (lesion, row) in enumerate(newest.items(), start=1):
        hidden = clinician_first and row.state is CaseState.OPEN
        title = tr("Lesion {number}", number=number)
        group, score = row_group(row, hidden=hidden), row_number(row, hidden=hidden)
        lesions.append(MappedLesion(lesion, title, row.body_site, group, score))
    return lesions, {lesion: row.encounter for lesion, row in newest.items()}
