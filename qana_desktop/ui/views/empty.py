"""What a new user sees: what to do first, in one sentence, with the buttons for it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from qana_desktop.ui.actions import ActionButton
from qana_desktop.ui.texts import RESEARCH_USE, tr
from qana_desktop.ui.theme.manager import LARGE, TITLE, Theme
from qana_desktop.ui.widgets.flow import FlowLayout
from qana_desktop.ui.widgets.labels import TextLabel


class EmptyView(QWidget):
    """The middle of the window before the first image."""

    def __init__(self, theme: Theme, actions: list[QAction]) -> None:
        super().__init__()
        self._theme = theme
        self.setObjectName("empty")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        title, what = TextLabel(theme, LARGE, bold=True), TextLabel(theme, TITLE, role="muted")
        note = TextLabel(theme, role="muted")
        title.say(tr("Drop dermoscopic images here"))
        what.say(tr("Files or whole folders. Each image is checked, read, and put in order of urgency."))
        note.say(tr("{use}. Nothing leaves this machine.", use=tr(RESEARCH_USE)))
        self.buttons = [ActionButton(action, "primary" if number == 0 else "") for number, action in enumerate(actions)]
        row = QWidget()
        flow = FlowLayout(row, spacing=2 * theme.unit)
        for button in self.buttons:
            flow.addWidget(button)
        block = QWidget()
        column = QVBoxLayout(block)
        column.setSpacing(4 * theme.unit)
        for widget in (title, what, row, note):
            column.addWidget(widget)
        block.setMaximumWidth(50 * self.fontMetrics().averageCharWidth() + 60 * theme.unit)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(block, 8)
        middle.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * theme.unit, 4 * theme.unit, 4 * theme.unit, 4 * theme.unit)
        layout.addStretch(2)
        layout.addLayout(middle)
        layout.addStretch(3)
        theme.changed.connect(self._restyle)
        self._restyle()

    def _restyle(self) -> None:
        for button in self.buttons:
            button.setIconSize(QSize(4 * self._theme.unit, 4 * self._theme.unit))
