"""The frame around the panels: top bar, the image with its tools, foot."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from qana_desktop.ui.actions import Actions
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.texts import RESEARCH_USE, tr
from qana_desktop.ui.theme.manager import SMALL, Theme
from qana_desktop.ui.views.canvas import ImageCanvas
from qana_desktop.ui.views.engines import EngineButton
from qana_desktop.ui.widgets.labels import ElidedLabel


class TopBar(QWidget):
    """Opening on the left, engine, bundle and menu on the right."""

    def __init__(self, theme: Theme, actions: Actions) -> None:
        super().__init__()
        self._theme = theme
        self.setObjectName("topbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.engine = EngineButton(theme)
        self.engine.clicked.connect(actions[Command.ENGINE].trigger)
        self.bundle = ElidedLabel(theme, SMALL, role="muted")
        self.bundle.setAlignment(Qt.AlignmentFlag.AlignRight)
        commands = (Command.OPEN, Command.FOLDER, Command.CAMERA, Command.PASTE, Command.KEEP)
        self._opening = [actions.push_button(command, "flat") for command in commands]
        self._menu = self._menu_button(actions)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * theme.unit, theme.unit, 2 * theme.unit, theme.unit)
        layout.setSpacing(theme.unit)
        for button in self._opening:
            layout.addWidget(button)
        layout.addWidget(self.bundle, 1)
        layout.addWidget(self.engine)
        layout.addWidget(self._menu)
        theme.changed.connect(self._restyle)
        self._restyle()

    def _menu_button(self, actions: Actions) -> QToolButton:
        button = QToolButton()
        button.setProperty("role", "icon")
        button.setAccessibleName(tr("Menu"))
        button.setToolTip(tr("All commands and their keys"))
        button.setMenu(actions.menu(button))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return button

    def _restyle(self) -> None:
        self._menu.setIcon(self._theme.icons.get("menu"))
        side = QSize(5 * self._theme.unit, 5 * self._theme.unit)
        for button in (*self._opening, self._menu):
            button.setIconSize(side)


class ImagePane(QWidget):
    """The canvas with its tools below it."""

    def __init__(self, theme: Theme, actions: Actions) -> None:
        super().__init__()
        self._theme = theme
        self.canvas = ImageCanvas(theme)
        self.zoom = QLabel()
        self.zoom.setToolTip(tr("Screen pixels per image pixel"))
        self.canvas.zoomed.connect(self._show_zoom)
        commands = (
            Command.FIT,
            Command.ONE_TO_ONE,
            Command.ZOOM_OUT,
            Command.ZOOM_IN,
            Command.ROTATE,
            Command.ADJUST,
            Command.RULER,
            Command.HEAT_MAP,
            Command.COMPARE,
        )
        self._buttons = [actions.tool_button(command) for command in commands]
        bar = QWidget()
        bar.setObjectName("canvasBar")
        bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        tools = QHBoxLayout(bar)
        tools.setContentsMargins(2 * theme.unit, theme.unit, 2 * theme.unit, theme.unit)
        tools.setSpacing(theme.unit)
        self.caption = ElidedLabel(theme)
        for button in self._buttons:
            tools.addWidget(button)
        tools.addWidget(self.zoom)
        tools.addWidget(self.caption, 1)
        self.caption.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._rows = QVBoxLayout()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.canvas, 1)
        layout.addLayout(self._rows)
        layout.addWidget(bar)
        theme.changed.connect(self._restyle)
        self._restyle()

    def add_row(self, row: QWidget) -> None:
        """Put the row of a tool between the image and its buttons."""
        self._rows.addWidget(row)

    def _show_zoom(self, zoom: float) -> None:
        text = f"{zoom * 100:.0f} %"
        self.zoom.setText(text)
        self.zoom.setAccessibleName(tr("Zoom {text}", text=text))

    def _restyle(self) -> None:
        self.zoom.setFont(self._theme.font())
        self.zoom.setMinimumWidth(self.zoom.fontMetrics().horizontalAdvance("3200 %") + self._theme.unit)
        for button in self._buttons:
            button.setIconSize(QSize(5 * self._theme.unit, 5 * self._theme.unit))


class Foot(QWidget):
    """Session figures on the left, what the program is and is not on the right."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("foot")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.session = ElidedLabel(theme, SMALL)
        self.use = ElidedLabel(theme, SMALL, role="muted")
        self.use.say(tr(RESEARCH_USE))
        self.use.setAlignment(Qt.AlignmentFlag.AlignRight)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * theme.unit, theme.unit, 2 * theme.unit, theme.unit)
        layout.setSpacing(4 * theme.unit)
        layout.addWidget(self.session, 1)
        layout.addWidget(self.use, 1)
