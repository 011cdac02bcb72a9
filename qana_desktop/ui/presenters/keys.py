"""The keys that a person changed: what stands in the way of one, and the table of commands with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from qana_desktop.ui.shortcuts import Command, Shortcut
from qana_desktop.ui.texts import tr

Changed = Mapping[str, tuple[str, ...]]
"""Keys by the command's id, in Qt's portable text; () for no key."""

WEIGHTY: Final = frozenset(
    {Command.SIGN, Command.UNDO, Command.REDO, Command.KEEP_ALL, Command.SWITCH_USER, Command.BACK_UP, Command.QUIT}
)
"""Commands that a stray key must not set off: they sign, take back, or end something."""

_OF_CONTROLS: Final = frozenset({"Tab", "Shift+Tab", "Backtab", "Shift+Backtab", "Return", "Enter", "Space"})
"""Keys that work buttons and fields."""

_HOLDS: Final = ("Ctrl+", "Alt+", "Meta+")


def rekeyed(table: Sequence[Shortcut], changed: Changed) -> list[Shortcut]:
    """Return the table with the changed keys. A change that may not be (two commands, one key) is left out."""
    result = list(table)
    for number, shortcut in enumerate(table):
        keys = changed.get(shortcut.command)
        if keys is not None and not any(refusal(result, shortcut.command, key) for key in keys):
            result[number] = replace(shortcut, keys=keys)
    return result


def refusal(table: Sequence[Shortcut], command: Command, key: str) -> str:
    """Return why a key cannot serve a command, as a sentence; "" when it can."""
    other = next((s for s in table if key in s.keys and s.command is not command), None)
    if other is not None:
        return tr(
            "{key} is the key of “{name}” already. Choose another one, or change that first.", key=key, name=other.text
        )
    if key in _OF_CONTROLS:
        return tr("{key} works the buttons and fields themselves. Choose another key.", key=key)
    if command in WEIGHTY and not key.startswith(_HOLDS):
        name = next((s.text for s in table if s.command is command), command.value)
        return tr("“{name}” is not done by a single key. Hold Ctrl or Alt with it.", name=name)
    return ""


def changes(table: Sequence[Shortcut], defaults: Sequence[Shortcut]) -> dict[str, tuple[str, ...]]:
    """Return what a table has otherwise than the defaults: what is stored."""
    usual = {shortcut.command: shortcut.keys for shortcut in defaults}
    return {str(s.command): s.keys for s in table if s.keys != usual[s.command]}
