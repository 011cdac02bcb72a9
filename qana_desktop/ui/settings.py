"""What the window remembers: its place, layout, theme and engine. Never a patient's file, name or folder."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

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

    def bytes_of(self, key: str) -> QByteArray | None:
        """Return a stored state of Qt (`geometry`, `splitter`), None when there is none."""
        value = self._settings.value(f"window/{key}")
        return value if isinstance(value, QByteArray) and not value.isEmpty() else None

    def keep_bytes(self, key: str, state: QByteArray) -> None:
        """Store a state of Qt."""
        self._settings.setValue(f"window/{key}", state)

    def shown(self, panel: str) -> bool:
        """Return whether a panel was shown; yes when nothing is stored."""
        return self._text(f"shown/{panel}") != "no"

    def keep_shown(self, panel: str, *, shown: bool) -> None:
        """Store whether a panel is shown."""
        self._settings.setValue(f"shown/{panel}", "yes" if shown else "no")

    def sync(self) -> None:
        """Write the file now."""
        self._settings.sync()

    def _text(self, key: str) -> str:
        value = self._settings.value(key, "")
        return value if isinstance(value, str) else ""
