"""Words for a person: the one door through which every text of the window passes, so that it can be translated."""

from __future__ import annotations

from typing import Final

from qana_desktop.system.figures import decimal, grouped, percent
from qana_desktop.system.language import N_, _, current, ngettext, said

__all__ = ["RESEARCH_USE", "grouped", "in_a_sentence", "milliseconds", "percent", "said", "tr", "trn", "two_digits"]

_KEEPS_CAPITALS: Final = ("de", "zh_CN")

RESEARCH_USE: Final = N_("Research use, decision support for trained clinicians, not a medical device")
"""Shown on every screen; translated where it is shown."""


def tr(text: str, /, **values: object) -> str:
    """Return `text` for the screen with ``{name}`` fields filled in. The English text is the key of a catalogue."""
    return _(text).format(**values) if values else _(text)


def trn(count: int, one: str, many: str, /, **values: object) -> str:
    """Return the form of a sentence that fits `count`; both forms may use ``{n}``."""
    return ngettext(one, many, count).format(n=grouped(count), **values)


def in_a_sentence(word: str) -> str:
    """Return a heading's word as it stands inside a sentence: in small letters, but not where nouns keep a capital."""
    return word if current() in _KEEPS_CAPITALS else word.lower()


def two_digits(probability: float) -> str:
    """Return a probability with the precision that a calibration carries: ``0.71``, ``<0.01``, ``>0.99``."""
    if 0.0 < probability < 0.005:
        return f"<{decimal(0.01, 2)}"
    if 0.995 <= probability < 1.0:
        return f">{decimal(0.99, 2)}"
    return decimal(probability, 2)


def milliseconds(value: float) -> str:
    """Return a duration: tenths below 100 ms, whole milliseconds above."""
    return f"{decimal(value, 1 if value < 99.95 else 0)}\u00a0ms"
