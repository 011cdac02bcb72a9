"""The fonts of a report, and what to do with letters that none of them has: no box is ever printed for a letter.

DejaVu Sans has Latin, Greek, Cyrillic, Arabic, Hebrew, Armenian, Georgian and the shapes; Droid Sans Fallback has
Chinese, Japanese and Korean. Both are embedded, reduced to the letters in use (assets/fonts has their licences).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qana_desktop.system.language import _
from qana_desktop.system.resources import assets_dir

if TYPE_CHECKING:
    from fpdf import FPDF

FAMILY: Final = "DejaVu Sans"
EAST_ASIAN: Final = "Droid Sans Fallback"
_FILES: Final = (
    (FAMILY, "", "DejaVuSans.ttf"),
    (FAMILY, "B", "DejaVuSans-Bold.ttf"),
)
_EAST_ASIAN_FILE: Final = "DroidSansFallback.ttf"
_INSTEAD: Final = "[…]"
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


@dataclass(frozen=True)
class Letters:
    """Which letters can be printed: code points of the main font, and of the East Asian one besides."""

    main: frozenset[int]
    east_asian: frozenset[int]

    def has(self, char: str) -> bool:
        """Whether one of the fonts has this letter."""
        return ord(char) in self.main or ord(char) in self.east_asian


@cache
def letters(folder: Path | None = None) -> Letters:
    """Return what the fonts have; raises ResourcesMissing."""
    folder = folder or assets_dir() / "fonts"
    return Letters(_cmap(folder / _FILES[0][2]), _cmap(folder / _EAST_ASIAN_FILE))


def _cmap(path: Path) -> frozenset[int]:
    from fontTools.ttLib import TTFont

    with TTFont(path, lazy=True) as font:
        return frozenset(font.getBestCmap())


def add_fonts(pdf: FPDF, text: Iterable[str]) -> None:
    """Load the main font into `pdf`, and the East Asian one (3 MB) only when `text` needs it."""
    folder = assets_dir() / "fonts"
    for family, style, name in _FILES:
        pdf.add_font(family, style, folder / name)
    main = letters().main
    if any(ord(char) not in main for part in text for char in part):
        for style in ("", "B"):
            pdf.add_font(EAST_ASIAN, style, folder / _EAST_ASIAN_FILE)
        pdf.set_fallback_fonts([EAST_ASIAN], exact_match=False)
    pdf.set_font(FAMILY, size=9)


def is_east_asian(text: str) -> bool:
    """Whether a text may be broken between any two letters."""
    return any(unicodedata.east_asian_width(char) in {"W", "F"} for char in text)


def needs_shaping(text: str) -> bool:
    """Whether letters run from right to left, join, or carry marks of their own."""
    return any(unicodedata.bidirectional(char) in {"R", "AL", "AN"} or unicodedata.combining(char) for char in text)


def printable(text: str) -> str:
    """Return the text with a mark for letters that no font has, and without characters that are no letters."""
    return _marked(text) if any(not _good(char) for char in text) else text


def _good(char: str) -> bool:
    return char == "\n" or (letters().has(char) and unicodedata.category(char) not in _INVISIBLE)


def _marked(text: str) -> str:
    parts: list[str] = []
    for char in unicodedata.normalize("NFC", text):
        if _good(char):
            parts.append(char)
        elif char in "\t\r\v\f":
            parts.append(" ")
        elif unicodedata.category(char) not in _INVISIBLE and (not parts or parts[-1] != _INSTEAD):
            parts.append(_INSTEAD)
    return "".join(parts)


def missing_scripts(text: Iterable[str]) -> tuple[str, ...]:
    """Return the scripts (in English, as Unicode names them) of letters that cannot be printed, sorted."""
    found = {
        unicodedata.name(char, "unknown sign").split(" ")[0].capitalize()
        for part in text
        for char in unicodedata.normalize("NFC", part)
        if not _good(char) and unicodedata.category(char) not in _INVISIBLE
    }
    return tuple(sorted(found))


def missing_sentence(scripts: tuple[str, ...]) -> str:
    """Return what stands on a report whose letters could not all be printed."""
    return _(
        "This report cannot print letters of: {scripts}. {mark} stands in their place; the program shows them."
    ).format(scripts=", ".join(scripts), mark=_INSTEAD)
