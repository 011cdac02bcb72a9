"""The engine: its state in words, the choice between engines, and the question when the chosen one is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from qana_desktop.engines.contract import EngineInfo, EngineState
from qana_desktop.system.faults import Fault
from qana_desktop.ui.presenters.notices import Answer, Notice, Tone
from qana_desktop.ui.presenters.runner import NoticeBoard, Runner
from qana_desktop.ui.texts import said, tr, trn

if TYPE_CHECKING:
    from qana_desktop.services.contract import DeviceDeskLike

BROKEN = frozenset({EngineState.LOST, EngineState.STUCK, EngineState.REFUSED, EngineState.UNAVAILABLE})


class Health(StrEnum):
    """How an engine's mark looks: filled disc, half, empty, or crossed."""

    GOOD = "good"
    PENDING = "pending"
    IDLE = "idle"
    BROKEN = "broken"


@dataclass(frozen=True)
class EngineLine:
    """An engine in a list: its mark, its words, and whether it can be chosen."""

    engine_id: str
    name: str
    state: str
    health: Health
    detail: str
    problem: str
    chosen: bool
    can_choose: bool


class EngineScreen(NoticeBoard, Protocol):
    """The part of the window that shows engines."""

    def show_engine(self, line: EngineLine) -> None:
        """Show the engine in use."""
        ...

    def show_engines(self, lines: Sequence[EngineLine], *, busy: str) -> None:
        """Fill the chooser; `busy` says what is being done to it, "" for nothing."""
        ...

    def open_chooser(self) -> None:
        """Open the chooser."""
        ...

    def engine_chosen(self, engine_id: str) -> None:
        """A person's choice holds: remember it."""
        ...


