"""What the window remembers: its place, layout, theme and engine. Never a patient's file, name or folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QMainWindow, QSplitter, QWidget

from qana_desktop.ui.theme.manager import ThemeChoice

FILE = "window.ini"


class WindowSettings:
    """Settings in one INI file of the program's configuration folder."""

    def __init__(self, folder: Path) -> None:
        self._settings = QSettings(str(folder / FILE), QSettings.Format.IniFormat)

    @property
    def theme(self) -> ThemeChoice:
        """The chosen theme; the system's when nothing valid is stored."""
        try:
            return ThemeChoice(self._text("theme"))
        except ValueError:
            return ThemeChoice.SYSTEM

    @theme.setter
    def theme(self, choice: ThemeChoice) -> None:
        self._settings.setValue("theme", choice.value)

    @property
    def engine(self) -> str | None:
        """The id of the engine that a person chose, None when nobody chose."""
        return self._text("engine") or None

    @engine.setter
    def engine(self, engine_id: str) -> None:
        self._settings.setValue("engine", engine_id)

    def restore_window(self, window: QMainWindow, splitter: QSplitter, panels: Mapping[str, QWidget]) -> bool:
        """Put window, splitter and panels where they were; return False when nothing is stored."""
        geometry, state = self._bytes("geometry"), self._bytes("splitter")
        if geometry is None or state is None or not window.restoreGeometry(geometry):
            return False
        for name, panel in panels.items():
            panel.setHidden(self._text(f"shown/{name}") == "no")
        return splitter.restoreState(state)

    def keep_window(self, window: QMainWindow, splitter: QSplitter, panels: Mapping[str, QWidget]) -> None:
        """Store the place of window, splitter and panels, and write the file."""
        self._settings.setValue("window/geometry", window.saveGeometry())
        self._settings.setValue("window/splitter", splitter.saveState())
        for name, panel in panels.items():
            self._settings.setValue(f"shown/{name}", "no" if panel.isHidden() else "yes")
        self._settings.sync()

    def _bytes(self, key: str) -> QByteArray | None:
        value = self._settings.value(f"window/{key}")
        return value if isinstance(value, QByteArray) and not value.isEmpty() else None

    def _text(self, key: str) -> str:
        value = self._settings.value(key, "")
        return value if isinstance(value, str) else ""
