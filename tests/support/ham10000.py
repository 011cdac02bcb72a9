"""A small data set laid out like HAM10000, its images drawn: as it lies here, or as its authors release it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from qana_desktop.services.demo_images import LOOKS, encode_jpeg
from qana_desktop.services.synthetic_lesions import draw_lesion
from qana_desktop.triage.dataset import fold_of
from qana_desktop.triage.diagnosis import CLASS_ORDER

COLUMNS = ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization")
BLURRED_LOOK = next(look for look in LOOKS if look.name == "out-of-focus")


@dataclass(frozen=True)
class Entry:
    """One line of the table."""

    lesion: str
    image: str
    dx: str


def lesions_in_fold(fold: int) -> Iterator[str]:
    """Lesion ids of HAM10000's form that lie in a fold."""
    return (name for number in count() if fold_of(name := f"HAM_{number:07}") == fold)


def entries_in(fold: int, *, lesions: int = 14, first: int = 0) -> list[Entry]:
    """Lesions of a fold, all diagnoses in turn; every second lesion has two images."""
    return [
        Entry(lesion, f"ISIC_{first + 2 * number + shot:07}", CLASS_ORDER[number % len(CLASS_ORDER)])
        for number, lesion in enumerate(islice(lesions_in_fold(fold), lesions))
        for shot in range(1 + number % 2)
    ]


def write_table(path: Path, entries: list[Entry], *, delimiter: str = ",", fold: int | None = None) -> None:
    """The table as its authors write it, with a fold column when one is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow((*COLUMNS, *(() if fold is None else ("fold",))))
        for entry in entries:
            facts = (entry.lesion, entry.image, entry.dx, "histo", "45.0", "male", "back")
            writer.writerow((*facts, *(() if fold is None else (fold,))))


def draw_images(folder: Path, entries: list[Entry], *, blurred: frozenset[str] = frozenset()) -> None:
    """One drawn photograph for each entry; those in `blurred` are out of focus."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, entry in enumerate(entries):
        look = BLURRED_LOOK if entry.image in blurred else LOOKS[number % 8]
        (folder / f"{entry.image}.jpg").write_bytes(encode_jpeg(draw_lesion(look, number)))
