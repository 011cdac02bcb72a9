"""Boards: live state of the engine in use, its clock and power, the vendor's library, and whether a network fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from qana_desktop.engines.contract import ALL_BOARDS, BoardStatus, EngineInfo, EngineState
from qana_desktop.system.faults import Fault
from qana_desktop.ui.presenters.engine import Health, health_of, state_word
from qana_desktop.ui.presenters.notices import Notice, Tone
from qana_desktop.ui.presenters.runner import NoticeBoard, Runner, ignore_fault
from qana_desktop.ui.texts import said, tr

if TYPE_CHECKING:
    from qana_desktop.engines.akida_install import AddedRuntime
    from qana_desktop.engines.akida_wheel import WheelFacts
    from qana_desktop.engines.mapping import BoardMapping
    from qana_desktop.engines.watch import BoardsChanged
    from qana_desktop.services.board_care import BoardCare

_LANE = "boards"


class FollowsBoard(Protocol):
    """The device desk, as far as this panel needs it."""

    def current(self) -> EngineInfo: ...
    def restart(self) -> EngineInfo: ...
    def status(self) -> BoardStatus: ...
    def set_clock(self, mode: str) -> EngineInfo: ...
    def subscribe(self, listener: Callable[[EngineInfo], None]) -> Callable[[], None]: ...
    def subscribe_boards(self, listener: Callable[[BoardsChanged], None]) -> Callable[[], None]: ...


@dataclass(frozen=True)
class BoardView:
    """The engine in use as the panel shows it. Empty texts are not shown."""

    name: str
    state: str
    health: Health
    detail: str
    power: str
    temperature: str
    last_error: str
    clock: str
    clocks: tuple[str, ...]
    can_restart: bool


class BoardScreen(Protocol):
    """The panel."""

    def show_board(self, board: BoardView) -> None:
        """Show the engine in use."""
        ...

    def show_library(self, text: str, *, can_remove: bool) -> None:
        """Show which Akida library was added."""
        ...

    def show_maps(self, lines: Sequence[str]) -> None:
        """Show how the network lies on each board."""
        ...

    def ask_about(self, lines: Sequence[str]) -> None:
        """Show what a file is, and ask whether to add it."""
        ...

    def tell(self, text: str) -> None:
        """Show what is being done, or what came of it; "" for nothing."""
        ...


class DevicesPresenter:
    """Decides what the panel shows; everything slow happens in the background."""

    def __init__(
        self,
        runner: Runner,
        screen: BoardScreen,
        notices: NoticeBoard,
        care: Callable[[], BoardCare],
        look_again: Callable[[], None],
    ) -> None:
        self._runner, self._screen, self._notices = runner, screen, notices
        self._care, self._look_again = care, look_again
        self._desk: FollowsBoard | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._status = BoardStatus("", (), None, None, None)
        self._last_error = ""
        self._asking = False
        self._offered: tuple[Path, WheelFacts] | None = None

    def attach(self, desk: FollowsBoard) -> None:
        """Follow this desk from now on."""
        self._desk = desk
        ends = (
            desk.subscribe(lambda info: self._runner.post(lambda: self._changed(info))),
            desk.subscribe_boards(lambda change: self._runner.post(lambda: self._boards_changed(change))),
        )
        self._unsubscribe = lambda: _all(ends)
        self._changed(desk.current())

    def detach(self) -> None:
        """Stop following."""
        self._unsubscribe()

    def open(self) -> None:
        """Show what is known, and ask for what takes time."""
        self._runner.run(_LANE, lambda: self._care().added(), self._show_library)
        self.refresh()

    def refresh(self) -> None:
        """Ask the board for its clock and power. Nothing is asked of other engines, or of one that is lost."""
        desk = self._desk
        if desk is None:
            return
        info = desk.current()
        self._show(info)
        if self._asking or not _is_board(info) or info.state not in (EngineState.READY, EngineState.BUSY):
            return
        self._asking = True
        self._runner.run(_LANE, desk.status, self._answered, self._not_answered)

    def restart(self) -> None:
        """Start the engine in use again."""
        desk = self._desk
        if desk is not None:
            self._screen.tell(tr("Starting the engine again"))
            self._runner.run(_LANE, desk.restart, self._done, self._failed)

    def set_clock(self, mode: str) -> None:
        """Set the board's clock mode."""
        desk = self._desk
        if desk is not None and mode != self._status.clock:
            self._screen.tell(tr("Setting the clock to {mode}", mode=mode))
            self._runner.run(_LANE, lambda: desk.set_clock(mode), self._done, self._failed)

    def map_network(self) -> None:
        """Show how the network lies on the boards that the library knows."""
        self._screen.tell(tr("Mapping the network"))
        self._runner.run(_LANE, lambda: self._care().mapping(), self._mapped, self._failed)

    def offer(self, wheel: Path) -> None:
        """Look at a file that a person chose, and ask whether to add it."""
        self._screen.tell(tr("Looking at the file"))
        self._runner.run(
            _LANE, lambda: self._care().inspect(wheel), lambda facts: self._inspected(wheel, facts), self._failed
        )

    def agree(self) -> None:
        """Add the file that was asked about."""
        if self._offered is not None:
            (wheel, facts), self._offered = self._offered, None
            self._screen.tell(tr("Adding the library"))
            self._runner.run(_LANE, lambda: self._care().add(wheel, facts), self._added, self._failed)

    def decline(self) -> None:
        """Do not add it."""
        self._offered = None
        self._screen.tell(tr("Nothing was added."))

    def remove(self) -> None:
        """Remove the library that was added."""
        self._runner.run(_LANE, lambda: self._care().remove(), lambda _was: self._removed(), self._failed)

    def _changed(self, info: EngineInfo) -> None:
        if info.fault is not None:
            self._last_error = info.fault.sentence()
        if not _is_board(info):
            self._status = BoardStatus("", (), None, None, None)
        self._show(info)

    def _boards_changed(self, change: BoardsChanged) -> None:
        """Tell of new boards and look again; that the board in use went is told by its engine."""
        if change.appeared:
            where = ", ".join(place.label for place in change.appeared)
            text = tr("An Akida board appeared ({where}). Open Engines to read with it.", where=where)
            self._notices.show_notice(Notice("boards", Tone.TELLS, text))
        else:
            self._notices.drop_notice("boards")
        self._look_again()

    def _show(self, info: EngineInfo) -> None:
        status = self._status
        self._screen.show_board(
            BoardView(
                name=said(info.name),
                state=state_word(info.state),
                health=health_of(info.state),
                detail=" · ".join(part for part in (info.engine_id, info.runtime, said(info.detail)) if part),
                power=_power(info, status),
                temperature=_temperature(info, status),
                last_error=tr("Last error: {what}", what=self._last_error) if self._last_error else "",
                clock=status.clock,
                clocks=status.clocks,
                can_restart=bool(info.engine_id),
            )
        )

    def _answered(self, status: BoardStatus) -> None:
        self._asking, self._status = False, status
        if self._desk is not None:
            self._show(self._desk.current())

    def _not_answered(self, fault: Fault) -> None:
        """What was lost is shown by its state: a question after power is no reason for another message."""
        self._asking = False
        ignore_fault(fault)

    def _done(self, _info: EngineInfo) -> None:
        self._screen.tell("")
        self.refresh()

    def _failed(self, fault: Fault) -> None:
        self._screen.tell(fault.sentence())

    def _mapped(self, report: list[BoardMapping]) -> None:
        self._screen.tell("")
        self._screen.show_maps([mapping_line(entry) for entry in report])

    def _inspected(self, wheel: Path, facts: WheelFacts) -> None:
        self._offered = wheel, facts
        self._screen.tell("")
        self._screen.ask_about(
            [
                tr("Akida {version} for {tags}", version=facts.version, tags=", ".join(facts.tags)),
                tr("SHA-256 {hash}", hash=in_groups(facts.sha256)),
                tr("Compare this with the hash that BrainChip publishes for the file."),
                tr("The library is BrainChip's, under BrainChip's terms: read them before you use it."),
            ]
        )

    def _added(self, runtime: AddedRuntime) -> None:
        self._screen.tell(tr("Akida {version} was added.", version=runtime.version))
        self._show_library(runtime)
        self._look_again()

    def _removed(self) -> None:
        self._screen.tell(tr("The library was removed."))
        self._show_library(None)
        self._look_again()

    def _show_library(self, runtime: AddedRuntime | None) -> None:
        if runtime is None:
            text = tr("No Akida library was added here. One that is installed beside the program is used as it is.")
        else:
            text = tr("Akida {version}, SHA-256 {hash}", version=runtime.version, hash=in_groups(runtime.sha256))
        self._screen.show_library(text, can_remove=runtime is not None)


