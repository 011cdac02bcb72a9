"""The development images as records, the lesion-grouped split, and the decoded cache that training reads."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from qana_desktop.network.preprocess import PREPROCESS_VERSION, to_network_input

CLASSES = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
"""Class order of every logit vector, alphabetical as in the HAM10000 release."""

CALIBRATION_SHARE = 0.12
Part: TypeAlias = Literal["train", "calibration", "test"]
Uint8Array: TypeAlias = npt.NDArray[np.uint8]
IntArray: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Record:
    """One image: `fold` is -1 outside HAM10000, `age` is None when it was not noted."""

    image_id: str
    lesion_id: str
    dx: str
    fold: int
    source: str
    dx_type: str = ""
    age: float | None = None
    sex: str = ""
    localization: str = ""

    @property
    def label(self) -> int:
        """Index of the diagnosis in `CLASSES`."""
        return CLASSES.index(self.dx)


@dataclass(frozen=True)
class Split:
    """Records by part. No lesion is in two parts."""

    train: tuple[Record, ...]
    calibration: tuple[Record, ...]
    test: tuple[Record, ...]


def read_records(root: Path) -> list[Record]:
    """All records under `root` (`ham10000/metadata.csv`, and `isic2017/metadata.csv` when it is there)."""
    with (root / "ham10000" / "metadata.csv").open(newline="", encoding="utf-8") as file:
        records = [_ham_record(row) for row in csv.DictReader(file)]
    extra = root / "isic2017" / "metadata.csv"
    if extra.exists():
        with extra.open(newline="", encoding="utf-8") as file:
            records += [
                Record(row["image_id"], f"isic2017:{row['image_id']}", row["dx"], -1, "isic2017")
                for row in csv.DictReader(file)
            ]
    return records


def _ham_record(row: dict[str, str]) -> Record:
    return Record(
        image_id=row["image_id"],
        lesion_id=row["lesion_id"],
        dx=row["dx"],
        fold=int(row["fold"]),
        source="ham10000",
        dx_type=row["dx_type"],
        age=float(row["age"]) if row["age"] else None,
        sex=row["sex"],
        localization=row["localization"],
    )


def split_records(records: Iterable[Record], *, test_fold: int, share: float = CALIBRATION_SHARE) -> Split:
    """Test = one HAM10000 fold; calibration = `share` of the other lesions of each dx; train = the rest and ISIC 2017.

    Calibration lesions are those with the smallest sha256("qana-calibration:" + lesion_id) within their diagnosis,
    so the same lesions come out on every machine and in every run.
    """
    parts: dict[Part, list[Record]] = {"train": [], "calibration": [], "test": []}
    records = list(records)
    development = [r for r in records if r.source == "ham10000" and r.fold != test_fold]
    held = calibration_lesions(development, share=share)
    for record in records:
        parts[_part(record, test_fold, held)].append(record)
    return Split(tuple(parts["train"]), tuple(parts["calibration"]), tuple(parts["test"]))


def _part(record: Record, test_fold: int, held: frozenset[str]) -> Part:
    if record.source == "ham10000" and record.fold == test_fold:
        return "test"
    return "calibration" if record.lesion_id in held else "train"


def calibration_lesions(records: Iterable[Record], *, share: float) -> frozenset[str]:
    """The first `share` (rounded) of the lesions of each diagnosis, in the order of a salted hash of the lesion id."""
    lesions: dict[str, set[str]] = defaultdict(set)
    for record in records:
        lesions[record.dx].add(record.lesion_id)
    chosen: set[str] = set()
    for members in lesions.values():
        ordered = sorted(members, key=_calibration_key)
        chosen.update(ordered[: round(share * len(ordered))])
    return frozenset(chosen)


def _calibration_key(lesion_id: str) -> str:
    return hashlib.sha256(f"qana-calibration:{lesion_id}".encode()).hexdigest()


def labels(records: Sequence[Record]) -> IntArray:
    """Class indices, shape (n,)."""
    return np.array([record.label for record in records], dtype=np.int64)


def read_image(root: Path, record: Record) -> Uint8Array:
    """Decode one image as RGB, (H, W, 3) uint8. Raises FileNotFoundError when it is missing or unreadable."""
    path = root / record.source / "images" / f"{record.image_id}.jpg"
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise FileNotFoundError(f"{record.source}/{record.image_id}.jpg could not be read.")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)


@dataclass(frozen=True)
class Cache:
    """Decoded images of a list of records at one size, (n, S, S, 3) uint8, in the order of the records."""

    images: Uint8Array
    records: tuple[Record, ...]

    def rows(self, wanted: Sequence[Record]) -> IntArray:
        """Row of each wanted record, shape (len(wanted),)."""
        index = {(r.source, r.image_id): i for i, r in enumerate(self.records)}
        return np.array([index[(r.source, r.image_id)] for r in wanted], dtype=np.int64)


def load_cache(root: Path, folder: Path, size: int) -> Cache:
    """Images of all records at `size`, read from `folder`, or decoded once and written there.

    Each image is exactly `to_network_input` of its file; a cache of another preprocess version is made again.
    """
    records = tuple(read_records(root))
    array_path, note_path = folder / f"images-{size}.npy", folder / f"images-{size}.json"
    note = {"preprocess": PREPROCESS_VERSION, "size": size, "records": _fingerprint(records)}
    if note_path.exists() and json.loads(note_path.read_text(encoding="utf-8")) == note:
        return Cache(np.load(array_path, mmap_mode="r", allow_pickle=False), records)
    folder.mkdir(parents=True, exist_ok=True)
    images = np.stack([to_network_input(read_image(root, record), size) for record in records])
    np.save(array_path, images, allow_pickle=False)
    note_path.write_text(json.dumps(note), encoding="utf-8")
    return Cache(images, records)


def _fingerprint(records: Sequence[Record]) -> str:
    text = "\n".join(f"{r.source}/{r.image_id}" for r in records)
    return hashlib.sha256(text.encode()).hexdigest()
