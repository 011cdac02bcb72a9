"""The commands of the window as Qt actions, made from the table of shortcuts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QPushButton, QToolButton, QWidget

from qana_desktop.ui.presenters.keys import Changed, rekeyed
from qana_desktop.ui.shortcuts import Chapter, Command, Shortcut, shortcut_table
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.views.sheets import key_text


class Actions:
    """One action per command, added to the window so that its keys work everywhere in it."""

    def __init__(
        self,
        window: QWidget,
        theme: Theme,
        handlers: Mapping[Command, Callable[[], object]],
        changed: Changed = MappingProxyType({}),
    ) -> None:
        self._theme = theme
        self.table = rekeyed(shortcut_table(), changed)
        self._actions: dict[Command, QAction] = {}
        for shortcut in self.table:
            action = QAction(shortcut.text, window)
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            action.triggered.connect(_without_arguments(handlers[shortcut.command]))
            window.addAction(action)
            self._actions[shortcut.command] = action
        self._show_keys()
        theme.changed.connect(self._restyle)
        self._restyle()

    def __getitem__(self, command: Command) -> QAction:
        return self._actions[command]

    def rekey(self, table: Sequence[Shortcut]) -> None:
        """Use other keys from now on."""
        self.table = list(table)
        self._show_keys()

    def enable(self, states: Mapping[Command, bool]) -> None:
        """Switch commands on and off."""
        for command, enabled in states.items():
            self._actions[command].setEnabled(enabled)

    def menu(self, parent: QWidget) -> QMenu:
        """Return a menu of all commands, in chapters."""
        menu = QMenu(parent)
        menu.setAccessibleName(tr("All commands"))
        for chapter in Chapter:
            if chapter is not Chapter.IMAGES:
                menu.addSeparator()
            for shortcut in self.table:
                if shortcut.chapter is chapter:
                    menu.addAction(self._actions[shortcut.command])
        return menu

    def push_button(self, command: Command, role: str) -> ActionButton:
        """Return a button with text and icon for a command."""
        return ActionButton(self._actions[command], role)

    def tool_button(self, command: Command) -> QToolButton:
        """Return a button with an icon alone for a command."""
        button = QToolButton()
        action = self._actions[command]
        button.setDefaultAction(action)
        button.setProperty("role", "icon")
        button.setAccessibleName(action.text())
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return button

    def _show_keys(self) -> None:
        for shortcut in self.table:
            action = self._actions[shortcut.command]
            action.setShortcuts([QKeySequence(keys) for keys in shortcut.keys])
            action.setToolTip(f"{shortcut.hint} ({key_text(shortcut)})" if shortcut.keys else shortcut.hint)

    def _restyle(self) -> None:
        for shortcut in self.table:
            if shortcut.icon:
                self._actions[shortcut.command].setIcon(self._theme.icons.get(shortcut.icon))


class ActionButton(QPushButton):
    """A push button that follows an action: text, icon, tooltip, enabled."""

    def __init__(self, action: QAction, role: str) -> None:
        super().__init__()
        self._action = action
        self.setProperty("role", role)
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        self.setText(self._action.text())
        self.setAccessibleName(self._action.text())
        self.setToolTip(self._action.toolTip())
        self.setEnabled(self._action.isEnabled())
        if self.property("role") != "primary":
            self.setIcon(self._action.icon())


def _without_arguments(handler: Callable[[], object]) -> Callable[[bool], None]:
    def run(_checked: bool) -> None:
        handler()

    return run
