"""All commands with their keys: shown, changed, and put back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QGridLayout, QPushButton, QScrollArea, QWidget

from qana_desktop.ui.actions import Actions
from qana_desktop.ui.presenters.keys import changes, refusal
from qana_desktop.ui.settings import WindowSettings
from qana_desktop.ui.shortcuts import Chapter, Shortcut, shortcut_table
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import TITLE, Theme
from qana_desktop.ui.views.sheets import Sheet, key_text
from qana_desktop.ui.widgets.forms import button
from qana_desktop.ui.widgets.labels import TextLabel

_ALONE = (Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr, Qt.Key.Key_unknown)


class KeyButton(QPushButton):
    """The keys of one command. Pressed, it waits for new ones: Esc leaves all as it is, Delete takes the key away."""

    pressed_keys = Signal(str)

    def __init__(self, shortcut: Shortcut) -> None:
        super().__init__()
        self._waits = False
        self.setAutoDefault(False)
        self.clicked.connect(self._wait)
        self.show_keys(shortcut)

    def show_keys(self, shortcut: Shortcut) -> None:
        """Show a command's keys."""
        self._shortcut = shortcut
        self._waits = False
        keys = key_text(shortcut) if shortcut.keys else tr("no key")
        self.setText(keys)
        self.setAccessibleName(tr("{name}: {keys}", name=shortcut.text, keys=keys))
        self.setToolTip(tr("Change the key of “{name}”", name=shortcut.text))

    def event(self, event: QEvent) -> bool:
        """Keep keys from doing what they do, while new ones are awaited."""
        if self._waits and isinstance(event, QKeyEvent) and event.type() is not QEvent.Type.KeyRelease:
            event.accept()
            if event.type() is QEvent.Type.KeyPress:
                self._take(event)
            return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Wait no longer."""
        if self._waits:
            self.show_keys(self._shortcut)
        super().focusOutEvent(event)

    def _wait(self) -> None:
        self._waits = True
        self.setText(tr("Press the new keys"))
        self.setAccessibleName(tr("Press the new keys of “{name}”. Esc leaves them.", name=self._shortcut.text))

    def _take(self, event: QKeyEvent) -> None:
        if event.key() in _ALONE:
            return
        shortcut = self._shortcut
        self.show_keys(shortcut)
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if plain and event.key() == Qt.Key.Key_Escape:
            return
        if plain and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.pressed_keys.emit("")
            return
        keypad = Qt.KeyboardModifier.KeypadModifier.value
        keys = QKeySequence(event.keyCombination().toCombined() & ~keypad)
        self.pressed_keys.emit(keys.toString(QKeySequence.SequenceFormat.PortableText))


class KeysSheet(Sheet):
    """All commands with their keys. What is changed holds at once and is remembered."""

    def __init__(self, theme: Theme, parent: QWidget, actions: Actions, settings: WindowSettings) -> None:
        super().__init__(theme, parent, tr("Keys"))
        self._actions, self._settings = actions, settings
        self._defaults = shortcut_table()
        self.buttons: dict[str, KeyButton] = {}
        self.said = TextLabel(theme, bold=True)
        content = QWidget()
        self._grid = QGridLayout(content)
        self._grid.setHorizontalSpacing(4 * theme.unit)
        self._grid.setVerticalSpacing(theme.unit)
        self._grid.setColumnStretch(2, 1)
        for chapter in Chapter:
            self._chapter(chapter)
        mouse = TextLabel(theme, role="muted")
        mouse.say(
            tr("Mouse: wheel zooms at the cursor, drag moves the image, double click changes between fit and 1:1.")
        )
        self._grid.addWidget(mouse, self._grid.rowCount(), 0, 1, 3)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(content)
        how = TextLabel(theme, role="muted")
        how.say(tr("Press a key's button to change it. Delete takes the key away, Esc leaves it."))
        self.body.addWidget(how)
        self.body.addWidget(scroll)
        self.body.addWidget(self.said)
        self.reset = button(tr("Put all back"), tr("Use the keys that the program came with"), self._reset)
        self.reset.setAutoDefault(False)
        self.body.addWidget(self.reset, 0, Qt.AlignmentFlag.AlignLeft)
        self.said.say("")

    def _chapter(self, chapter: Chapter) -> None:
        title = TextLabel(self._theme, TITLE, bold=True)
        title.say(tr(chapter.value))
        self._grid.addWidget(title, self._grid.rowCount(), 0, 1, 3)
        for shortcut in self._actions.table:
            if shortcut.chapter is chapter:
                self._row(shortcut)

    def _row(self, shortcut: Shortcut) -> None:
        row = self._grid.rowCount()
        keys = KeyButton(shortcut)
        keys.pressed_keys.connect(self._changer(shortcut))
        self.buttons[shortcut.command] = keys
        name, hint = TextLabel(self._theme), TextLabel(self._theme, role="muted")
        name.setWordWrap(False)
        name.say(shortcut.text)
        hint.say(shortcut.hint)
        for column, widget in enumerate((keys, name, hint)):
            self._grid.addWidget(widget, row, column, Qt.AlignmentFlag.AlignVCenter)

    def _changer(self, shortcut: Shortcut) -> Callable[[str], None]:
        return lambda key: self._change(shortcut, key)

    def _change(self, shortcut: Shortcut, key: str) -> None:
        why = refusal(self._actions.table, shortcut.command, key) if key else ""
        self.said.say(why)
        self.said.setAccessibleName(why)
        if not why:
            keys = (key,) if key else ()
            self._use([replace(s, keys=keys) if s.command is shortcut.command else s for s in self._actions.table])

    def _reset(self) -> None:
        self.said.say(tr("All keys are those that the program came with."))
        self._use(self._defaults)

    def _use(self, table: list[Shortcut]) -> None:
        self._actions.rekey(table)
        self._settings.keep_keys(changes(table, self._defaults))
        for shortcut in table:
            self.buttons[shortcut.command].show_keys(shortcut)
