"""A list that opens below its button, and whose arrows are its own."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QListWidget

MOVING = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End)


def keeps_arrows(event: QEvent) -> bool:
    """Take arrows for the control that has the focus, before the window's own keys do; return whether it was done."""
    if event.type() is not QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
    if plain and Qt.Key(event.key()) in MOVING:
        event.accept()
        return True
    return False


class Chooser(QComboBox):
    """A combo box in which Up and Down choose, and do not show the next image."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def event(self, event: QEvent) -> bool:
        """Keep the arrows."""
        return keeps_arrows(event) or super().event(event)


class ArrowList(QListWidget):
    """A list in which Up and Down move, and do not show the next image. Long lines are broken."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def event(self, event: QEvent) -> bool:
        """Keep the arrows."""
        return keeps_arrows(event) or super().event(event)
