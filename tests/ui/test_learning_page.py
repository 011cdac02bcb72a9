"""The Learning page on a real store, with real training: proposed, confirmed, trained, decided, in use, taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from qana_desktop.engines.registry import ADAPTERS, EngineRegistry
from qana_desktop.services.activation import activate_version
from qana_desktop.services.clinic import Clinic
from qana_desktop.services.learning_homes import ModelHomes
from qana_desktop.services.learning_room import LearningRoom
from qana_desktop.services.learning_versions import VersionsDesk
from qana_desktop.store.records import Put, new_id
from qana_desktop.triage.access import Role
from qana_desktop.triage.case import Finding, ProofSource, ProvenOutcome
from qana_desktop.triage.diagnosis import Diagnosis
from qana_desktop.ui.pages import PageContext
from qana_desktop.ui.settings import WindowSettings
from qana_desktop.ui.theme.manager import Theme, ThemeChoice
from qana_desktop.ui.views.learning import LearningPage
from tests.support.learning_clinic import CODES, add_lesion, factory_models
from tests.support.signed_in import SignedIn, signed_in
from tests.support.stores import PASSWORD


class Room(QObject):
    """A page in front of somebody, who can be another person."""

    def __init__(self, qtbot: QtBot, signed: SignedIn, homes: ModelHomes, settings: Path) -> None:
        super().__init__()
        self.qtbot, self.signed, self.homes = qtbot, signed, homes
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        context = PageContext(
            theme=Theme(app, ThemeChoice.LIGHT),
            bridge=signed.bridge,
            actions=None,
            settings=WindowSettings(settings),
            notices=signed.notices,
            store=signed.session,
            desks=lambda: None,
            go=lambda _command: None,
        )
        self.page = LearningPage(context, make=self.make)
        qtbot.addWidget(self.page)
        self.page.resize(1280, 900)
        self.page.show()
        self.page.entered()
        self.settle()

    def make(self, clinic: Clinic) -> LearningRoom:
        onnx = [spec for spec in ADAPTERS if spec.kind == "onnx-cpu"]
        room = LearningRoom(
            clinic.store, clinic.desk.allowed, homes=lambda: self.homes, shelf=lambda: EngineRegistry(onnx)
        )
        room.versions = VersionsDesk(
            room.desk, put_in_use=lambda models, one: activate_version(models, one, report=lambda _path: [])
        )
        return room

    def settle(self) -> None:
        self.qtbot.waitUntil(lambda: self.signed.bridge.idle and self.page.idle, timeout=120_000)
        assert self.signed.bugs == []

    def be(self, name: str) -> None:
        self.signed.clinic.sign_in(name, PASSWORD)
        self.signed.session.look()
        self.page.entered()
        self.settle()

    def click(self, button) -> None:
        assert button.isEnabled(), button.text()
        button.click()
        self.settle()

    @property
    def said(self) -> str:
        return self.page.versions.said.text()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return factory_models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def room(qtbot: QtBot, tmp_path: Path, models: Path) -> Iterator[Room]:
    with signed_in(tmp_path / "store") as signed:
        for name, role in (("Carl", Role.CLINICIAN), ("Bert", Role.APPROVER)):
            signed.clinic.users.add(name, role, PASSWORD, by="system")
        made = Room(qtbot, signed, ModelHomes(models, tmp_path / "models"), tmp_path / "config")
        yield made
        made.page.work.close()


def prove(room: Room, labels: list[str], start: int = 1) -> None:
    """File lesions with histology."""
    store = room.signed.clinic.store
    for number, label in enumerate(labels):
        image = add_lesion(store, CODES.index(label), start + number)
        with store.reading() as connection:
            from qana_desktop.store import records
            from qana_desktop.triage.case import CaseImage, Encounter

            visit = records.current(connection, CaseImage, image).parent
            lesion = records.current(connection, Encounter, visit).parent
        outcome = ProvenOutcome(Finding(Diagnosis(label)), ProofSource.HISTOLOGY, "2026-02-03")
        store.file([Put(outcome, new_id(), lesion)], by="tester", what="enter an outcome")
    room.page.entered()
    room.settle()


def choose(room: Room, words: str) -> None:
    queue = room.page.queue.list
    row = next(row for row in range(queue.count()) if words in queue.item(row).text())
    queue.setCurrentRow(row)
    room.settle()


def test_an_empty_page_says_what_to_do_and_offers_nothing_that_cannot_be_done(room):
    page = room.page
    assert "Enter outcomes on the Cases page" in page.queue.proven.text()
    assert page.versions.in_use.text().startswith("In use: the factory version")
    for button in (page.versions.train, page.queue.propose, page.versions.back, page.versions.approve):
        assert not (button.isVisible() and button.isEnabled())


def test_from_proven_cases_to_a_version_in_use_and_back(room):
    page = room.page
    prove(room, ["nv", "bkl", "nv", "mel", "df", "nv", "vasc", "nv", "bkl", "nv"])
    assert "10 images of the store have a proven diagnosis" in page.queue.proven.text()
    assert not page.queue.propose.isEnabled()
    room.click(page.queue.preview)
    assert "Of these 10 images" in room.said
    assert "no test case was looked at" in room.said
    page.queue.consent.setChecked(True)
    room.click(page.queue.propose)
    assert "images were proposed" in room.said
    choose(room, "waits for a second person")
    assert not page.queue.agree.isEnabled()
    assert page.queue.image.pixmap().width() > 100

    room.be("Carl")
    choose(room, "waits for a second person")
    assert "the diagnosis is malignant" in page.queue.list.currentItem().text()
    room.click(page.queue.agree)
    assert "1 waiting" not in page.queue.queue_title.text()
    room.click(page.versions.train)
    assert page.versions.headline.text().startswith("Accepted")
    assert page.versions.lines.count() > 10
    assert "malignant cases" in page.versions.power.text()
    version = page.versions.chosen.id
    assert not page.versions.approve.isEnabled()

    room.be("Bert")
    page.versions.list.setCurrentRow(0)
    assert not page.versions.activate.isEnabled()
    page.versions.reason.edit.setPlainText("The lines hold.")
    room.click(page.versions.approve)
    page.versions.list.setCurrentRow(0)
    room.click(page.versions.activate)
    assert room.homes.active_id() == version
    assert version in page.versions.in_use.text()

    room.be("Clara")
    assert not page.versions.back.isEnabled()
    page.versions.why_back.edit.setPlainText("Odd answers this morning.")
    room.click(page.versions.back)
    assert room.homes.active_id() == room.homes.factory_id()
    assert "taken back" in room.said
    assert page.versions.in_use.text().startswith("In use: the factory version")


def test_a_refused_case_is_told_with_its_reason(room):
    prove(room, ["nv", "nv"], start=5)
    prove(room, ["nv"], start=5)
    room.page.queue.consent.setChecked(True)
    room.click(room.page.queue.propose)
    assert "2 images were proposed. One was refused:" in room.said
    assert "This image was proposed before." in room.said


def test_a_training_that_is_stopped_changes_nothing(room):
    page = room.page
    prove(room, ["nv", "bkl", "df", "nv"])
    page.queue.consent.setChecked(True)
    room.click(page.queue.propose)
    page.versions.train.click()
    assert page.versions.cancel.isVisible()
    assert not page.versions.train.isEnabled()
    page.versions.cancel.click()
    room.settle()
    assert room.said == "Stopped. Nothing was changed."
    assert page.versions.list.count() == 0
    assert not any(room.homes.local.glob("*")) if room.homes.local.exists() else True


def test_a_withdrawal_needs_a_reason_and_takes_the_case_out(room):
    page = room.page
    prove(room, ["nv"])
    page.queue.consent.setChecked(True)
    room.click(page.queue.propose)
    choose(room, "confirmed")
    assert not page.queue.withdraw.isEnabled()
    page.queue.note.edit.setPlainText("wrong patient")
    room.click(page.queue.withdraw)
    assert "withdrawn" in page.queue.list.item(0).text()


def test_a_screen_that_locks_hides_the_page(room):
    prove(room, ["nv"])
    room.signed.session.lock()
    room.page.store_changed()
    assert room.page.body.currentWidget() is room.page.gate


def test_every_control_has_a_name_and_a_hint(room):
    from PySide6.QtWidgets import QAbstractButton, QListWidget, QPlainTextEdit

    for kind in (QAbstractButton, QListWidget, QPlainTextEdit):
        for control in room.page.splitter.findChildren(kind):
            assert control.accessibleName(), control
            assert control.toolTip(), control
