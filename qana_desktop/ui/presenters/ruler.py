"""Lengths on an image: millimetres only where the scale is known, and no guess where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

from qana_desktop.system.figures import decimal, grouped
from qana_desktop.ui.texts import tr

BAR_LENGTHS_MM = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
BAR_SHARE = 0.25
"""The scale bar takes at most this share of the window's width."""

KEPT = 2
"""Lines that stay: a lesion's longest diameter, and the one across it."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A measured line between two points of the image, in image pixels."""

    start: Point
    end: Point

    @property
    def pixels(self) -> float:
        """Its length in image pixels."""
        return hypot(self.end[0] - self.start[0], self.end[1] - self.start[1])


@dataclass(frozen=True)
class Ruler:
    """Lines on one image, and one that has only begun. `mm_per_pixel` is None where no scale is known."""

    mm_per_pixel: float | None = None
    lines: tuple[Line, ...] = ()
    begun: Point | None = None

    def clicked(self, point: Point) -> Ruler:
        """Begin a line, or end the one that was begun; the oldest line makes room."""
        if self.begun is None:
            return Ruler(self.mm_per_pixel, self.lines, point)
        return Ruler(self.mm_per_pixel, (*self.lines, Line(self.begun, point))[-KEPT:])

    def taken_back(self) -> Ruler:
        """Forget the point that was set last, or the last line."""
        if self.begun is not None:
            return Ruler(self.mm_per_pixel, self.lines)
        return Ruler(self.mm_per_pixel, self.lines[:-1])

    def cleared(self) -> Ruler:
        """Forget all lines."""
        return Ruler(self.mm_per_pixel)

    def text(self, line: Line) -> str:
        """Return a line's length: in millimetres with a scale, else in image pixels."""
        return length_text(line.pixels, self.mm_per_pixel)

    @property
    def sentence(self) -> str:
        """What the ruler says: the last length, or what to do."""
        if self.begun is not None:
            return tr("Click the other end.")
        said = ", ".join(self.text(line) for line in self.lines)
        if not said:
            said = tr("Click two points of the image. Without a mouse: arrows, then Enter.")
        if self.mm_per_pixel is None:
            no_scale = tr("No scale is known for this image, so lengths are in image pixels.")
            return f"{said} {no_scale}" if not self.lines else f"{said}. {no_scale}"
        return said


def length_text(pixels: float, mm_per_pixel: float | None) -> str:
    """Return a length for a person: ``4.2 mm`` with a scale, ``214 px`` without."""
    if mm_per_pixel is None:
        return tr("{pixels} px", pixels=grouped(round(pixels)))
    return tr("{length} mm", length=decimal(pixels * mm_per_pixel, 1))


def bar_length(mm_per_pixel: float, screen_per_pixel: float, width: float) -> tuple[float, float]:
    """Return a round length in mm for a scale bar and how long it is on a screen of `width`, in its pixels."""
    per_mm = screen_per_pixel / mm_per_pixel
    fitting = [mm for mm in BAR_LENGTHS_MM if mm * per_mm <= width * BAR_SHARE]
    length = fitting[-1] if fitting else BAR_LENGTHS_MM[0]
    return length, length * per_mm


def bar_text(mm: float) -> str:
    """Return the length of a scale bar: ``5 mm``, ``0.5 mm``."""
    return tr("{length} mm", length=decimal(mm, 0 if mm >= 1 else 1))
