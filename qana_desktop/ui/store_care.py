"""What is done with the case store from every page: lock, switch user, undo, redo, back up; and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QWidget

from qana_desktop.services.store_state import StoreState
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.triage.access import Permission
from qana_desktop.ui.dialogs import ask_for_backup_folder, open_sheet
from qana_desktop.ui.presenters.kept import change_word
from qana_desktop.ui.presenters.notices import Answer, Notice, Tone
from qana_desktop.ui.presenters.runner import NoticeBoard
from qana_desktop.ui.settings import WindowSettings
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.store_session import LONG_LANE, StoreSession
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme

if TYPE_CHECKING:
    from qana_desktop.store.verify import Verdict


class StoreCare(QObject):
    """Does it in the background and tells it in banners."""

    def __init__(
        self, theme: Theme, notices: NoticeBoard, store: StoreSession, settings: WindowSettings, window: QWidget
    ) -> None:
        super().__init__(window)
        self._theme = theme
        self._notices, self._store, self._settings, self._window = notices, store, settings, window
        self._backing_up = False
        store.changed.connect(self._tell_read_only)

    def handlers(self) -> Mapping[Command, Callable[[], object]]:
        """Return what is done for which command."""
        return {
            Command.LOCK: self._store.lock,
            Command.SWITCH_USER: self._store.sign_out,
            Command.UNDO: self._undo,
            Command.REDO: self._redo,
            Command.BACK_UP: self._back_up,
            Command.PEOPLE: self._show_people,
        }

    def enabled(self) -> Mapping[Command, bool]:
        """Return what can be done now."""
        can_save = self._store.can_save()
        return {
            Command.LOCK: self._store.user is not None,
            Command.SWITCH_USER: self._store.user is not None,
            Command.PEOPLE: self._store.may(Permission.MANAGE),
            Command.UNDO: can_save,
            Command.REDO: can_save,
            Command.BACK_UP: self._store.may(Permission.ENTER) and not self._backing_up,
        }

    def _undo(self) -> None:
        redo = Answer(tr("Redo"), tr("Do it again (Ctrl+Y)"), self._redo)
        self._store.run(
            lambda desk: desk.undo(),
            lambda what: self._tell(tr("Taken back: {what}.", what=change_word(what)), (redo,)),
            stores=True,
        )

    def _redo(self) -> None:
        undo = Answer(tr("Undo"), tr("Take it back (Ctrl+Z)"), self._undo)
        self._store.run(
            lambda desk: desk.redo(),
            lambda what: self._tell(tr("Done again: {what}.", what=change_word(what)), (undo,)),
            stores=True,
        )

    def _tell(self, text: str, answers: tuple[Answer, ...] = (), tone: Tone = Tone.TELLS) -> None:
        self._notices.show_notice(Notice("store", tone, text, answers))

    def _show_people(self) -> None:
        from qana_desktop.ui.views.people import PeopleSheet  # with the database, after the first paint

        self.people = PeopleSheet(self._theme, self._window, self._store)
        self.people.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        open_sheet(self.people)

    # --- backup ---

    def _back_up(self) -> None:
        folder = self._settings.backup_folder
        if folder is None:
            chosen = ask_for_backup_folder(self._window)
            if chosen is None:
                return
            self._settings.backup_folder = folder = chosen
        self.back_up_to(folder)

    def back_up_to(self, folder: Path) -> None:
        """Make a backup below a folder and tell what reading it back found."""
        self._backing_up = True
        self._tell(tr("Backing up. You can go on working."))
        self._store.run(
            lambda desk: desk.back_up(folder, report=self._report),
            self._backed_up,
            self._not_backed_up,
            stores=True,
            lane=LONG_LANE,
        )

    def _report(self, _what: str, _done: int, _total: int | None) -> None:
        """From the worker: stops the backup when the program ends."""
        if self._store.ending.is_set():
            raise KnownError(Fault("backup-stopped", tr("The program ended. The backup was not finished."), ""))

    def _backed_up(self, made: tuple[Path, Verdict]) -> None:
        self._backing_up = False
        folder, verdict = made
        self._tell(
            tr(
                "Backed up and read back: {images} images, {records} records. Folder: {folder}. Audit head {head}.",
                images=verdict.images,
                records=verdict.records,
                folder=folder,
                head=verdict.head,
            )
        )

    def _not_backed_up(self, fault: Fault) -> None:
        self._backing_up = False
        change = Answer(tr("Other folder"), tr("Choose another folder for backups"), self._other_folder)
        self._tell(fault.sentence(), (change,), Tone.WARNS)

    def _other_folder(self) -> None:
        chosen = ask_for_backup_folder(self._window)
        if chosen is not None:
            self._settings.backup_folder = chosen
            self.back_up_to(chosen)

    def _tell_read_only(self) -> None:
        fault = self._store.read_only
        if fault is None or self._store.state is StoreState.LOCKED:
            self._notices.drop_notice("store-read-only")
        else:
            self._notices.show_notice(Notice("store-read-only", Tone.WARNS, fault.sentence()))
