"""What the window remembers: its place, layout, look and habits. Never a patient's file or name.

Every field reads as its default when nothing valid is stored: a damaged file never keeps the program from starting.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QMainWindow, QSplitter, QWidget

from qana_desktop.ui.theme.manager import ThemeChoice

FILE = "window.ini"

SYSTEM_LANGUAGE: Final = ""
"""The language of the system, where the program speaks it; else English."""

SCALES: Final = (100, 125, 150, 175, 200, 225, 250)
"""Sizes of text that are offered, in percent of the system's font."""

AUTO_LOCKS: Final = (0, 1, 2, 5, 10, 15, 30, 60)
"""Minutes without a key or a pointer after which the case store is locked; 0 is never."""

REREAD_SHARES: Final = (0.0, 0.02, 0.05, 0.1, 0.2)
"""Shares of the signed "low concern" images that are read once more by a person, by chance."""


class AnswerOrder(StrEnum):
    """Who speaks first about an image."""

    CLINICIAN_FIRST = "clinician-first"
    NETWORK_FIRST = "network-first"


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

    @property
    def language(self) -> str:
        """The code of the chosen language ("de", "zh_CN"), or `SYSTEM_LANGUAGE`."""
        return self._text("language")

    @language.setter
    def language(self, code: str) -> None:
        self._settings.setValue("language", code)

    @property
    def scale(self) -> int:
        """The size of text in percent of the system's font, one of `SCALES`."""
        return self._whole("scale", SCALES, 100)

    @scale.setter
    def scale(self, percent: int) -> None:
        self._settings.setValue("scale", str(percent))

    @property
    def auto_lock_minutes(self) -> int:
        """Minutes of rest after which the store is locked, one of `AUTO_LOCKS`; 0 is never."""
        return self._whole("auto-lock-minutes", AUTO_LOCKS, 10)

    @auto_lock_minutes.setter
    def auto_lock_minutes(self, minutes: int) -> None:
        self._settings.setValue("auto-lock-minutes", str(minutes))

    @property
    def answer_order(self) -> AnswerOrder:
        """Whether the clinician answers before the network's reading is shown, or after."""
        try:
            return AnswerOrder(self._text("answer-order"))
        except ValueError:
            return AnswerOrder.NETWORK_FIRST

    @answer_order.setter
    def answer_order(self, order: AnswerOrder) -> None:
        self._settings.setValue("answer-order", order.value)

    @property
    def second_reader(self) -> bool:
        """Whether a second network is asked where the first is uncertain."""
        return self._text("second-reader") != "no"

    @second_reader.setter
    def second_reader(self, asked: bool) -> None:
        self._settings.setValue("second-reader", "yes" if asked else "no")

    @property
    def watch_folder(self) -> Path | None:
        """The folder from which new images are taken in by themselves; None is none."""
        stored = self._text("watch-folder")
        return Path(stored) if stored else None

    @watch_folder.setter
    def watch_folder(self, folder: Path | None) -> None:
        self._settings.setValue("watch-folder", "" if folder is None else str(folder))

    @property
    def reread_share(self) -> float:
        """Share of the signed "low concern" images that a person reads once more, one of `REREAD_SHARES`."""
        try:
            share = float(self._text("reread-share") or "nan")
        except ValueError:
            return REREAD_SHARES[0]
        return share if share in REREAD_SHARES else REREAD_SHARES[0]

    @reread_share.setter
    def reread_share(self, share: float) -> None:
        self._settings.setValue("reread-share", repr(share))

    @property
    def tour_done(self) -> bool:
        """Whether the tour of the first start was seen or skipped."""
        return self._text("tour") == "done"

    @tour_done.setter
    def tour_done(self, done: bool) -> None:
        self._settings.setValue("tour", "done" if done else "")

    @property
    def case_views(self) -> str:
        """The views of the Cases page that a person saved, as JSON: filters and names, never searched words."""
        return self._text("case-views")

    @case_views.setter
    def case_views(self, text: str) -> None:
        self._settings.setValue("case-views", text)

    @property
    def backup_folder(self) -> Path | None:
        """Where backups of the case store are kept; None until a person chose."""
        stored = self._text("backup-folder")
        return Path(stored) if stored else None

    @backup_folder.setter
    def backup_folder(self, folder: Path) -> None:
        self._settings.setValue("backup-folder", str(folder))

    def keys(self) -> dict[str, tuple[str, ...]]:
        """Return the keys that a person changed: id of the command to keys in Qt's portable text, () for no key."""
        self._settings.beginGroup("keys")
        names = self._settings.childKeys()
        self._settings.endGroup()
        return {name: tuple(self._text(f"keys/{name}").split()) for name in names}

    def keep_keys(self, changed: Mapping[str, tuple[str, ...]]) -> None:
        """Store the keys that a person changed, in place of all that were stored."""
        self._settings.remove("keys")
        for name, keys in changed.items():
            self._settings.setValue(f"keys/{name}", " ".join(keys))

    def sync(self) -> None:
        """Write the file now."""
        self._settings.sync()

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

    def _whole(self, key: str, offered: tuple[int, ...], default: int) -> int:
        stored = self._text(key)
        return int(stored) if stored.isdecimal() and int(stored) in offered else default

    def _text(self, key: str) -> str:
        value = self._settings.value(key, "")
        return value if isinstance(value, str) else ""
