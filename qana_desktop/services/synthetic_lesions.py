"""Draws lesions as a dermatoscope shows them, from random numbers alone. No photograph went into them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

RgbImage: TypeAlias = npt.NDArray[np.uint8]
Field: TypeAlias = npt.NDArray[np.float32]
Colour: TypeAlias = tuple[int, int, int]

WIDTH, HEIGHT = 600, 450
LABEL: Final = "SYNTHETIC"
_LABEL_WIDTH: Final = 34


@dataclass(frozen=True)
class Look:
    """How one image is drawn: `radius` is a share of the height, the rest goes from 0 (none) to about 1 (much).

    `colours` go from the lesion's own to what its patches add. `network` is the honeycomb of pigment, `globules` dark
    dots, `veil` a grey-blue haze, `scar` a pale centre, `cysts` pale and brown dots, `lakes` red lagoons, `vessels` a
    branching red tree, `hairs` a number of hairs, `ruler` a millimetre scale, `page` printed text instead of skin.
    """

    name: str
    skin: Colour = (224, 176, 152)
    colours: tuple[Colour, ...] = ((160, 108, 78), (112, 68, 46))
    radius: float = 0.26
    ragged: float = 0.3
    border: float = 0.03
    network: float = 0.0
    globules: float = 0.0
    patches: float = 0.4
    veil: float = 0.0
    scar: float = 0.0
    cysts: float = 0.0
    lakes: float = 0.0
    vessels: float = 0.0
    hairs: int = 0
    ruler: bool = False
    page: bool = False
    blur: float = 0.0
    light: float = 1.0


def draw_lesion(look: Look, seed: int, *, width: int = WIDTH, height: int = HEIGHT) -> RgbImage:
    """Draw one image, (height, width, 3) uint8 RGB; the same look and seed always give the same pixels."""
    random = np.random.default_rng(seed)
    scene = _page(width, height) if look.page else _skin_with_lesion(look, random, width, height)
    if look.ruler:
        _draw_ruler(scene)
    scene = _blend(scene, _hairs(look, random, width, height), (46, 32, 26))
    return _label(_camera(scene, look, random))


def _skin_with_lesion(look: Look, random: np.random.Generator, width: int, height: int) -> Field:
    depth = _depth(look, random, width, height)
    inside = _smooth(depth / look.border + 0.5)
    scene = _skin(look, random, width, height)
    scene = _blend(scene, 0.35 * _smooth(depth / 0.10 + 1.0), look.colours[0])  # the faint halo around a lesion
    scene += inside[..., None] * (_pigment(look, random, depth) - scene)
    scene = _structures(scene, look, random, inside, depth)
    return scene * (1 + 0.022 * _noise(random, width, height, 2.5) + 0.02 * _furrows(random, width, height))[..., None]


# --- skin


def _skin(look: Look, random: np.random.Generator, width: int, height: int) -> Field:
    base = np.array(look.skin, np.float32) * (1 + 0.025 * _noise(random, width, height, 170))[..., None]
    flush = _smooth(0.25 + 0.3 * _noise(random, width, height, 60))
    base = _blend(base, 0.12 * flush, (205, 110, 105))
    return _blend(base, 0.3 * _dots(random, width, height, count=70, radius=2.2), (170, 112, 92))


def _furrows(random: np.random.Generator, width: int, height: int) -> Field:
    """The fine criss-cross of skin lines: two families of wavy parallels."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    lines = np.zeros((height, width), np.float32)
    for angle in (random.uniform(0.3, 0.6), random.uniform(1.7, 2.1)):
        wave = (x * np.cos(angle) + y * np.sin(angle)) / 11 + 0.55 * _noise(random, width, height, 40)
        lines -= np.exp(-((np.sin(wave * np.pi) / 0.22) ** 2))
    return lines


# --- the lesion


