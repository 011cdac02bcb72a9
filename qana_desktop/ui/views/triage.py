"""The Triage page: worklist, image, reading. Joins these views with the presenters of a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout

from qana_desktop.system.faults import Fault
from qana_desktop.triage.explanation import Explanation, NoExplanation
from qana_desktop.triage.outcome import Reading
from qana_desktop.ui import dropped
from qana_desktop.ui.desks import Desks
from qana_desktop.ui.dialogs import open_sheet
from qana_desktop.ui.keeper import Keeper
from qana_desktop.ui.models.worklist import WorklistModel
from qana_desktop.ui.pages import Page, PageContext
from qana_desktop.ui.pictures import Picture, PictureShelf
from qana_desktop.ui.presenters.batch import BatchPresenter, BatchView
from qana_desktop.ui.presenters.compare import Compared
from qana_desktop.ui.presenters.entries import Entry
from qana_desktop.ui.presenters.notices import Answer, Notice, Refusal, Tone
from qana_desktop.ui.presenters.opening import OpeningPresenter
from qana_desktop.ui.presenters.reading import ReadingView, reading_view
from qana_desktop.ui.presenters.worklist import Worklist
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.texts import tr, trn
from qana_desktop.ui.views.empty import EmptyView
from qana_desktop.ui.views.frame import ImagePane
from qana_desktop.ui.views.image_tools import ImageTools, Shown
from qana_desktop.ui.views.own_first import AnswerPane
from qana_desktop.ui.views.reading import ReadingPanel
from qana_desktop.ui.views.sheets import RefusalSheet
from qana_desktop.ui.views.worklist import WorklistPanel

if TYPE_CHECKING:
    from qana_desktop.ui.views.camera import CameraDialog

MOST_COMPARED = 100
"""So many other images of the session are offered for comparing."""


class TriagePage(Page):
    """The images of this session. Desks are attached after the first paint; until then images wait.

    `engine_failed` carries a Fault, `batch_shown` a BatchView or None, `arrived` a Reading.
    """

    engine_failed = Signal(object)
    batch_shown = Signal(object)
    arrived = Signal(object)

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context, self._theme, bridge = context, context.theme, context.bridge
        self._bridge = bridge
        self._desks: Desks | None = None
        self._reading: ReadingView | None = None
        self._quiet: set[Path] = set()
        self.camera: CameraDialog | None = None
        self.worklist = Worklist()
        self.shelf = PictureShelf(bridge)
        self.batch = BatchPresenter(self.worklist, bridge, self, self._engine_fault)
        self.opening = OpeningPresenter(self.worklist, bridge, self, self._opened)
        self._make_views()
        self._lay_out()
        self.keeper = Keeper(context, self.worklist, self.list_panel.selected_id, self.window, self.answer.own)
        self._connect()

    def attach(self, desks: Desks) -> None:
        """Join the desks: images that wait are opened and read."""
        self._desks = desks
        self.shelf.attach(desks.triage)
        self.opening.attach(desks.triage)
        self.batch.attach(desks.triage)
        self.list_panel.list.viewport().update()

    def store_changed(self) -> None:
        """Someone signed in or out, or the settings changed: keeping may be possible now, answers may be hidden."""
        self.answer.use_settings()
        shown = self.list_panel.selected_id()
        if shown is not None:
            self._show_reading(self.worklist.entry(shown))
        self.commands_changed.emit()

    @property
    def idle(self) -> bool:
        """Whether the list shows everything that arrived."""
        return not self.batch.running and not self.model.soon.waits

    # --- building ---

    def _make_views(self) -> None:
        theme, actions = self._theme, self._context.actions
        self.model = WorklistModel(self.worklist, self.shelf, self)
        self.list_panel = WorklistPanel(theme, self.worklist, self.model)
        self.image = ImagePane(theme, actions)
        self.empty = EmptyView(
            theme, [actions[command] for command in (Command.OPEN, Command.FOLDER, Command.PASTE, Command.DEMO)]
        )
        self.reading_panel = ReadingPanel(theme)
        self.answer = AnswerPane(theme, self.reading_panel, self.worklist, self._context.settings)
        self.answer.use_settings()

    def _lay_out(self) -> None:
        self.middle = QStackedWidget()
        self.middle.addWidget(self.empty)
        self.middle.addWidget(self.image)
        actions = self._context.actions
        moving = (actions[Command.NEXT], actions[Command.PREVIOUS])
        self.tools = ImageTools(self._theme, self._bridge, self.image, self.middle, moving)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        for panel in (self.list_panel, self.middle, self.answer):
            self.splitter.addWidget(panel)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.splitter)

    def _connect(self) -> None:
        self.list_panel.selected.connect(self._show_entry)
        self.list_panel.cancel_pressed.connect(self.batch.cancel)
        self.list_panel.read_unread_pressed.connect(self.batch.resume)
        self.reading_panel.read_again_pressed.connect(self.batch.resume)
        self.reading_panel.read_anyway_pressed.connect(self.read_anyway)
        self.answer.entered.connect(lambda entry_id: self._show_reading(self.worklist.entry(entry_id)))
        self.shelf.picture_ready.connect(self._picture_ready)
        self.model.counted.connect(self.commands_changed)
        self.keeper.kept.connect(self.commands_changed)

    def handlers(self) -> Mapping[Command, Callable[[], object]]:
        """Return what is done for the keys of this page."""
        panel = self.list_panel
        return {
            **self.tools.handlers(),
            Command.CAMERA: self.open_camera,
            **self.keeper.handlers(),
            Command.NEXT: lambda: panel.step(1),
            Command.PREVIOUS: lambda: panel.step(-1),
            Command.SEARCH: self._search,
            Command.READ_UNREAD: self.batch.resume,
            Command.READ_ANYWAY: self.read_anyway,
            Command.CANCEL: self._cancel,
            Command.DETAILS: self.reading_panel.open_details,
            Command.WORKLIST: lambda: panel.setVisible(panel.isHidden()),
            Command.READING: lambda: self.answer.setVisible(self.answer.isHidden()),
        }

    def enabled(self) -> Mapping[Command, bool]:
        """Return which commands can be done now."""
        states = dict.fromkeys(self.handlers(), True)
        states |= self.tools.enabled()
        states |= self.keeper.enabled()
        states[Command.DETAILS] = self.list_panel.selected_id() is not None
        states[Command.READ_ANYWAY] = self._reading is not None and self._reading.can_read_anyway
        states[Command.READ_UNREAD] = not self.batch.running and bool(self.worklist.unread_ids())
        return states

    # --- what a person does ---

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open files and folders, as from the command line."""
        if paths:
            self.opening.open_paths(paths)

    def take_quietly(self, paths: Sequence[Path]) -> None:
        """Open what came into the watched folder: it is read, and what a person looks at stays where it is."""
        self._quiet.update(paths)
        self.opening.open_paths(paths)

    def open_demo(self) -> None:
        """Write the demonstration images and open them."""
        desks = self._desks
        if desks is not None:
            self._bridge.run("opening", desks.demo, lambda folder: self.open_paths([folder]), self.opening.tell)

    def open_camera(self) -> None:
        """Show the camera's window; what is taken there is opened and read."""
        if self.camera is None:
            from qana_desktop.services.camera_desk import CameraDesk
            from qana_desktop.ui.views.camera import CameraDialog

            self.camera = CameraDialog(self._theme, self.window(), self._bridge, CameraDesk())
            self.camera.taken.connect(self.opening.taken)
        open_sheet(self.camera)

    def take(self, mime: QMimeData) -> bool:
        """Open what was dropped or pasted; return whether there was something to open."""
        paths, encode = dropped.paths_in(mime), dropped.encoder_of(mime)
        if paths:
            self.open_paths(paths)
        elif encode is not None:
            self.opening.paste(encode)
        return bool(paths) or encode is not None

    def read_anyway(self) -> None:
        """Read the image that is shown against the quality check."""
        entry_id = self.list_panel.selected_id()
        if entry_id is not None and self._reading is not None and self._reading.can_read_anyway:
            self.batch.read_anyway(entry_id)
            self._show_reading(self.worklist.entry(entry_id))

    def _search(self) -> None:
        self.list_panel.show()
        self.list_panel.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.list_panel.search.selectAll()

    def _cancel(self) -> None:
        if self.list_panel.search.hasFocus():
            self.list_panel.search.clear()
            self.list_panel.list.setFocus(Qt.FocusReason.ShortcutFocusReason)
        else:
            self.batch.cancel()

    # --- what presenters tell ---

    def show_notice(self, notice: Notice) -> None:
        """Show a banner."""
        self._context.notices.show_notice(notice)

    def drop_notice(self, key: str) -> None:
        """Take a banner away."""
        self._context.notices.drop_notice(key)

    def show_refusals(self, refusals: Sequence[Refusal]) -> None:
        """Show what could not be opened."""
        sheet = RefusalSheet(self._theme, self.window(), refusals)
        sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        open_sheet(sheet)

    def select(self, entry_id: int) -> None:
        """Show an image."""
        self.list_panel.select(entry_id)

    def show_batch(self, batch: BatchView | None) -> None:
        """Show how far the reading is."""
        self.list_panel.show_batch(batch)
        self.batch_shown.emit(batch)
        self.commands_changed.emit()

    def reading_arrived(self, entry_id: int, reading: Reading) -> None:
        """Show a new reading, if its image is shown."""
        self.arrived.emit(reading)
        if entry_id == self.list_panel.selected_id():
            self._show_reading(self.worklist.entry(entry_id))

    # --- showing ---

    def _opened(self, brought: list[Entry]) -> None:
        """Read what was brought, and show the first of it: nobody may take an earlier patient's reading for it."""
        entry_ids = [entry.entry_id for entry in brought]
        if self.middle.currentWidget() is self.empty:
            self.middle.setCurrentWidget(self.image)
            self.list_panel.list.setFocus(Qt.FocusReason.OtherFocusReason)
        self.shelf.forget(entry_ids)
        self.batch.enqueue(entry_ids)
        if self._came_by_itself(brought):
            return
        if entry_ids[0] == self.list_panel.selected_id():
            self._show_entry(entry_ids[0])
        self.select(entry_ids[0])

    def _came_by_itself(self, brought: list[Entry]) -> bool:
        """Whether all of it came from the watched folder while an image is shown; then only a banner tells it."""
        paths = {entry.source.path for entry in brought if entry.source.path is not None}
        quiet = len(paths) == len(brought) and paths <= self._quiet
        self._quiet -= paths
        if not quiet or self.list_panel.selected_id() is None:
            return False
        text = trn(len(brought), "{n} image came into the watched folder.", "{n} images came into the watched folder.")
        show = Answer(tr("Show"), tr("Show the first of them"), lambda: self._show_new(brought[0].entry_id))
        self.show_notice(Notice("watched", Tone.TELLS, text, (show,)))
        return True

    def _show_new(self, entry_id: int) -> None:
        self._context.go(Command.TRIAGE)
        self.select(entry_id)

    def _engine_fault(self, fault: Fault) -> None:
        self.engine_failed.emit(fault)
        shown = self.list_panel.selected_id()
        if shown is not None:
            self._show_reading(self.worklist.entry(shown))

    def _show_entry(self, entry_id: int) -> None:
        entry = self.worklist.entry(entry_id)
        self.image.caption.say(entry.title, entry.source.label)
        found = self.shelf.picture(entry_id, entry.source)
        message = found.sentence() if isinstance(found, Fault) else ""
        self.image.canvas.show_picture(found if isinstance(found, Picture) else None, entry.title, message)
        self._show_reading(entry)
        if found is not None and (after := self.model.entry_after(entry_id)) is not None:
            self.shelf.picture(after.entry_id, after.source)

    def _show_reading(self, entry: Entry) -> None:
        policy = self._desks.triage.policy if self._desks is not None else None
        self._reading = reading_view(entry, policy)
        self.reading_panel.show_reading(self._reading)
        self.answer.show_entry(entry)
        self.tools.show_entry(self._shown(entry))
        self.commands_changed.emit()

    def _shown(self, entry: Entry) -> Shown:
        """What the tools of the image may ask about an entry; without a store, it is compared with the others here."""
        image = self._compared(entry)
        if image is None:
            return Shown(entry.entry_id)
        key = (entry.entry_id, entry.hidden)  # an answer that may be seen now is another thing to show
        return Shown(key, image, lambda: self._others(entry), self._explain(entry), lambda: self._scale(entry))

    def _scale(self, entry: Entry) -> float | None:
        desks = self._desks
        return None if desks is None else desks.triage.mm_per_pixel(entry.source)

    def _explain(self, entry: Entry) -> Callable[[], Explanation | NoExplanation] | None:
        """How to compute the heat-map of what is shown; None where nothing was read."""
        desks, reading = self._desks, entry.reading
        if desks is None or reading is None or entry.hidden:
            return None
        return lambda: desks.triage.explain(entry.source, reading)

    def _others(self, entry: Entry) -> list[Compared]:
        """The other images, those first that were brought at about the same time."""
        near = sorted(self.worklist.entries(), key=lambda other: abs(other.entry_id - entry.entry_id))
        found = map(self._compared, near[1 : MOST_COMPARED + 1])
        return [image for image in found if image is not None]

    def _compared(self, entry: Entry) -> Compared | None:
        desks = self._desks
        if desks is None:
            return None
        reading = None if entry.hidden else entry.reading
        return Compared(entry.title, "", lambda: desks.triage.display_image(entry.source), reading)

    def _picture_ready(self, entry_id: int) -> None:
        if entry_id == self.list_panel.selected_id():
            self._show_entry(entry_id)
