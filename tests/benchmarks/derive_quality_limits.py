"""Sets the limits of `intake.quality` from real dermoscopic images, and writes the module and the page that state them.

    python tests/benchmarks/derive_quality_limits.py ../shared/data

Reads `*/images/*.jpg` below the given folder; writes `qana_desktop/intake/quality_limits.py` and
`docs/quality_limits.md`. No image, no crop and no file name goes into either.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "qana_desktop" / "intake" / "quality_limits.py"
PAGE = ROOT / "docs" / "quality_limits.md"
BLUR_PX = (2.0, 3.0, 4.0, 6.0)
EVERY = 10
"""Of every tenth image it is counted what blur and bare skin would be told."""
CORNER, CORNER_INSET, CORNER_LIT = 0.25, 0.02, 60
"""Side of a corner and its distance from the edge, as shares of the short side; how light it is at least."""

Image = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Limit:
    """How one constant follows from the values of one measurement over all images."""

    constant: str
    measurement: str
    reason: str
    derive: Callable[[Values], float]


LIMITS = (
    Limit(
        "SHARPNESS_NEEDED", "sharpness", "one in a thousand genuine images is below", lambda v: np.quantile(v, 0.001)
    ),
    Limit("SHARPNESS_GOOD", "sharpness", "one in a hundred genuine images is below", lambda v: np.quantile(v, 0.01)),
    Limit("NOISE_ALLOWED", "sharpness", "1.2 x the largest genuine value", lambda v: 1.2 * v.max()),
    Limit(
        "LIGHT_NEEDED",
        "light",
        "0.4 x the smallest genuine value: most show light skin, and dark skin must not count as a dark image",
        lambda v: 0.4 * v.min(),
    ),
    Limit("LIGHT_GOOD", "light", "0.7 x the smallest genuine value, for the same reason", lambda v: 0.7 * v.min()),
    Limit("OVEREXPOSED_ALLOWED", "overexposed", "1.2 x the largest genuine value", lambda v: 1.2 * v.max()),
    Limit(
        "OVEREXPOSED_GOOD",
        "overexposed",
        "one in two hundred is above, at least 1 %",
        lambda v: max(1.0, _high(v, 0.005)),
    ),
    Limit("CONTRAST_NEEDED", "contrast", "half the smallest genuine value", lambda v: 0.5 * v.min()),
    Limit("COLOUR_NEEDED", "colour", "half the smallest genuine value", lambda v: 0.5 * v.min()),
    Limit("FOREIGN_ALLOWED", "foreign", "1.15 x the largest genuine value", lambda v: 1.15 * v.max()),
    Limit("HAIR_GOOD", "hair", "one in fifty is above", lambda v: _high(v, 0.02)),
    Limit("MARKS_GOOD", "marks", "one in a hundred is above, at least 1 %", lambda v: max(1.0, _high(v, 0.01))),
    Limit("FRAME_GOOD", "frame", "one in a hundred is above", lambda v: _high(v, 0.01)),
    Limit("LESION_GOOD", "lesion", "one in two hundred is below", lambda v: np.quantile(v, 0.005)),
)


def _high(values: Values, share: float) -> float:
    return float(np.quantile(values, 1 - share))


def images(folder: Path) -> Iterator[Image]:
    """Yield each image, uint8 RGB."""
    for path in sorted(folder.glob("*/images/*.jpg")):
        yield np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


def square(image: Image) -> Image:
    """Return the square that quality is measured on."""
    from qana_desktop.network.preprocess import to_network_input

    return to_network_input(image, 256)


def bare_skin(image: Image) -> Image | None:
    """Return the calmest corner as a square of its own: most often skin alone. None where all corners are dark."""
    height, width = image.shape[:2]
    side = int(min(height, width) * CORNER)
    inset = int(min(height, width) * CORNER_INSET)
    corners = [
        image[top : top + side, left : left + side]
        for top in (inset, height - side - inset)
        for left in (inset, width - side - inset)
    ]
    lit = [corner for corner in corners if corner.min(axis=2).mean() >= CORNER_LIT]
    return square(np.ascontiguousarray(min(lit, key=lambda corner: corner.std(axis=(0, 1)).sum()))) if lit else None


def write_module(measured: dict[str, Values], n: int) -> None:
    """Write the constants, rounded to two decimals."""
    lines = [
        f'"""Image quality limits set on {n} dermoscopic images. Written by tests/benchmarks/{Path(__file__).name}."""',
        "",
        "from typing import Final",
        "",
    ]
    for limit in LIMITS:
        lines += [f"{limit.constant}: Final = {limit.derive(measured[limit.measurement]):.2f}", f'"""{limit.reason}"""']
    MODULE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def page(
    measured: dict[str, Values], reports: list[tuple[str, ...]], caught: dict[float, float], bare: tuple[int, float]
) -> str:
    """Return the page: what was measured, the limits, and what they refuse."""
    n = len(reports)
    lines = [
        "# Limits of image quality",
        "",
        "Written by `python tests/benchmarks/derive_quality_limits.py DATA`; do not edit by hand.",
        "",
        f"Set on {n} images of HAM10000 and ISIC 2017 (256 x 256, mostly light skin). No sealed test image was used.",
        "They were set and counted on the same images: the counts show what they cost, not an independent validation.",
        "",
        "| measurement | smallest | 0.1 % | 1 % | median | 99 % | 99.9 % | largest |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, values in measured.items():
        cells = np.quantile(values, [0, 0.001, 0.01, 0.5, 0.99, 0.999, 1])
        lines.append(f"| {name} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |")
    lines += ["", "| limit | value | how it was set |", "|---|---|---|"]
    for limit in LIMITS:
        lines.append(f"| {limit.constant} | {limit.derive(measured[limit.measurement]):.2f} | {limit.reason} |")
    codes = sorted({code for codes in reports for code in codes})
    lines += ["", "## What they say about the genuine images", "", "| verdict | images | share |", "|---|---|---|"]
    for code in codes:
        count = sum(code in found for found in reports)
        lines.append(f"| {code} | {count} | {100 * count / n:.2f} % |")
    refused = sum(any(code.startswith("!") for code in found) for found in reports)
    lines.append(f"| **any refusal** | {refused} | {100 * refused / n:.2f} % |")
    lines += ["", "A refusal is marked `!`, the others are warnings.", "", "## Blurred on purpose", ""]
    lines += ["| Gaussian blur at 256 px | refused |", "|---|---|"]
    lines += [f"| {sigma:g} px | {100 * share:.1f} % |" for sigma, share in caught.items()]
    corners, warned = bare
    lines += [
        "",
        "## Skin without a lesion",
        "",
        f"Of {corners} calm corners of these images, each taken as an image of its own, {100 * warned:.1f} % get the",
        "warning `image-no-lesion`. It is a warning because some lesions stand out as little as skin does.",
    ]
    return "\n".join(lines) + "\n"


def main(folder: Path) -> None:
    """Measure, write the module, then judge all images with it and write the page."""
    sys.path.insert(0, str(ROOT))
    if not MODULE.exists():
        MODULE.write_text("\n".join(f"{limit.constant} = 0.0" for limit in LIMITS), encoding="utf-8")
    from qana_desktop.intake import quality

    found: list[quality.Measurements] = []
    blurred: dict[float, list[quality.Measurements]] = {sigma: [] for sigma in BLUR_PX}
    corners: list[quality.Measurements] = []
    for index, image in enumerate(images(folder)):
        seen = square(image)
        found.append(quality.measure(seen))
        if index % EVERY == 0:
            for sigma in BLUR_PX:
                soft = np.asarray(cv2.GaussianBlur(seen, (0, 0), sigma), dtype=np.uint8)
                blurred[sigma].append(quality.measure(soft))
            if (corner := bare_skin(image)) is not None:
                corners.append(quality.measure(corner))
    names = [field.name for field in fields(quality.Measurements)]
    columns = np.array([astuple(one) for one in found], dtype=np.float64).T
    measured = dict(zip(names, columns, strict=True))
    write_module(measured, len(found))
    importlib.reload(quality.limits)
    importlib.reload(quality)
    reports = [
        tuple(f"! {f.fault.code}" if f.refuses else f.fault.code for f in quality.judge(one).findings if f.fault)
        for one in found
    ]
    caught = {sigma: float(np.mean([bool(quality.judge(one).refusals) for one in blurred[sigma]])) for sigma in BLUR_PX}
    warned = [any(fault.code == "image-no-lesion" for fault in quality.judge(one).warnings) for one in corners]
    PAGE.write_text(page(measured, reports, caught, (len(warned), float(np.mean(warned)))), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
