"""Reports leave the real store as files, by those who may, each with the audit head and each on record."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qana_desktop.intake.reader import ImageReader
from qana_desktop.reports.case_report import Identity
from qana_desktop.reports.faults import ExportFailed
from qana_desktop.services.case_desk import NotAllowed
from qana_desktop.services.jobs import Cancelled, CancelToken
from qana_desktop.services.learning_homes import find_homes
from qana_desktop.services.policies import PolicyShelf
from qana_desktop.services.report_desk import ReportDesk
from qana_desktop.store import cases
from qana_desktop.store.audit_faults import CUT_OFF
from qana_desktop.store.faults import RecordMissing, StoreReadOnly
from qana_desktop.store.records import Put
from qana_desktop.store.store import Store
from qana_desktop.store.verify import verify
from qana_desktop.triage.access import Role
from qana_desktop.triage.audit import AuditEvent
from qana_desktop.triage.case import Case
from tests.support.report_cases import pages_of, text_of
from tests.support.stores import add_case, new_desk, new_store

pytestmark = pytest.mark.keeps_processes


@pytest.fixture(scope="module")
def reader() -> Iterator[ImageReader]:
    with ImageReader() as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made, _code = new_store(tmp_path / "store")
    yield made
    made.close()


def desk_of(store: Store, reader: ImageReader, *, role: Role = Role.CLINICIAN) -> ReportDesk:
    return ReportDesk(store, new_desk(store, role=role).allowed, reader, PolicyShelf(find_homes()).of)


def named(store: Store, encounter: str) -> None:
    patient = read(store, encounter).patient
    put = Put(replace(patient.value, name="Erika Mustermann"), patient.entity, based_on=1)
    store.file([put], by="tester", what="name")


def read(store: Store, encounter: str) -> Case:
    with store.reading() as connection:
        return cases.read_case(connection, encounter)


def recorded(store: Store, action: str) -> list[AuditEvent]:
    with store.reading() as connection:
        return [row.event for row in store.log.rows(connection) if row.event.action == action]


def test_a_saved_report_prints_the_head_of_the_record_and_the_record_keeps_its_hash(
    store: Store, reader: ImageReader, tmp_path: Path
) -> None:
    encounter = add_case(store, 1)
    desk = desk_of(store, reader)
    head = store.head.printed()
    drawn = desk.draw(encounter)
    desk.save(drawn, tmp_path / "a.pdf")
    content = (tmp_path / "a.pdf").read_bytes()
    assert all(head in page for page in pages_of(content))
    (event,) = recorded(store, "report-saved")
    assert (event.entity, event.after) == (encounter, hashlib.sha256(content).hexdigest())
    assert head in event.note
    assert verify(store).good


def test_a_look_at_a_report_is_no_saved_report_and_a_print_is_on_record(store: Store, reader: ImageReader) -> None:
    desk = desk_of(store, reader)
    drawn = desk.draw(add_case(store, 1))
    assert recorded(store, "report-saved") == []
    desk.note_print(drawn)
    (event,) = recorded(store, "report-printed")
    assert event.after == drawn.sha256


def test_the_image_is_in_the_report_and_a_damaged_one_is_missed(store: Store, reader: ImageReader) -> None:
    encounter = add_case(store, 1)
    desk = desk_of(store, reader)
    whole = desk.draw(encounter)
    assert b"/DCTDecode" in whole.pdf
    (blob,) = store.blobs.files()
    blob.write_bytes(b"\0" * 64)
    damaged = desk.draw(encounter)
    assert b"/DCTDecode" not in damaged.pdf
    assert "its file is damaged or missing" in text_of(damaged.pdf)
    assert "malignancy 0.40" in text_of(damaged.pdf)


def test_many_reports_are_written_and_a_case_that_is_not_there_does_not_stop_the_others(
    store: Store, reader: ImageReader, tmp_path: Path
) -> None:
    first, second = add_case(store, 1), add_case(store, 2)
    batch = desk_of(store, reader).save_many((first, "f" * 32, second), tmp_path / "out")
    assert [encounter for encounter, _path in batch.made] == [first, second]
    assert [(encounter, fault.code) for encounter, fault in batch.failed] == [("f" * 32, "record-missing")]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for _, path in batch.made)
    assert all(re.fullmatch(r"report_P-0000\d_2026-01-01_[0-9a-f]{8}\.pdf", path.name) for _, path in batch.made)


def test_a_file_that_is_there_stays_and_nothing_is_recorded(store: Store, reader: ImageReader, tmp_path: Path) -> None:
    desk = desk_of(store, reader)
    drawn = desk.draw(add_case(store, 1))
    (tmp_path / "a.pdf").write_text("theirs")
    with pytest.raises(ExportFailed, match="something at the place"):
        desk.save(drawn, tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_text() == "theirs"
    assert recorded(store, "report-saved") == []


def test_what_cannot_be_recorded_does_not_leave(store: Store, reader: ImageReader, tmp_path: Path) -> None:
    encounter = add_case(store, 1)
    desk = desk_of(store, reader)
    drawn = desk.draw(encounter)
    store.read_only = CUT_OFF
    with pytest.raises(StoreReadOnly):
        desk.save(drawn, tmp_path / "out" / "a.pdf")
    with pytest.raises(StoreReadOnly):
        desk.note_print(drawn)
    with pytest.raises(StoreReadOnly):
        desk.save_many((encounter,), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert "P-00001" in text_of(desk.draw(encounter).pdf), "looking is still allowed"


def test_a_viewer_looks_and_takes_nothing_away(store: Store, reader: ImageReader, tmp_path: Path) -> None:
    encounter = add_case(store, 1)
    desk = desk_of(store, reader, role=Role.VIEWER)
    drawn = desk.draw(encounter)
    with pytest.raises(NotAllowed):
        desk.save(drawn, tmp_path / "a.pdf")
    with pytest.raises(NotAllowed):
        desk.save_many((encounter,), tmp_path)
    assert not (tmp_path / "a.pdf").exists()


def test_the_name_of_a_patient_is_in_neither_the_file_nor_its_name_unless_asked_for(
    store: Store, reader: ImageReader
) -> None:
    encounter = add_case(store, 1)
    named(store, encounter)
    desk = desk_of(store, reader)
    by_pseudonym, by_name = desk.draw(encounter), desk.draw(encounter, Identity.PATIENT)
    assert "Mustermann" not in text_of(by_pseudonym.pdf)
    assert "Mustermann" in text_of(by_name.pdf)
    assert "Mustermann" not in by_name.name


def test_a_case_that_was_withdrawn_has_no_report(store: Store, reader: ImageReader) -> None:
    encounter = add_case(store, 1)
    visit = read(store, encounter).encounter
    store.file([Put(visit.value, encounter, visit.parent, based_on=1, withdrawn=True)], by="tester", what="withdraw")
    with pytest.raises(RecordMissing):
        desk_of(store, reader).draw(encounter)


def test_a_batch_that_is_cancelled_keeps_what_is_written(store: Store, reader: ImageReader, tmp_path: Path) -> None:
    encounters = [add_case(store, number) for number in (1, 2, 3)]
    token = CancelToken()
    desk = desk_of(store, reader)
    with pytest.raises(Cancelled):
        desk.save_many(
            encounters, tmp_path / "out", report=lambda at: token.cancel() if at.done == 1 else None, token=token
        )
    assert len(list((tmp_path / "out").iterdir())) == 2
    assert len(recorded(store, "report-saved")) == 2


def test_the_shipped_version_has_its_policy_and_an_unknown_one_has_none() -> None:
    shelf = PolicyShelf(find_homes())
    assert shelf.of("nobody-0123456789ab") is None
    policy = shelf.of(find_homes().factory_id())
    assert policy is not None
    assert policy.operating_points
