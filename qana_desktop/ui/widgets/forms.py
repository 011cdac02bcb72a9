"""Parts of forms: a field with its label, choices, a column of them with a sentence for what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from qana_desktop.system.faults import Fault
from qana_desktop.ui.theme.manager import SMALL, TITLE, Theme
from qana_desktop.ui.widgets.labels import TextLabel

T = TypeVar("T")


def named(widget: QWidget, name: str, hint: str = "") -> None:
    """Give a control its accessible name and its tooltip."""
    widget.setAccessibleName(name)
    widget.setToolTip(hint or name)


def button(text: str, hint: str, run: Callable[[], object], *, role: str = "") -> QPushButton:
    """Return a push button that calls `run`."""
    made = QPushButton(text)
    made.setProperty("role", role)
    named(made, text, hint)
    made.clicked.connect(lambda _on: run())
    return made


def check(text: str, hint: str) -> QCheckBox:
    """Return a check box."""
    made = QCheckBox(text)
    named(made, text, hint)
    return made


class Field(QWidget):
    """A label above a control, which it names."""

    def __init__(self, theme: Theme, label: str, control: QWidget, hint: str = "") -> None:
        super().__init__()
        self.control = control
        self.label = TextLabel(theme, SMALL, role="muted")
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        self.label.say(label)
        self.label.setBuddy(control)
        named(control, label, hint)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.unit // 2)
        layout.addWidget(self.label)
        layout.addWidget(control)


class TextField(Field):
    """One line of text."""

    def __init__(self, theme: Theme, label: str, hint: str = "", *, secret: bool = False) -> None:
        self.edit = QLineEdit()
        if secret:
            self.edit.setEchoMode(QLineEdit.EchoMode.Password)
        super().__init__(theme, label, self.edit, hint)

    @property
    def text(self) -> str:
        """What was typed, without spaces around it; a secret as it is."""
        typed = self.edit.text()
        return typed if self.edit.echoMode() is QLineEdit.EchoMode.Password else typed.strip()


class NoteField(Field):
    """A few lines of text."""

    def __init__(self, theme: Theme, label: str, hint: str = "", *, lines: int = 3) -> None:
        self.edit = QPlainTextEdit()
        self.edit.setTabChangesFocus(True)
        self._lines = lines
        super().__init__(theme, label, self.edit, hint)
        theme.changed.connect(self._restyle)
        self._restyle()

    @property
    def text(self) -> str:
        """What was typed."""
        return self.edit.toPlainText().strip()

    def _restyle(self) -> None:
        self.edit.setFixedHeight(round((self._lines + 1.2) * self.edit.fontMetrics().lineSpacing()))


class Choice(QComboBox, Generic[T]):
    """A choice among values with their words."""

    picked = Signal(object)

    def __init__(self, options: Iterable[tuple[T, str]] = (), prompt: str = "") -> None:
        super().__init__()
        self._prompt = prompt
        self.setPlaceholderText(prompt)
        self.fill(options)
        self.activated.connect(lambda _index: self.picked.emit(self.value))

    def fill(self, options: Iterable[tuple[T, str]]) -> None:
        """Offer other values; nothing is told."""
        self.clear()
        self.values: list[T] = []
        for value, word in options:
            self.add(value, word)
        if self._prompt:
            self.setCurrentIndex(-1)

    def add(self, value: T, word: str) -> None:
        """Offer one more value."""
        self.values.append(value)
        self.addItem(word)

    @property
    def value(self) -> T:
        """The value that is chosen; raises IndexError when there is none to choose from."""
        return self.values[max(0, self.currentIndex())]

    @property
    def chosen(self) -> bool:
        """Whether something is chosen."""
        return self.currentIndex() >= 0

    def choose(self, value: T) -> None:
        """Choose a value; one that is not offered changes nothing."""
        if value in self.values:
            self.setCurrentIndex(self.values.index(value))


class ChoiceField(Field, Generic[T]):
    """A choice with its label."""

    def __init__(
        self, theme: Theme, label: str, options: Iterable[tuple[T, str]], hint: str = "", *, prompt: str = ""
    ) -> None:
        self.choice: Choice[T] = Choice(options, prompt)
        super().__init__(theme, label, self.choice, hint)

    @property
    def value(self) -> T:
        """The value that is chosen."""
        return self.choice.value


class FormColumn(QWidget):
    """A title, a text, fields, and a sentence about what did not go well."""

    def __init__(self, theme: Theme, title: str, text: str = "") -> None:
        super().__init__()
        self._theme = theme
        self._title = TextLabel(theme, TITLE, bold=True)
        self._text = TextLabel(theme, role="muted")
        self._fault = TextLabel(theme, role="fault")
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(2 * theme.unit)
        self.column.addWidget(self._title)
        self.column.addWidget(self._text)
        self.column.addWidget(self._fault)
        self.entitle(title, text)
        self.say("")

    def entitle(self, title: str, text: str) -> None:
        """Show another title and text."""
        self._title.say(title)
        self._text.say(text)

    def add(self, *widgets: QWidget) -> None:
        """Add fields below."""
        for widget in widgets:
            self.column.addWidget(widget)

    def add_row(self, *widgets: QWidget, stretch: bool = True) -> None:
        """Add widgets beside each other."""
        row = QHBoxLayout()
        row.setSpacing(2 * self._theme.unit)
        for widget in widgets:
            row.addWidget(widget, 0 if stretch else 1)
        if stretch:
            row.addStretch(1)
        self.column.addLayout(row)

    def say(self, sentence: str) -> None:
        """Show what did not go well; an empty sentence takes it away."""
        self._fault.say(sentence)
        self._fault.setAccessibleName(sentence)

    def refuse(self, fault: Fault) -> None:
        """Show a fault, and let the person try again."""
        self.busy(False)
        self.say(fault.sentence())

    def busy(self, busy: bool) -> None:
        """Take no input while something runs."""
        self.setEnabled(not busy)
