"""The case store in the real window: images kept, assessed, signed, locked, undone; with a real encrypted store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from qana_desktop.services.clinic import Clinic
from qana_desktop.services.store_state import StoreState
from qana_desktop.system.paths import Paths
from qana_desktop.triage.case import Action, ProofSource
from qana_desktop.triage.diagnosis import Diagnosis
from qana_desktop.triage.worklist import CaseState, WorklistQuery
from qana_desktop.ui.settings import AnswerOrder
from qana_desktop.ui.shortcuts import Command
from tests.support.hands import Hands, sign_in
from tests.support.stores import PASSPHRASE, PASSWORD, QUICK, MemoryKeychain
from tests.ui.conftest import OpenWindow


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
