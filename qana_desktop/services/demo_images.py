"""Draws synthetic lesions for demonstrations and benchmarks. They say in pixels, name and file that they are drawn.

No photograph went into them: what a network says about them means nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from qana_desktop.system.faults import Fault, KnownError

RgbImage: TypeAlias = npt.NDArray[np.uint8]
Field: TypeAlias = npt.NDArray[np.float64]
Colour: TypeAlias = tuple[int, int, int]

WIDTH, HEIGHT = 600, 450
COMMENT: Final = b"Synthetic image drawn by QANA Desktop. Not a photograph, not a patient."


@dataclass(frozen=True)
class Look:
    """How one lesion is drawn: `radius` as share of the height, the rest from 0 (none) to about 1 (much)."""

    name: str
    skin: Colour = (226, 178, 152)
    colours: tuple[Colour, ...] = ((150, 96, 66), (112, 66, 44))
    radius: float = 0.27
    ragged: float = 0.08
    network: float = 0.3
    patches: float = 0.3
    hairs: int = 0
    blur: float = 0.0
    light: float = 1.0


LOOKS: Final[tuple[Look, ...]] = (
    Look("even-brown", ragged=0.04, network=0.5),
    Look(
        "large-dark-ragged", colours=((92, 60, 48), (52, 36, 34), (122, 96, 110)), radius=0.36, ragged=0.22, patches=1.0
    ),
    Look("pink-shiny", skin=(232, 190, 170), colours=((214, 140, 128), (196, 112, 112)), network=0.0, patches=0.5),
    Look("red-lakes", colours=((168, 44, 52), (120, 22, 40)), radius=0.2, ragged=0.1, network=0.0, patches=0.9),
    Look("waxy-tan", skin=(220, 178, 150), colours=((176, 134, 92), (142, 100, 66)), radius=0.33, patches=0.8),
    Look("pale-centre", colours=((196, 150, 124), (160, 106, 80)), radius=0.22, ragged=0.05, network=0.6),
    Look("dark-skin-round", skin=(122, 82, 62), colours=((74, 46, 36), (54, 34, 30)), radius=0.24, ragged=0.06),
    Look("under-hair", radius=0.3, hairs=14),
    Look("out-of-focus", radius=0.3, blur=14.0),
    Look("too-dark", radius=0.3, light=0.12),
)
"""What `demo-images` draws; the last two are for the quality check to refuse."""


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
                f"The demonstration images could not be written to “{folder}”: {error.strerror or error}.",
                "Name a folder that you may write to.",
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
    good = [look for look in LOOKS if look.blur == 0.0 and look.light == 1.0]
    return [
        encode_jpeg(draw_lesion(replace(look, radius=look.radius * (0.85 + 0.3 * (i % 7) / 7)), 1000 + i))
        for i, look in ((i, good[i % len(good)]) for i in range(count))
    ]


def draw_lesion(look: Look, seed: int, *, width: int = WIDTH, height: int = HEIGHT) -> RgbImage:
    """Draw one lesion, (height, width, 3) uint8 RGB; the same look and seed always give the same pixels."""
    random = np.random.default_rng(seed)
    inside = _shape(look, random, width, height)
    image = _skin(look, random, width, height)
    lesion = _lesion_colours(look, random, width, height)
    mixed = image * (1.0 - inside[..., None]) + lesion * inside[..., None]
    mixed = _finish(_draw_hairs(mixed, look, random), look, random)
    return _label(np.clip(np.rint(mixed), 0, 255).astype(np.uint8))


def _noise(random: np.random.Generator, width: int, height: int, cell: float) -> Field:
    """Smooth noise (height, width) with mean 0 and deviation 1, its blobs about `cell` pixels wide."""
    small = random.normal(size=(max(2, round(height / cell)) + 2, max(2, round(width / cell)) + 2))
    field = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray((field - field.mean()) / (field.std() + 1e-9), dtype=np.float64)


def _shape(look: Look, random: np.random.Generator, width: int, height: int) -> Field:
    """How much each pixel belongs to the lesion, 0 to 1, with a soft and ragged border."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    x, y = (x - width / 2) / height, (y - height / 2) / height
    angle = np.arctan2(y, x)
    border = np.full_like(angle, look.radius)
    for wave in range(2, 9):
        border += look.radius * look.ragged / wave * 2 * np.sin(wave * angle + random.uniform(0, 2 * np.pi))
    border += look.radius * look.ragged * 0.3 * _noise(random, width, height, 18)
    distance = border - np.hypot(x * random.uniform(0.85, 1.15), y)
    return np.asarray(1.0 / (1.0 + np.exp(np.clip(-distance / 0.008, -50, 50))), dtype=np.float64)


def _skin(look: Look, random: np.random.Generator, width: int, height: int) -> Field:
    shade = 1.0 + 0.03 * _noise(random, width, height, 160) + 0.015 * _noise(random, width, height, 9)
    return np.asarray(np.array(look.skin, dtype=np.float64) * shade[..., None], dtype=np.float64)


def _lesion_colours(look: Look, random: np.random.Generator, width: int, height: int) -> Field:
    first, *others = (np.array(colour, dtype=np.float64) for colour in look.colours)
    colours = np.broadcast_to(first, (height, width, 3)).copy()
    for other in others:
        share = 1.0 / (1.0 + np.exp(-3.0 * (_noise(random, width, height, 70) + look.patches - 0.6)))
        colours += share[..., None] * (other - colours) * min(1.0, 0.4 + look.patches)
    lines = np.abs(_noise(random, width, height, 11))
    mesh = np.exp(-((lines / 0.25) ** 2))
    return np.asarray(colours * (1.0 - 0.45 * look.network * mesh[..., None]), dtype=np.float64)


def _draw_hairs(image: Field, look: Look, random: np.random.Generator) -> Field:
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    for _ in range(look.hairs):
        ends = random.uniform(-0.1, 1.1, (3, 2)) * (width, height)
        steps = np.linspace(0, 1, 40)[:, None]
        curve = (1 - steps) ** 2 * ends[0] + 2 * steps * (1 - steps) * ends[1] + steps**2 * ends[2]
        cv2.polylines(
            mask, [np.rint(curve).astype(np.int32)], isClosed=False, color=255, thickness=2, lineType=cv2.LINE_AA
        )
    return np.asarray(image * (1.0 - 0.75 * mask[..., None] / 255.0), dtype=np.float64)


def _finish(image: Field, look: Look, random: np.random.Generator) -> Field:
    if look.blur > 0.0:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), look.blur), dtype=np.float64)
    grain = 2.0 if look.blur == 0.0 else 0.4
    return np.asarray((image + random.normal(0, grain, image.shape)) * look.light, dtype=np.float64)


def _label(image: RgbImage) -> RgbImage:
    """Write SYNTHETIC into the corner, outside of the centre square that the network sees."""
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(image, "SYNTHETIC", (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.38, colour, thickness, cv2.LINE_AA)
    return image
