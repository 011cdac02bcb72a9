"""The settings: look, language, size of text, habits of reading, lock, watch folder. What is chosen holds at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from qana_desktop.system.language import LANGUAGES, SOURCE
from qana_desktop.ui.settings import AUTO_LOCKS, REREAD_SHARES, SCALES, SYSTEM_LANGUAGE, AnswerOrder, WindowSettings
from qana_desktop.ui.texts import percent, tr, trn
from qana_desktop.ui.theme.manager import SMALL, TITLE, Theme, ThemeChoice
from qana_desktop.ui.views.sheets import Sheet
from qana_desktop.ui.widgets.forms import ChoiceField, button, check, named
from qana_desktop.ui.widgets.labels import TextLabel, hairline
from qana_desktop.ui.widgets.tall_area import TallArea


class SettingsSheet(Sheet):
    """All settings on one sheet. `changed` is sent after each choice, when it is stored."""

    changed = Signal()
    keys_pressed = Signal()

    def __init__(self, theme: Theme, parent: QWidget, settings: WindowSettings) -> None:
        super().__init__(theme, parent, tr("Settings"))
        self._settings = settings
        content = QWidget()
        self._column = QVBoxLayout(content)
        self._column.setSpacing(2 * theme.unit)
        self._look()
        self._column.addWidget(hairline())
        self._reading()
        self._column.addWidget(hairline())
        self._images()
        self._column.addWidget(hairline())
        self._store()
        self._column.addStretch(1)
        self.body.addWidget(TallArea(content))
        self._show_folder()

    def _look(self) -> None:
        self._heading(tr("Look and language"))
        words = {
            ThemeChoice.SYSTEM: tr("As the system"),
            ThemeChoice.LIGHT: tr("Light"),
            ThemeChoice.DARK: tr("Dark"),
            ThemeChoice.CONTRAST: tr("High contrast"),
        }
        self.theme = ChoiceField(self._theme, tr("Theme"), words.items(), tr("Colours of the window"))
        self.theme.choice.choose(self._settings.theme)
        self.theme.choice.picked.connect(self._choose_theme)
        names = [(SYSTEM_LANGUAGE, tr("As the system")), *LANGUAGES.items()]
        self.language = ChoiceField(self._theme, tr("Language"), names, tr("Language of the program"))
        self.language.choice.choose(self._settings.language)
        self.language.choice.picked.connect(self._choose_language)
        sizes = [(scale, percent(scale / 100)) for scale in SCALES]
        self.scale = ChoiceField(self._theme, tr("Size of text"), sizes, tr("In percent of the system's size"))
        self.scale.choice.choose(self._settings.scale)
        self.scale.choice.picked.connect(self._choose_scale)
        self.review = TextLabel(self._theme, SMALL, role="muted")
        for field in (self.theme, self.language, self.review, self.scale):
            self._column.addWidget(field)
        self._show_review()
        self.keys = button(tr("Keys"), tr("Show all keys, and change them"), self.keys_pressed.emit)
        self._row(self.keys)

    def _reading(self) -> None:
        self._heading(tr("Reading"))
        orders = {
            AnswerOrder.NETWORK_FIRST: tr("The network's reading is shown at once"),
            AnswerOrder.CLINICIAN_FIRST: tr("You answer first, then the network's reading is shown"),
        }
        hint = tr("Who speaks first about an image. Whoever speaks first sways the other.")
        self.order = ChoiceField(self._theme, tr("Order of answers"), orders.items(), hint)
        self.order.choice.choose(self._settings.answer_order)
        self.order.choice.picked.connect(self._setter("answer_order"))
        self.second = check(
            tr("Ask a second network where the first is uncertain"),
            tr("It takes longer for those images; both answers are shown"),
        )
        self.second.setChecked(self._settings.second_reader)
        self.second.toggled.connect(self._setter("second_reader"))
        shares = [(share, percent(share) if share else tr("none")) for share in REREAD_SHARES]
        hint = tr("Of images signed as low concern, so many are read once more by a person, by chance")
        self.reread = ChoiceField(self._theme, tr("Low concern, read once more"), shares, hint)
        self.reread.choice.choose(self._settings.reread_share)
        self.reread.choice.picked.connect(self._setter("reread_share"))
        for widget in (self.order, self.second, self.reread):
            self._column.addWidget(widget)

    def _images(self) -> None:
        self._heading(tr("Watch folder"))
        self.folder = TextLabel(self._theme)
        self._column.addWidget(self.folder)
        self.choose = button(
            tr("Choose a folder"), tr("New images in this folder are taken in by themselves"), self._choose_folder
        )
        self.forget = button(tr("Watch none"), tr("Take in no images by itself"), lambda: self._use_folder(None))
        self._row(self.choose, self.forget)

    def _store(self) -> None:
        self._heading(tr("Case store"))
        words = [
            (
                minutes,
                trn(
                    minutes,
                    "after {n} minute without a key or a pointer",
                    "after {n} minutes without a key or a pointer",
                ),
            )
            if minutes
            else (minutes, tr("never"))
            for minutes in AUTO_LOCKS
        ]
        self.lock = ChoiceField(self._theme, tr("Lock by itself"), words, tr("Holds from the next start on"))
        self.lock.choice.choose(self._settings.auto_lock_minutes)
        self.lock.choice.picked.connect(self._setter("auto_lock_minutes"))
        self._column.addWidget(self.lock)

    def _heading(self, text: str) -> None:
        title = TextLabel(self._theme, TITLE, bold=True)
        title.say(text)
        self._column.addWidget(title)

    def _row(self, *widgets: QWidget) -> None:
        row = QHBoxLayout()
        for widget in widgets:
            row.addWidget(widget)
        row.addStretch(1)
        self._column.addLayout(row)

    def _setter(self, field: str) -> Callable[[object], None]:
        def store(value: object) -> None:
            setattr(self._settings, field, value)
            self._stored()

        return store

    def _stored(self) -> None:
        self._settings.sync()
        self.changed.emit()

    def _choose_theme(self, choice: ThemeChoice) -> None:
        self._settings.theme = choice
        self._theme.choose(choice)
        self._stored()

    def _choose_scale(self, scale: int) -> None:
        self._settings.scale = scale
        self._theme.rescale(scale)
        self._stored()

    def _choose_language(self, code: str) -> None:
        self._settings.language = code
        self._show_review()
        self._stored()

    def _show_review(self) -> None:
        """Say that the translations were made with a machine's help, in all languages but the source."""
        later = tr("The language changes when the program is started again.")
        if self._settings.language == SOURCE:
            self.review.say(later)
        else:
            status = tr("Translations are machine-assisted and not yet reviewed by a clinician; English is the source.")
            self.review.say(f"{later} {status}")

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Choose a folder to watch"))
        if folder:
            self._use_folder(Path(folder))

    def _use_folder(self, folder: Path | None) -> None:
        self._settings.watch_folder = folder
        self._show_folder()
        self._stored()

    def _show_folder(self) -> None:
        folder = self._settings.watch_folder
        self.folder.say(tr("No folder is watched.") if folder is None else str(folder))
        named(self.folder, self.folder.text())
        self.forget.setEnabled(folder is not None)
