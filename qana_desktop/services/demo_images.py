"""Synthetic lesions for demonstrations and benchmarks. They say in pixels, name and file that they are drawn.

No photograph went into them: what a network says about them means nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2

from qana_desktop.services.synthetic_lesions import Look, RgbImage, draw_lesion
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _

COMMENT: Final = b"Synthetic image drawn by QANA Desktop. Not a photograph, not a patient."


LOOKS: Final[tuple[Look, ...]] = (
    Look("even-brown", network=0.55, ragged=0.15, border=0.05),
    Look(
        "large-dark-ragged",
        colours=((138, 92, 70), (62, 42, 38), (104, 66, 56)),
        radius=0.27,
        ragged=0.6,
        network=0.6,
        globules=0.5,
        patches=0.8,
        veil=0.7,
    ),
    Look("dotted-brown", colours=((168, 118, 88), (128, 82, 58)), globules=0.9, ragged=0.2, border=0.05),
    Look(
        "pink-with-vessels", skin=(228, 184, 166), colours=((222, 156, 144), (206, 130, 124)), vessels=0.85, border=0.09
    ),
    Look("red-lakes", colours=((186, 62, 66), (150, 34, 46)), radius=0.2, ragged=0.25, lakes=0.75, border=0.04),
    Look("waxy-tan", colours=((182, 140, 98), (146, 104, 68)), radius=0.3, cysts=0.8, ragged=0.4, border=0.012),
    Look("pale-centre", colours=((196, 148, 122), (170, 116, 90)), radius=0.21, network=0.35, scar=0.9, border=0.1),
    Look(
        "rough-red",
        skin=(222, 178, 160),
        colours=((214, 132, 118), (226, 168, 146)),
        radius=0.3,
        ragged=0.7,
        border=0.1,
        patches=0.7,
        cysts=0.15,
    ),
    Look(
        "dark-skin",
        skin=(126, 86, 66),
        colours=((82, 52, 42), (52, 34, 30)),
        radius=0.24,
        ragged=0.2,
        network=0.5,
        border=0.05,
    ),
    Look(
        "olive-skin",
        skin=(188, 142, 112),
        colours=((128, 84, 60), (84, 54, 42)),
        radius=0.22,
        ragged=0.3,
        network=0.5,
        globules=0.3,
    ),
    Look("under-hair", radius=0.28, network=0.4, hairs=34),
    Look("beside-a-ruler", radius=0.17, network=0.5, ragged=0.25, ruler=True),
    Look("not-skin", page=True),
    Look("out-of-focus", radius=0.28, network=0.4, blur=14.0),
    Look("too-dark", radius=0.28, network=0.4, light=0.12),
)
"""What `demo-images` draws; the last three are for the quality check to refuse."""


class CannotWrite(KnownError):
    """The demonstration images could not be written."""


def write_demo_images(folder: Path) -> list[Path]:
    """Draw all `LOOKS` into `folder` (made if it is missing) as JPEG files and return them; raises CannotWrite.

    A file of the same name is replaced.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(folder / f"synthetic-{i:02d}-{look.name}.jpg", look, i) for i, look in enumerate(LOOKS, start=1)]
    except OSError as error:
        raise CannotWrite(
            Fault(
                "cannot-write",
                _("The demonstration images could not be written to “{folder}”: {why}.").format(
                    folder=folder, why=error.strerror or error
                ),
                _("Name a folder that you may write to."),
            )
        ) from error


def _write(path: Path, look: Look, seed: int) -> Path:
    unfinished = path.with_suffix(".part")
    try:
        unfinished.write_bytes(encode_jpeg(draw_lesion(look, seed)))
        return unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def encode_jpeg(rgb: RgbImage) -> bytes:
    """Encode as JPEG, quality 92, with a comment that names it synthetic."""
    done, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])
    if not done:
        raise RuntimeError("the JPEG encoder refused a drawn image")
    whole = data.tobytes()
    return whole[:2] + b"\xff\xfe" + (len(COMMENT) + 2).to_bytes(2, "big") + COMMENT + whole[2:]


def benchmark_jpegs(count: int) -> list[bytes]:
    """`count` drawn lesions of good quality as JPEG bytes, 600 x 450, all different."""
    good = [look for look in LOOKS if look.blur == 0.0 and look.light == 1.0 and not look.page]
    return [
        encode_jpeg(draw_lesion(replace(look, radius=look.radius * (0.85 + 0.3 * (i % 7) / 7)), 1000 + i))
        for i, look in ((i, good[i % len(good)]) for i in range(count))
    ]
