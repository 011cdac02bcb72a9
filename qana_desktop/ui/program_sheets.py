"""The sheets about the program itself, made when they are first opened: settings, keys, help, the tour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMainWindow

from qana_desktop.ui.actions import Actions
from qana_desktop.ui.dialogs import open_sheet
from qana_desktop.ui.settings import WindowSettings
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme

if TYPE_CHECKING:
    from qana_desktop.ui.views.help import HelpSheet
    from qana_desktop.ui.views.keys import KeysSheet
    from qana_desktop.ui.views.settings import SettingsSheet
    from qana_desktop.ui.views.tour import Stop, Tour
    from qana_desktop.ui.window import MainWindow


class ProgramSheets:
    """Opens each sheet; there is one of each."""

    def __init__(
        self,
        window: QMainWindow,
        theme: Theme,
        actions: Actions,
        settings: WindowSettings,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`changed` is called after each choice in the settings."""
        self._changed = changed
        self._window, self._theme, self._actions, self._settings = window, theme, actions, settings
        self.settings: SettingsSheet | None = None
        self.keys: KeysSheet | None = None
        self.help: HelpSheet | None = None
        self.tour: Tour | None = None

    def open_settings(self) -> None:
        """Show the settings."""
        from qana_desktop.ui.views.settings import SettingsSheet

        if self.settings is None:
            self.settings = SettingsSheet(self._theme, self._window, self._settings)
            self.settings.keys_pressed.connect(self.open_keys)
            self.settings.changed.connect(self._changed)
        open_sheet(self.settings)

    def open_keys(self) -> None:
        """Show all keys."""
        from qana_desktop.ui.views.keys import KeysSheet

        if self.keys is None:
            self.keys = KeysSheet(self._theme, self._window, self._actions, self._settings)
        open_sheet(self.keys)

    def open_help(self) -> None:
        """Show the help."""
        from qana_desktop.ui.views.help import HelpSheet

        if self.help is None:
            self.help = HelpSheet(self._theme, self._window)
        open_sheet(self.help)

    def start_tour(self, stops: Sequence[Stop]) -> None:
        """Show the parts of the window one after the other, from the first."""
        from qana_desktop.ui.views.tour import Tour

        if self.tour is None:
            self.tour = Tour(self._theme, self._window)
            self.tour.ended.connect(self._tour_ended)
        self.tour.start(stops)

    def _tour_ended(self) -> None:
        self._settings.tour_done = True
        self._settings.sync()


def tour_stops(window: MainWindow) -> list[Stop]:
    """Return what the tour shows, in the order of a first reading."""
    from qana_desktop.ui.views.tour import Stop

    return [
        Stop(
            window.middle,
            tr("Bring images here"),
            tr("Drop files or folders, or use Open. Each image is checked, read, and put in order of urgency."),
        ),
        Stop(
            window.list_panel,
            tr("The worklist"),
            tr(
                "What needs a person most stands on top. What cannot be assessed comes first of all: it is no negative."
            ),
        ),
        Stop(
            window.reading_panel,
            tr("The reading"),
            tr("One word for the order of looking, the number behind it, and all seven classes. A diagnosis is yours."),
        ),
        Stop(
            window.top.engine,
            tr("The engine"),
            tr("What reads the images: a board or this computer. All engines give the same numbers."),
        ),
        Stop(
            window.rail,
            tr("The pages"),
            tr("The images of this session; beside them the kept cases, learning, performance and the model."),
        ),
        Stop(
            window.foot,
            tr("What this program is"),
            tr(
                "Research use, decision support for trained clinicians, not a medical device. Nothing leaves this "
                "computer. F1 shows all keys, F2 the help."
            ),
        ),
    ]
