"""The reading panel: quality, answer, malignancy against the cut, classes, certainty, time and energy, provenance."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QToolButton, QVBoxLayout, QWidget

from qana_desktop.triage.diagnosis import FULL_NAMES, Diagnosis
from qana_desktop.ui.presenters.entries import Group
from qana_desktop.ui.presenters.reading import ReadingView, group_word
from qana_desktop.ui.texts import tr, two_digits
from qana_desktop.ui.theme.manager import SMALL, Theme
from qana_desktop.ui.widgets.bars import ClassBars
from qana_desktop.ui.widgets.headline import Headline
from qana_desktop.ui.widgets.labels import TextLabel, hairline
from qana_desktop.ui.widgets.popover import Popover
from qana_desktop.ui.widgets.scale import MalignancyScale

ASSESSED = (Group.REVIEW_NOW, Group.REVIEW, Group.LOW_CONCERN)
UNSURE = Group.CANNOT_ASSESS


class ReadingPanel(QScrollArea):
    """The right side of the window. Shows one `ReadingView`; what is empty takes no room."""

    read_anyway_pressed = Signal()
    read_again_pressed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._view: ReadingView | None = None
        self.setObjectName("readingScroll")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Reading"))
        self.setToolTip("")
        self._make_parts(theme)
        self._body = QWidget()
        self._body.setObjectName("readingBody")
        self._lay_out(theme.unit)
        self.setWidget(self._body)
        theme.changed.connect(self._restyle)
        self._restyle()
        self.show_reading(None)

    def show_reading(self, view: ReadingView | None) -> None:
        """Show a reading, or nothing."""
        self._view = view
        self._body.setVisible(view is not None)
        if view is None:
            return
        self.headline.show_answer(view.group, view.word, view.number)
        self._show_quality(view)
        self._reason.say(view.reason)
        self._remedy.say(view.remedy)
        self._notes.say("\n".join(view.notes))
        self._second.say("\n".join(view.second_reader))
        self.read_anyway.setVisible(view.can_read_anyway)
        self.read_again.setVisible(view.can_read_again)
        self.scale.show_scale(view.scale)
        self._cut.say(view.scale.sentence if view.scale else "")
        self._cuts_info.setVisible(view.scale is not None and bool(view.scale.details))
        self.bars.show_bars(view.bars)
        self._legend.setVisible(bool(view.bars))
        self._could_be.say(view.could_be)
        self._confidence.say(view.confidence)
        self._agreement.say(view.agreement)
        self._show_measures(view)
        for line, parts in self._lines:
            line.setVisible(any(not part.isHidden() for part in parts))

    def open_details(self) -> None:
        """Open the split of time and the energy's method."""
        if self._view is not None and self._view.measures:
            self._popover.show_rows(tr("Time and energy of this reading"), self._view.measures)
            self._popover.open_at(self.info)

    def sizeHint(self) -> QSize:
        """Return a width at which the answer and all class names fit."""
        return QSize(self._least_width() + 4 * self._theme.unit, 150 * self._theme.unit)

    def _make_parts(self, theme: Theme) -> None:
        self.headline = Headline(theme)
        self._quality = TextLabel(theme)
        self._quality_notes = TextLabel(theme, SMALL, role="muted")
        self._reason = TextLabel(theme, bold=True)
        self._remedy = TextLabel(theme)
        self._notes = TextLabel(theme)
        self._second = TextLabel(theme)
        self.read_anyway = self._button(
            tr("Read anyway"), tr("Read this image against the quality check; the result is marked (Ctrl+Shift+R)")
        )
        self.read_again = self._button(tr("Read"), tr("Read the images that are unread (Ctrl+R)"))
        self.read_anyway.clicked.connect(self.read_anyway_pressed)
        self.read_again.clicked.connect(self.read_again_pressed)
        self.scale = MalignancyScale(theme)
        self._cut = TextLabel(theme, SMALL, role="muted")
        self.bars = ClassBars(theme)
        self._legend = TextLabel(theme, SMALL, role="muted")
        self._legend.say(tr("Strong bars: malignant or pre-malignant. Dots: could be this."))
        self._could_be = TextLabel(theme)
        self._confidence = TextLabel(theme)
        self._agreement = TextLabel(theme)
        self._latency = TextLabel(theme)
        self._energy = TextLabel(theme, SMALL, role="muted")
        self._provenance = TextLabel(theme, SMALL, role="muted")
        self.info = self._info_button(tr("Time and energy"), tr("Show what took how long, and the energy (I)"))
        self.info.clicked.connect(self.open_details)
        self._cuts_info = self._info_button(tr("Operating points"), tr("Show all printed cuts of this network"))
        self._cuts_info.clicked.connect(self._open_cuts)
        self._origin_info = self._info_button(tr("Provenance"), tr("Show what gave this answer"))
        self._origin_info.clicked.connect(self._open_provenance)
        self._popover = Popover(theme, self)

    def _lay_out(self, unit: int) -> None:
        layout = QVBoxLayout(self._body)
        layout.setContentsMargins(4 * unit, 3 * unit, 4 * unit, 3 * unit)
        layout.setSpacing(2 * unit)
        self._lines: list[tuple[QWidget, list[QWidget]]] = []
        self._section(layout, [self._quality, self._quality_notes], first=True)
        answer: list[QWidget] = [
            self.headline,
            self._reason,
            self._remedy,
            self._notes,
            self._second,
            self.read_anyway,
            self.read_again,
        ]
        self._section(layout, [*answer, self.scale])
        layout.addLayout(_row(self._cut, self._cuts_info))
        self._section(layout, [self.bars, self._legend, self._could_be])
        self._section(layout, [self._confidence, self._agreement])
        self._section(layout, [])
        layout.addLayout(_row(_column(self._latency, self._energy), self.info))
        self._lines[-1][1].extend([self._latency, self._energy])
        self._section(layout, [])
        layout.addLayout(_row(self._provenance, self._origin_info))
        self._lines[-1][1].append(self._provenance)
        layout.addStretch(1)

    def _section(self, layout: QVBoxLayout, parts: list[QWidget], *, first: bool = False) -> None:
        if not first:
            line = hairline()
            layout.addWidget(line)
            self._lines.append((line, list(parts)))
        for part in parts:
            layout.addWidget(part)

    def _button(self, text: str, hint: str) -> QPushButton:
        button = QPushButton(text)
        button.setAccessibleName(text)
        button.setToolTip(hint)
        return button

    def _info_button(self, name: str, hint: str) -> QToolButton:
        button = QToolButton()
        button.setProperty("role", "icon")
        button.setAccessibleName(name)
        button.setToolTip(hint)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return button

    def _show_quality(self, view: ReadingView) -> None:
        self._quality.say(tr("Quality: {verdict}", verdict=view.quality) if view.quality else "")
        self._quality_notes.say("\n".join(view.quality_notes))

    def _show_measures(self, view: ReadingView) -> None:
        self._latency.say(view.latency)
        self._energy.say(view.energy[:1].upper() + view.energy[1:])
        self._provenance.say(view.provenance)
        self.info.setVisible(bool(view.measures))
        self._origin_info.setVisible(bool(view.provenance_rows))

    def _open_cuts(self) -> None:
        if self._view is not None and self._view.scale is not None:
            self._popover.show_rows(tr("Operating points of this network"), self._view.scale.details)
            self._popover.open_at(self._cuts_info)

    def _open_provenance(self) -> None:
        if self._view is not None:
            self._popover.show_rows(tr("What gave this answer"), self._view.provenance_rows)
            self._popover.open_at(self._origin_info)

    def _restyle(self) -> None:
        icon = self._theme.icons.get("info")
        for button in (self.info, self._cuts_info, self._origin_info):
            button.setIcon(icon)
            button.setIconSize(QSize(4 * self._theme.unit, 4 * self._theme.unit))
        self.setMinimumWidth(self._least_width())

    def _least_width(self) -> int:
        unit = self._theme.unit
        answers = [(group_word(group), two_digits(0.999)) for group in ASSESSED]
        least = max(self.headline.width_for(word, number) for word, number in [*answers, (group_word(UNSURE), "")])
        bold = QFontMetrics(self._theme.font(bold=True))
        names = max(bold.horizontalAdvance(tr(FULL_NAMES[diagnosis])) for diagnosis in Diagnosis) + 14 * unit
        return max(least, names) + 8 * unit + self.verticalScrollBar().sizeHint().width()


def _column(*parts: QWidget) -> QWidget:
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    for part in parts:
        layout.addWidget(part)
    return column


def _row(text: QWidget, button: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(4)
    row.addWidget(text, 1)
    row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
    return row
