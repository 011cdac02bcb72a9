"""Applies a theme to the program: follows the system, or holds a person's choice; sizes follow the font."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from PySide6.QtCore import QObject, Qt, Signal, SignalInstance
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPalette
from PySide6.QtWidgets import QApplication

from qana_desktop.ui.theme.icons import Icons
from qana_desktop.ui.theme.palette import CONTRAST, DARK, LIGHT, Palette
from qana_desktop.ui.theme.stylesheet import style_sheet

SMALL, BODY, TITLE, LARGE, HEADLINE = 11 / 13, 1.0, 16 / 13, 24 / 13, 32 / 13
"""Type sizes as shares of the system's font; 13 px is the common one. The headline is read from two metres."""


class ThemeChoice(StrEnum):
    """What a person chose."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"
    CONTRAST = "contrast"


PALETTES: Final = {ThemeChoice.LIGHT: LIGHT, ThemeChoice.DARK: DARK, ThemeChoice.CONTRAST: CONTRAST}


class Theme(QObject):
    """The theme in use; `changed` is sent after everything has the new colours."""

    changed = Signal()

    def __init__(self, app: QApplication, choice: ThemeChoice = ThemeChoice.SYSTEM, *, scale: int = 100) -> None:
        super().__init__()
        self._app = app
        self.choice = choice
        self.scale = 100
        self.colours = LIGHT
        self._fonts: dict[tuple[float, bool], QFont] = {}
        self.icons = Icons(LIGHT.text, LIGHT.muted)
        app.setStyle("Fusion")
        app.styleHints().colorSchemeChanged.connect(self._system_changed)
        if (told := _contrast_changes(app)) is not None:
            told.connect(self._system_changed)
        if scale != self.scale:
            self.rescale(scale)
        self.apply()

    @property
    def unit(self) -> int:
        """The grid in pixels: 4 at a 13 px font, larger with larger fonts."""
        return self._unit

    def choose(self, choice: ThemeChoice) -> None:
        """Use another theme from now on."""
        self.choice = choice
        self.apply()

    def rescale(self, percent: int) -> None:
        """Make all text larger or smaller, in percent of the system's font."""
        font = QFont(self._app.font())
        share, self.scale = percent / self.scale, percent
        if font.pointSizeF() > 0:
            font.setPointSizeF(font.pointSizeF() * share)
        else:
            font.setPixelSize(round(font.pixelSize() * share))
        self._app.setFont(font)

    def apply(self) -> None:
        """Give the program its colours and sizes again, for example after the font changed."""
        self.colours = self._wanted()
        self._unit = max(4, round(QFontMetricsF(self._app.font()).height() / 4))
        self._fonts.clear()
        self.icons.retint(self.colours.text, self.colours.muted)
        self._app.setPalette(qt_palette(self.colours))
        self._app.setStyleSheet(style_sheet(self.colours, self.unit))
        self.changed.emit()

    def font(self, share: float = BODY, *, bold: bool = False) -> QFont:
        """Return the system's font at a share of its size, with figures of one width."""
        if (share, bold) not in self._fonts:
            self._fonts[share, bold] = self._make_font(share, bold)
        return self._fonts[share, bold]

    def _make_font(self, share: float, bold: bool) -> QFont:
        font = QFont(self._app.font())
        if font.pointSizeF() > 0:
            font.setPointSizeF(font.pointSizeF() * share)
        else:
            font.setPixelSize(round(font.pixelSize() * share))
        font.setFeature(QFont.Tag("tnum"), 1)
        if bold:
            font.setWeight(QFont.Weight.DemiBold)
        return font

    def _wanted(self) -> Palette:
        if self.choice is not ThemeChoice.SYSTEM:
            return PALETTES[self.choice]
        if wants_contrast(self._app):
            return CONTRAST
        return DARK if self._app.styleHints().colorScheme() is Qt.ColorScheme.Dark else LIGHT

    def _system_changed(self) -> None:
        if self.choice is ThemeChoice.SYSTEM:
            self.apply()


def wants_contrast(app: QApplication) -> bool:
    """Whether the system asks for high contrast. Qt tells it from 6.10 on; earlier ones never do."""
    hints = getattr(app.styleHints(), "accessibility", None)
    return hints is not None and hints().contrastPreference() is Qt.ContrastPreference.HighContrast


def _contrast_changes(app: QApplication) -> SignalInstance | None:
    hints = getattr(app.styleHints(), "accessibility", None)
    return None if hints is None else hints().contrastPreferenceChanged


def qt_palette(colours: Palette) -> QPalette:
    """Return Qt's palette for widgets that the style sheet does not name."""
    roles = {
        QPalette.ColorRole.Window: colours.surface,
        QPalette.ColorRole.WindowText: colours.text,
        QPalette.ColorRole.Base: colours.raised,
        QPalette.ColorRole.AlternateBase: colours.surface,
        QPalette.ColorRole.Text: colours.text,
        QPalette.ColorRole.PlaceholderText: colours.muted,
        QPalette.ColorRole.Button: colours.raised,
        QPalette.ColorRole.ButtonText: colours.text,
        QPalette.ColorRole.BrightText: colours.text,
        QPalette.ColorRole.Highlight: colours.accent,
        QPalette.ColorRole.HighlightedText: colours.on_accent,
        QPalette.ColorRole.Link: colours.accent,
        QPalette.ColorRole.ToolTipBase: colours.raised,
        QPalette.ColorRole.ToolTipText: colours.text,
        QPalette.ColorRole.Mid: colours.hairline,
    }
    palette = QPalette()
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(colours.muted))
    return palette
