"""Joins the images of the session with the case store: asks whose they are, keeps them, tells it, marks them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from qana_desktop.triage.access import Permission
from qana_desktop.triage.case import ClinicalAssessment
from qana_desktop.ui.dialogs import open_sheet
from qana_desktop.ui.pages import PageContext
from qana_desktop.ui.presenters.entries import Entry
from qana_desktop.ui.presenters.keep import can_be_kept, kept_sentence, readings_of
from qana_desktop.ui.presenters.notices import Answer, Notice, Tone
from qana_desktop.ui.presenters.worklist import Worklist
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.texts import tr

if TYPE_CHECKING:
    from qana_desktop.services.case_desk import CaseDesk
    from qana_desktop.services.keeping import Kept
    from qana_desktop.ui.views.keep import KeepSheet


class Keeper(QObject):
    """`kept` is sent when entries are marked anew. `shown` returns the entry on the screen."""

    kept = Signal()

    def __init__(
        self,
        context: PageContext,
        worklist: Worklist,
        shown: Callable[[], int | None],
        window: Callable[[], QWidget],
        own: Mapping[int, ClinicalAssessment],
    ) -> None:
        """`own` holds what the clinician found before the answer was shown, by entry: it is kept with the image."""
        super().__init__()
        self._own = own
        self._context, self._worklist, self._shown, self._window = context, worklist, shown, window
        self._store = context.store
        self._cases: dict[int, str] = {}
        self.sheet: KeepSheet | None = None
        self._store.stored.connect(self._look_again)

    def handlers(self) -> Mapping[Command, Callable[[], object]]:
        """Return what is done for keeping."""
        return {Command.KEEP: self._keep_shown, Command.KEEP_ALL: self._keep_all}

    def enabled(self) -> Mapping[Command, bool]:
        """Return what can be done now. Without a store, keeping leads to the page where one is made."""
        shown = self._shown()
        one = shown is not None and can_be_kept(self._worklist.entry(shown))
        return {Command.KEEP: one, Command.KEEP_ALL: any(can_be_kept(entry) for entry in self._worklist.entries())}

    def _keep_shown(self) -> None:
        shown = self._shown()
        if shown is not None:
            self._ask([self._worklist.entry(shown)])

    def _keep_all(self) -> None:
        self._ask(self._worklist.entries())

    def _ask(self, entries: list[Entry]) -> None:
        desks, chosen = self._context.desks(), readings_of(entries)
        if desks is None or not chosen:
            return
        if not self._store.can_save():
            fault = self._store.read_only
            if fault is not None and self._store.user is not None:
                self._store.tell(fault)
            elif self._store.user is not None:
                self._tell(tr("A viewer enters nothing. Ask someone whose role allows it."), Tone.WARNS)
            else:
                self._context.go(Command.CASES)
            return
        from qana_desktop.ui.views.keep import KeepSheet  # with the database, after the first paint

        share = self._context.settings.reread_share
        self.sheet = KeepSheet(
            self._context.theme, self._window(), self._context.bridge, self._store, desks.triage, share, self._done
        )
        if self._store.can_save(Permission.SIGN):
            self.sheet.own = dict(self._own)
        self.sheet.show_images(chosen)
        open_sheet(self.sheet)

    def _done(self, kept: Kept) -> None:
        by_content = {
            entry.reading.image_sha256: entry.entry_id
            for entry in self._worklist.entries()
            if entry.reading is not None
        }
        marked = {by_content[sha256]: case for sha256, case in kept.images.items() if sha256 in by_content}
        self._cases |= marked
        self._worklist.set_kept(marked, kept=True)
        self.kept.emit()
        undo = Answer(tr("Undo"), tr("Take it back (Ctrl+Z)"), self._context.actions[Command.UNDO].trigger)
        go = Answer(tr("Show cases"), tr("Go to the Cases page"), lambda: self._context.go(Command.CASES))
        tone = Tone.WARNS if kept.left_out else Tone.TELLS
        self._tell(kept_sentence(kept), tone, (go, undo) if kept.images else ())

    def _tell(self, text: str, tone: Tone, answers: tuple[Answer, ...] = ()) -> None:
        self._context.notices.show_notice(Notice("kept", tone, text, answers))

    def _look_again(self) -> None:
        """Something changed in the store: what was undone is not kept any more, what was done again is."""
        if not self._cases:
            return
        cases = dict(self._cases)

        def work(desk: CaseDesk) -> frozenset[str]:
            return desk.standing(cases.values())

        self._store.run(work, lambda standing: self._mark(cases, standing))

    def _mark(self, cases: dict[int, str], standing: frozenset[str]) -> None:
        now = {entry_id for entry_id, case in cases.items() if case in standing}
        before = {entry_id for entry_id in cases if self._worklist.entry(entry_id).kept}
        if now != before:
            self._worklist.set_kept(now - before, kept=True)
            self._worklist.set_kept(before - now, kept=False)
            self._context.notices.drop_notice("kept")
            self.kept.emit()
