"""The main window: joins views and presenters. It decides nothing and waits for nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QMainWindow, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from qana_desktop.system.faults import Fault
from qana_desktop.triage.outcome import Reading
from qana_desktop.ui import dropped
from qana_desktop.ui.actions import Actions
from qana_desktop.ui.bridge import Bridge
from qana_desktop.ui.desks import Desks
from qana_desktop.ui.dialogs import ask_for_files, ask_for_folder
from qana_desktop.ui.models.worklist import WorklistModel
from qana_desktop.ui.pictures import Picture, PictureShelf
from qana_desktop.ui.presenters.batch import BatchPresenter, BatchView
from qana_desktop.ui.presenters.engine import EngineLine, EnginePresenter
from qana_desktop.ui.presenters.entries import Entry
from qana_desktop.ui.presenters.notices import Notice, Refusal, Tone
from qana_desktop.ui.presenters.opening import OpeningPresenter
from qana_desktop.ui.presenters.reading import ReadingView, reading_view
from qana_desktop.ui.presenters.session import session_hint, session_line
from qana_desktop.ui.presenters.worklist import Worklist
from qana_desktop.ui.settings import WindowSettings
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.soon import Soon
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme, ThemeChoice
from qana_desktop.ui.views.banners import BannerBoard
from qana_desktop.ui.views.devices import BoardPanel
from qana_desktop.ui.views.empty import EmptyView
from qana_desktop.ui.views.engines import EngineDialog
from qana_desktop.ui.views.frame import Foot, ImagePane, TopBar
from qana_desktop.ui.views.reading import ReadingPanel
from qana_desktop.ui.views.sheets import KeysSheet, RefusalSheet
from qana_desktop.ui.views.worklist import WorklistPanel
from qana_desktop.ui.widgets.progress import ProgressLine

if TYPE_CHECKING:
    from qana_desktop.services.session_stats import SessionStats

FIRST_SIZE = QSize(1440, 900)


class MainWindow(QMainWindow):
    """Worklist, image, reading. Desks are attached after the first paint; until then images wait."""

    closing = Signal()

    def __init__(self, theme: Theme, bridge: Bridge, settings: WindowSettings) -> None:
        super().__init__()
        self.setWindowTitle("QANA Desktop")
        self.setAcceptDrops(True)
        self._theme, self._bridge, self._settings = theme, bridge, settings
        self._desks: Desks | None = None
        self._stats: SessionStats | None = None
        self._reading: ReadingView | None = None
        self._count = 0
        self._session_soon = Soon(100, self)
        self._session_soon.due.connect(self._show_session)
        self.worklist = Worklist()
        self.shelf = PictureShelf(bridge)
        self.batch = BatchPresenter(self.worklist, bridge, self, self._engine_fault)
        self.engine = EnginePresenter(
            bridge, self, lambda: len(self.worklist.unread_ids()), lambda: self.batch.running, self.batch.resume
        )
        self.opening = OpeningPresenter(self.worklist, bridge, self, self._opened)
        self.actions_ = Actions(self, theme, self._handlers())
        self._make_views()
        self._lay_out()
        self._connect()
        self._restore()
        self._refresh_commands()
        self._show_session()
        self.empty.buttons[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def attach(self, desks: Desks, stats: SessionStats) -> None:
        """Join the desks: images that wait are opened and read."""
        self._desks, self._stats = desks, stats
        self.shelf.attach(desks.triage)
        self.opening.attach(desks.triage)
        self.batch.attach(desks.triage)
        self.engine.attach(desks.devices)
        self.boards.attach(desks.devices)
        if desks.engine_fault is not None:
            self.engine.lost(desks.engine_fault)
        for fault in desks.passed_over:
            self.show_notice(Notice(f"passed-over-{fault.code}", Tone.TELLS, fault.sentence()))
        bundle = desks.triage.bundle_id
        self.top.bundle.say(tr("Bundle {bundle}", bundle=bundle[:12]), tr("Bundle {bundle}", bundle=bundle))
        self.list_panel.list.viewport().update()

    def starting_failed(self, fault: Fault) -> None:
        """Tell that the program cannot read, and why."""
        self.show_notice(Notice("start", Tone.WARNS, fault.sentence()))

    @property
    def idle(self) -> bool:
        """Whether everything that was asked for has arrived."""
        drawn = not self.model.soon.waits and not self._session_soon.waits
        return self._desks is not None and not self.batch.running and self._bridge.idle and drawn

    # --- building ---

    def _make_views(self) -> None:
        theme, actions = self._theme, self.actions_
        self.progress = ProgressLine(theme)
        self.top = TopBar(theme, actions)
        self.banners = BannerBoard(theme)
        self.model = WorklistModel(self.worklist, self.shelf, self)
        self.list_panel = WorklistPanel(theme, self.worklist, self.model)
        self.image = ImagePane(theme, actions)
        self.empty = EmptyView(
            theme, [actions[command] for command in (Command.OPEN, Command.FOLDER, Command.PASTE, Command.DEMO)]
        )
        self.reading_panel = ReadingPanel(theme)
        self.foot = Foot(theme)
        self.engines = EngineDialog(theme, self)
        self.boards = BoardPanel(theme, self._bridge, self, self, self.engine.probe)
        self.keys = KeysSheet(theme, self, actions.table)

    def _lay_out(self) -> None:
        self.middle = QStackedWidget()
        self.middle.addWidget(self.empty)
        self.middle.addWidget(self.image)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        for panel in (self.list_panel, self.middle, self.reading_panel):
            self.splitter.addWidget(panel)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for widget in (self.progress, self.top, self.banners):
            layout.addWidget(widget)
        layout.addWidget(self.splitter, 1)
        layout.addWidget(self.foot)
        self.setCentralWidget(body)

    def _connect(self) -> None:
        self.list_panel.selected.connect(self._show_entry)
        self.list_panel.cancel_pressed.connect(self.batch.cancel)
        self.list_panel.read_unread_pressed.connect(self.batch.resume)
        self.reading_panel.read_again_pressed.connect(self.batch.resume)
        self.reading_panel.read_anyway_pressed.connect(self._read_anyway)
        self.shelf.picture_ready.connect(self._picture_ready)
        self.engines.chosen.connect(self.engine.choose)
        self.engines.look_again.connect(self.engine.probe)
        self.engines.boards_pressed.connect(self.boards.open)
        self.model.counted.connect(self._refresh_commands)

    def _handlers(self) -> dict[Command, Callable[[], object]]:
        return {
            Command.OPEN: lambda: self.open_paths(ask_for_files(self)),
            Command.FOLDER: lambda: self.open_paths(ask_for_folder(self)),
            Command.PASTE: self._paste,
            Command.DEMO: self.open_demo,
            Command.NEXT: lambda: self.list_panel.step(1),
            Command.PREVIOUS: lambda: self.list_panel.step(-1),
            Command.FIT: lambda: self.image.canvas.fit(),
            Command.ONE_TO_ONE: lambda: self.image.canvas.one_to_one(),
            Command.ZOOM_IN: lambda: self.image.canvas.zoom_in(),
            Command.ZOOM_OUT: lambda: self.image.canvas.zoom_out(),
            Command.ROTATE: lambda: self.image.canvas.rotate(),
            Command.SEARCH: self._search,
            Command.ENGINE: self._choose_engine,
            Command.READ_UNREAD: self.batch.resume,
            Command.READ_ANYWAY: self._read_anyway,
            Command.CANCEL: self._cancel,
            Command.DETAILS: lambda: self.reading_panel.open_details(),
            Command.WORKLIST: lambda: self._toggle(self.list_panel),
            Command.READING: lambda: self._toggle(self.reading_panel),
            Command.FULL_SCREEN: self._full_screen,
            Command.THEME: self._change_theme,
            Command.KEYS: lambda: self._open_sheet(self.keys),
            Command.QUIT: self.close,
        }

    # --- what a person does ---

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open files and folders, as from the command line."""
        if paths:
            self.opening.open_paths(paths)

    def open_demo(self) -> None:
        """Write the demonstration images and open them."""
        desks = self._desks
        if desks is not None:
            self._bridge.run("opening", desks.demo, lambda folder: self.open_paths([folder]), self.opening.tell)

    def _paste(self) -> None:
        if not self._take(QGuiApplication.clipboard().mimeData()):
            self.opening.nothing_to_paste()

    def _take(self, mime: QMimeData) -> bool:
        paths, encode = dropped.paths_in(mime), dropped.encoder_of(mime)
        if paths:
            self.open_paths(paths)
        elif encode is not None:
            self.opening.paste(encode)
        return bool(paths) or encode is not None

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

    def _choose_engine(self) -> None:
        self.open_chooser()
        self.engine.probe()

    def _read_anyway(self) -> None:
        entry_id = self.list_panel.selected_id()
        if entry_id is not None and self._reading is not None and self._reading.can_read_anyway:
            self.batch.read_anyway(entry_id)
            self._show_reading(self.worklist.entry(entry_id))

    def _toggle(self, panel: QWidget) -> None:
        panel.setVisible(panel.isHidden())

    def _full_screen(self) -> None:
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()

    def _change_theme(self) -> None:
        self._theme.choose(ThemeChoice.LIGHT if self._theme.colours.dark else ThemeChoice.DARK)
        self._settings.theme = self._theme.choice

    # --- what presenters tell ---

    def show_notice(self, notice: Notice) -> None:
        """Show a banner."""
        self.banners.put(notice)

    def drop_notice(self, key: str) -> None:
        """Take a banner away."""
        self.banners.drop(key)

    def show_refusals(self, refusals: Sequence[Refusal]) -> None:
        """Show what could not be opened."""
        sheet = RefusalSheet(self._theme, self, refusals)
        sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._open_sheet(sheet)

    def select(self, entry_id: int) -> None:
        """Show an image."""
        self.list_panel.select(entry_id)

    def show_batch(self, batch: BatchView | None) -> None:
        """Show how far the reading is."""
        self.progress.show_share(batch.done / max(1, batch.total) if batch else None)
        self.list_panel.show_batch(batch)
        self._refresh_commands()

    def reading_arrived(self, entry_id: int, reading: Reading) -> None:
        """Show a new reading, if its image is shown; count it."""
        self._count += 1
        if self._stats is not None:
            self._stats.add(reading)
        self._session_soon.ask()
        if entry_id == self.list_panel.selected_id():
            self._show_reading(self.worklist.entry(entry_id))

    def show_engine(self, line: EngineLine) -> None:
        """Show the engine in use."""
        self.top.engine.show_line(line)
        self._session_soon.ask()

    def show_engines(self, lines: Sequence[EngineLine], *, busy: str) -> None:
        """Fill the chooser."""
        self.engines.show_lines(lines, busy)

    def open_chooser(self) -> None:
        """Open the chooser."""
        self._open_sheet(self.engines)

    def engine_chosen(self, engine_id: str) -> None:
        """Remember a person's choice, and read again."""
        self._settings.engine = engine_id
        self.batch.release()
        self.engines.close()

    # --- showing ---

    def _opened(self, brought: list[Entry]) -> None:
        """Read what was brought, and show the first of it: nobody may take an earlier patient's reading for it."""
        entry_ids = [entry.entry_id for entry in brought]
        if self.middle.currentWidget() is self.empty:
            self.middle.setCurrentWidget(self.image)
            self.list_panel.list.setFocus(Qt.FocusReason.OtherFocusReason)
        self.shelf.forget(entry_ids)
        self.batch.enqueue(entry_ids)
        if entry_ids[0] == self.list_panel.selected_id():
            self._show_entry(entry_ids[0])
        self.select(entry_ids[0])

    def _engine_fault(self, fault: Fault) -> None:
        self.engine.lost(fault)
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
        self._refresh_commands()

    def _picture_ready(self, entry_id: int) -> None:
        if entry_id == self.list_panel.selected_id():
            self._show_entry(entry_id)

    def _show_session(self) -> None:
        current = self.engine.current
        latency = self._stats.latency(current.engine_id) if self._stats is not None and current is not None else None
        self.foot.session.say(session_line(self._count, latency), session_hint(latency))

    def _refresh_commands(self) -> None:
        shown = self.list_panel.selected_id() is not None
        commands = (Command.FIT, Command.ONE_TO_ONE, Command.ZOOM_IN, Command.ZOOM_OUT, Command.ROTATE)
        states = dict.fromkeys((*commands, Command.DETAILS), shown)
        states[Command.READ_ANYWAY] = self._reading is not None and self._reading.can_read_anyway
        states[Command.READ_UNREAD] = not self.batch.running and bool(self.worklist.unread_ids())
        self.actions_.enable(states)

    def _open_sheet(self, sheet: QWidget) -> None:
        sheet.show()
        sheet.raise_()
        sheet.activateWindow()

    # --- Qt ---

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files, folders and images."""
        if dropped.takes(event.mimeData()):
            event.acceptProposedAction()
            self.image.canvas.show_drop(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Show that nothing will be dropped."""
        self.image.canvas.show_drop(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self.image.canvas.show_drop(False)
        event.acceptProposedAction()
        self._take(event.mimeData())

    def changeEvent(self, event: QEvent) -> None:
        """Follow a change of the system's font."""
        if event.type() is QEvent.Type.ApplicationFontChange:
            self._theme.apply()
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep the layout, stop reading, and let the owner end the rest."""
        self._settings.keep_window(self, self.splitter, self._panels())
        self.batch.cancel()
        self.engine.detach()
        self.boards.detach()
        event.accept()
        self.closing.emit()

    def _restore(self) -> None:
        if not self._settings.restore_window(self, self.splitter, self._panels()):
            self.resize(self.screen().availableGeometry().size().boundedTo(FIRST_SIZE))
            left, right = 76 * self._theme.unit, self.reading_panel.sizeHint().width()
            self.splitter.setSizes([left, max(left, self.width() - left - right), right])

    def _panels(self) -> dict[str, QWidget]:
        return {"worklist": self.list_panel, "reading": self.reading_panel}
