"""What the buttons of the Learning page start: in the background, with progress, and such that it can be stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from qana_desktop.system.faults import Fault
from qana_desktop.triage.access import Permission
from qana_desktop.ui.presenters.learning import LearningView, VerdictView, learning_view, preview_words, verdict_view
from qana_desktop.ui.texts import tr, trn

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qana_desktop.network.manifest import Origin
    from qana_desktop.services.case_desk import CaseDesk
    from qana_desktop.services.clinic import Clinic
    from qana_desktop.services.jobs import CancelToken, Progress
    from qana_desktop.services.learning_desk import Proposed
    from qana_desktop.services.learning_room import LearningRoom, LearningState

T = TypeVar("T")
LANE, PICTURES = "learning", "learning-pictures"


class Session(Protocol):
    """The case store as the window sees it (`ui.store_session`)."""

    clinic: Clinic | None

    @property
    def user_id(self) -> str: ...
    def may(self, permission: Permission) -> bool: ...
    def can_save(self, permission: Permission = ...) -> bool: ...
    def run(
        self,
        work: Callable[[CaseDesk], T],
        done: Callable[[T], None],
        failed: Callable[[Fault], None] | None = None,
        *,
        stores: bool = False,
        lane: str = ...,
    ) -> None: ...


class LearningScreen(Protocol):
    """The page."""

    def show_view(self, view: LearningView) -> None:
        """Show how things stand."""
        ...

    def show_verdict(self, version: str, verdict: VerdictView | None) -> None:
        """Show what the gate said about a version; None where it was not judged."""
        ...

    def show_progress(self, what: str, share: float | None) -> None:
        """Show what runs and how far it is; "" for nothing."""
        ...

    def tell(self, sentence: str) -> None:
        """Say what came of what was asked for."""
        ...

    def show_picture(self, picture: str, pixels: npt.NDArray[np.uint8] | None, why: str) -> None:
        """Show an image of the store, or why it cannot be shown."""
        ...


def _make(clinic: Clinic) -> LearningRoom:
    """Loaded when it is first needed, in a worker: it knows the engines and the intake."""
    from qana_desktop.services.learning_room import LearningRoom

    return LearningRoom(clinic.store, clinic.desk.allowed)


class LearningWork:
    """Asks the desks of learning in the background and shows what they say. One long piece of work at a time."""

    def __init__(
        self,
        session: Session,
        screen: LearningScreen,
        post: Callable[[Callable[[], None]], None],
        *,
        make: Callable[[Clinic], LearningRoom] = _make,
    ) -> None:
        self._session, self._screen, self._post, self._make = session, screen, post, make
        self._room: LearningRoom | None = None
        self._state: LearningState | None = None
        self._token: CancelToken | None = None

    @property
    def busy(self) -> bool:
        """Whether something long is under way."""
        return self._token is not None

    def refresh(self) -> None:
        """Look at how things stand."""
        self._do(lambda room, _desk: room.look(), self._show)

    def close(self) -> None:
        """Stop what runs, and forget the store."""
        self.cancel()
        room, self._room, self._state = self._room, None, None
        if room is not None:
            room.close()

    def cancel(self) -> None:
        """Ask what runs to stop at its next safe point: nothing half-done stays."""
        if self._token is not None:
            self._token.cancel()

    # --- cases

    def look_at(self, picture: str) -> None:
        """Show an image of the store."""
        self._do(
            lambda room, _desk: room.picture(picture, longest_side=640),
            lambda pixels: self._screen.show_picture(picture, pixels, ""),
            lambda fault: self._screen.show_picture(picture, None, fault.sentence()),
            lane=PICTURES,
        )

    def propose(self, *, consent: bool) -> None:
        """Propose every image with a proven diagnosis; `consent` is what the person states for all of them."""
        state = self._state
        if state is None:
            return
        news = [each.proposal(consent=consent) for each in state.candidates]

        def told(found: tuple[Proposed, ...]) -> None:
            refusals = [each.fault.sentence() for each in found if each.fault is not None]
            said = trn(len(found) - len(refusals), "One image was proposed.", "{n} images were proposed.")
            if refusals:
                said += " " + trn(len(refusals), "One was refused:", "{n} were refused; the first one:")
                said += f" {refusals[0]}"
            self._screen.tell(said)

        self._long(lambda room, token, report: room.desk.propose_all(news, token=token, report=report), told)

    def preview(self) -> None:
        """Say what the images with a proven diagnosis would change; nothing is stored."""
        state = self._state
        if state is None:
            return
        news = [each.proposal(consent=True) for each in state.candidates]

        def work(room: LearningRoom, token: CancelToken, report: Callable[[Progress], None]) -> str:
            from qana_desktop.services.learning_preview import preview

            return preview_words(preview(room.desk, news, token=token, report=report))

        self._long(work, self._screen.tell)

    def confirm(self, proposal: str, *, agrees: bool, note: str) -> None:
        """Say as a second person whether a diagnosis holds."""
        self._change(lambda room, _desk: room.desk.confirm(proposal, agrees=agrees, note=note))

    def withdraw(self, proposal: str, reason: str) -> None:
        """Take a case out of the queue."""
        self._change(lambda room, _desk: room.desk.withdraw(proposal, reason))

    # --- versions

    def train(self, origin: Origin) -> None:
        """Train a version and judge it at once."""

        def work(room: LearningRoom, token: CancelToken, report: Callable[[Progress], None]) -> str:
            version = room.training.train(origin, token=token, report=report).version
            room.judging.evaluate(version, token=token, report=report)
            return version

        self._long(work, self.choose)

    def judge(self, version: str) -> None:
        """Judge a version once more; it counts as a look at the test cases."""
        self._long(
            lambda room, token, report: room.judging.evaluate(version, token=token, report=report),
            lambda _found: self.choose(version),
        )

    def choose(self, version: str) -> None:
        """Show what the gate said about a version."""
        found = self._state.evaluations.get(version) if self._state is not None else None
        self._screen.show_verdict(version, verdict_view(found) if found is not None else None)

    def approve(self, version: str, *, agrees: bool, reason: str) -> None:
        """Decide about a version."""
        self._change(lambda room, _desk: room.versions.approve(version, agrees=agrees, reason=reason))

    def activate(self, version: str) -> None:
        """Put a version in use, after every engine was tested with it."""
        said = tr("{version} is in use from the next start of the program.", version=version)
        self._long(
            lambda room, token, _report: room.versions.activate(version, token=token),
            lambda _changed: self._screen.tell(said),
        )

    def roll_back(self, reason: str, *, to_factory: bool) -> None:
        """Go back to what was in use before; cases that were read in between are put into the queue "re-read"."""

        def done(count: int) -> None:
            said = tr("The version was taken back; the one before is in use from the next start of the program.")
            more = trn(count, "One case is to be read again.", "{n} cases are to be read again.") if count else ""
            self._screen.tell(f"{said} {more}".strip())
            self.refresh()

        self._do(
            lambda room, desk: room.roll_back(desk, reason, to_factory=to_factory), done, self._failed, stores=True
        )

    def save_dossier(self, version: str, path: Path) -> None:
        """Write the dossier of a version into a new file."""

        def work(room: LearningRoom, _desk: CaseDesk) -> Path:
            from qana_desktop.services.learning_dossier import write_dossier

            return write_dossier(room.desk, version, path)

        self._do(work, lambda _path: self._screen.tell(tr("The dossier was written.")), self._failed)

    # --- inside

    def _show(self, state: LearningState) -> None:
        self._state = state
        session = self._session
        self._screen.show_view(
            learning_view(state, user=session.user_id, may=session.may, saves=session.can_save(Permission.SEE))
        )

    def _change(self, work: Callable[[LearningRoom, CaseDesk], object]) -> None:
        def done(_result: object) -> None:
            self._screen.tell("")
            self.refresh()

        self._do(work, done, self._failed)

    def _long(
        self,
        work: Callable[[LearningRoom, CancelToken, Callable[[Progress], None]], T],
        done: Callable[[T], None],
    ) -> None:
        """Run one long piece of work; a second one is not started."""
        from qana_desktop.services.jobs import Cancelled, CancelToken

        if self._token is not None:
            return
        token = self._token = CancelToken()
        self._screen.tell("")
        self._screen.show_progress(tr("Starting"), None)

        def report(progress: Progress) -> None:
            share = progress.done / progress.total if progress.total else None
            self._post(lambda: self._screen.show_progress(progress.what, share))

        def run(room: LearningRoom, _desk: CaseDesk) -> tuple[T] | None:
            try:
                return (work(room, token, report),)
            except Cancelled:
                return None

        def arrived(result: tuple[T] | None) -> None:
            self._ended()
            if result is None:
                self._screen.tell(tr("Stopped. Nothing was changed."))
                self.refresh()
            else:
                self._look_and(lambda: done(result[0]))

        def failed(fault: Fault) -> None:
            self._ended()
            self._failed(fault)
            self.refresh()

        self._do(run, arrived, failed)

    def _look_and(self, after: Callable[[], None]) -> None:
        def looked(state: LearningState) -> None:
            self._show(state)
            after()

        self._do(lambda room, _desk: room.look(), looked)

    def _ended(self) -> None:
        self._token = None
        self._screen.show_progress("", None)

    def _failed(self, fault: Fault) -> None:
        self._screen.tell(fault.sentence())

    def _do(
        self,
        work: Callable[[LearningRoom, CaseDesk], T],
        done: Callable[[T], object],
        failed: Callable[[Fault], None] | None = None,
        *,
        stores: bool = False,
        lane: str = LANE,
    ) -> None:
        clinic = self._session.clinic
        if clinic is None:
            return

        def arrived(result: T) -> None:
            done(result)

        self._session.run(lambda desk: work(self._room_of(clinic), desk), arrived, failed, stores=stores, lane=lane)

    def _room_of(self, clinic: Clinic) -> LearningRoom:
        """The room of the open store; in a worker. Another store gets another room."""
        room = self._room
        if room is None or room.store is not clinic.store:
            if room is not None:
                room.close()
            room = self._room = self._make(clinic)
        return room
