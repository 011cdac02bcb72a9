"""The engine chooser: all engines with their state; broken ones with the reason and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from qana_desktop.ui.presenters.engine import EngineLine, Health
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import SMALL, TITLE, Theme
from qana_desktop.ui.widgets.labels import TextLabel
from qana_desktop.ui.widgets.shapes import draw_health


def health_colour(theme: Theme, health: Health) -> str:
    """Return the colour of an engine's mark."""
    colours = theme.colours
    return {Health.GOOD: colours.good, Health.BROKEN: colours.review_now}.get(health, colours.muted)


def health_pixmap(theme: Theme, health: Health) -> QPixmap:
    """Return an engine's mark."""
    side = 3 * theme.unit
    pixmap = QPixmap(2 * (side + theme.unit), 2 * side)
    pixmap.setDevicePixelRatio(2.0)
    pixmap.fill(Qt.GlobalColor.transparent)
    with QPainter(pixmap) as painter:
        draw_health(painter, health, QRectF(0, 0, side, side), health_colour(theme, health))
    return pixmap


class EngineButton(QPushButton):
    """The engine in use, in the top bar: mark, name, state."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._line: EngineLine | None = None
        self.setProperty("role", "flat")
        self.setText(tr("Engine: starting"))
        self.setAccessibleName(self.text())
        self.setToolTip(tr("See all engines and choose one (Ctrl+E)"))
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_line(self, line: EngineLine) -> None:
        """Show the engine in use."""
        self._line = line
        self.setText(f"{line.name} · {line.state}")
        self.setAccessibleName(tr("Engine {name}: {state}", name=line.name, state=line.state))
        details = "\n".join(part for part in (line.detail, line.problem) if part)
        self.setToolTip(tr("{details}\nSee all engines and choose one (Ctrl+E)", details=details).strip())
        self._restyle()

    def _restyle(self) -> None:
        health = self._line.health if self._line else Health.PENDING
        self.setIcon(QIcon(health_pixmap(self._theme, health)))
        self.setIconSize(QSize(4 * self._theme.unit, 3 * self._theme.unit))


class EngineRow(QFrame):
    """One engine of the chooser."""

    def __init__(self, theme: Theme, line: EngineLine) -> None:
        super().__init__()
        self.line = line
        self.setProperty("role", "engine")
        self.setProperty("chosen", "true" if line.chosen else "false")
        mark = QLabel()
        mark.setPixmap(health_pixmap(theme, line.health))
        name, state = TextLabel(theme, TITLE, bold=True), TextLabel(theme)
        name.say(line.name)
        state.say(tr("{state}, in use", state=line.state) if line.chosen else line.state)
        detail, problem = TextLabel(theme, SMALL, role="muted"), TextLabel(theme)
        detail.say(line.detail)
        problem.say(line.problem)
        self.use = QPushButton(tr("Use this engine"))
        self.use.setAccessibleName(tr("Use {name}", name=line.name))
        self.use.setToolTip(tr("Test {name} and read with it from now on", name=line.name))
        self.use.setVisible(line.can_choose)
        words = QVBoxLayout()
        words.setSpacing(theme.unit)
        for label in (name, state, detail, problem):
            words.addWidget(label)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(3 * theme.unit, 3 * theme.unit, 3 * theme.unit, 3 * theme.unit)
        layout.setSpacing(3 * theme.unit)
        layout.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        layout.addWidget(self.use, 0, Qt.AlignmentFlag.AlignTop)


class EngineDialog(QDialog):
    """The chooser. It stays open while an engine starts, and the window stays usable beside it."""

    chosen = Signal(str)
    look_again = Signal()
    boards_pressed = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setWindowTitle(tr("Engines"))
        self.rows: list[EngineRow] = []
        self._shown: tuple[tuple[EngineLine, ...], str] | None = None
        self._intro = TextLabel(theme, role="muted")
        self._intro.say(
            tr("All engines give the same numbers for the same image. The choice holds until you change it.")
        )
        self._busy = TextLabel(theme, bold=True)
        self._list = QWidget()
        self._rows_layout = QVBoxLayout(self._list)
        self._rows_layout.setContentsMargins(0, 0, 0, 0)
        self._rows_layout.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self._list)
        self.again = self._button(tr("Look again"), tr("Look for engines again"), "retry")
        self.again.clicked.connect(self.look_again)
        boards = self._button(tr("Boards"), tr("Live state, clock and power of a board; the Akida library"), "")
        boards.clicked.connect(self.boards_pressed)
        close = self._button(tr("Close"), tr("Close the list (Esc)"), "")
        close.clicked.connect(self.close)
        buttons = QHBoxLayout()
        buttons.addWidget(self.again)
        buttons.addWidget(boards)
        buttons.addStretch(1)
        buttons.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setSpacing(3 * theme.unit)
        layout.addWidget(self._intro)
        layout.addWidget(self._busy)
        layout.addWidget(scroll, 1)
        layout.addLayout(buttons)
        self._busy.say("")
        self.resize(self.sizeHint())
        theme.changed.connect(self._restyle)

    def sizeHint(self) -> QSize:
        """Return room for three engines."""
        return QSize(62 * self.fontMetrics().averageCharWidth() + 40 * self._theme.unit, 130 * self._theme.unit)

    def show_lines(self, lines: Sequence[EngineLine], busy: str) -> None:
        """Fill the list; while something is being done, nothing can be chosen."""
        if self._shown == (tuple(lines), busy):
            return
        self._shown = (tuple(lines), busy)
        self._busy.say(busy)
        self.again.setEnabled(not busy)
        for row in self.rows:
            self._rows_layout.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = [self._row(line, busy) for line in lines]

    def _row(self, line: EngineLine, busy: str) -> EngineRow:
        row = EngineRow(self._theme, line)
        row.use.setEnabled(not busy)
        row.use.clicked.connect(lambda: self.chosen.emit(line.engine_id))
        self._rows_layout.insertWidget(self._rows_layout.count() - 1, row)
        return row

    def _button(self, text: str, hint: str, icon: str) -> QPushButton:
        button = QPushButton(text)
        button.setAccessibleName(text)
        button.setToolTip(hint)
        if icon:
            button.setIcon(self._theme.icons.get(icon))
        return button

    def _restyle(self) -> None:
        self.again.setIcon(self._theme.icons.get("retry"))
        if self._shown is not None:
            (lines, busy), self._shown = self._shown, None
            self.show_lines(lines, busy)
