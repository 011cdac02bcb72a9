"""The rail at the left edge: one button per page, and below them who is signed in."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from qana_desktop.ui.actions import Actions
from qana_desktop.ui.pages import PageSpec
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import SMALL, Theme


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

    def mark(self, key: Command) -> None:
        """Mark the page that is shown."""
        for command, button in self.buttons.items():
            button.setChecked(command is key)
