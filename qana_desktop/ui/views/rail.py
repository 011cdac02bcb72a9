"""The rail at the left edge: one button per page, and below them who is signed in."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from qana_desktop.services.store_state import StoreState
from qana_desktop.ui.actions import Actions
from qana_desktop.ui.pages import PageSpec
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.store_session import StoreSession
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import SMALL, Theme

LONGEST_NAME = 12
"""Letters of a name below the icon; all of it is in the tooltip."""


def _nobody(state: StoreState) -> str:
    return {
        StoreState.NONE: tr("Nothing is kept: there is no case store on this computer"),
        StoreState.CLOSED: tr("Nothing is kept: the case store is not open"),
    }.get(state, tr("Nothing is kept: nobody is signed in to the case store"))


class RailButton(QToolButton):
    """An icon with a word below it."""

    def __init__(self, theme: Theme, text: str, icon: str, hint: str) -> None:
        super().__init__()
        self._theme, self._icon = theme, icon
        self.setText(text)
        self.setAccessibleName(text)
        self.setToolTip(hint)
        self.setProperty("role", "rail")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAutoRaise(True)
        self.setSizePolicy(QSizePolicy.Policy.MinimumExpanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._restyle)
        self._restyle()

    def use_icon(self, icon: str) -> None:
        """Show another icon."""
        self._icon = icon
        self._restyle()

    def _restyle(self) -> None:
        self.setFont(self._theme.font(SMALL))
        self.setIcon(self._theme.icons.get(self._icon))
        self.setIconSize(QSize(5 * self._theme.unit, 5 * self._theme.unit))
        self.setMinimumWidth(max(14 * self._theme.unit, self.sizeHint().width()))


class Rail(QWidget):
    """The way between the pages."""

    def __init__(self, theme: Theme, actions: Actions, specs: Sequence[PageSpec]) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(tr("Pages"))
        self.buttons: dict[Command, RailButton] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.unit, theme.unit, theme.unit, theme.unit)
        layout.setSpacing(theme.unit)
        for spec in specs:
            action = actions[spec.key]
            button = RailButton(theme, spec.name, spec.icon, f"{spec.hint} ({action.shortcut().toString()})")
            button.setCheckable(True)
            button.clicked.connect(action.trigger)
            self.buttons[spec.key] = button
            layout.addWidget(button)
        layout.addStretch(1)
        self.person = self._person_button(theme, actions)
        layout.addWidget(self.person)

    def show_person(self, store: StoreSession) -> None:
        """Show who is signed in, or that nobody is."""
        user = store.user
        name = tr("Not kept") if user is None else user.name
        self.person.setText(name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…")
        self.person.setAccessibleName(tr("Signed in: {name}", name=name) if user is not None else _nobody(store.state))
        self.person.setToolTip(self.person.accessibleName())
        self.person.use_icon("user" if user is not None else "lock")

    def _person_button(self, theme: Theme, actions: Actions) -> RailButton:
        button = RailButton(theme, tr("Not kept"), "lock", _nobody(StoreState.NONE))
        menu = QMenu(button)
        menu.setAccessibleName(tr("Case store"))
        for command in (Command.CASES, Command.LOCK, Command.SWITCH_USER, Command.BACK_UP, Command.PEOPLE):
            menu.addAction(actions[command])
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return button

    def mark(self, key: Command) -> None:
        """Mark the page that is shown."""
        for command, button in self.buttons.items():
            button.setChecked(command is key)
