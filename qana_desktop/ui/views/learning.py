"""The Learning page: proven cases in, a tested version out, a person's decision, and one step back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel, QSplitter, QStackedWidget, QVBoxLayout

from qana_desktop.network.manifest import Origin
from qana_desktop.services.store_state import StoreState
from qana_desktop.ui.pages import Page, PageContext
from qana_desktop.ui.presenters.learning import LearningView, VerdictView
from qana_desktop.ui.presenters.learning_work import LearningWork
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.texts import tr
from qana_desktop.ui.views.gate import StoreGate
from qana_desktop.ui.views.learning_queue import LearningQueue, to_pixmap
from qana_desktop.ui.views.learning_versions import LearningVersions
from qana_desktop.ui.widgets.tall_area import TallArea

if TYPE_CHECKING:
    from collections.abc import Callable

    from qana_desktop.services.clinic import Clinic
    from qana_desktop.services.learning_room import LearningRoom


class LearningPage(Page):
    """Joins the two halves and what they start."""

    def __init__(self, context: PageContext, *, make: Callable[[Clinic], LearningRoom] | None = None) -> None:
        super().__init__()
        self._context, self._store = context, context.store
        more = {} if make is None else {"make": make}
        self.work = LearningWork(context.store, self, context.bridge.post, **more)
        self.queue, self.versions = LearningQueue(context.theme), LearningVersions(context.theme)
        self.gate = StoreGate(context.theme, context.store, lambda: context.go(Command.TRIAGE))
        self._turned = QLabel(self, Qt.WindowType.Window)
        self._turned.setWindowTitle(tr("Case that turned from right to wrong"))
        self._turned.hide()
        self._lay_out()
        self._connect()
        self._was_open = False
        self._wanted_turned = ""
        self.store_changed()

    def entered(self) -> None:
        """Look at how things stand."""
        self.store_changed()
        if self._was_open and not self.work.busy:
            self.work.refresh()

    def store_changed(self) -> None:
        """Show the way in, or the page as soon as someone is signed in."""
        self.gate.refresh()
        is_open = self._store.state is StoreState.OPEN and not self.gate.showing_code
        self.body.setCurrentWidget(self.splitter if is_open else self.gate)
        if is_open and not self._was_open and self.isVisible():
            self.work.refresh()
        if not is_open:
            self._turned.hide()
        if self._store.state in {StoreState.CLOSED, StoreState.NONE}:
            self.work.close()
        self._was_open = is_open

    @property
    def idle(self) -> bool:
        """Whether nothing long runs."""
        return not self.work.busy

    # --- what the work shows

    def show_view(self, view: LearningView) -> None:
        """Show how things stand."""
        self.queue.show_view(view)
        self.versions.show_view(view)

    def show_verdict(self, version: str, verdict: VerdictView | None) -> None:
        """Show what the gate said about a version."""
        self.versions.show_verdict(version, verdict)

    def show_progress(self, what: str, share: float | None) -> None:
        """Show what runs."""
        self.versions.show_progress(what, share)
        self.queue.show_busy(bool(what))

    def tell(self, sentence: str) -> None:
        """Say what came of it."""
        self.versions.tell(sentence)

    def show_picture(self, picture: str, pixels: npt.NDArray[np.uint8] | None, why: str) -> None:
        """Show an image where it was asked for."""
        if self._wanted_turned == picture:
            self._turned.setText(why)
            if pixels is not None:
                self._turned.setPixmap(to_pixmap(pixels, 120 * self._context.theme.unit))
            self._turned.adjustSize()
            self._turned.show()
            self._wanted_turned = ""
        else:
            self.queue.show_picture(picture, pixels, why)

    # --- inside

    def _lay_out(self) -> None:
        scroll = TallArea(self.versions)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(self.queue)
        self.splitter.addWidget(scroll)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setStretchFactor(1, 1)
        self.body = QStackedWidget()
        self.body.addWidget(self.gate)
        self.body.addWidget(self.splitter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.body)

    def _connect(self) -> None:
        work, queue, versions = self.work, self.queue, self.versions
        queue.propose_pressed.connect(lambda consent: work.propose(consent=consent))
        queue.preview_pressed.connect(work.preview)
        queue.picture_wanted.connect(work.look_at)
        queue.confirmed.connect(lambda proposal, agrees, note: work.confirm(proposal, agrees=agrees, note=note))
        queue.withdrawn.connect(work.withdraw)
        versions.train_pressed.connect(lambda: work.train(Origin.HEAD))
        versions.calibrate_pressed.connect(lambda: work.train(Origin.SITE_CALIBRATION))
        versions.cancel_pressed.connect(work.cancel)
        versions.chosen_changed.connect(work.choose)
        versions.judge_pressed.connect(work.judge)
        versions.decided.connect(lambda version, agrees, reason: work.approve(version, agrees=agrees, reason=reason))
        versions.activate_pressed.connect(work.activate)
        versions.roll_back_pressed.connect(lambda reason, factory: work.roll_back(reason, to_factory=factory))
        versions.dossier_pressed.connect(self._save_dossier)
        versions.picture_wanted.connect(self._show_turned)

    def _show_turned(self, picture: str) -> None:
        self._wanted_turned = picture
        self.work.look_at(picture)

    def _save_dossier(self, version: str) -> None:
        kinds = tr("PDF (*.pdf);;JSON (*.json)")
        name, _kind = QFileDialog.getSaveFileName(self, tr("Save the dossier"), f"{version}.pdf", kinds)
        if name:
            self.work.save_dossier(version, Path(name))
