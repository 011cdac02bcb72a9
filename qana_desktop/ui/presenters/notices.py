"""What a banner says and offers: a sentence and at most three answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """How loud a banner is: it asks for a decision, it warns, or it tells."""

    ASKS = "asks"
    WARNS = "warns"
    TELLS = "tells"


@dataclass(frozen=True)
class Answer:
    """One button of a banner. `hint` is its tooltip; `closes` says whether the banner goes when it is pressed."""

    label: str
    hint: str
    run: Callable[[], None]
    closes: bool = True


@dataclass(frozen=True)
class Notice:
    """A banner. One per `key`: a later one with the same key takes its place."""

    key: str
    tone: Tone
    text: str
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """A path that could not be opened: its label, what happened, what to do."""

    label: str
    message: str
    remedy: str
