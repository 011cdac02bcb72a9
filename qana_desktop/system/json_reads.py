"""Validated reads of JSON that someone else wrote: every refusal names the place and what was expected there."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Final, NoReturn, TypeVar

from qana_desktop.system.faults import Fault, KnownError

T = TypeVar("T")
_HALF_A_CHARACTER: Final = re.compile("[\ud800-\udfff]")


class BadJson(KnownError):
    """A JSON document does not hold what it must; the fault's message says where."""


class JsonNode:
    """One value of a document with its place in it (``calibration.bias[3]``). Reads raise `BadJson`."""

    def __init__(self, value: object, place: str, code: str, remedy: str) -> None:
        self._value, self.place, self._code, self._remedy = value, place, code, remedy

    @staticmethod
    def parse(text: str, *, document: str, code: str, remedy: str) -> JsonNode:
        """Parse `text`, refusing NaN; `document` is its name in messages, `code` and `remedy` those of every fault."""
        node = JsonNode(None, document, code, remedy)
        try:
            node._value = json.loads(text, parse_constant=node._refuse_constant)
        except json.JSONDecodeError as error:
            node.refuse(f"is not JSON: {error.msg} in line {error.lineno}")
        except RecursionError:
            node.refuse("is nested too deeply")
        except ValueError:  # Python's limit on the digits of a number
            node.refuse("holds a number of too many digits")
        return node

    def refuse(self, what: str) -> NoReturn:
        """Raise `BadJson` with the message "<place> <what>."."""
        raise BadJson(Fault(self._code, f"{self.place} {what}.", self._remedy))

    def key(self, name: str) -> JsonNode:
        """The value under `name`, which must be there."""
        fields = self._object()
        if name not in fields:
            self.refuse(f"has no '{name}'")
        return self._child(fields[name], f".{name}")

    def key_or_null(self, name: str) -> JsonNode:
        """The value under `name`; null where it is missing, as in documents of an earlier version."""
        return self._child(self._object().get(name), f".{name}")

    def only(self, names: Iterable[str]) -> None:
        """Refuse keys that are not in `names`."""
        unknown = sorted(set(self._object()) - set(names))
        if unknown:
            self.refuse(f"has an unknown '{unknown[0]}'")

    def or_none(self, read: Callable[[JsonNode], T]) -> T | None:
        """None for null, else what `read` makes of the value."""
        return None if self._value is None else read(self)

    def items(self, *, count: int | None = None) -> list[JsonNode]:
        """The elements of a list, of `count` elements when given."""
        if not isinstance(self._value, list):
            self.refuse(f"must be a list, not {_kind(self._value)}")
        if count is not None and len(self._value) != count:
            self.refuse(f"must have {count} elements, not {len(self._value)}")
        return [self._child(value, f"[{index}]") for index, value in enumerate(self._value)]

    def entries(self) -> list[tuple[str, JsonNode]]:
        """The keys of an object with their values."""
        return [(key, self._child(value, f".{key}")) for key, value in self._object().items()]

    def is_object(self) -> bool:
        """Whether the value has keys."""
        return isinstance(self._value, dict)

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self._value, bool):
            self.refuse(f"must be true or false, not {_kind(self._value)}")
        return self._value

    def text(self) -> str:
        """A string."""
        if not isinstance(self._value, str):
            self.refuse(f"must be a text, not {_kind(self._value)}")
        if _HALF_A_CHARACTER.search(self._value):
            self.refuse("holds half a character, which cannot be stored")
        return self._value

    def choice(self, allowed: Iterable[str]) -> str:
        """A string that is one of `allowed`."""
        value, known = self.text(), tuple(allowed)
        if value not in known:
            self.refuse(f"must be one of {', '.join(known)}, not '{value}'")
        return value

    def number(self, *, low: float = -math.inf, high: float = math.inf) -> float:
        """A finite number from `low` to `high`, both included."""
        if isinstance(self._value, bool) or not isinstance(self._value, int | float):
            self.refuse(f"must be a number, not {_kind(self._value)}")
        try:
            value = float(self._value)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            self.refuse("must be a finite number")
        if not low <= value <= high:
            self.refuse(f"must lie between {low:g} and {high:g}, not {value:g}")
        return value

    def numbers(self, count: int, *, low: float = -math.inf, high: float = math.inf) -> tuple[float, ...]:
        """A list of `count` numbers, each from `low` to `high`."""
        return tuple(item.number(low=low, high=high) for item in self.items(count=count))

    def integer(self, *, low: int = 0) -> int:
        """A whole number of at least `low`."""
        if isinstance(self._value, bool) or not isinstance(self._value, int):
            self.refuse(f"must be a whole number, not {_kind(self._value)}")
        if self._value < low:
            self.refuse(f"must be at least {low}, not {self._value}")
        return self._value

    def _object(self) -> dict[str, object]:
        if not isinstance(self._value, dict):
            self.refuse(f"must be an object, not {_kind(self._value)}")
        return self._value

    def _child(self, value: object, step: str) -> JsonNode:
        return JsonNode(value, f"{self.place}{step}", self._code, self._remedy)

    def _refuse_constant(self, name: str) -> NoReturn:
        self.refuse(f"holds {name}, which is not a number")


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return {bool: "true or false", str: "a text", list: "a list", dict: "an object"}.get(type(value), "a number")
