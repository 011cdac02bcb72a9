"""Keeping images of the session: which can be kept, whose they are, and what is told before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import TYPE_CHECKING

from qana_desktop.triage.case import ClinicalAssessment, Lesion, Patient
from qana_desktop.triage.outcome import Reading
from qana_desktop.ui.presenters.entries import Entry
from qana_desktop.ui.texts import tr, trn

if TYPE_CHECKING:
    from qana_desktop.services.keeping import Kept, ToKeep


class Sharing(StrEnum):
    """What several images have in common."""

    ONE_LESION = "one-lesion"
    ONE_PATIENT = "one-patient"
    BY_FILE = "by-file"


@dataclass(frozen=True)
class Whose:
    """Who the images are of, as entered. `patient` and `lesion` are ids of the store, or new."""

    patient: str | Patient
    lesion: str | Lesion
    reason: str = ""


def sharing_word(sharing: Sharing) -> str:
    """Return a way to share in words."""
    return {
        Sharing.ONE_LESION: tr("All show one lesion"),
        Sharing.ONE_PATIENT: tr("One patient, one lesion each"),
        Sharing.BY_FILE: tr("One patient each, named like the file"),
    }[sharing]


def can_be_kept(entry: Entry) -> bool:
    """Whether there is an image with a reading that is not in the store yet."""
    return entry.reading is not None and entry.reading.image_sha256 is not None and not entry.kept


def readings_of(entries: Iterable[Entry]) -> list[tuple[Entry, Reading]]:
    """Return the entries that can be kept with the reading that is shown."""
    return [(entry, entry.reading) for entry in entries if can_be_kept(entry) and entry.reading is not None]


def pseudonym_of(entry: Entry) -> str:
    """Return the pseudonym that a file's name stands for: the name without folders and ending."""
    return PurePath(entry.title).stem.strip() or entry.title


def to_keep(
    chosen: Sequence[tuple[Entry, Reading]], sharing: Sharing, whose: Whose, own: Mapping[int, ClinicalAssessment]
) -> list[ToKeep]:
    """Return what the keeping desk is to do; in a shared visit, all images are of one case.

    `own` holds the clinician's own opinions by entry.
    """
    from qana_desktop.services.keeping import ToKeep  # brings the database, which the first paint does not wait for

    found = []
    for number, (entry, reading) in enumerate(chosen):
        patient = Patient(pseudonym_of(entry)) if sharing is Sharing.BY_FILE else whose.patient
        visit = 0 if sharing is Sharing.ONE_LESION else number
        found.append(ToKeep(visit, entry.source, reading, patient, whose.lesion, whose.reason, own.get(entry.entry_id)))
    return found


def known_sentence(known: int, total: int) -> str:
    """Return the warning that images are in the store already, "" when none is."""
    if not known:
        return ""
    if total == 1:
        return tr("This image is in the case store already.")
    return trn(
        known,
        "{n} of these images is in the case store already; it is left out.",
        "{n} of these images are in the case store already; they are left out.",
    )


def kept_sentence(kept: Kept) -> str:
    """Return what is told afterwards."""
    count = len(kept.images)
    what = trn(count, "{n} image was kept.", "{n} images were kept.") if count else tr("Nothing was kept.")
    if not kept.left_out:
        return what
    left = trn(len(kept.left_out), "{n} could not be kept.", "{n} could not be kept.")
    only = f" {kept.left_out[0][1].sentence()}" if len(kept.left_out) == 1 else ""
    return f"{what} {left}{only}"
