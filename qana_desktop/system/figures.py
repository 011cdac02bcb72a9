"""Numbers and dates as the language in use writes them; values in JSON, records and machines' tables are not these."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from qana_desktop.system import language

NO_BREAK: Final = "\u00a0"
_NARROW: Final = "\u202f"


@dataclass(frozen=True)
class Writing:
    """How a language writes: decimal sign, sign between thousands, per cent, and a day (strftime).

    Source: Unicode CLDR. English writes a day as ISO 8601, because two Englishes disagree about the order.
    """

    decimal: str
    thousands: str
    percent: str
    day: str


_WRITINGS: Final = {
    "en": Writing(".", ",", f"{NO_BREAK}%", "%Y-%m-%d"),
    "de": Writing(",", ".", f"{NO_BREAK}%", "%d.%m.%Y"),
    "es": Writing(",", ".", f"{NO_BREAK}%", "%d/%m/%Y"),
    "fr": Writing(",", _NARROW, f"{_NARROW}%", "%d/%m/%Y"),
    "zh_CN": Writing(".", ",", "%", "%Y-%m-%d"),
}


def writing() -> Writing:
    """Return how the language in use writes; English for one that is not listed."""
    return _WRITINGS.get(language.current(), _WRITINGS["en"])


def decimal(value: float, digits: int) -> str:
    """Return a number with so many digits after the decimal sign, thousands apart."""
    how = writing()
    whole, _point, rest = f"{value:,.{digits}f}".partition(".")
    whole = whole.replace(",", how.thousands)
    return f"{whole}{how.decimal}{rest}" if rest else whole


def grouped(count: int) -> str:
    """Return a whole number with thousands apart: ``12,500``."""
    return f"{count:,}".replace(",", writing().thousands)


def percent(share: float, digits: int = 0) -> str:
    """Return a share as percent: ``90 %``, held together by a no-break space."""
    return decimal(share * 100, digits) + writing().percent


def day(when: date) -> str:
    """Return a day."""
    return when.strftime(writing().day)


def moment(when: datetime) -> str:
    """Return a day and a time of day, to the minute."""
    return when.strftime(f"{writing().day} %H:%M")


def stored_moment(text: str) -> str:
    """Return a moment that was stored in ISO 8601 as a person reads it; another text as it is."""
    try:
        return moment(datetime.fromisoformat(text))
    except ValueError:
        return text
