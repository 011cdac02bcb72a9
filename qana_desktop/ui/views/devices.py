"""The panel of boards: live state, clock, power, last error, restart; the vendor's library; how the network fits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal, SignalInstance
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QDialog, QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from qana_desktop.ui.presenters.devices import BoardView, DevicesPresenter
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import SMALL, TITLE, Theme
from qana_desktop.ui.views.engines import health_pixmap
from qana_desktop.ui.widgets.labels import TextLabel, hairline

if TYPE_CHECKING:
    from collections.abc import Callable

    from qana_desktop.services.board_care import BoardCare
    from qana_desktop.ui.presenters.devices import FollowsBoard
    from qana_desktop.ui.presenters.runner import NoticeBoard, Runner

REFRESH_MS = 2000


class BoardDialog(QDialog):
    """Shows boards and says what a person pressed. It keeps asking for the live state only while it is open."""

    refresh_due = Signal()
    restart_pressed = Signal()
    clock_chosen = Signal(str)
    map_pressed = Signal()
    wheel_chosen = Signal(object)
    agreed = Signal()
    declined = Signal()
    remove_pressed = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setWindowTitle(tr("Boards"))
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh_due)
        self._layout = QVBoxLayout(self)
        self._layout.setSpacing(2 * theme.unit)
        self._board_part()
        self._layout.addWidget(hairline())
        self._map_part()
        self._layout.addWidget(hairline())
        self._library_part()
        self.said = self._label(bold=True)
        self._layout.addStretch(1)
        close = self._button(tr("Close"), tr("Close this panel (Esc)"), self.close)
        self._layout.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)
        self.resize(70 * self.fontMetrics().averageCharWidth(), 130 * theme.unit)

    def show_board(self, board: BoardView) -> None:
        """Show the engine in use."""
        self.mark.setPixmap(health_pixmap(self._theme, board.health))
        self.name.say(board.name)
        self.state.say(board.state)
        self.detail.say(board.detail)
        self.power.say(board.power)
        self.temperature.say(board.temperature)
        self.last_error.say(board.last_error)
        self.restart.setEnabled(board.can_restart)
        self.clock.setVisible(bool(board.clocks))
        if [self.clock.itemText(index) for index in range(self.clock.count())] != list(board.clocks):
            self.clock.clear()
            self.clock.addItems(board.clocks)
        self.clock.setCurrentText(board.clock)

    def show_library(self, text: str, *, can_remove: bool) -> None:
        """Show which Akida library was added."""
        self.library.say(text)
        self.remove.setVisible(can_remove)

    def show_maps(self, lines: Sequence[str]) -> None:
        """Show how the network lies on each board."""
        self.maps.say("\n".join(lines))

    def ask_about(self, lines: Sequence[str]) -> None:
        """Show what a file is, and ask whether to add it."""
        self.offer.say("\n".join(lines))
        self._show_answers(True)
        self.agree.setFocus(Qt.FocusReason.OtherFocusReason)

    def tell(self, text: str) -> None:
        """Show what is being done, or what came of it."""
        self.said.say(text)

    def showEvent(self, event: QShowEvent) -> None:
        """Begin to ask for the live state."""
        super().showEvent(event)
        self._timer.start()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop asking."""
        self._timer.stop()
        super().closeEvent(event)

    def hideEvent(self, event: object) -> None:
        """Stop asking, however it was closed."""
        self._timer.stop()

    def _board_part(self) -> None:
        head = QHBoxLayout()
        self.mark = QLabel()
        self.name, self.state = TextLabel(self._theme, TITLE, bold=True), TextLabel(self._theme)
        words = QVBoxLayout()
        words.addWidget(self.name)
        words.addWidget(self.state)
        head.addWidget(self.mark, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        self._layout.addLayout(head)
        self.detail = self._label(size=SMALL, role="muted")
        self.power, self.temperature = self._label(), self._label()
        self.last_error = self._label()
        self.restart = self._button(tr("Restart"), tr("Start this engine again and test it"), self.restart_pressed.emit)
        self.clock = QComboBox()
        self.clock.setAccessibleName(tr("Clock mode"))
        self.clock.setToolTip(tr("Clock mode of the board: slower takes less power"))
        self.clock.textActivated.connect(self.clock_chosen)
        self.clock.hide()
        self._row(self.restart, self.clock)

    def _map_part(self) -> None:
        self.map = self._button(
            tr("Does the network fit?"),
            tr("Map the network to the boards that the library knows"),
            self.map_pressed.emit,
        )
        self._row(self.map)
        self.maps = self._label()

    def _library_part(self) -> None:
        self.library = self._label()
        self.add = self._button(
            tr("Add the Akida library"),
            tr("Choose the wheel that BrainChip offers; nothing is loaded from a network"),
            self._choose,
        )
        self.remove = self._button(
            tr("Remove"), tr("Remove the Akida library that was added"), self.remove_pressed.emit
        )
        self.remove.hide()
        self._row(self.add, self.remove)
        self.offer = self._label()
        self.agree = self._button(
            tr("Add this library"), tr("Unpack and test this file"), lambda: self._answer(self.agreed)
        )
        self.leave = self._button(
            tr("Do not add"), tr("Leave everything as it is"), lambda: self._answer(self.declined)
        )
        self._row(self.agree, self.leave)
        self._show_answers(False)

    def _choose(self) -> None:
        title, kind = tr("Choose the Akida wheel"), tr("Wheels (*.whl)")
        name, _kind = QFileDialog.getOpenFileName(self, title, "", kind)
        if name:
            self.wheel_chosen.emit(Path(name))

    def _answer(self, signal: SignalInstance) -> None:
        self.offer.say("")
        self._show_answers(False)
        signal.emit()

    def _show_answers(self, shown: bool) -> None:
        for button in (self.agree, self.leave):
            button.setVisible(shown)

    def _label(self, size: float | None = None, *, bold: bool = False, role: str = "") -> TextLabel:
        label = (
            TextLabel(self._theme, bold=bold, role=role) if size is None else TextLabel(self._theme, size, role=role)
        )
        label.say("")
        self._layout.addWidget(label)
        return label

    def _row(self, *widgets: QWidget) -> None:
        row = QHBoxLayout()
        for widget in widgets:
            row.addWidget(widget)
        row.addStretch(1)
        self._layout.addLayout(row)

    def _button(self, text: str, hint: str, pressed: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setAccessibleName(text)
        button.setToolTip(hint)
        button.setAutoDefault(False)
        button.clicked.connect(lambda: pressed())
        return button


def _real_care() -> BoardCare:
    """Loaded when it is first needed, in a worker: it knows the engines and the intake."""
    from qana_desktop.services.board_care import BoardCare

    return BoardCare()


class BoardPanel:
    """Joins the dialog and its presenter; the window makes one, opens it, and attaches the desk when there is one."""

    def __init__(
        self,
        theme: Theme,
        runner: Runner,
        parent: QWidget,
        notices: NoticeBoard,
        look_again: Callable[[], None],
        care: Callable[[], BoardCare] = _real_care,
    ) -> None:
        self.dialog = BoardDialog(theme, parent)
        self.presenter = DevicesPresenter(runner, self.dialog, notices, care, look_again)
        dialog, presenter = self.dialog, self.presenter
        dialog.refresh_due.connect(presenter.refresh)
        dialog.restart_pressed.connect(presenter.restart)
        dialog.clock_chosen.connect(presenter.set_clock)
        dialog.map_pressed.connect(presenter.map_network)
        dialog.wheel_chosen.connect(presenter.offer)
        dialog.agreed.connect(presenter.agree)
        dialog.declined.connect(presenter.decline)
        dialog.remove_pressed.connect(presenter.remove)

    def attach(self, desk: FollowsBoard) -> None:
        """Follow this desk from now on."""
        self.presenter.attach(desk)

    def detach(self) -> None:
        """Stop following, and close the panel."""
        self.presenter.detach()
        self.dialog.close()

    def open(self) -> None:
        """Show the panel."""
        self.dialog.show()
        self.dialog.raise_()
        self.presenter.open()
