"""What the report sheet does: draws the report in the background, shows its pages, saves it, sends it to a printer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from qana_desktop.reports.case_report import Identity
from qana_desktop.reports.pdf_pages import PageImage, draw_pages
from qana_desktop.services.report_desk import Batch, DrawnReport
from qana_desktop.system.faults import Fault
from qana_desktop.ui.presenters.runner import Runner
from qana_desktop.ui.texts import tr, trn

if TYPE_CHECKING:
    from qana_desktop.reports.case_dicom import DicomObject
    from qana_desktop.services.dicom_desk import DicomDesk
    from qana_desktop.services.report_desk import ReportDesk

LANE = "reports"
PREVIEW_DPI, PRINT_DPI = 110.0, 300.0


class ReportScreen(Protocol):
    """Where the presenter shows things."""

    def show_pages(self, pages: Sequence[PageImage]) -> None:
        """Show the pages of the report."""
        ...

    def show_state(self, text: str, *, busy: bool, ready: bool, fault: bool) -> None:
        """Show a sentence; `ready` says that there is a report to save and print."""
        ...


class ReportPresenter:
    """One case's report. `desk` and `images` are asked for in the worker."""

    def __init__(
        self,
        runner: Runner,
        desk: Callable[[], ReportDesk],
        images: Callable[[], DicomDesk],
        encounter: str,
        screen: ReportScreen,
    ) -> None:
        self._runner, self._desk, self._images = runner, desk, images
        self._encounter, self._screen = encounter, screen
        self.drawn: DrawnReport | None = None
        self.identity = Identity.PSEUDONYM
        self._asked = 0
        self._left = False

    def leave(self) -> None:
        """The screen is gone: show nothing more."""
        self._left = True
        self._asked += 1

    def draw(self, identity: Identity) -> None:
        """Draw the report anew; an earlier request that is still under way is forgotten."""
        self.identity, self.drawn = identity, None
        self._asked += 1
        asked = self._asked
        self._screen.show_state(tr("Making the report …"), busy=True, ready=False, fault=False)

        def work() -> tuple[DrawnReport, list[PageImage]]:
            drawn = self._desk().draw(self._encounter, identity)
            return drawn, list(draw_pages(drawn.pdf, dots_per_inch=PREVIEW_DPI))

        def done(made: tuple[DrawnReport, list[PageImage]]) -> None:
            if asked == self._asked:
                self.drawn = made[0]
                self._screen.show_pages(made[1])
                self._tell("")

        self._runner.run(LANE, work, done, lambda fault: self._failed(fault) if asked == self._asked else None)

    def save(self, path: Path) -> None:
        """Save the report that is shown."""
        drawn = self.drawn
        if drawn is None:
            return
        self._screen.show_state(tr("Saving …"), busy=True, ready=False, fault=False)
        self._runner.run(
            LANE,
            lambda: self._desk().save(drawn, path),
            lambda _saved: self._tell(tr("Saved as {name}. The file is not encrypted.", name=path.name)),
            self._failed,
        )

    def save_images(self, folder: Path, kind: DicomObject) -> None:
        """Save the case's images as DICOM, for whom the report names."""
        encounter, identity = self._encounter, self.identity
        self._screen.show_state(tr("Saving …"), busy=True, ready=False, fault=False)
        self._runner.run(
            LANE, lambda: self._images().save_many((encounter,), folder, kind, identity), self._saved, self._failed
        )

    def _saved(self, batch: Batch) -> None:
        if batch.failed:
            self._failed(batch.failed[0][1])
        else:
            self._tell(batch_words(batch))

    def print(self, paint: Callable[[Sequence[PageImage]], bool]) -> None:
        """Record the print, then let `paint` put the pages on paper, in the worker; it returns whether it could."""
        drawn = self.drawn
        if drawn is None:
            return
        self._screen.show_state(tr("Printing …"), busy=True, ready=False, fault=False)

        def work() -> bool:
            self._desk().note_print(drawn)
            return paint(list(draw_pages(drawn.pdf, dots_per_inch=PRINT_DPI)))

        def done(printed: bool) -> None:
            if printed:
                self._tell(tr("Handed to the printer."))
            else:
                self._tell(tr("The printer took nothing. Check it, or save the report as a file."), fault=True)

        self._runner.run(LANE, work, done, self._failed)

    def _tell(self, text: str, *, fault: bool = False) -> None:
        if not self._left:
            self._screen.show_state(text, busy=False, ready=self.drawn is not None, fault=fault)

    def _failed(self, fault: Fault) -> None:
        self._tell(fault.sentence(), fault=True)


def batch_words(batch: Batch) -> str:
    """Return what came of many files, in a sentence."""
    made = trn(len(batch.made), "{n} file was written. It is not encrypted.", "{n} files were written, not encrypted.")
    if not batch.failed:
        return made
    first = batch.failed[0][1].sentence()
    return (
        made + " " + trn(len(batch.failed), "{n} case failed: {why}", "{n} cases failed, the first: {why}", why=first)
    )
