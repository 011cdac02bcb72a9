"""The report sheet on a real store: what it shows is what it saves and prints, and nothing stays when it locks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtPrintSupport import QPrinter
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from qana_desktop.reports.case_report import Identity
from qana_desktop.triage.access import Role
from qana_desktop.ui.views.report import ReportSheet, save_reports, show_report
from tests.support.report_cases import text_of
from tests.support.signed_in import SignedIn, signed_in
from tests.support.stage import at_size, make_theme, shortcomings
from tests.support.stores import add_case

pytestmark = pytest.mark.keeps_processes


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SignedIn]:
    with signed_in(tmp_path / "store") as made:
        yield made


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


def opened(place: SignedIn, window: QWidget, qtbot: QtBot, *, theme: str = "light") -> ReportSheet:
    case = add_case(place.clinic.store, 1)
    sheet = show_report(window, make_theme(theme), place.bridge, place.session, case)
    qtbot.waitExposed(sheet)
    place.settle(qtbot)
    return sheet


def actions(place: SignedIn) -> list[str]:
    store = place.clinic.store
    with store.reading() as connection:
        return [row.event.action for row in store.log.rows(connection) if row.event.action.startswith("report-")]


def closed(sheet: ReportSheet, place: SignedIn, qtbot: QtBot) -> None:
    sheet.close()
    place.settle(qtbot)


def test_the_pages_are_shown_and_can_be_heard(place: SignedIn, window: QWidget, qtbot: QtBot) -> None:
    sheet = opened(place, window, qtbot)
    assert [label.accessibleName() for label in sheet.pages] == [
        f"Page {number} of {len(sheet.pages)}" for number in range(1, len(sheet.pages) + 1)
    ]
    assert "P-00001" in sheet.pages[0].accessibleDescription()
    assert not sheet.pages[0].pixmap().isNull()
    assert sheet.save.isEnabled()
    closed(sheet, place, qtbot)


def test_what_is_saved_is_what_was_shown(place: SignedIn, window: QWidget, qtbot: QtBot, tmp_path: Path) -> None:
    sheet = opened(place, window, qtbot)
    shown = sheet.presenter.drawn
    assert shown is not None
    sheet.ask_for_path = lambda name: tmp_path / name
    qtbot.mouseClick(sheet.save, Qt.MouseButton.LeftButton)
    place.settle(qtbot)
    assert (tmp_path / shown.name).read_bytes() == shown.pdf
    assert actions(place) == ["report-saved"]
    assert "Saved as" in sheet.state.text()
    qtbot.mouseClick(sheet.save, Qt.MouseButton.LeftButton)
    place.settle(qtbot)
    assert "something at the place" in sheet.state.text()
    assert sheet.state.property("role") == "fault"
    assert actions(place) == ["report-saved"]
    closed(sheet, place, qtbot)


def test_a_print_reaches_paper_and_is_on_record(place: SignedIn, window: QWidget, qtbot: QtBot, tmp_path: Path) -> None:
    sheet = opened(place, window, qtbot)
    printer = QPrinter(QPrinter.PrinterMode.HighResolution)
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(tmp_path / "paper.pdf"))
    printer.setFullPage(True)
    sheet.ask_for_printer = lambda: printer
    qtbot.mouseClick(sheet.print_, Qt.MouseButton.LeftButton)
    place.settle(qtbot)
    assert (tmp_path / "paper.pdf").read_bytes().count(b"/Type /Page\n") == len(sheet.pages)
    assert actions(place) == ["report-printed"]
    assert sheet.state.text() == "Handed to the printer."
    closed(sheet, place, qtbot)


def test_the_person_is_named_when_someone_chooses_that(place: SignedIn, window: QWidget, qtbot: QtBot) -> None:
    sheet = opened(place, window, qtbot)
    sheet.identity.choice.setCurrentIndex(1)
    sheet.identity.choice.activated.emit(1)
    place.settle(qtbot)
    assert sheet.presenter.identity is Identity.PATIENT
    assert sheet.presenter.drawn is not None
    assert "Year of birth" in text_of(sheet.presenter.drawn.pdf)
    closed(sheet, place, qtbot)


def test_images_leave_as_dicom_for_whom_the_report_names(
    place: SignedIn, window: QWidget, qtbot: QtBot, tmp_path: Path
) -> None:
    sheet = opened(place, window, qtbot)
    sheet.ask_for_folder = lambda: tmp_path / "out"
    for action in sheet.images.menu().actions():
        action.trigger()
        place.settle(qtbot)
    assert sheet.state.text() == "1 file was written. It is not encrypted."
    assert sorted(path.name.rpartition("_")[2] for path in (tmp_path / "out").iterdir()) == [
        "dermoscopy.dcm",
        "secondary-capture.dcm",
    ]
    closed(sheet, place, qtbot)


def test_many_reports_are_saved_and_what_came_of_it_is_told(
    place: SignedIn, window: QWidget, qtbot: QtBot, tmp_path: Path
) -> None:
    store = place.clinic.store
    told: list[str] = []
    chosen = (add_case(store, 1), add_case(store, 2), "f" * 32)
    save_reports(window, place.bridge, place.session, chosen, told.append, folder=tmp_path / "out")
    place.settle(qtbot)
    assert len(list((tmp_path / "out").iterdir())) == 2
    assert told[0].startswith("2 files were written, not encrypted. 1 case failed: ")


def test_a_case_that_cannot_be_reported_is_told_and_nothing_can_be_saved(
    place: SignedIn, window: QWidget, qtbot: QtBot
) -> None:
    sheet = show_report(window, make_theme(), place.bridge, place.session, "f" * 32)
    place.settle(qtbot)
    assert sheet.state.property("role") == "fault"
    assert not sheet.save.isEnabled()
    assert not sheet.print_.isEnabled()
    closed(sheet, place, qtbot)


def test_a_viewer_may_look_and_neither_save_nor_print(window: QWidget, qtbot: QtBot, tmp_path: Path) -> None:
    with signed_in(tmp_path / "store", role=Role.VIEWER) as place:
        sheet = opened(place, window, qtbot)
        assert sheet.pages
        assert not sheet.save.isEnabled()
        assert not sheet.print_.isEnabled()
        closed(sheet, place, qtbot)


def test_the_sheet_goes_when_the_screen_locks(place: SignedIn, window: QWidget, qtbot: QtBot) -> None:
    sheet = opened(place, window, qtbot)
    with qtbot.waitSignal(sheet.finished):
        place.session.lock()
    place.settle(qtbot)


def test_a_sheet_that_is_closed_while_it_works_takes_no_result(place: SignedIn, window: QWidget, qtbot: QtBot) -> None:
    case = add_case(place.clinic.store, 1)
    sheet = show_report(window, make_theme(), place.bridge, place.session, case)
    sheet.close()
    place.settle(qtbot)


@pytest.mark.usefixtures("font_kept")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("share", [1.0, 2.0])
def test_every_control_can_be_used_by_everybody(
    place: SignedIn, window: QWidget, qtbot: QtBot, theme: str, share: float
) -> None:
    sheet = opened(place, window, qtbot, theme=theme)
    at_size(sheet._theme, share)
    sheet.resize(sheet.sizeHint())
    qtbot.waitUntil(lambda: shortcomings(sheet) == [], timeout=5000)
    closed(sheet, place, qtbot)
