"""The case store at the desk: the watched folder, ZIP files, wrong passwords, a damaged record, clinician first."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from qana_desktop.services.store_state import StoreState
from qana_desktop.system.paths import Paths
from qana_desktop.triage.case import Action
from qana_desktop.triage.diagnosis import Diagnosis
from qana_desktop.triage.worklist import WorklistQuery
from qana_desktop.ui.presenters.reading import row_line, row_number
from qana_desktop.ui.settings import AnswerOrder
from qana_desktop.ui.shortcuts import Command
from tests.support.hands import Hands, sign_in
from tests.support.stores import PASSWORD


def test_the_signed_case_stays_on_the_screen_and_no_other_line_is_marked(
    at_work: Callable[..., Hands], clinic_day: Path
) -> None:
    hands = at_work(clinic_day)
    hands.make_store()
    hands.do(Command.TRIAGE)
    hands.do(Command.KEEP_ALL)
    sheet = hands.window.triage.keeper.sheet
    assert sheet is not None
    sheet.keep.click()
    hands.qtbot.waitUntil(lambda: not sheet.isVisible(), timeout=20_000)
    hands.do(Command.CASES)
    hands.qtbot.waitUntil(lambda: hands.cases.model.rowCount() == 4 and hands.window.idle)
    hands.do(Command.NEXT)
    assert hands.cases.panel.title.text() == "b-m71"
    hands.cases.panel.assessment.finding.diagnosis.choice.choose(Diagnosis.MEL)
    hands.cases.panel.assessment.action.choice.choose(Action.EXCISE)
    hands.do(Command.SIGN)
    assert hands.cases.panel.title.text() == "b-m71"
    assert not hands.cases.list.list.currentIndex().isValid()
    hands.do(Command.NEXT)
    assert hands.cases.panel.title.text() == "d-m31"


def test_images_of_the_watched_folder_are_read_and_move_nothing(
    at_work: Callable[..., Hands], clinic_day: Path, tmp_path: Path
) -> None:
    hands = at_work(clinic_day / "b-m71.png")
    folder = tmp_path / "camera"
    folder.mkdir()
    hands.window._settings.watch_folder = folder
    hands.window._use_settings()
    hands.settle()
    (folder / "new-m58.png").write_bytes((clinic_day / "a-m05.png").read_bytes())
    hands.do(Command.CASES)
    hands.qtbot.waitUntil(lambda: hands.window.watching.look() or len(hands.window.worklist) == 2)
    hands.settle()
    assert hands.cases.isVisible()
    assert hands.window.image.caption.text() == "b-m71.png"
    assert hands.window.worklist.entry(1).reading is not None
    assert hands.window.banners.banner("watched") is not None


def test_a_dropped_zip_is_read_from_memory(at_work: Callable[..., Hands], clinic_day: Path, tmp_path: Path) -> None:
    path = tmp_path / "day.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for image in sorted(clinic_day.iterdir()):
            archive.write(image, image.name)
    hands = at_work(path)
    hands.qtbot.waitUntil(lambda: len(hands.window.worklist) == 4)
    hands.settle()
    assert {entry.reading is not None for entry in hands.window.worklist.entries()} == {True}


def test_wrong_passwords_make_one_wait_and_the_sentence_says_how_long(at_work: Callable[..., Hands]) -> None:
    hands = at_work()
    hands.make_store()
    hands.do(Command.LOCK)
    cover = hands.window.cover
    assert cover is not None
    for _ in range(4):
        cover.signing.password.edit.setText("not the password")
        cover.signing.go.click()
        hands.settle()
    assert "too many wrong passwords" in cover.signing._fault.text()
    cover.signing.password.edit.setText(PASSWORD)
    cover.signing.go.click()
    hands.settle()
    assert hands.window.store.state is StoreState.LOCKED


def test_a_store_whose_audit_record_does_not_hold_is_read_only_and_says_why(
    at_work: Callable[..., Hands], clinic_day: Path, paths: Paths
) -> None:
    first = at_work(clinic_day / "b-m71.png")
    first.make_store()
    first.keep_shown("P-1")
    first.window.close()
    (paths.data / "store" / "audit.head").unlink()
    again = at_work(clinic_day / "d-m31.png")
    again.qtbot.waitUntil(lambda: again.window.store.state is StoreState.SIGNED_OUT)
    again.do(Command.CASES)
    sign_in(again, "Clara")
    banner = again.window.banners.banner("store-read-only")
    assert banner is not None
    assert "nothing is saved" in banner.notice.text
    again.qtbot.waitUntil(lambda: again.rows() == ["P-1"] and again.window.idle)
    again.settle()
    assert again.cases.panel.title.text().startswith("P-1")
    assert not again.cases.panel.assessment.isEnabled()
    for command in (Command.UNDO, Command.SIGN):
        assert not again.window.actions_[command].isEnabled()
    again.do(Command.TRIAGE)
    again.do(Command.KEEP)
    assert again.window.triage.keeper.sheet is None


def test_clinician_first_hides_answers_on_the_triage_page_and_keeps_the_own_finding(
    at_work: Callable[..., Hands], clinic_day: Path
) -> None:
    hands = at_work(clinic_day)
    hands.make_store()
    hands.do(Command.TRIAGE)
    hands.window._settings.answer_order = AnswerOrder.CLINICIAN_FIRST
    hands.window._use_settings()
    triage = hands.window.triage
    triage.select(1)
    assert not triage.reading_panel.isVisible()
    assert triage.answer.form.isVisible()
    shown = hands.window.worklist.entry(1)
    assert (row_number(shown), row_line(shown)) == ("", "Not yet assessed")
    triage.select(2)
    assert triage.reading_panel.isVisible(), "what cannot be assessed is told at once"
    triage.select(1)
    triage.answer.form.finding.diagnosis.choice.choose(Diagnosis.BCC)
    triage.answer.form.action.choice.choose(Action.BIOPSY)
    triage.answer.form.enter.click()
    assert triage.reading_panel.isVisible()
    assert row_number(hands.window.worklist.entry(1)) == "0.71"
    assert row_number(hands.window.worklist.entry(3)) == ""
    hands.keep_shown("P-1")
    desk = hands.window.store.clinic.desk
    case = desk.open_case(desk.worklist(WorklistQuery())[0].encounter)
    assert case.assessments[0].value.finding.diagnosis is Diagnosis.BCC
