"""Colour roles of the themes, as plain values: contrast is computed from them and tested."""

from __future__ import annotations

from dataclasses import dataclass, fields

from qana_desktop.ui.presenters.entries import Group


@dataclass(frozen=True)
class Palette:
    """One theme, colours as ``#rrggbb``.

    `canvas` surrounds the image and is neutral: colour there changes how skin is judged. Each triage colour has a
    `_soft` one: the ground of the headline, on which the text colour and the triage colour stand.
    """

    dark: bool
    surface: str
    raised: str
    sunken: str
    text: str
    muted: str
    hairline: str
    outline: str
    accent: str
    on_accent: str
    selected: str
    focus: str
    canvas: str
    review_now: str
    review_now_soft: str
    review: str
    review_soft: str
    low: str
    low_soft: str
    cannot: str
    cannot_soft: str
    unread: str
    unread_soft: str
    bar: str
    bar_malignant: str
    track: str
    good: str

    def triage(self, group: Group) -> str:
        """Return the colour of a group's shape."""
        return {
            Group.CANNOT_ASSESS: self.cannot,
            Group.REVIEW_NOW: self.review_now,
            Group.REVIEW: self.review,
            Group.LOW_CONCERN: self.low,
            Group.UNREAD: self.unread,
        }[group]

    def ground(self, group: Group) -> str:
        """Return the soft ground of a group's headline."""
        return {
            Group.CANNOT_ASSESS: self.cannot_soft,
            Group.REVIEW_NOW: self.review_now_soft,
            Group.REVIEW: self.review_soft,
            Group.LOW_CONCERN: self.low_soft,
            Group.UNREAD: self.unread_soft,
        }[group]


LIGHT = Palette(
    dark=False,
    surface="#f3f4f6",
    raised="#ffffff",
    sunken="#e7e9ec",
    text="#16191d",
    muted="#535b65",
    hairline="#d6dade",
    outline="#7f8893",
    accent="#1d5ca6",
    on_accent="#ffffff",
    selected="#d9e6f5",
    focus="#1d5ca6",
    canvas="#767676",
    review_now="#b3201a",
    review_now_soft="#fbe6e4",
    review="#8a5000",
    review_soft="#fbeed7",
    low="#17694a",
    low_soft="#e0f2ea",
    cannot="#5a3ea6",
    cannot_soft="#ece7f8",
    unread="#535b65",
    unread_soft="#e7e9ec",
    bar="#8b96a3",
    bar_malignant="#20262d",
    track="#e1e4e8",
    good="#17694a",
)

DARK = Palette(
    dark=True,
    surface="#17191c",
    raised="#1f2226",
    sunken="#121416",
    text="#e9ebee",
    muted="#a6aeb8",
    hairline="#343940",
    outline="#79828d",
    accent="#7fb3f3",
    on_accent="#0d1620",
    selected="#2a3a4e",
    focus="#7fb3f3",
    canvas="#2c2c2c",
    review_now="#ff8d83",
    review_now_soft="#3c2322",
    review="#f2b950",
    review_soft="#382c17",
    low="#74d0a0",
    low_soft="#1b3328",
    cannot="#c4a9ff",
    cannot_soft="#2e2742",
    unread="#a6aeb8",
    unread_soft="#282c31",
    bar="#737e8c",
    bar_malignant="#e9ebee",
    track="#33383f",
    good="#74d0a0",
)


CONTRAST = Palette(
    dark=True,
    surface="#000000",
    raised="#000000",
    sunken="#1f1f1f",
    text="#ffffff",
    muted="#e4e4e4",
    hairline="#9a9a9a",
    outline="#ffffff",
    accent="#ffd60a",
    on_accent="#000000",
    selected="#00306b",
    focus="#ffd60a",
    canvas="#1c1c1c",
    review_now="#ffa49c",
    review_now_soft="#3d0703",
    review="#ffc861",
    review_soft="#332100",
    low="#7ce8b4",
    low_soft="#00301c",
    cannot="#d8c4ff",
    cannot_soft="#25104d",
    unread="#e4e4e4",
    unread_soft="#242424",
    bar="#b8b8b8",
    bar_malignant="#ffffff",
    track="#454545",
    good="#7ce8b4",
)
"""Black and white, for eyes that need it: text at least 7:1."""


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb`` in [0, 1] (WCAG 2.2)."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def colour_names() -> list[str]:
    """Return the names of the colour roles."""
    return [f.name for f in fields(Palette) if f.name != "dark"]
