"""The main window: frame, pages, and what belongs to all of them. It decides nothing and waits for nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from qana_desktop.system.faults import Fault
from qana_desktop.triage.access import User
from qana_desktop.ui import dropped
from qana_desktop.ui.actions import Actions
from qana_desktop.ui.bridge import Bridge
from qana_desktop.ui.curtain import Curtain
from qana_desktop.ui.desks import Desks
from qana_desktop.ui.dialogs import ask_for_files, ask_for_folder, open_sheet
from qana_desktop.ui.page_list import page_list
from qana_desktop.ui.pages import PageContext, PageDeck
from qana_desktop.ui.presenters.batch import BatchView
from qana_desktop.ui.presenters.engine import EngineLine, EnginePresenter
from qana_desktop.ui.presenters.notices import Notice, Refusal, Tone
from qana_desktop.ui.program_sheets import ProgramSheets, tour_stops
from qana_desktop.ui.session_line import SessionLine
from qana_desktop.ui.settings import WindowSettings
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.store_care import StoreCare
from qana_desktop.ui.store_session import StoreSession
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme, ThemeChoice
from qana_desktop.ui.views.banners import BannerBoard
from qana_desktop.ui.views.devices import BoardPanel
from qana_desktop.ui.views.engines import EngineDialog
from qana_desktop.ui.views.frame import Foot, TopBar
from qana_desktop.ui.views.gate import StoreGate
from qana_desktop.ui.views.rail import Rail
from qana_desktop.ui.views.triage import TriagePage
from qana_desktop.ui.watching import Watching
from qana_desktop.ui.widgets.progress import ProgressLine

if TYPE_CHECKING:
    from qana_desktop.services.clinic import Clinic
    from qana_desktop.services.session_stats import SessionStats

BEHIND_THE_COVER = (Command.FULL_SCREEN, Command.THEME, Command.QUIT)
FIRST_SIZE = QSize(1440, 900)


class MainWindow(QMainWindow):
    """The frame around the pages. Desks are attached after the first paint."""

    closing = Signal()

    def __init__(
        self, theme: Theme, bridge: Bridge, settings: WindowSettings, clinic: Callable[[], Clinic] | None = None
    ) -> None:
        super().__init__()
        self.setWindowTitle("QANA Desktop")
        self.setAcceptDrops(True)
        self._theme, self._bridge, self._settings = theme, bridge, settings
        self._desks: Desks | None = None
        self._person: User | None = None
        self.store = StoreSession(bridge, self, clinic)
        self.care = StoreCare(theme, self, self.store, settings, self)
        self._handlers = self._own_handlers()
        runners = {command: self._runner_of(command) for command in Command}
        self.actions_ = Actions(self, theme, runners, settings.keys())
        self.sheets = ProgramSheets(self, theme, self.actions_, settings, self._use_settings)
        self.banners = BannerBoard(theme)
        self.curtain = Curtain(self)
        self._make_pages()
        self.watching = Watching(bridge, self, self.triage.take_quietly)
        self._make_frame()
        self._lay_out()
        self._connect()
        self._restore()
        self.deck.go(Command.TRIAGE)
        self.session.show()
        self.triage.empty.buttons[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def attach(self, desks: Desks, stats: SessionStats) -> None:
        """Join the desks: images that wait are opened and read."""
        self._desks = desks
        self.session.attach(stats)
        for page in self.deck.made():
            page.attach(desks)
        self._use_settings()
        self.engine.attach(desks.devices)
        self.boards.attach(desks.devices)
        if desks.engine_fault is not None:
            self.engine.lost(desks.engine_fault)
        for fault in desks.passed_over:
            self.show_notice(Notice(f"passed-over-{fault.code}", Tone.TELLS, fault.sentence()))
        bundle = desks.triage.bundle_id
        self.top.bundle.say(tr("Bundle {bundle}", bundle=bundle[:12]), tr("Bundle {bundle}", bundle=bundle))

    def _use_settings(self) -> None:
        """Let hold what a person chose in the settings."""
        self.store.set_auto_lock(self._settings.auto_lock_minutes)
        self.watching.watch(self._settings.watch_folder)
        self._tell_pages()
        if self._desks is not None:
            self._desks.triage.use_second_reader(self._settings.second_reader)

    def start_tour(self) -> None:
        """Show the parts of the window, one after the other."""
        self.deck.go(Command.TRIAGE)
        self.sheets.start_tour(tour_stops(self))

    def start_first_tour(self) -> None:
        """Show them at the first start of the program only."""
        if not self._settings.tour_done:
            self.start_tour()

    def open_store(self, app: QApplication) -> None:
        """Open the case store, if there is one, and lock it after a time of rest. After the first paint."""
        self.store.watch(app)
        self.store.start(auto_lock_minutes=self._settings.auto_lock_minutes)

    def starting_failed(self, fault: Fault) -> None:
        """Tell that the program cannot read, and why."""
        self.show_notice(Notice("start", Tone.WARNS, fault.sentence()))

    @property
    def idle(self) -> bool:
        """Whether everything that was asked for has arrived."""
        drawn = not self.session.soon.waits and all(page.idle for page in self.deck.made())
        return self._desks is not None and self._bridge.idle and drawn

    # --- building ---

    def _make_pages(self) -> None:
        context = PageContext(
            theme=self._theme,
            bridge=self._bridge,
            actions=self.actions_,
            settings=self._settings,
            notices=self,
            store=self.store,
            desks=lambda: self._desks,
            go=lambda key: self.deck.go(key),
        )
        self.deck = PageDeck(page_list(), context)
        self.triage = cast(TriagePage, self.deck.page(Command.TRIAGE))
        # Other parts of the program and the tests know these by the window.
        self.worklist, self.shelf, self.model = self.triage.worklist, self.triage.shelf, self.triage.model
        self.batch, self.opening, self.splitter = self.triage.batch, self.triage.opening, self.triage.splitter
        self.list_panel, self.image, self.empty = self.triage.list_panel, self.triage.image, self.triage.empty
        self.middle, self.reading_panel = self.triage.middle, self.triage.reading_panel

    def _make_frame(self) -> None:
        theme, batch = self._theme, self.batch
        self.engine = EnginePresenter(
            self._bridge,
            self,
            lambda: len(self.worklist.unread_ids()),
            lambda: batch.running,
            batch.resume,
            batch.go_on,
            batch.leave,
        )
        self.progress = ProgressLine(theme)
        self.top = TopBar(theme, self.actions_)
        self.rail = Rail(theme, self.actions_, list(self.deck.specs.values()))
        self.rail.show_person(self.store)
        self.foot = Foot(theme)
        self.session = SessionLine(self.foot.session, self._engine_id, lambda: self.store.state)
        self.engines = EngineDialog(theme, self)
        self.boards = BoardPanel(theme, self._bridge, self, self, self.engine.probe)

    def _lay_out(self) -> None:
        across = QHBoxLayout()
        across.setSpacing(0)
        across.addWidget(self.rail)
        across.addWidget(self.deck, 1)
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for widget in (self.progress, self.top, self.banners):
            layout.addWidget(widget)
        layout.addLayout(across, 1)
        layout.addWidget(self.foot)
        self.cover: StoreGate | None = None
        self.root = QStackedWidget()
        self.root.addWidget(body)
        self.setCentralWidget(self.root)

    def _connect(self) -> None:
        self.deck.shown.connect(self._page_shown)
        self.deck.commands_changed.connect(self._refresh_commands)
        self.store.changed.connect(self._store_changed)
        self.store.stored.connect(self._tell_pages)
        self.triage.engine_failed.connect(self.engine.lost)
        self.triage.batch_shown.connect(self._show_batch)
        self.triage.arrived.connect(self.session.add)
        self.engines.chosen.connect(self.engine.choose)
        self.engines.look_again.connect(self.engine.probe)
        self.engines.boards_pressed.connect(self.boards.open)

    def _own_handlers(self) -> dict[Command, Callable[[], object]]:
        """What the window does itself, whatever page is shown; the page does the rest."""
        return {
            Command.OPEN: lambda: self.open_paths(ask_for_files(self)),
            Command.FOLDER: lambda: self.open_paths(ask_for_folder(self)),
            Command.PASTE: self._paste,
            Command.DEMO: self.open_demo,
            Command.ENGINE: self._choose_engine,
            Command.FULL_SCREEN: self._full_screen,
            Command.THEME: self._change_theme,
            Command.KEYS: lambda: self.sheets.open_keys(),
            Command.HELP: lambda: self.sheets.open_help(),
            Command.SETTINGS: lambda: self.sheets.open_settings(),
            Command.TOUR: self.start_tour,
            **self.care.handlers(),
            Command.QUIT: self.close,
        } | {spec.key: self._goer(spec.key) for spec in page_list()}

    def _goer(self, key: Command) -> Callable[[], object]:
        return lambda: self.deck.go(key)

    def _runner_of(self, command: Command) -> Callable[[], object]:
        def run() -> None:
            handler = self._handlers.get(command) or self._page_handlers().get(command)
            if handler is not None:
                handler()

        return run

    def _page_handlers(self) -> dict[Command, Callable[[], object]]:
        return {} if self.deck.current is None else dict(self.deck.current.handlers())

    # --- what a person does ---

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open files and folders, as from the command line."""
        if paths:
            self.deck.go(Command.TRIAGE)
            self.triage.open_paths(paths)

    def open_demo(self) -> None:
        """Write the demonstration images and open them."""
        self.deck.go(Command.TRIAGE)
        self.triage.open_demo()

    def _paste(self) -> None:
        self.deck.go(Command.TRIAGE)
        if not self.triage.take(QGuiApplication.clipboard().mimeData()):
            self.opening.nothing_to_paste()

    def _choose_engine(self) -> None:
        self.open_chooser()
        self.engine.probe()

    def _full_screen(self) -> None:
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()

    def _change_theme(self) -> None:
        self._theme.choose(ThemeChoice.LIGHT if self._theme.colours.dark else ThemeChoice.DARK)
        self._settings.theme = self._theme.choice

    # --- what presenters and pages tell ---

    def show_notice(self, notice: Notice) -> None:
        """Show a banner."""
        self.banners.put(notice)

    def drop_notice(self, key: str) -> None:
        """Take a banner away."""
        self.banners.drop(key)

    def show_refusals(self, refusals: Sequence[Refusal]) -> None:
        """Show what could not be opened."""
        self.triage.show_refusals(refusals)

    def _show_batch(self, batch: BatchView | None) -> None:
        self.progress.show_share(batch.done / max(1, batch.total) if batch else None)

    def show_engine(self, line: EngineLine) -> None:
        """Show the engine in use."""
        self.top.engine.show_line(line)
        self.session.soon.ask()

    def show_engines(self, lines: Sequence[EngineLine], *, busy: str) -> None:
        """Fill the chooser."""
        self.engines.show_lines(lines, busy)

    def open_chooser(self) -> None:
        """Open the chooser."""
        open_sheet(self.engines)

    def engine_chosen(self, engine_id: str) -> None:
        """Remember a person's choice, and read again."""
        self._settings.engine = engine_id
        self.batch.release()
        self.engines.close()

    # --- showing ---

    def _store_changed(self) -> None:
        covered, user = self.store.covers, self.store.user
        if user is not None and user != self._person:
            self._person = user
            self.curtain.forget()
        self.curtain.draw(covered)
        if covered:
            self._cover()
        elif self.cover is not None:
            self.cover.forget()
            self.root.setCurrentIndex(0)
        self.rail.show_person(self.store)
        self._tell_pages()
        self._refresh_commands()
        self.session.show()

    def _tell_pages(self) -> None:
        for page in self.deck.made():
            page.store_changed()

    def _cover(self) -> None:
        if self.cover is None:
            self.cover = StoreGate(self._theme, self.store, lambda: None)
            self.root.addWidget(self.cover)
        self.cover.refresh()
        if self.root.currentWidget() is not self.cover:
            self.root.setCurrentWidget(self.cover)
            self.cover.focus()

    def _page_shown(self, key: Command) -> None:
        self.rail.mark(key)
        self._refresh_commands()

    def _engine_id(self) -> str | None:
        return self.engine.current.engine_id if self.engine.current is not None else None

    def _refresh_commands(self) -> None:
        page = self.deck.current
        states = dict.fromkeys(Command, False)
        if self.store.covers:
            self.actions_.enable(states | dict.fromkeys(BEHIND_THE_COVER, True))
            return
        states |= dict.fromkeys(self._handlers, True)
        states |= self.care.enabled()
        self.actions_.enable(states | (dict(page.enabled()) if page is not None else {}))

    # --- Qt ---

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files, folders and images."""
        if dropped.takes(event.mimeData()) and not self.store.covers:
            event.acceptProposedAction()
            self.image.canvas.show_drop(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Show that nothing will be dropped."""
        self.image.canvas.show_drop(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self.image.canvas.show_drop(False)
        event.acceptProposedAction()
        self.deck.go(Command.TRIAGE)
        self.triage.take(event.mimeData())

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
        self.watching.stop()
        self.store.detach()
        event.accept()
        self.closing.emit()

    def _restore(self) -> None:
        if not self._settings.restore_window(self, self.splitter, self._panels()):
            self.resize(self.screen().availableGeometry().size().boundedTo(FIRST_SIZE))
            left, right = 64 * self._theme.unit, self.reading_panel.sizeHint().width()
            self.splitter.setSizes([left, max(left, self.width() - left - right), right])

    def _panels(self) -> dict[str, QWidget]:
        return {"worklist": self.list_panel, "reading": self.triage.answer}
