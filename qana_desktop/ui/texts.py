"""Words for a person: the one door through which every text of the window passes, so that it can be translated."""

from __future__ import annotations

from typing import Final

RESEARCH_USE: Final = "Research use, decision support for trained clinicians, not a medical device"
"""Shown on every screen; translated where it is shown."""


def tr(text: str, /, **values: object) -> str:
    """Return `text` for the screen with ``{name}`` fields filled in. The English text is the key of a catalogue."""
    return text.format(**values) if values else text


def trn(count: int, one: str, many: str, /, **values: object) -> str:
    """Return the form of a sentence that fits `count`; both forms may use ``{n}``."""
    return tr(one if count == 1 else many, n=grouped(count), **values)


def grouped(count: int) -> str:
    """Return a whole number with thousands apart: ``12,500``."""
    return f"{count:,}"


def two_digits(probability: float) -> str:
    """Return a probability with the precision that a calibration carries: ``0.71``, ``<0.01``, ``>0.99``."""
    if 0.0 < probability < 0.005:
        return "<0.01"
    if 0.995 <= probability < 1.0:
        return ">0.99"
    return f"{probability:.2f}"


def percent(share: float) -> str:
    """Return a share as whole percent: ``90 %``, held together by a no-break space."""
    return f"{share * 100:.0f}\u00a0%"


def milliseconds(value: float) -> str:
    """Return a duration: tenths below 100 ms, whole milliseconds above."""
    return f"{value:.1f}\u00a0ms" if value < 99.95 else f"{value:,.0f}\u00a0ms"
