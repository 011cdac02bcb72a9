"""The Model page: which network reads here, what was measured of it, its limits, its card, and its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QScrollArea, QTextBrowser, QVBoxLayout, QWidget

from qana_desktop.system.faults import Fault
from qana_desktop.ui.desks import Desks
from qana_desktop.ui.pages import Page, PageContext
from qana_desktop.ui.presenters.measures import DetailRow
from qana_desktop.ui.presenters.model import fact_rows, history, tables, version_line
from qana_desktop.ui.texts import RESEARCH_USE, tr
from qana_desktop.ui.theme.manager import LARGE, TITLE, Theme
from qana_desktop.ui.views.performance import PanelView
from qana_desktop.ui.widgets.forms import ChoiceField, named
from qana_desktop.ui.widgets.labels import TextLabel, hairline

if TYPE_CHECKING:
    from qana_desktop.services.model_desk import VersionFacts

LANE = "models"


class ModelPage(Page):
    """Looks at the versions at each visit: another may be in use since."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context, self._theme = context, context.theme
        self.versions: tuple[VersionFacts, ...] = ()
        self._looking = False
        self._parts: list[QWidget] = []
        self._make()

    def entered(self) -> None:
        """Look at the versions."""
        self._look()

    def attach(self, desks: Desks) -> None:
        """The version in use may be another one now."""
        if self.isVisible():
            self._look()

    @property
    def idle(self) -> bool:
        """Whether the versions have been looked at."""
        return not self._looking

    def show_version(self, facts: VersionFacts) -> None:
        """Show one version."""
        self._clear()
        theme = self._theme
        if facts.fault is not None:
            self._add(_sentence(theme, facts.fault.sentence(), role="fault"))
        if facts.limits:
            self._add(hairline(), _heading(theme, tr("Limits")), Card(theme, facts.limits, tr("Limits of the network")))
        if rows := fact_rows(facts):
            self._add(hairline(), _heading(theme, tr("The bundle")), FactGrid(theme, rows))
        for panel in (*tables(facts.policy), history(self.versions)):
            self._add(PanelView(theme, panel))
        if facts.card:
            self._add(hairline(), _heading(theme, tr("Model card")), Card(theme, facts.card, tr("Model card")))

    # --- building

    def _make(self) -> None:
        theme = self._theme
        title = TextLabel(theme, LARGE, bold=True)
        title.say(tr("The network"))
        self.use, self.state = TextLabel(theme, bold=True), TextLabel(theme, role="muted")
        self.use.say(f"{tr(RESEARCH_USE)}.")
        self.state.say("")
        hint = tr("Show another version that is on this computer; the one in use stays in use")
        self.version: ChoiceField[str] = ChoiceField(theme, tr("Version"), (), hint)
        self.version.choice.picked.connect(self._picked)
        self.version.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        self._column.setSpacing(3 * theme.unit)
        self._column.setContentsMargins(*[6 * theme.unit] * 4)
        for widget in (title, self.use, self.state):
            self._column.addWidget(widget)
        self._column.addWidget(self.version, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        named(scroll, tr("Facts about the network"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)

    def _add(self, *widgets: QWidget) -> None:
        for widget in widgets:
            self._parts.append(widget)
            self._column.insertWidget(self._column.count() - 1, widget)

    def _clear(self) -> None:
        for widget in self._parts:
            self._column.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        self._parts = []

    # --- looking

    def _look(self) -> None:
        if self._looking:
            return
        self._looking = True
        if not self.versions:
            self.state.say(tr("Checking the files …"))

        def work() -> tuple[VersionFacts, ...]:
            from qana_desktop.services.learning_homes import find_homes
            from qana_desktop.services.model_desk import ModelDesk

            return ModelDesk(find_homes()).versions()

        self._context.bridge.run(LANE, work, self._found, self._failed)

    def _found(self, versions: tuple[VersionFacts, ...]) -> None:
        self._looking = False
        self.state.say("")
        chosen = self.version.choice.value if self.versions else ""
        self.versions = versions
        self.version.choice.fill((facts.identity, version_line(facts)) for facts in versions)
        self.version.choice.choose(chosen)
        self._picked(self.version.choice.value)

    def _failed(self, fault: Fault) -> None:
        self._looking = False
        self.state.say(fault.sentence())

    def _picked(self, identity: str) -> None:
        for facts in self.versions:
            if facts.identity == identity:
                self.show_version(facts)


class FactGrid(QWidget):
    """Names with their values."""

    def __init__(self, theme: Theme, rows: tuple[DetailRow, ...]) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4 * theme.unit)
        grid.setColumnStretch(1, 1)
        for number, row in enumerate(rows):
            grid.addWidget(_sentence(theme, row.name, role="muted"), number, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(_sentence(theme, row.value), number, 1)
        grid.setColumnMinimumWidth(0, 40 * theme.unit)


class Card(QTextBrowser):
    """Markdown as tall as it is, so that the page scrolls and not a box in it. Links are not followed."""

    def __init__(self, theme: Theme, text: str, name: str) -> None:
        super().__init__()
        self._theme, self._text = theme, text
        named(self, name)
        self.setOpenLinks(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().documentLayout().documentSizeChanged.connect(lambda _size: self._grow())
        theme.changed.connect(self._restyle)
        self._restyle()

    def _restyle(self) -> None:
        self.setMarkdown(self._text)
        self._grow()

    def _grow(self) -> None:
        self.setFixedHeight(round(self.document().size().height()) + 6 * self._theme.unit)


def _heading(theme: Theme, text: str) -> TextLabel:
    label = TextLabel(theme, TITLE, bold=True)
    label.say(text)
    return label


def _sentence(theme: Theme, text: str, *, role: str = "") -> TextLabel:
    label = TextLabel(theme, role=role)
    label.say(text)
    return label
