"""The report of a case on the screen: its pages as they will be on paper, and buttons to save and to print it.

`show_report` is all that a page needs: it makes the sheet, shows it and lets it go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, QStandardPaths, Qt
from PySide6.QtGui import QImage, QPainter, QPixmap
from PySide6.QtPrintSupport import QPrintDialog, QPrinter
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from qana_desktop.reports.case_dicom import DicomObject
from qana_desktop.reports.case_report import Identity
from qana_desktop.reports.pdf_pages import PageImage
from qana_desktop.triage.access import Permission
from qana_desktop.ui.dialogs import open_sheet
from qana_desktop.ui.presenters.report import LANE, ReportPresenter, batch_words
from qana_desktop.ui.presenters.runner import Runner
from qana_desktop.ui.store_session import StoreSession
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.widgets.forms import ChoiceField, button, named
from qana_desktop.ui.widgets.labels import TextLabel

if TYPE_CHECKING:
    from qana_desktop.intake.reader import ImageReader
    from qana_desktop.services.clinic import Clinic
    from qana_desktop.services.dicom_desk import DicomDesk
    from qana_desktop.services.report_desk import Batch, ReportDesk


def show_report(parent: QWidget, theme: Theme, runner: Runner, session: StoreSession, encounter: str) -> ReportSheet:
    """Show the report of a case, by pseudonym at first. The sheet deletes itself when it is closed."""
    sheet = ReportSheet(parent, theme, runner, session, encounter)
    sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    open_sheet(sheet)
    sheet.presenter.draw(Identity.PSEUDONYM)
    return sheet


def save_reports(
    parent: QWidget,
    runner: Runner,
    session: StoreSession,
    encounters: Sequence[str],
    tell: Callable[[str], None],
    *,
    identity: Identity = Identity.PSEUDONYM,
    folder: Path | None = None,
) -> None:
    """Save the reports of many cases into a folder (None: a person is asked), and `tell` what came of it."""
    where = folder if folder is not None else _ask_for_folder(parent)
    if where is None or not encounters:
        return
    desks = _DeskMaker(session)

    def work() -> Batch:
        try:
            return desks().save_many(encounters, where, identity)
        finally:
            desks.close()

    runner.run(LANE, work, lambda batch: tell(batch_words(batch)), lambda fault: tell(fault.sentence()))


class ReportSheet(QDialog):
    """Preview, whom it names, save, print."""

    def __init__(self, parent: QWidget, theme: Theme, runner: Runner, session: StoreSession, encounter: str) -> None:
        super().__init__(parent)
        self._theme, self._session = theme, session
        self._desks = _DeskMaker(session)
        self.presenter = ReportPresenter(runner, self._desks, self._desks.images, encounter, self)
        self.ask_for_path: Callable[[str], Path | None] = lambda name: _ask_for_path(self, name)
        self.ask_for_folder: Callable[[], Path | None] = lambda: _ask_for_folder(self)
        self.ask_for_printer: Callable[[], QPrinter | None] = lambda: _ask_for_printer(self)
        self.pages: list[QLabel] = []
        self.setWindowTitle(tr("Report"))
        self._make()
        self.finished.connect(lambda _result: self._leave(runner))
        session.changed.connect(self._session_changed)
        self.resize(self.sizeHint())

    def sizeHint(self) -> QSize:
        """Return room for a page of A4 at a readable size."""
        return QSize(256 * self._theme.unit, 220 * self._theme.unit)

    # --- what the presenter tells

    def show_pages(self, pages: Sequence[PageImage]) -> None:
        """Show the pages, one below the other."""
        for label in self.pages:
            self._column.removeWidget(label)
            label.deleteLater()
        self.pages = [self._page(page, number, len(pages)) for number, page in enumerate(pages, start=1)]
        for label in self.pages:
            self._column.insertWidget(self._column.count() - 1, label, 0, Qt.AlignmentFlag.AlignHCenter)
        self._scroll.verticalScrollBar().setValue(0)

    def show_state(self, text: str, *, busy: bool, ready: bool, fault: bool) -> None:
        """Show a sentence, and what can be done now."""
        self.state.setProperty("role", "fault" if fault else "muted")
        self.state.style().polish(self.state)
        self.state.say(text)
        may = self._session.can_save(Permission.ENTER)
        self.save.setEnabled(ready and may and not busy)
        self.print_.setEnabled(ready and may and not busy)
        self.images.setEnabled(ready and may and not busy)
        self.identity.setEnabled(not busy)

    # --- building

    def _make(self) -> None:
        options = ((Identity.PSEUDONYM, tr("Pseudonym only")), (Identity.PATIENT, tr("Name, year of birth, sex")))
        hint = tr("By pseudonym, the name is also taken out of notes")
        self.identity: ChoiceField[Identity] = ChoiceField(self._theme, tr("The report names"), options, hint)
        self.identity.choice.picked.connect(self.presenter.draw)
        self.save = button(tr("Save as PDF …"), tr("Save what is shown; it is recorded"), self._save, role="primary")
        self.print_ = button(tr("Print …"), tr("Print what is shown; it is recorded"), self._print)
        self.images = self._images_button()
        self.close_ = button(tr("Close"), tr("Close the report (Esc)"), self.close)
        self.state = TextLabel(self._theme, role="muted")
        top = QHBoxLayout()
        top.setSpacing(2 * self._theme.unit)
        top.addWidget(self.identity)
        top.addStretch(1)
        for one in (self.images, self.print_, self.save, self.close_):
            top.addWidget(one, 0, Qt.AlignmentFlag.AlignBottom)
        layout = QVBoxLayout(self)
        layout.setSpacing(2 * self._theme.unit)
        layout.addLayout(top)
        layout.addWidget(self.state)
        layout.addWidget(self._preview(), 1)

    def _images_button(self) -> QPushButton:
        made = QPushButton(tr("Images as DICOM"))
        named(made, tr("Images as DICOM"), tr("Save the images with patient and study for a hospital's archive"))
        menu = QMenu(made)
        for kind, word in (
            (DicomObject.DERMOSCOPY, tr("Dermoscopic photographs …")),
            (DicomObject.SECONDARY_CAPTURE, tr("Secondary captures …")),
        ):
            menu.addAction(word).triggered.connect(lambda _on, kind=kind: self._save_images(kind))
        made.setMenu(menu)
        return made

    def _preview(self) -> QWidget:
        paper = QWidget()
        self._column = QVBoxLayout(paper)
        self._column.setSpacing(3 * self._theme.unit)
        self._column.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setWidget(paper)
        named(self._scroll, tr("Pages of the report"))
        return self._scroll

    def _page(self, page: PageImage, number: int, count: int) -> QLabel:
        label = QLabel()
        label.setPixmap(QPixmap.fromImage(_image(page)))
        label.setAccessibleName(tr("Page {page} of {pages}", page=number, pages=count))
        label.setAccessibleDescription(page.text)
        return label

    # --- what a person does

    def _save(self) -> None:
        drawn = self.presenter.drawn
        if drawn is not None and (path := self.ask_for_path(drawn.name)) is not None:
            self.presenter.save(path)

    def _save_images(self, kind: DicomObject) -> None:
        folder = self.ask_for_folder()
        if folder is not None:
            self.presenter.save_images(folder, kind)

    def _print(self) -> None:
        printer = self.ask_for_printer()
        if printer is not None:
            self.presenter.print(lambda pages: _paint(printer, pages))

    def _leave(self, runner: Runner) -> None:
        """Take no more results, and end the image reader after what is still under way."""
        self.presenter.leave()
        desks = self._desks
        runner.run(LANE, lambda: desks.close(), lambda _done: None)

    def _session_changed(self) -> None:
        """Nothing of a patient stays on the screen when it locks."""
        if self._session.covers or self._session.user is None:
            self.close()


class _DeskMaker:
    """Makes the desks at their first use, in the worker, with one image reader, and ends it."""

    def __init__(self, session: StoreSession) -> None:
        self._session = session
        self._reader: ImageReader | None = None
        self._desk: ReportDesk | None = None

    def __call__(self) -> ReportDesk:
        if self._desk is None:
            from qana_desktop.services.learning_homes import find_homes
            from qana_desktop.services.policies import PolicyShelf
            from qana_desktop.services.report_desk import ReportDesk

            clinic = self._clinic()
            self._desk = ReportDesk(clinic.store, clinic.desk.allowed, self._images(), PolicyShelf(find_homes()).of)
        return self._desk

    def images(self) -> DicomDesk:
        """Return the desk for DICOM."""
        from qana_desktop.services.dicom_desk import DicomDesk

        clinic = self._clinic()
        return DicomDesk(clinic.store, clinic.desk.allowed, self._images())

    def close(self) -> None:
        """End the image reader, if there is one."""
        if self._reader is not None:
            self._reader.close()

    def _clinic(self) -> Clinic:
        if self._session.clinic is None:
            raise ValueError("there is no place for a case store")
        return self._session.clinic

    def _images(self) -> ImageReader:
        if self._reader is None:
            from qana_desktop.intake.reader import ImageReader

            self._reader = ImageReader()
        return self._reader


def _image(page: PageImage) -> QImage:
    height, width = page.rgb.shape[:2]
    return QImage(page.rgb.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def _paint(printer: QPrinter, pages: Sequence[PageImage]) -> bool:
    """Put pages on paper, each as large as the sheet allows. For a worker: Qt lets one paint on a printer there."""
    painter = QPainter()
    if not painter.begin(printer):
        return False
    for number, page in enumerate(pages):
        if number and not printer.newPage():
            painter.end()
            return False
        image, room = _image(page), painter.viewport()
        size = image.size().scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
        painter.drawImage(QRect(room.topLeft(), size), image)
    return painter.end()


def _ask_for_path(parent: QWidget, name: str) -> Path | None:
    folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    # An existing file is never written over, so nobody is asked whether it should be.
    options = QFileDialog.Option.DontConfirmOverwrite
    title, kinds = tr("Save the report"), tr("PDF files (*.pdf)")
    chosen, _kind = QFileDialog.getSaveFileName(parent, title, str(Path(folder) / name), kinds, options=options)
    return Path(chosen) if chosen else None


def _ask_for_folder(parent: QWidget) -> Path | None:
    chosen = QFileDialog.getExistingDirectory(parent, tr("Folder for the files"))
    return Path(chosen) if chosen else None


def _ask_for_printer(parent: QWidget) -> QPrinter | None:
    printer = QPrinter(QPrinter.PrinterMode.HighResolution)
    printer.setFullPage(True)
    accepted = QPrintDialog(printer, parent).exec() == QDialog.DialogCode.Accepted
    return printer if accepted else None
