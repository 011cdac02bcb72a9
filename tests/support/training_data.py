"""A small drawn data set in the layout of the real one: coloured discs, one look for each diagnosis."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

CLASSES = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")


def draw_dataset(root: Path, *, lesions_per_class: int = 12, side: int = 48) -> Path:
    """Write `ham10000` and `isic2017` with synthetic images under `root` and return it."""
    rng = np.random.default_rng(5)
    rows = []
    for k, dx in enumerate(CLASSES):
        for lesion in range(lesions_per_class):
            for shot in range(1 + lesion % 2):
                name = f"IMG_{k}_{lesion}_{shot}"
                _write(root / "ham10000" / "images" / f"{name}.jpg", k, side, rng)
                rows.append((f"L_{k}_{lesion}", name, dx, "histo", "45.0", "male", "back", str(lesion % 5)))
    _table(
        root / "ham10000" / "metadata.csv",
        ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization", "fold"),
        rows,
    )
    extra = [(f"ISIC_{n}", ("mel", "nv", "bkl")[n % 3], "train") for n in range(6)]
    for name, dx, _ in extra:
        _write(root / "isic2017" / "images" / f"{name}.jpg", CLASSES.index(dx), side, rng)
    _table(root / "isic2017" / "metadata.csv", ("image_id", "dx", "isic2017_part"), extra)
    return root


def _write(path: Path, k: int, side: int, rng: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((side, side, 3), (150, 170, 220), np.uint8)
    colour = [int(v) for v in (40 + 30 * k, 200 - 25 * k, 60 + 20 * (k % 3))]
    centre = tuple(int(v) for v in rng.integers(side // 3, 2 * side // 3, 2))
    cv2.circle(image, centre, side // 8 + 2 * k, colour, -1)
    noise = rng.integers(0, 20, image.shape)
    cv2.imwrite(str(path), np.clip(image.astype(int) + noise, 0, 255).astype(np.uint8))


def _table(path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
