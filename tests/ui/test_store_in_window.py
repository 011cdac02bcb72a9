"""The case store in the real window: images kept, assessed, signed, locked, undone; with a real encrypted store."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from qana_desktop.services.clinic import Clinic
from qana_desktop.services.store_state import StoreState
from qana_desktop.system.paths import Paths
from qana_desktop.triage.case import Action, ProofSource
from qana_desktop.triage.diagnosis import Diagnosis
from qana_desktop.triage.worklist import CaseState, WorklistQuery
from qana_desktop.ui.presenters.reading import row_line, row_number
from qana_desktop.ui.settings import AnswerOrder
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.views.cases import CasesPage
from tests.support.stores import PASSPHRASE, PASSWORD, QUICK, MemoryKeychain
from tests.ui.conftest import Opened, OpenWindow

OpenClinic = Callable[..., Opened]


class Hands:
    """A person at the window."""

    def __init__(self, qtbot: QtBot, opened: Opened) -> None:
        self.qtbot, self.opened, self.window = qtbot, opened, opened.window

    def settle(self) -> None:
        self.qtbot.waitUntil(lambda: self.window.idle, timeout=20_000)

    def do(self, command: Command) -> None:
        assert self.window.actions_[command].isEnabled(), command
        self.window.actions_[command].trigger()
        self.settle()

    @property
    def cases(self) -> CasesPage:
        page = self.window.deck.page(Command.CASES)
        assert isinstance(page, CasesPage)
        return page

    def make_store(self, *, passphrase: str | None = None) -> str:
        """Go through the first run and return the recovery code."""
        self.do(Command.CASES)
        create = self.cases.gate.creating
        create.clinician.name.edit.setText("Clara")
        for fields in (create.clinician, create.admin):
            fields.password.edit.setText(PASSWORD)
            fields.again.edit.setText(PASSWORD)
        if passphrase is not None:
            create.wants_passphrase.setChecked(True)
            create.passphrase.edit.setText(passphrase)
            create.again.edit.setText(passphrase)
        create.make.click()
        self.qtbot.waitUntil(lambda: self.cases.gate.showing_code, timeout=20_000)
        code = self.cases.gate.coding.shown.text()
        self.cases.gate.coding.kept.setChecked(True)
        self.cases.gate.coding.done.click()
        self.qtbot.waitUntil(lambda: self.window.store.state is StoreState.OPEN, timeout=20_000)
        self.settle()
        return code

    def keep_shown(self, pseudonym: str, site: str = "upper back") -> None:
        self.do(Command.TRIAGE)
        self.do(Command.KEEP)
        sheet = self.window.triage.keeper.sheet
        assert sheet is not None
        sheet.form.pseudonym.edit.setText(pseudonym)
        sheet.form.site.setCurrentText(site)
        self.qtbot.waitUntil(lambda: not sheet.busy)
        self.settle()
        sheet.keep.click()
        self.qtbot.waitUntil(lambda: not sheet.isVisible(), timeout=20_000)
        self.settle()

    def texts(self) -> str:
        return "\n".join(label.text() for label in self.cases.findChildren(QLabel) if label.isVisible())

    def rows(self) -> list[str]:
        model = self.cases.model
        return [row.pseudonym for number in range(model.rowCount()) if (row := model.row(number)) is not None]


@pytest.fixture
def keychain() -> MemoryKeychain:
    return MemoryKeychain()


@pytest.fixture
def at_work(qtbot: QtBot, open_window: OpenWindow, paths: Paths, keychain: MemoryKeychain) -> Callable[..., Hands]:
    """Open a window with a place for a store."""

    def open_it(*images: Path, **options: object) -> Hands:
        clinic = lambda: Clinic(paths.data / "store", lambda: keychain, cost=QUICK)  # noqa: E731
        hands = Hands(qtbot, open_window(*images, clinic=clinic, **options))
        hands.settle()
        return hands

    return open_it


def test_from_the_first_run_to_a_signed_case_and_back(
    at_work: Callable[..., Hands], clinic_day: Path, qtbot: QtBot
) -> None:
    hands = at_work(clinic_day / "b-m71.png")
    assert "nothing is kept" in hands.window.foot.session.text()
    hands.make_store()
    assert "nothing is kept" not in hands.window.foot.session.text()
    hands.keep_shown("P-0192")
    assert hands.window.worklist.entry(0).kept
    assert hands.window.banners.banner("kept") is not None

    hands.do(Command.CASES)
    qtbot.waitUntil(lambda: hands.rows() == ["P-0192"] and hands.window.idle)
    hands.settle()
    assert "P-0192 · upper back" in hands.texts()
    form = hands.cases.panel.assessment
    form.finding.diagnosis.choice.choose(Diagnosis.MEL)
    form.action.choice.choose(Action.EXCISE)
    hands.do(Command.SIGN)
    desk = hands.window.store.clinic.desk
    row = desk.worklist(WorklistQuery())[0]
    assert row.state is CaseState.SIGNED
    case = desk.open_case(row.encounter)
    assert case.assessments[0].value.finding.diagnosis is Diagnosis.MEL
    assert case.images[0].readings[0].value.provenance.bundle == "made-up-bundle"
    assert case.images[0].image.value.thumbnail_sha256 is not None

    hands.do(Command.LOCK)
    assert hands.window.root.currentWidget() is hands.window.cover
    assert not hands.cases.isVisible()
    assert not hands.window.triage.isVisible()
    assert not hands.window.actions_[Command.OPEN].isEnabled()
    signing = hands.window.cover.signing
    signing.password.edit.setText("not the password")
    signing.go.click()
    hands.settle()
    assert hands.window.store.state is StoreState.LOCKED
    signing.password.edit.setText(PASSWORD)
    qtbot.keyClick(signing.password.edit, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: hands.window.store.state is StoreState.OPEN)
    hands.settle()
    assert hands.cases.isVisible()

    for _ in range(3):
        hands.do(Command.UNDO)
    assert desk.count(WorklistQuery()) == 0
    assert not hands.window.worklist.entry(0).kept
    hands.do(Command.REDO)
    assert desk.count(WorklistQuery()) == 1
    qtbot.waitUntil(lambda: hands.window.worklist.entry(0).kept)


def test_a_batch_is_kept_at_once_and_known_images_are_left_out(at_work: Callable[..., Hands], clinic_day: Path) -> None:
    hands = at_work(clinic_day)
    hands.make_store()
    hands.window.triage.select(1)
    hands.keep_shown("P-1")
    hands.do(Command.TRIAGE)
    hands.do(Command.KEEP_ALL)
    sheet = hands.window.triage.keeper.sheet
    assert sheet is not None
    sheet.keep.click()
    hands.qtbot.waitUntil(lambda: not sheet.isVisible(), timeout=20_000)
    hands.settle()
    desk = hands.window.store.clinic.desk
    assert sorted(row.pseudonym for row in desk.worklist(WorklistQuery())) == ["P-1", "a-m05", "c-blurred", "d-m31"]
    assert desk.worklist(WorklistQuery())[0].pseudonym == "c-blurred"
    assert not hands.window.actions_[Command.KEEP_ALL].isEnabled()
    hands.do(Command.UNDO)
    assert desk.count(WorklistQuery()) == 1


def test_an_image_that_is_there_already_is_said_before_it_is_kept_again(
    at_work: Callable[..., Hands], clinic_day: Path, tmp_path: Path
) -> None:
    hands = at_work(clinic_day / "b-m71.png")
    hands.make_store()
    hands.keep_shown("P-1")
    again = tmp_path / "copy-m71.png"
    again.write_bytes((clinic_day / "b-m71.png").read_bytes())
    hands.window.open_paths([again])
    hands.qtbot.waitUntil(lambda: len(hands.window.worklist) == 2)
    hands.settle()
    hands.do(Command.KEEP)
    sheet = hands.window.triage.keeper.sheet
    assert sheet is not None
    hands.settle()
    sheet.keep.click()
    assert sheet.isVisible()
    sheet.form.also_known.setChecked(True)
    sheet.form.pseudonym.edit.setText("p-1")
    hands.qtbot.waitUntil(lambda: not sheet.busy)
    hands.settle()
    sheet.keep.click()
    hands.qtbot.waitUntil(lambda: not sheet.isVisible(), timeout=20_000)
    hands.settle()
    desk = hands.window.store.clinic.desk
    rows = desk.worklist(WorklistQuery())
    assert len(rows) == 2
    assert len({row.patient for row in rows}) == 1


def test_undo_works_after_the_window_was_closed_and_opened(at_work: Callable[..., Hands], clinic_day: Path) -> None:
    first = at_work(clinic_day / "b-m71.png")
    first.make_store()
    first.keep_shown("P-1")
    first.window.close()
    again = at_work()
    again.qtbot.waitUntil(lambda: again.window.store.state is StoreState.SIGNED_OUT)
    again.do(Command.CASES)
    signing = again.cases.gate.signing
    signing.name.choice.choose("Clara")
    signing.password.edit.setText(PASSWORD)
    signing.go.click()
    again.qtbot.waitUntil(lambda: again.rows() == ["P-1"], timeout=20_000)
    again.settle()
    again.do(Command.UNDO)
    again.qtbot.waitUntil(lambda: again.cases.model.rowCount() == 0)


def test_a_lost_keychain_asks_for_the_recovery_code(at_work: Callable[..., Hands], keychain: MemoryKeychain) -> None:
    first = at_work()
    code = first.make_store(passphrase=PASSPHRASE)
    first.window.close()
    keychain.secrets.clear()
    again = at_work()
    again.do(Command.CASES)
    opening = again.cases.gate.opening
    again.qtbot.waitUntil(opening.isEnabled)
    assert opening.passphrase.isVisible()
    opening.code.edit.setText(code)
    opening.open.click()
    again.qtbot.waitUntil(lambda: again.window.store.state is StoreState.SIGNED_OUT, timeout=20_000)
    again.settle()
    assert keychain.secrets


def test_an_outcome_and_a_skin_tone_are_entered(at_work: Callable[..., Hands], clinic_day: Path) -> None:
    hands = at_work(clinic_day / "b-m71.png")
    hands.make_store()
    hands.keep_shown("P-1")
    hands.do(Command.CASES)
    hands.qtbot.waitUntil(lambda: hands.rows() == ["P-1"] and hands.window.idle)
    hands.settle()
    facts = hands.cases.panel.facts
    facts.tone.choice.setCurrentIndex(3)
    facts.tags.edit.setText("urgent, thick")
    facts.save.click()
    hands.settle()
    facts.outcome.finding.diagnosis.choice.choose(Diagnosis.MEL)
    facts.outcome.source.choice.choose(ProofSource.HISTOLOGY)
    facts.outcome.reported.edit.setText("31.1.2026")
    facts.outcome.save.click()
    assert "2026-01-31" in facts.outcome._fault.text()
    facts.outcome.reported.edit.setText("2026-01-31")
    facts.outcome.save.click()
    hands.settle()
    desk = hands.window.store.clinic.desk
    case = desk.open_case(desk.worklist(WorklistQuery())[0].encounter)
    assert case.skin_tone.value.value == 3
    assert case.tags.value.labels == ("thick", "urgent")
    assert case.outcomes[0].value.reported == "2026-01-31"


def test_clinician_first_hides_the_answer_until_ones_own_is_entered(
    at_work: Callable[..., Hands], clinic_day: Path
) -> None:
    hands = at_work(clinic_day / "b-m71.png")
    hands.window._settings.answer_order = AnswerOrder.CLINICIAN_FIRST
    hands.make_store()
    hands.keep_shown("P-1")
    hands.do(Command.CASES)
    hands.qtbot.waitUntil(lambda: hands.rows() == ["P-1"] and hands.window.idle)
    hands.settle()
    panel = hands.cases.panel
    panel.show_tab(0)
    assert panel.hidden.isVisible()
    assert not panel.reading.headline.isVisible()
    panel.show_tab(1)
    panel.assessment.finding.diagnosis.choice.choose(Diagnosis.NV)
    panel.assessment.action.choice.choose(Action.MONITOR)
    assert not panel.assessment.reason.isVisible()
    panel.assessment.save.click()
    hands.settle()
    panel.show_tab(0)
    assert not panel.hidden.isVisible()
    assert panel.reading.headline.isVisible()


def test_another_finding_than_the_readings_asks_for_a_reason(at_work: Callable[..., Hands], clinic_day: Path) -> None:
    hands = at_work(clinic_day / "b-m71.png")
    hands.make_store()
    hands.keep_shown("P-1")
    hands.do(Command.CASES)
    hands.qtbot.waitUntil(lambda: hands.rows() == ["P-1"] and hands.window.idle)
    hands.settle()
    form = hands.cases.panel.assessment
    form.finding.diagnosis.choice.choose(Diagnosis.BKL)
    form.action.choice.choose(Action.NONE)
    hands.do(Command.SIGN)
    desk = hands.window.store.clinic.desk
    assert desk.worklist(WorklistQuery())[0].state is CaseState.OPEN
    form.reason.edit.setText("stuck-on look")
    hands.do(Command.SIGN)
    case = desk.open_case(desk.worklist(WorklistQuery())[0].encounter)
    assert case.assessments[0].value.override_reason == "stuck-on look"
    assert case.sign_offs


def test_a_backup_is_made_and_its_age_is_shown(at_work: Callable[..., Hands], clinic_day: Path, tmp_path: Path) -> None:
    hands = at_work(clinic_day / "b-m71.png")
    hands.make_store()
    hands.keep_shown("P-1")
    hands.do(Command.CASES)
    assert "Never backed up" in hands.cases.list.backup.text()
    hands.window._settings.backup_folder = tmp_path / "backups"
    hands.do(Command.BACK_UP)
    assert "Backed up today" in hands.cases.list.backup.text()
    assert len(list((tmp_path / "backups").iterdir())) == 1


def test_the_screen_locks_after_a_time_of_rest_and_hides_every_sheet(
    qtbot: QtBot, open_window: OpenWindow, paths: Paths, keychain: MemoryKeychain, clinic_day: Path
) -> None:
    now = [0.0]
    clinic = lambda: Clinic(paths.data / "store", lambda: keychain, cost=QUICK, monotonic=lambda: now[0])  # noqa: E731
    hands = Hands(qtbot, open_window(clinic_day / "b-m71.png", clinic=clinic))
    hands.settle()
    hands.make_store()
    hands.do(Command.TRIAGE)
    hands.do(Command.KEEP)
    sheet = hands.window.triage.keeper.sheet
    assert sheet is not None
    assert sheet.isVisible()
    now[0] = 60.0 * hands.window._settings.auto_lock_minutes + 1
    qtbot.waitUntil(lambda: hands.window.root.currentWidget() is hands.window.cover, timeout=5000)
    assert not sheet.isVisible()
    assert not hands.window.triage.isVisible()
    signing = hands.window.cover.signing
    signing.password.edit.setText(PASSWORD)
    signing.go.click()
    qtbot.waitUntil(lambda: hands.window.store.state is StoreState.OPEN)
    hands.settle()
    assert sheet.isVisible()
    sheet.reject()


def sign_in(hands: Hands, name: str) -> None:
    """Sign in at whatever asks for it."""
    gate = hands.window.cover if hands.window.store.covers else hands.cases.gate
    assert gate is not None
    hands.qtbot.waitUntil(lambda: name in gate.signing.name.choice.values)
    gate.signing.name.choice.choose(name)
    gate.signing.password.edit.setText(PASSWORD)
    gate.signing.go.click()
    hands.qtbot.waitUntil(lambda: hands.window.store.user is not None and hands.window.store.user.name == name)
    hands.qtbot.waitUntil(lambda: hands.window.store.state is StoreState.OPEN)
    hands.settle()


def test_a_second_reader_is_let_in_by_the_administrator_and_reads_from_the_queue(
    at_work: Callable[..., Hands], clinic_day: Path
) -> None:
    hands = at_work(clinic_day / "b-m71.png")
    hands.make_store()
    assert not hands.window.actions_[Command.PEOPLE].isEnabled()
    hands.keep_shown("P-1")
    hands.do(Command.CASES)
    hands.qtbot.waitUntil(lambda: hands.rows() == ["P-1"] and hands.window.idle)
    hands.settle()
    panel = hands.cases.panel
    panel.assessment.finding.diagnosis.choice.choose(Diagnosis.MEL)
    panel.assessment.action.choice.choose(Action.EXCISE)
    panel.assessment.save.click()
    hands.settle()
    panel.facts.second.click()
    hands.settle()

    hands.do(Command.SWITCH_USER)
    sign_in(hands, "Administrator")
    hands.do(Command.PEOPLE)
    people = hands.window.care.people
    people.fields.name.edit.setText("Cornelius")
    people.fields.password.edit.setText(PASSWORD)
    people.fields.again.edit.setText(PASSWORD)
    people.add_person.click()
    hands.qtbot.waitUntil(lambda: len(people.people) == 3)
    assert not hands.window.actions_[Command.SIGN].isEnabled()
    people.close()

    hands.do(Command.SWITCH_USER)
    sign_in(hands, "Cornelius")
    hands.cases.list.choose_view("Second reading")
    hands.qtbot.waitUntil(lambda: hands.rows() == ["P-1"] and hands.window.idle)
    hands.settle()
    panel.assessment.finding.diagnosis.choice.choose(Diagnosis.MEL)
    panel.assessment.action.choice.choose(Action.EXCISE)
    hands.do(Command.SIGN)
    hands.qtbot.waitUntil(lambda: hands.cases.model.rowCount() == 0)
    desk = hands.window.store.clinic.desk
    case = desk.open_case(desk.worklist(WorklistQuery())[0].encounter)
    assert case.second_readings[0].value.agrees
    assert case.sign_offs


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
