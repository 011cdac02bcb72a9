"""Hides every other window of the program while the screen is locked: sheets, menus, a second screen."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QToolTip, QWidget


class Curtain:
    """What was hidden comes back when it is drawn open; dialogs that wait for an answer are cancelled."""

    def __init__(self, window: QWidget) -> None:
        self._window = window
        self._hidden: list[QWidget] = []
        self._drawn = False

    def draw(self, closed: bool) -> None:
        """Hide all but the window, or show it again."""
        if closed and not self._drawn:
            self._hide()
        elif not closed and self._drawn:
            hidden, self._hidden = self._hidden, []
            for widget in hidden:
                widget.show()
        self._drawn = closed

    def forget(self) -> None:
        """Leave hidden what was hidden: someone else is here now."""
        self._hidden.clear()

    def _hide(self) -> None:
        QToolTip.hideText()
        while (popup := QApplication.activePopupWidget()) is not None:
            popup.close()
        for widget in QApplication.topLevelWidgets():
            if widget is self._window or not widget.isVisible() or widget.parentWidget() is None:
                continue
            if isinstance(widget, QFileDialog) or (isinstance(widget, QDialog) and widget.isModal()):
                widget.reject()
            else:
                widget.hide()
                self._hidden.append(widget)
