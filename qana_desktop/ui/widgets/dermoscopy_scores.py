"""Entry of the ABCD rule and the seven-point checklist, by mouse or by keys alone, with what the sums amount to.

Keys: digits set a count and go on to the next one, arrows change it, Backspace takes it back; 1 to 7 tick criteria.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from qana_desktop.triage.case import Abcd, SevenPoint
from qana_desktop.ui.presenters.dermoscopy_scores import (
    Count,
    abcd_counts,
    abcd_text,
    seven_point_criteria,
    seven_point_text,
    sources,
)
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import SMALL, Theme
from qana_desktop.ui.theme.stylesheet import RADIUS
from qana_desktop.ui.widgets.labels import TextLabel, hairline

CLEARING = (Qt.Key.Key_Backspace, Qt.Key.Key_Delete)


class CountRow(QWidget):
    """Numbers in a row, one of them chosen or none. `entered` is sent by a digit: the next row's turn."""

    changed = Signal()
    entered = Signal()

    def __init__(self, theme: Theme, count: Count) -> None:
        super().__init__()
        self._theme, self._count = theme, count
        self._value: int | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setToolTip(count.hint)
        self.setAccessibleDescription(count.hint)
        theme.changed.connect(self.updateGeometry)
        self._name()

    @property
    def value(self) -> int | None:
        """The number, None when nothing was entered."""
        return self._value

    def show_value(self, value: int | None) -> None:
        """Show a number, or none."""
        if value != self._value:
            self._value = value
            self._name()
            self.update()
            self.changed.emit()

    def _name(self) -> None:
        said = tr("not entered") if self._value is None else str(self._value)
        self.setAccessibleName(tr("{name}: {value}", name=self._count.name, value=said))

    # --- Qt ---

    def sizeHint(self) -> QSize:
        """Return room for all numbers."""
        side = self._side()
        return QSize(round(side * (self._count.most - self._count.least + 1)), round(side))

    def minimumSizeHint(self) -> QSize:
        """Return the size hint."""
        return self.sizeHint()

    def event(self, event: QEvent) -> bool:
        """Take digits and arrows before the window's own keys do."""
        override = event.type() is QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent) and self._wanted(event) is not NOTHING:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Set, change or clear."""
        wanted = self._wanted(event)
        if wanted is NOTHING:
            super().keyPressEvent(event)
            return
        assert wanted is None or isinstance(wanted, int)  # noqa: S101 - for the type checker
        self.show_value(wanted)
        if event.text().isdigit():
            self.entered.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the number below the mouse; the chosen one again clears."""
        number = self._count.least + int(event.position().x() / self._side())
        if self._count.least <= number <= self._count.most:
            self.show_value(None if number == self._value else number)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus."""
        self.update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show that it is gone."""
        self.update()
        super().focusOutEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the numbers."""
        with QPainter(self) as painter:
            self._paint(painter)

    def _wanted(self, event: QKeyEvent) -> object:
        """The number that a key asks for, None to clear, NOTHING for keys that are not for this row."""
        least, most = self._count.least, self._count.most
        key = Qt.Key(event.key())
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return NOTHING
        if event.text().isdigit():
            return int(event.text()) if least <= int(event.text()) <= most else self._value
        if key in CLEARING:
            return None
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if key in steps:
            return least if self._value is None else min(most, max(least, self._value + steps[key]))
        return NOTHING

    def _side(self) -> float:
        return QFontMetricsF(self._theme.font()).height() + 2 * self._theme.unit

    def _paint(self, painter: QPainter) -> None:
        colours, side = self._theme.colours, self._side()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, number in enumerate(range(self._count.least, self._count.most + 1)):
            chosen = number == self._value
            box = QRectF(place * side + 1.5, 1.5, side - 3, side - 3)
            painter.setPen(QPen(QColor(colours.accent if chosen else colours.outline), 1))
            painter.setBrush(QColor(colours.accent if chosen else colours.raised))
            painter.drawRoundedRect(box, RADIUS, RADIUS)
            painter.setFont(self._theme.font(bold=chosen))
            painter.setPen(QColor(colours.on_accent if chosen else colours.text))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(number))
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.focus), 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), RADIUS, RADIUS)


NOTHING = object()


class DermoscopyScores(QWidget):
    """Both scores. What was not entered stays None: an empty form is not a score of zero."""

    changed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._none = False
        self.setAccessibleName(tr("Dermoscopic scores"))
        self.rows = {count.field: CountRow(theme, count) for count in abcd_counts()}
        self.ticks = {criterion.field: _Tick(self) for criterion in seven_point_criteria()}
        self.abcd_result, self.seven_result = TextLabel(theme, bold=True), TextLabel(theme, bold=True)
        self.none = QPushButton(tr("None of them"))
        self.none.setAccessibleName(tr("None of the seven criteria"))
        self.none.setToolTip(tr("You looked, and none of the seven criteria is there (0)"))
        self.clear = QPushButton(tr("Clear"))
        self.clear.setAccessibleName(tr("Clear both scores"))
        self.clear.setToolTip(tr("Take both scores back: nothing was counted"))
        self._lay_out(theme)
        self._connect()
        self._say()

    def scores(self) -> tuple[Abcd | None, SevenPoint | None]:
        """Return what was entered, each None while it is incomplete."""
        counts = {name: row.value for name, row in self.rows.items()}
        abcd = Abcd(**{n: v for n, v in counts.items() if v is not None}) if None not in counts.values() else None
        found = {name: tick.isChecked() for name, tick in self.ticks.items()}
        return abcd, SevenPoint(**found) if self._none or any(found.values()) else None

    def show_scores(self, abcd: Abcd | None, seven_point: SevenPoint | None) -> None:
        """Show what was entered before."""
        for name, row in self.rows.items():
            row.show_value(None if abcd is None else getattr(abcd, name))
        for name, tick in self.ticks.items():
            tick.setChecked(seven_point is not None and getattr(seven_point, name))
        self._none = seven_point is not None
        self._say()

    def digit(self, number: int) -> bool:
        """Tick the criterion of this number, or say that none is there with 0; return whether there is one."""
        if number == 0:
            self.none.click()
        elif number <= len(self.ticks):
            tick = list(self.ticks.values())[number - 1]
            tick.toggle()
            tick.setFocus()
        return number <= len(self.ticks)

    def _lay_out(self, theme: Theme) -> None:
        unit = theme.unit
        grid = QGridLayout()
        grid.setHorizontalSpacing(3 * unit)
        grid.setVerticalSpacing(unit)
        grid.setColumnStretch(1, 1)
        for place, count in enumerate(abcd_counts()):
            name = QLabel(count.name)
            name.setToolTip(count.hint)
            grid.addWidget(name, 2 * place, 0, 1, 2)
            grid.addWidget(self.rows[count.field], 2 * place + 1, 0, 1, 2, Qt.AlignmentFlag.AlignLeft)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * unit)
        layout.addWidget(_heading(theme, tr("ABCD rule")))
        layout.addLayout(grid)
        layout.addWidget(self.abcd_result)
        layout.addWidget(_small(theme, sources()[0]))
        layout.addWidget(hairline())
        layout.addWidget(_heading(theme, tr("Seven-point checklist")))
        for number, criterion in enumerate(seven_point_criteria(), start=1):
            tick = self.ticks[criterion.field]
            tick.setText(f"{number}  {criterion.name}  ({criterion.points})")
            tick.setAccessibleName(criterion.name)
            tick.setToolTip(tr("{hint} (key {number})", hint=criterion.hint, number=number))
            layout.addWidget(tick)
        layout.addWidget(self.seven_result)
        layout.addWidget(_small(theme, sources()[1]))
        buttons = QHBoxLayout()
        buttons.setSpacing(2 * unit)
        for button in (self.none, self.clear):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout.addLayout(buttons)

    def _connect(self) -> None:
        rows = list(self.rows.values())
        for row, after in zip(rows, [*rows[1:], None], strict=True):
            row.changed.connect(self._changed)
            if after is not None:
                row.entered.connect(lambda after=after: after.setFocus(Qt.FocusReason.TabFocusReason))
        for tick in self.ticks.values():
            tick.toggled.connect(self._changed)
        self.none.clicked.connect(self._none_of_them)
        self.clear.clicked.connect(lambda: self.show_scores(None, None))

    def _none_of_them(self) -> None:
        for tick in self.ticks.values():
            tick.setChecked(False)
        self._none = True
        self._changed()

    def _changed(self) -> None:
        self._say()
        self.changed.emit()

    def _say(self) -> None:
        abcd, seven_point = self.scores()
        self.abcd_result.say(abcd_text(abcd))
        self.seven_result.say(seven_point_text(seven_point))


class _Tick(QCheckBox):
    """A check box that hands digits to its form."""

    def __init__(self, form: DermoscopyScores) -> None:
        super().__init__()
        self._form = form

    def event(self, event: QEvent) -> bool:
        """Take digits before the window's own keys do."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.text().isdigit():
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let the form tick by number."""
        if not (event.text().isdigit() and self._form.digit(int(event.text()))):
            super().keyPressEvent(event)


def _heading(theme: Theme, text: str) -> TextLabel:
    label = TextLabel(theme, bold=True)
    label.say(text)
    return label


def _small(theme: Theme, text: str) -> TextLabel:
    label = TextLabel(theme, SMALL, role="muted")
    label.say(text)
    return label