def in_groups(digest: str) -> str:
    """Return a hash in groups of eight: they can be compared by eye, and the line can break between them."""
    return " ".join(digest[start : start + 8] for start in range(0, len(digest), 8))


def mapping_line(entry: BoardMapping) -> str:
    """How a network lies on one board, in a sentence."""
    if entry.fault is not None:
        return tr("{board}: does not fit. {why}", board=entry.board, why=entry.fault.sentence())
    memory = ", ".join(tr("{what} {size} KiB", what=what, size=f"{size / 1024:.0f}") for what, size in entry.memory)
    return tr(
        "{board}: fits, {used} of {all} neural processors, passes: {passes}. Memory: {memory}.",
        board=entry.board,
        used=entry.used,
        all=entry.processors,
        passes=entry.passes,
        memory=memory,
    )


def _all(ends: Sequence[Callable[[], None]]) -> None:
    for end in ends:
        end()


def _is_board(info: EngineInfo) -> bool:
    return info.engine_id.startswith("akida-board")


def _power(info: EngineInfo, status: BoardStatus) -> str:
    if info.engine_id == ALL_BOARDS:
        return tr("Power: each board has a meter of its own; use one board alone to see it.")
    if not _is_board(info):
        return tr("Power: this engine is no board.")
    if status.power_mw is None:
        return tr("Power: not known from this board.")
    floor = "" if status.floor_mw is None else tr(", floor {floor} mW", floor=f"{status.floor_mw:.0f}")
    return tr("Power: {power} mW by the board's own meter{floor}", power=f"{status.power_mw:.0f}", floor=floor)


def _temperature(info: EngineInfo, status: BoardStatus) -> str:
    if not _is_board(info):
        return ""
    if status.temperature_c is None:
        return tr("Temperature: the Akida library tells none.")
    return tr("Temperature: {degrees} °C", degrees=f"{status.temperature_c:.0f}")
