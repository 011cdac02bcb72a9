"""Takes a patient's name out of the free texts of a case, for a report that goes by the pseudonym. Pure."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final, TypeVar

from qana_desktop.triage.case import Case

SHORTEST_PART: Final = 3
"""Letters from which a part of a name is looked for: shorter ones are words of many languages."""
FREE: Final = frozenset({"note", "reason", "override_reason", "words", "statement", "body_site", "labels"})
"""Fields that hold what a person typed. Names of users are in none of them."""

T = TypeVar("T")


def without_name(case: Case, instead: str) -> Case:
    """Return the case with `instead` for each part of its patient's name in what people typed; itself without any."""
    name = case.patient.value.name or ""
    parts = [part for part in re.findall(r"[^\W\d_]+", name) if len(part) >= SHORTEST_PART]
    if not parts:
        return case
    pattern = re.compile(r"(?<!\w)(" + "|".join(map(re.escape, parts)) + r")(?!\w)", re.IGNORECASE)
    return _changed(case, pattern, instead)


def _changed(value: T, pattern: re.Pattern[str], instead: str) -> T:
    if not is_dataclass(value) or isinstance(value, type):
        return value
    new: dict[str, Any] = {}
    for field in fields(value):
        old = getattr(value, field.name)
        now = _said(old, pattern, instead) if field.name in FREE else _inside(old, pattern, instead)
        if now != old:
            new[field.name] = now
    return replace(value, **new) if new else value


def _said(text: Any, pattern: re.Pattern[str], instead: str) -> Any:
    if isinstance(text, tuple):
        return tuple(sorted({str(_said(part, pattern, instead)) for part in text}))
    return pattern.sub(instead, text) if isinstance(text, str) else text


def _inside(value: Any, pattern: re.Pattern[str], instead: str) -> Any:
    if isinstance(value, tuple):
        return tuple(_changed(item, pattern, instead) for item in value)
    return _changed(value, pattern, instead)
