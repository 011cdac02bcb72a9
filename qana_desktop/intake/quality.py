"""Measures whether an image can be read at all: sharpness, light, colour, and what covers the lesion.

Everything is measured on the centre square at 256 x 256, the part that the network sees, so that a 24-megapixel
photograph and a 600 x 450 one are held to the same limits. These were set on dermoscopic images (`quality_limits`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from math import ceil, floor
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from qana_desktop.intake import quality_limits as limits
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_, _
from qana_desktop.triage.quality import QualityFinding, QualityReport

UInt8Image = npt.NDArray[np.uint8]
Int16Plane = npt.NDArray[np.int16]
Float32Plane = npt.NDArray[np.float32]

MEASURED_SIDE: Final = 256
_SMALL_SIDE: Final = 64
_HAIR_WIDTH: Final = 9
_HAIR_DEPTH: Final = 25
_CLIPPED: Final = 248
_DARK: Final = 40
_FOREIGN_PERCENT: Final = 35
_MARK_DISTANCE: Final = 30
_MIDDLE_RADIUS: Final = 0.35
"""Of the middle, as a share of the side."""


@dataclass(frozen=True)
class Measurements:
    """What was measured on one square. Shares are percent of the area; light, contrast, colour are levels, 0 to 255.

    `sharpness` is 100 x the energy of details of 1 to 2 px over that of structures of 2 to 8 px: blur takes the first
    and leaves the second, and contrast cancels out. `light` is the 95th percentile of the grey values (the brightest
    skin, so that neither a dark lesion nor dark skin counts as a dark image), `contrast` the range that holds 99 % of
    them, `colour` the 95th percentile of the distance between the largest and the smallest of R, G, B. `foreign` is the
    area of strong blue or green, `hair` that of thin dark lines, `marks` the share of the outer zone that is bluer or
    greener than this image's own skin, `frame` the black share of the edge. `lesion` is how far the middle departs from
    light and skin that change smoothly over the image: 10 x the mean distance in CIE L*a*b*.
    """

    sharpness: float
    light: float
    overexposed: float
    contrast: float
    colour: float
    foreign: float
    hair: float
    marks: float
    frame: float
    lesion: float


def measure(square: UInt8Image) -> Measurements:
    """Measure a square of uint8 RGB, 256 x 256 x 3. Raises ValueError for another shape."""
    if square.shape != (MEASURED_SIDE, MEASURED_SIDE, 3):
        raise ValueError(f"quality is measured on {MEASURED_SIDE} x {MEASURED_SIDE} x 3, not on {square.shape}")
    grey = cv2.cvtColor(square, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(square, (_SMALL_SIDE, _SMALL_SIDE), interpolation=cv2.INTER_AREA)
    levels = np.sort(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), axis=None)
    red, green, blue = (plane.astype(np.int16) for plane in cv2.split(small))
    darkest = np.minimum(np.minimum(red, green), blue)
    brightest = np.maximum(np.maximum(red, green), blue)
    chroma = brightest - darkest
    cool = np.maximum(green, blue) - red
    return Measurements(
        sharpness=_sharpness(grey),
        light=_quantile(levels, 0.95),
        overexposed=_percent(darkest >= _CLIPPED),
        contrast=_quantile(levels, 0.995) - _quantile(levels, 0.005),
        colour=_quantile(np.sort(chroma, axis=None), 0.95),
        foreign=_percent((cool > 0) & (chroma * 100 > _FOREIGN_PERCENT * brightest) & (brightest >= _DARK)),
        hair=_percent(cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, _hair_kernel()) > _HAIR_DEPTH),
        marks=_marks(cool),
        frame=_percent(_border(brightest) < _DARK),
        lesion=_stands_out(small),
    )


def _sharpness(grey: npt.NDArray[Any]) -> float:
    details = cv2.GaussianBlur(grey.astype(np.float32), (7, 7), 1.0)
    structures = cv2.GaussianBlur(details, (11, 11), 3**0.5)  # 1 px and then sqrt(3) px make 2 px
    small = cv2.resize(structures, (_SMALL_SIDE, _SMALL_SIDE), interpolation=cv2.INTER_AREA)
    coarse = small - cv2.GaussianBlur(small, (13, 13), 2.0)
    fine = details - structures
    return 100 * _rms(fine) / (_rms(coarse) + 0.5)  # half a grey level: a flat image has no sharpness


def _rms(plane: npt.NDArray[np.float32]) -> float:
    return float(cv2.norm(plane) / plane.size**0.5)


def _quantile(ordered: npt.NDArray[np.generic], share: float) -> float:
    return float(ordered[int(share * (ordered.size - 1))])


def _percent(mask: npt.NDArray[np.bool_]) -> float:
    return 100 * float(np.count_nonzero(mask)) / mask.size


def _hair_kernel() -> UInt8Image:
    return np.ones((_HAIR_WIDTH, _HAIR_WIDTH), np.uint8)


def _border(plane: Int16Plane) -> Int16Plane:
    return np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])


def _marks(cool: Int16Plane) -> float:
    """Ink and stickers lie beside the lesion: only the outer zone counts, or every blue naevus would be a pen mark."""
    skin = float(np.median(cool))
    outer = np.concatenate(
        [cool[:12].ravel(), cool[-12:].ravel(), cool[12:-12, :12].ravel(), cool[12:-12, -12:].ravel()]
    )
    return _percent((outer > 0) & (outer > skin + _MARK_DISTANCE))


def _stands_out(small: npt.NDArray[Any]) -> float:
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    colours = cv2.GaussianBlur(lab, (0, 0), 2.0).reshape(-1, 3)  # finer than this are pores and fine hair
    surface, solver, middle = _smooth_light()
    away = colours - surface @ (solver @ colours)
    return 10 * float(np.sqrt((away[middle] ** 2).sum(axis=1)).mean())


@cache
def _smooth_light() -> tuple[Float32Plane, Float32Plane, npt.NDArray[np.bool_]]:
    """What lens and lamp do to even skin: a plane and a bowl; how they are fitted; and which pixels are the middle."""
    down, across = np.mgrid[0:_SMALL_SIDE, 0:_SMALL_SIDE].astype(np.float32) / (_SMALL_SIDE - 1) - 0.5
    away = down**2 + across**2
    parts = (np.ones_like(away), across, down, away)
    surface = np.stack([part.ravel() for part in parts], axis=1).astype(np.float32)
    return surface, np.linalg.pinv(surface).astype(np.float32), (away < _MIDDLE_RADIUS**2).ravel()


# --- the verdict


@dataclass(frozen=True)
class Rule:
    """One limit on one measurement. `below`: the value must not be below the limit, else not above it."""

    name: str
    limit: float
    below: bool
    refuses: bool
    code: str
    says: str
    remedy: str

    def finding(self, value: float) -> QualityFinding:
        """Hold `value` to the limit."""
        broken = value < self.limit if self.below else value > self.limit
        fault = Fault(self.code, self._sentence(value), self.remedy) if broken else None
        return QualityFinding(self.name, value, self.limit, fault, self.refuses)

    def _sentence(self, value: float) -> str:
        shown, needed = (floor(value), ceil(self.limit)) if self.below else (ceil(value), floor(self.limit))
        happened = self.says.format(value=shown, limit=needed)
        return _("Cannot assess: {happened}").format(happened=happened) if self.refuses else happened


_NOT_DERMOSCOPY: Final = N_("Choose a dermoscopic image in colour.")
_AGAIN: Final = N_("Take it again with the lens on the skin.")


RULES: Final[tuple[Rule, ...]] = (
    Rule("light", limits.LIGHT_NEEDED, True, True, "image-too-dark",
         N_("the image is too dark to read (brightest skin {value} of 255, needs {limit})."),
         N_("Switch the light of the dermatoscope on and take it again.")),
    Rule("overexposed", limits.OVEREXPOSED_ALLOWED, False, True, "image-overexposed",
         N_("{value} % of the image is white without any detail (at most {limit} % is allowed)."),
         N_("Take it again with less light.")),
    Rule("contrast", limits.CONTRAST_NEEDED, True, True, "image-uniform",
         N_("the image shows nothing but one even area (contrast {value}, needs {limit})."), _AGAIN),
    Rule("colour", limits.COLOUR_NEEDED, True, True, "image-without-colour",
         N_("the image has no colour (colour {value}, needs {limit}), and the network was trained on colour only."),
         _NOT_DERMOSCOPY),
    Rule("foreign", limits.FOREIGN_ALLOWED, False, True, "image-not-skin",
         N_("{value} % of the image is of a blue or green that skin does not have (at most {limit} % is allowed)."),
         _NOT_DERMOSCOPY),
    Rule("noise", limits.NOISE_ALLOWED, False, True, "image-noise",
         N_("the image is only fine grain without structures (grain {value}, at most {limit} is allowed)."),
         _NOT_DERMOSCOPY),
    Rule("sharpness", limits.SHARPNESS_NEEDED, True, True, "image-blurred",
         N_("the image is too blurred to read (sharpness {value}, needs {limit})."), _AGAIN),
    Rule("sharpness", limits.SHARPNESS_GOOD, True, False, "image-soft",
         N_("The image is less sharp than 99 of 100 (sharpness {value}, good is {limit})."), _AGAIN),
    Rule("light", limits.LIGHT_GOOD, True, False, "image-dim",
         N_("The image is dark (brightest skin {value} of 255, good is {limit})."),
         N_("Check the light if you take it again.")),
    Rule("overexposed", limits.OVEREXPOSED_GOOD, False, False, "image-bright",
         N_("{value} % of the image is white without any detail."), N_("Take it again with less light if you can.")),
    Rule("hair", limits.HAIR_GOOD, False, False, "image-hair",
         N_("Hair covers {value} % of the image."), N_("Part or clip the hair if you take it again.")),
    Rule("marks", limits.MARKS_GOOD, False, False, "image-marks",
         N_("Ink or a coloured marker lies beside the lesion."), N_("Remove it if you take it again.")),
    Rule("frame", limits.FRAME_GOOD, False, False, "image-frame",
         N_("{value} % of the image's edge is black, the rim of the lens or a frame."),
         N_("Cut the frame off if you can.")),
    Rule("lesion", limits.LESION_GOOD, True, False, "image-no-lesion",
         N_("Little stands out from the skin in the middle (contrast {value}, 199 of 200 images reach {limit})."),
         N_("Check that the lesion is in the middle. Of skin alone the network's answer means nothing.")),
)  # fmt: skip
"""All rules, refusals first. Within one measurement, a broken refusal hides the warning."""


def judge(found: Measurements) -> QualityReport:
    """Hold the measurements to all limits. Findings are in the order of `RULES`: refusals first."""
    values = {**asdict(found), "noise": found.sharpness}
    findings: list[QualityFinding] = []
    refused: set[str] = set()
    for rule in RULES:
        if rule.name in refused:
            continue
        finding = rule.finding(values[rule.name])
        if finding.fault is not None and rule.refuses:
            refused.add(rule.name)
        findings.append(finding)
    return QualityReport(tuple(findings))


def assess_quality(square: UInt8Image) -> QualityReport:
    """Measure and judge one square (uint8 RGB, 256 x 256 x 3)."""
    return judge(measure(square))
