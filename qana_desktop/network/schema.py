"""Versions of stored documents, ``major.minor``: another major version is refused, a later minor one is read."""

from __future__ import annotations

import re

from qana_desktop.system.json_reads import JsonNode


def reads_strictly(schema: JsonNode, own: str) -> bool:
    """Say whether unknown keys are mistakes: they are not in a later minor version. Refuses another major version."""
    parts = re.fullmatch(r"(\d{1,6})\.(\d{1,6})", schema.text())
    if parts is None:
        schema.refuse("must be like '1.0'")
    major, minor = (int(part) for part in own.split("."))
    if int(parts[1]) != major:
        schema.refuse(f"is {schema.text()} and this program reads {major}.x: it was written by another version")
    return int(parts[2]) <= minor