class EnginePresenter:
    """Asks the device desk, in the background, and never changes the engine by itself."""

    def __init__(
        self,
        runner: Runner,
        screen: EngineScreen,
        unread: Callable[[], int],
        reading: Callable[[], bool],
        resume: Callable[[], None],
        go_on: Callable[[], int],
        leave: Callable[[], None],
    ) -> None:
        """`resume` reads all that is unread, `go_on` what the lost engine left (how many), `leave` gives that up."""
        self._runner, self._screen = runner, screen
        self._unread, self._reading, self._resume = unread, reading, resume
        self._go_on, self._give_up = go_on, leave
        self._desk: DeviceDeskLike | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._known: list[EngineInfo] = []
        self._busy = ""
        self._wants_resume = False
        self._announced = False
        self._in_trouble = False
        """Whether a banner stands that says that the engine broke, and nobody has answered it."""
        self._reservation: Fault | None = None
        self.current: EngineInfo | None = None

    def attach(self, desk: DeviceDeskLike) -> None:
        """Follow this desk from now on."""
        self._desk = desk
        self._unsubscribe = desk.subscribe(self._from_any_thread)
        self._update(desk.current())

    def detach(self) -> None:
        """Stop following."""
        self._unsubscribe()

    def probe(self) -> None:
        """Look for engines and show them."""
        desk = self._desk
        if desk is None:
            self._show_engines(tr("The program is still starting."))
            return
        self._show_engines(tr("Looking for engines"))
        self._runner.run("engine", desk.engines, self._probed, self._not_changed)

    def choose(self, engine_id: str) -> None:
        """Open another engine. When it fails, the old choice stays."""
        desk = self._desk
        if desk is None:
            return
        name = next((said(info.name) for info in self._known if info.engine_id == engine_id), engine_id)
        self._show_engines(tr("Starting {name}", name=name))
        self._runner.run("engine", lambda: desk.choose(engine_id), self._chosen, self._not_changed)

    def restart(self) -> None:
        """Start the lost engine again, then read what is unread."""
        desk = self._desk
        if desk is None:
            return
        self._wants_resume, self._in_trouble = True, False
        self._screen.show_notice(Notice("engine", Tone.TELLS, tr("Starting the engine again.")))
        self._runner.run("engine", desk.restart, self._restarted, self.lost)

    def lost(self, fault: Fault) -> None:
        """Ask what to do: the engine gave no answer. Nothing is read until a person decides."""
        count = self._unread()
        what = _unread_text(count) or tr("No image is affected.")
        self._in_trouble = True
        self._screen.show_notice(
            Notice("engine", Tone.ASKS, f"{fault.what} {what} {fault.todo}".strip(), self._answers(count))
        )

    def _broke(self, fault: Fault) -> None:
        """Ask, unless images are being read: then the engine is tried once more, and the run's end would ask."""
        if not self._reading():
            self.lost(fault)
            return
        self._in_trouble = True
        text = tr("The engine stopped. It is started again, tested, and asked for the same image once more.")
        self._screen.show_notice(Notice("engine", Tone.TELLS, text))

    def _works_again(self) -> None:
        """The engine came back without a person's answer: the run that it left goes on where it was."""
        self._in_trouble = False
        going = self._go_on()
        what = trn(going, "Reading goes on with {n} image.", "Reading goes on with {n} images.") if going else ""
        count = 0 if going else self._unread()
        works = tr("The engine stopped, was started again and works.")
        text = f"{works} {what or _unread_text(count)}".strip()
        read = Answer(tr("Read"), tr("Read the images that are unread (Ctrl+R)"), self._resume)
        self._screen.show_notice(Notice("engine", Tone.TELLS, text, (read,) if count else ()))

    def _answers(self, count: int) -> tuple[Answer, ...]:
        again = Answer(tr("Try again"), tr("Start the same engine again and read what is unread"), self.restart)
        other = Answer(
            tr("Choose another engine"),
            tr("Open the list of engines; nothing changes by itself"),
            self._choose_other,
            closes=False,
        )
        leave = tr("Leave unread") if count else tr("Not now")
        repeats = (again,) if self.current is not None and self.current.engine_id else ()
        return (
            *repeats,
            other,
            Answer(leave, tr("Close this question; unread images stay marked in the list"), self._leave),
        )

    def _leave(self) -> None:
        self._in_trouble = False
        self._give_up()

    def _choose_other(self) -> None:
        self._wants_resume = True
        self._screen.open_chooser()
        self.probe()

    def _from_any_thread(self, info: EngineInfo) -> None:
        self._runner.post(lambda: self._update(info))

    def _update(self, info: EngineInfo) -> None:
        self.current = info
        self._known = [info if known.engine_id == info.engine_id else known for known in self._known]
        self._screen.show_engine(engine_line(info, chosen=True))
        self._show_engines(self._busy)
        broken = info.state in BROKEN and info.fault is not None
        if broken and info.fault is not None and not self._announced:
            self._broke(info.fault)
        elif self._in_trouble and health_of(info.state) is Health.GOOD:
            self._works_again()
        self._announced = broken
        self._tell_reservation(None if broken else info.fault)

    def _tell_reservation(self, fault: Fault | None) -> None:
        """Of several boards that share the work one was lost: the others go on, and a person knows."""
        if fault is not None and fault != self._reservation:
            self._screen.show_notice(Notice("engine-member", Tone.WARNS, fault.sentence()))
        elif fault is None and self._reservation is not None:
            self._screen.drop_notice("engine-member")
        self._reservation = fault

    def _show_engines(self, busy: str) -> None:
        self._busy = busy
        chosen = self.current.engine_id if self.current else None
        lines = [engine_line(info, chosen=info.engine_id == chosen) for info in self._known]
        self._screen.show_engines(lines, busy=busy)

    def _probed(self, infos: list[EngineInfo]) -> None:
        current = self.current
        self._known = [current if current and current.engine_id == info.engine_id else info for info in infos]
        self._show_engines("")

    def _chosen(self, info: EngineInfo) -> None:
        self._busy = ""
        self._in_trouble = False
        self._announced = False
        self._update(info)
        self._screen.engine_chosen(info.engine_id)
        self._screen.drop_notice("engine")
        self._screen.drop_notice("engine-choice")
        self._resume_if_wanted()

    def _not_changed(self, fault: Fault) -> None:
        text = tr("{why} The engine was not changed.", why=fault.sentence())
        self._screen.show_notice(Notice("engine-choice", Tone.WARNS, text))
        self._show_engines("")

    def _restarted(self, info: EngineInfo) -> None:
        self._announced = False
        self._update(info)
        if info.state in BROKEN:
            return
        self._screen.drop_notice("engine")
        self._resume_if_wanted()

    def _resume_if_wanted(self) -> None:
        if self._wants_resume:
            self._wants_resume = False
            self._resume()


def _unread_text(count: int) -> str:
    return trn(count, "{n} image is unread.", "{n} images are unread.") if count else ""


def state_word(state: EngineState) -> str:
    """Return an engine's state in a word or two."""
    return {
        EngineState.AVAILABLE: tr("available"),
        EngineState.STARTING: tr("starting"),
        EngineState.READY: tr("ready"),
        EngineState.BUSY: tr("reading"),
        EngineState.STUCK: tr("not answering"),
        EngineState.LOST: tr("lost"),
        EngineState.REFUSED: tr("refused"),
        EngineState.UNAVAILABLE: tr("not available"),
    }[state]


def health_of(state: EngineState) -> Health:
    """Return the mark of a state."""
    if state in BROKEN:
        return Health.BROKEN
    if state in (EngineState.READY, EngineState.BUSY):
        return Health.GOOD
    return Health.PENDING if state is EngineState.STARTING else Health.IDLE


def engine_line(info: EngineInfo, *, chosen: bool) -> EngineLine:
    """Return an engine as the window shows it."""
    return EngineLine(
        info.engine_id,
        said(info.name),
        state_word(info.state),
        health_of(info.state),
        " · ".join(part for part in (info.runtime, said(info.detail)) if part),
        info.fault.sentence() if info.fault else "",
        chosen,
        info.state in (EngineState.AVAILABLE, EngineState.READY) and not chosen,
    )