def _depth(look: Look, random: np.random.Generator, width: int, height: int) -> Field:
    """How far each pixel lies inside of the outline, in shares of the height; negative outside."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = (x - width / 2) / height, (y - height / 2) / height
    turn, long = random.uniform(0, np.pi), 1 + 0.35 * look.ragged
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    angle = np.arctan2(across, along)
    outline = np.full_like(angle, look.radius)
    for wave in range(2, 8):
        size = look.radius * look.ragged * random.normal(0, 0.55) / wave
        outline += np.float32(size) * np.sin(wave * angle + random.uniform(0, 2 * np.pi))
    outline += np.float32(0.10 * look.radius * look.ragged) * _noise(random, width, height, 22)
    return np.asarray(outline - np.hypot(along / long, across * long**0.5), dtype=np.float32)


def _pigment(look: Look, random: np.random.Generator, depth: Field) -> Field:
    height, width = depth.shape
    first, *others = look.colours
    pigment = np.broadcast_to(np.array(first, np.float32), (height, width, 3)).copy()
    centre = _smooth(depth / (0.9 * look.radius))
    for other in others:
        share = _smooth(
            0.5 + 0.9 * _noise(random, width, height, 75) + 0.7 * (look.patches - 0.6) + 0.35 * (centre - 0.5)
        )
        pigment = _blend(pigment, share * min(1.0, 0.45 + look.patches), other)
    return pigment * (1 + 0.07 * _noise(random, width, height, 7))[..., None]


def _structures(scene: Field, look: Look, random: np.random.Generator, inside: Field, depth: Field) -> Field:
    height, width = inside.shape
    darkest = tuple(int(channel * 0.55) for channel in min(look.colours, key=sum))
    if look.network:
        uneven = _smooth(0.65 + 0.5 * _noise(random, width, height, 60))
        fading = _smooth(depth / (0.35 * look.radius) + 0.75)
        scene = _blend(scene, look.network * uneven * fading * _honeycomb(random, width, height, 8.5), darkest)
    if look.globules:
        dots = _dots(random, width, height, count=round(420 * look.globules), radius=4.0)
        scene = _blend(scene, 0.75 * dots * inside * _smooth(0.4 + _noise(random, width, height, 60)), darkest)
    if look.veil:
        haze = look.veil * _smooth(0.2 + 0.6 * _noise(random, width, height, 90)) * _smooth(depth / 0.06)
        scene = _blend(scene, 0.8 * haze, (128, 128, 146))
    if look.scar:
        pale = _smooth((depth - 0.62 * look.radius) / (0.3 * look.radius) + 0.5)
        scene = _blend(
            scene, look.scar * pale * (0.8 + 0.15 * _noise(random, width, height, 9)).clip(0, 1), (238, 214, 204)
        )
    if look.cysts:
        plugs = _dots(random, width, height, count=round(160 * look.cysts), radius=6.0)
        milia = _dots(random, width, height, count=round(120 * look.cysts), radius=4.5)
        scene = _blend(_blend(scene, 0.8 * plugs * inside, darkest), 0.85 * milia * inside, (236, 216, 186))
    if look.lakes:
        lagoons = 1 - _honeycomb(random, width, height, 34.0)
        scene = _blend(scene, look.lakes * _smooth(1.6 * lagoons - 0.3) * inside, (120, 16, 30))
    if look.vessels:
        scene = _blend(
            scene, look.vessels * _tree(random, width, height, look.radius) * _smooth(depth / 0.05 + 0.7), (176, 34, 48)
        )
    return scene


# --- marks of all kinds, as how much each pixel belongs to them (0 to 1)


def _honeycomb(random: np.random.Generator, width: int, height: int, cell: float) -> Field:
    """Lines between cells about `cell` pixels wide: far from every seed of a shaken hexagonal grid."""
    seeds = np.full((height, width), 255, np.uint8)
    for row, y in enumerate(np.arange(0, height + cell, cell * 0.87)):
        xs = np.arange(0, width + cell, cell) + (row % 2) * cell / 2
        points = np.stack([xs, np.full_like(xs, y)], axis=1) + random.normal(0, 0.17 * cell, (len(xs), 2))
        within = (points >= 0).all(axis=1) & (points < (width - 0.5, height - 0.5)).all(axis=1)
        columns, rows = np.rint(points[within]).astype(int).T
        seeds[rows.clip(0, height - 1), columns.clip(0, width - 1)] = 0
    distance = cv2.distanceTransform(seeds, cv2.DIST_L2, 5)
    return _smooth((np.asarray(distance, dtype=np.float32) / np.float32(cell) - 0.30) / 0.28)


def _dots(random: np.random.Generator, width: int, height: int, *, count: int, radius: float) -> Field:
    mask = np.zeros((height, width), np.uint8)
    for x, y, size in zip(
        random.uniform(0, width, count), random.uniform(0, height, count), random.lognormal(0, 0.35, count), strict=True
    ):
        r = max(1, round(radius * float(size)))
        cv2.ellipse(mask, (int(x), int(y)), (r, max(1, round(r * 0.8))), float(x) % 180, 0, 360, 255, -1, cv2.LINE_AA)
    return _soft(mask, 0.9)


def _tree(random: np.random.Generator, width: int, height: int, radius: float) -> Field:
    """Vessels that branch and grow thinner."""
    mask = np.zeros((height, width), np.uint8)
    for _ in range(5):
        start = np.array([width / 2, height / 2]) + random.normal(0, radius * height * 0.55, 2)
        _grow(mask, random, start, float(random.uniform(0, 2 * np.pi)), 4)
    return _soft(mask, 0.8)


def _grow(
    mask: RgbImage, random: np.random.Generator, at: npt.NDArray[np.float64], heading: float, thickness: int
) -> None:
    for _ in range(9):
        heading += float(random.normal(0, 0.35))
        step = at + 7 * np.array([np.cos(heading), np.sin(heading)])
        cv2.line(mask, _pixel(at), _pixel(step), 255, thickness, cv2.LINE_AA)
        at = step
    if thickness > 1:
        for side in (-0.6, 0.6):
            _grow(mask, random, at, heading + side, thickness - 1)


def _hairs(look: Look, random: np.random.Generator, width: int, height: int) -> Field:
    mask = np.zeros((height, width), np.uint8)
    common = random.uniform(0, np.pi)
    for _ in range(look.hairs):
        angle = common + random.normal(0, 0.35)
        middle = random.uniform(0, 1, 2) * (width, height)
        along = np.array([np.cos(angle), np.sin(angle)]) * random.uniform(110, 260)
        bend = np.array([-np.sin(angle), np.cos(angle)]) * random.normal(0, 45)
        t = np.linspace(-1, 1, 40)[:, None]
        curve = np.rint(middle + t * along + (1 - t**2) * bend).astype(np.int32)
        cv2.polylines(
            mask, [curve], isClosed=False, color=235, thickness=int(random.integers(2, 4)), lineType=cv2.LINE_AA
        )
    return _soft(mask, 0.6)


# --- things that are not skin


def _draw_ruler(scene: Field) -> None:
    height, width = scene.shape[:2]
    top, ink = height - 44, (60.0, 52.0, 50.0)
    cv2.line(scene, (110, top), (width - 110, top), ink, 2, cv2.LINE_AA)
    for number, x in enumerate(range(110, width - 109, 19)):
        cv2.line(scene, (x, top), (x, top + (18 if number % 5 == 0 else 10)), ink, 2, cv2.LINE_AA)


def _page(width: int, height: int) -> Field:
    sheet = np.full((height, width, 3), 236, np.uint8)
    for y in range(46, height - 10, 30):
        cv2.putText(
            sheet, "not skin: a page of text", (92, y), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (40, 40, 40), 2, cv2.LINE_AA
        )
    return sheet.astype(np.float32)


def _camera(scene: Field, look: Look, random: np.random.Generator) -> RgbImage:
    """Light that falls off to the corners, focus, grain."""
    height, width = scene.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    falloff = 1.03 - 0.16 * ((x / width - 0.48) ** 2 + (y / height - 0.52) ** 2)[..., None] * 2
    seen = np.asarray(cv2.GaussianBlur(scene * falloff, (0, 0), look.blur or 0.7), dtype=np.float32)
    grain = random.normal(0, 0.4 if look.blur else 1.8, scene.shape).astype(np.float32)
    return np.asarray(np.clip(np.rint((seen + grain) * look.light), 0, 255), dtype=np.uint8)


def _label(image: RgbImage) -> RgbImage:
    """Write the label up the left margin, outside of the centre square that the network sees."""
    height = image.shape[0]
    margin = np.ascontiguousarray(np.rot90(image[:, :_LABEL_WIDTH], -1))
    cv2.rectangle(margin, (0, 0), (height * 2 // 5, _LABEL_WIDTH), (24, 24, 24), cv2.FILLED)
    cv2.putText(margin, LABEL, (12, 23), cv2.FONT_HERSHEY_SIMPLEX, height / 560, (245, 245, 245), 2, cv2.LINE_AA)
    image[:, :_LABEL_WIDTH] = np.rot90(margin, 1)
    return image


# --- arithmetic


def _noise(random: np.random.Generator, width: int, height: int, cell: float) -> Field:
    """Smooth noise (height, width) with mean 0 and deviation 1, its blobs about `cell` pixels wide."""
    small = random.normal(size=(max(2, round(height / cell)) + 2, max(2, round(width / cell)) + 2)).astype(np.float32)
    field = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray((field - field.mean()) / (field.std() + 1e-9), dtype=np.float32)


def _smooth(value: Field) -> Field:
    """A step from 0 to 1 between 0 and 1, without corners."""
    t = np.clip(value, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def _soft(mask: RgbImage, sigma: float) -> Field:
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), sigma), dtype=np.float32)


def _blend(scene: Field, share: Field, colour: tuple[int, ...]) -> Field:
    return np.asarray(scene + share[..., None] * (np.array(colour, np.float32) - scene), dtype=np.float32)


def _pixel(point: npt.NDArray[np.float64]) -> tuple[int, int]:
    return int(point[0]), int(point[1])
