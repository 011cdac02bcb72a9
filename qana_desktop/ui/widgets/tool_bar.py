"""A row of an image's tool, below the image: what it is, its controls, one sentence, and how to leave it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import SMALL, Theme
from qana_desktop.ui.widgets.flow import FlowLayout
from qana_desktop.ui.widgets.labels import TextLabel


class ToolRow(QWidget):
    """Hidden until its tool is used. `closed` is sent when a person closes it."""

    closed = Signal()

    def __init__(self, theme: Theme, name: str, parts: Sequence[QWidget], sentence: str = "") -> None:
        super().__init__()
        self._theme = theme
        self.setObjectName("canvasBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(name)
        self.sentence = TextLabel(theme, SMALL, role="muted")
        self.sentence.say(sentence)
        self._close = QToolButton()
        self._close.setProperty("role", "icon")
        self._close.setAccessibleName(tr("Close: {name}", name=name))
        self._close.setToolTip(tr("Close: {name}", name=name))
        self._close.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._close.clicked.connect(self.closed)
        unit = theme.unit
        layout = QHBoxLayout(self)
        layout.setContentsMargins(3 * unit, unit, 2 * unit, unit)
        layout.setSpacing(2 * unit)
        words = QVBoxLayout()
        words.setSpacing(unit)
        if parts:
            flow = FlowLayout(spacing=2 * unit)
            for part in parts:
                flow.addWidget(part)
            words.addLayout(flow)
        words.addWidget(self.sentence)
        layout.addLayout(words, 1)
        layout.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()
        theme.changed.connect(self._restyle)
        self._restyle()

    def _restyle(self) -> None:
        self._close.setIcon(self._theme.icons.get("close"))
        self._close.setIconSize(QSize(4 * self._theme.unit, 4 * self._theme.unit))
