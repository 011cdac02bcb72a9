"""Finds the table and the images of a data set in a folder: HAM10000 as its authors release it, or laid out like it."""

from __future__ import annotations

import csv
import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from qana_desktop.services.find_images import SUFFIXES
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.triage.dataset import FOLDS, ImageRow
from qana_desktop.triage.diagnosis import Diagnosis

TABLES: Final = ("metadata.csv", "HAM10000_metadata", "HAM10000_metadata.csv", "HAM10000_metadata.tab")
"""Names of the table: ours, and those under which the release (doi:10.7910/DVN/DBW86T) is downloaded."""
INNER: Final = "ham10000"
"""A folder that holds several data sets has HAM10000 here."""
LARGEST_TABLE: Final = 64 * 2**20
_DEPTH: Final = 3
"""Folders below the data set in which images are looked for."""
_UNKNOWN: Final = frozenset({"", "na", "nan", "none", "unknown"})


class DatasetRefused(KnownError):
    """The folder holds no data set that can be evaluated on, or not the part that was asked for."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table with the images that are there: `images` by image id. `other` counts rows of diagnoses we do not have.

    `names_lesions` is False when the table has no lesion ids, and each image had to count as a lesion of its own.
    """

    rows: tuple[ImageRow, ...]
    images: dict[str, Path]
    table_sha256: str
    names_lesions: bool
    other: dict[str, int]


def open_dataset(folder: Path) -> Dataset:
    """Read the table in `folder`, or in its `ham10000`, and look for the images below it; raises DatasetRefused."""
    table = _find_table(folder)
    content = _read(table)
    entries = _entries(content, table.name)
    names_lesions = bool(entries) and "lesion_id" in entries[0]
    known, other = list[ImageRow](), Counter[str]()
    for number, entry in enumerate(entries, start=2):
        dx = entry["dx"].strip().lower()
        if dx not in set(Diagnosis):
            other[dx] += 1
            continue
        known.append(_row(entry, Diagnosis(dx), f"{table.name}, line {number}"))
    _refuse_doubles(known, table.name)
    if not known:
        _refuse("dataset-empty", f"{table.name} lists no image with one of the seven diagnoses of HAM10000.")
    return Dataset(
        tuple(known), _images_below(table.parent), hashlib.sha256(content).hexdigest(), names_lesions, dict(other)
    )


def _find_table(folder: Path) -> Path:
    places = [place / name for place in (folder, folder / INNER) for name in TABLES]
    table = next((place for place in places if place.is_file()), None)
    if table is None:
        _refuse("dataset-table-missing", f"“{folder}” holds no table of images: none of {', '.join(TABLES)} is in it.")
    return table


def _read(table: Path) -> bytes:
    try:
        if table.stat().st_size > LARGEST_TABLE:
            _refuse("dataset-table-large", f"{table.name} is larger than {LARGEST_TABLE >> 20} MB.")
        return table.read_bytes()
    except OSError as error:
        _refuse("dataset-table-unreadable", f"{table.name} cannot be read ({error.strerror}).")


def _entries(content: bytes, name: str) -> list[dict[str, str]]:
    """Rows by column; tabs separate in the archive's own format, commas everywhere else."""
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        _refuse("dataset-table-bad", f"{name} is not text in UTF-8.")
    delimiter = "\t" if lines and "\t" in lines[0] else ","
    try:
        rows = list(csv.DictReader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        _refuse("dataset-table-bad", f"{name} is not a table ({error}).")
    columns = set(rows[0]) if rows else set()
    for needed in ("image_id", "dx"):
        if needed not in columns:
            _refuse("dataset-table-bad", f"{name} has no column “{needed}”, or no line below its head.")
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            _refuse("dataset-table-bad", f"{name}, line {number}, has not as many fields as the head.")
    return rows


def _row(entry: dict[str, str], dx: Diagnosis, place: str) -> ImageRow:
    image_id = entry["image_id"].strip()
    lesion_id = entry.get("lesion_id", image_id).strip()
    if not image_id or not lesion_id:
        _refuse("dataset-table-bad", f"{place}: the image or its lesion has no id.")
    return ImageRow(
        image_id=image_id,
        lesion_id=lesion_id,
        dx=dx,
        dx_type=_text(entry, "dx_type"),
        age=_age(entry.get("age", "")),
        sex=_text(entry, "sex"),
        site=_text(entry, "localization"),
        fold=_fold(entry.get("fold", ""), place),
    )


def _text(entry: dict[str, str], column: str) -> str:
    value = entry.get(column, "").strip()
    return "" if value.lower() in _UNKNOWN else value


def _age(text: str) -> float | None:
    try:
        age = float(text)
    except ValueError:
        return None
    return age if 0.0 <= age < 200.0 else None


def _fold(text: str, place: str) -> int | None:
    if text.strip() == "":
        return None
    if text.strip() not in {str(index) for index in range(FOLDS)}:
        _refuse("dataset-table-bad", f"{place}: “{text}” is no fold from 0 to {FOLDS - 1}.")
    return int(text)


def _refuse_doubles(rows: list[ImageRow], name: str) -> None:
    counts = Counter(row.image_id for row in rows)
    for image_id, count in counts.most_common(1):
        if count > 1:
            _refuse("dataset-table-bad", f"{name} lists the image “{image_id}” {count} times.")


def _images_below(folder: Path) -> dict[str, Path]:
    """Image files by name without ending; of two with the same name the first by path (releases hold copies)."""
    found: dict[str, Path] = {}
    for path in _walk(folder):
        found.setdefault(path.stem, path)
    return found


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        deep = len(Path(place).relative_to(folder).parts) >= _DEPTH
        folders[:] = [] if deep else sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(place, name)


def _refuse(code: str, message: str) -> NoReturn:
    raise DatasetRefused(
        Fault(
            code,
            message,
            "Name a folder with the table of HAM10000 (image_id, lesion_id, dx, and so on) and its images in it or in"
            " folders below it.",
        )
    )
