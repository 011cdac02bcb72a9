"""Puts the program into a person's language before the window is made: our sentences, Qt's own, numbers, direction."""

from __future__ import annotations

import os

from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator
from PySide6.QtWidgets import QApplication

from qana_desktop.system.language import SOURCE, use_language, wanted_language
from qana_desktop.system.resources import assets_dir

_OF_QT = "qtbase"
"""Qt's catalogue for the buttons and menus that it makes itself."""


def speak(app: QApplication, chosen: str) -> str:
    """Speak the chosen language, "" for the system's, from now on; returns the language that is spoken.

    A window that is there already keeps its words until it is made anew.
    """
    language = wanted_language(chosen, os.environ, QLocale.system().uiLanguages())
    use_language(language, assets_dir() / "locale")
    locale = QLocale(language)
    QLocale.setDefault(locale)
    app.setLayoutDirection(locale.textDirection())
    for earlier in app.findChildren(QTranslator, _OF_QT):
        app.removeTranslator(earlier)
        earlier.deleteLater()
    if language != SOURCE:
        translator = QTranslator(app)
        translator.setObjectName(_OF_QT)
        folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        if translator.load(f"{_OF_QT}_{language}", folder):
            app.installTranslator(translator)
    return language
