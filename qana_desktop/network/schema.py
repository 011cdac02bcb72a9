"""Versions of stored documents, ``major.minor``: another major version is refused, a later minor one is read."""

from __future__ import annotations

import re

from qana_desktop.system.json_reads import JsonNode


def reads_strictly(schema: JsonNode, own: str) -> bool:
    """Say whether unknown keys are mistakes: they are not in a later minor version. Refuses another major version."""
    return minor_version(schema, own) <= int(own.split(".")[1])


def minor_version(schema: JsonNode, own: str) -> int:
    """Return the minor version of a document: what it can hold. Refuses another major version than that of `own`."""
    parts = re.fullmatch(r"(\d{1,6})\.(\d{1,6})", schema.text())
    if parts is None:
        schema.refuse("must be like '1.0'")
    major = int(own.split(".")[0])
    if int(parts[1]) != major:
        schema.refuse(f"is {schema.text()} and this program reads {major}.x: it was written by another version")
    return int(parts[2])
