"""Records as JSON and back, by their dataclass types: every field is checked on the way in; a refusal names the place.

Writing is canonical (sorted keys, no spaces), so equal values give equal text. A field that a later version of the
program has is read as its default when an older record lacks it; a key that no field has is refused.
"""

from __future__ import annotations

import json
import types
from collections.abc import Hashable
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final, Union, cast, get_args, get_origin, get_type_hints

from qana_desktop.system.json_reads import JsonNode
from qana_desktop.system.language import Sentence
from qana_desktop.triage.case import TYPES, Kind, Value
from qana_desktop.triage.diagnosis import LesionClass, SiteClass, read_out, written_out

_CODE: Final = "record-bad"
_REMEDY: Final = "The record was not shown. Run `qana-desktop store verify` and restore the last good backup."
_TYPE: Final = "type"
_LOWEST: Final = -(2**63)
_A_CLASS: Final = frozenset(get_args(LesionClass))


def record_to_json(value: Value) -> str:
    """Return the value as canonical JSON; raises ValueError for NaN or infinity."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def record_from_json(kind: Kind, text: str) -> Value:
    """Read what `record_to_json` wrote; raises `BadJson` (code `record-bad`)."""
    return read_record(kind, JsonNode.parse(text, document=f"the {kind} record", code=_CODE, remedy=_REMEDY))


def read_record(kind: Kind, node: JsonNode) -> Value:
    """Read a record that is part of another document; raises `BadJson` with that document's code."""
    value: Value = _read(node, TYPES[kind])
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, SiteClass):
        return written_out(value)
    if is_dataclass(value):
        return {field.name: _plain_field(field, value) for field in fields(value)}
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.english if isinstance(value, Sentence) else value


def _plain_field(field: Field[Any], owner: Any) -> Any:
    value, kind = getattr(owner, field.name), cast(Hashable, type(owner))
    plain = _plain(value)
    if value is not None and len(_dataclasses(_hints(kind)[field.name])) > 1:
        plain[_TYPE] = type(value).__name__
    return plain


@cache
def _hints(owner: Any) -> dict[str, Any]:
    return get_type_hints(owner)


def _dataclasses(hint: Any) -> dict[str, type]:
    """The dataclasses of a union, by name."""
    members = get_args(hint) if get_origin(hint) in {Union, types.UnionType} else (hint,)
    return {member.__name__: member for member in members if isinstance(member, type) and is_dataclass(member)}


def _read(node: JsonNode, hint: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return _read_union(node, hint)
    if origin is tuple:
        return _read_tuple(node, arguments)
    if origin is dict:
        return {_read_key(node, key, arguments[0]): _read(item, arguments[1]) for key, item in node.entries()}
    if is_dataclass(hint) and isinstance(hint, type):
        return _read_object(node, hint, extra=())
    return _read_leaf(node, hint)


def _read_union(node: JsonNode, hint: Any) -> Any:
    others = tuple(member for member in get_args(hint) if member is not types.NoneType)
    if len(others) < len(get_args(hint)) and node.or_none(lambda _present: True) is None:
        return None
    if set(others) == _A_CLASS:
        return _read_class(node, node.text())
    if len(others) == 1:
        return _read(node, others[0])
    choices = _dataclasses(hint)
    return _read_object(node, choices[node.key(_TYPE).choice(choices)], extra=(_TYPE,))


def _read_tuple(node: JsonNode, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_read(item, arguments[0]) for item in node.items())
    return tuple(_read(item, hint) for item, hint in zip(node.items(count=len(arguments)), arguments, strict=True))


def _read_object(node: JsonNode, owner: type, *, extra: tuple[str, ...]) -> Any:
    hints = _hints(owner)
    node.only([*hints, *extra])
    given = {key for key, _item in node.entries()}
    values = {}
    for field in fields(owner):
        if field.name in given or (field.default is MISSING and field.default_factory is MISSING):
            values[field.name] = _read(node.key(field.name), hints[field.name])
    try:
        return owner(**values)
    except ValueError as error:
        node.refuse(f"breaks a rule: {error}")


def _read_class(node: JsonNode, text: str) -> LesionClass:
    try:
        return read_out(text)
    except ValueError as error:
        node.refuse(f"breaks a rule: {error}")


def _read_key(node: JsonNode, key: str, hint: Any) -> Any:
    if set(get_args(hint)) == _A_CLASS:
        return _read_class(node, key)
    if not issubclass(hint, StrEnum):
        return key
    return hint(key) if key in set(hint) else node.refuse("has a key that is unknown")


def _read_leaf(node: JsonNode, hint: Any) -> Any:
    if hint is bool:
        return node.flag()
    if hint is int:
        return node.integer(low=_LOWEST)
    if hint is float:
        return node.number()
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(node.choice([str(member) for member in hint]))
    return node.text()
