"""Images leave the store as DICOM with a patient, and our own intake reads back what the case says."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest

from qana_desktop.intake.dicom_facts import DicomKind
from qana_desktop.intake.reader import ImageReader
from qana_desktop.reports.case_dicom import DicomObject
from qana_desktop.reports.case_report import Identity
from qana_desktop.services.case_desk import NotAllowed
from qana_desktop.services.dicom_desk import DicomDesk
from qana_desktop.store import cases
from qana_desktop.store.audit_faults import CUT_OFF
from qana_desktop.store.faults import StoreReadOnly
from qana_desktop.store.records import Put
from qana_desktop.store.store import Store
from qana_desktop.store.verify import verify
from qana_desktop.triage.access import Role
from qana_desktop.triage.case import CaptureFacts, Case, Contact, Polarisation, Sex
from tests.support.stores import add_case, new_desk, new_store

pytestmark = pytest.mark.keeps_processes

FACTS = CaptureFacts("DermLite DL5", Polarisation.POLARISED, Contact.CONTACT, 0.0213, "2026-01-31T10:30:15+01:00")


@pytest.fixture(scope="module")
def reader() -> Iterator[ImageReader]:
    with ImageReader() as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made, _code = new_store(tmp_path / "store")
    yield made
    made.close()


@pytest.fixture
def encounter(store: Store) -> str:
    """A case of a named patient, whose image has all facts of its capture."""
    found = add_case(store, 1)
    case = read(store, found)
    patient = replace(case.patient.value, name="Erika Mustermann", birth_year=1961, sex=Sex.FEMALE)
    image = case.images[0].image
    puts = [
        Put(patient, case.patient.entity, based_on=1),
        Put(replace(image.value, facts=FACTS), image.entity, image.parent, based_on=1),
    ]
    store.file(puts, by="tester", what="fill in")
    return found


def read(store: Store, encounter: str) -> Case:
    with store.reading() as connection:
        return cases.read_case(connection, encounter)


def desk_of(store: Store, reader: ImageReader, *, role: Role = Role.CLINICIAN) -> DicomDesk:
    return DicomDesk(store, new_desk(store, role=role).allowed, reader)


def one_file(folder: Path) -> bytes:
    (path,) = folder.iterdir()
    return path.read_bytes()


def test_a_dermoscopic_photograph_says_who_what_and_how(
    store: Store, reader: ImageReader, encounter: str, tmp_path: Path
) -> None:
    desk_of(store, reader).save_many((encounter,), tmp_path / "out", identity=Identity.PATIENT)
    facts = reader.facts(one_file(tmp_path / "out"))
    assert facts is not None
    assert facts.kind is DicomKind.DERMOSCOPY
    assert (facts.patient_id, facts.patient_name, facts.sex) == ("P-00001", "Mustermann Erika", Sex.FEMALE)
    assert facts.birth_date is None, "a year is no date"
    assert facts.body_site == "left forearm"
    assert facts.mm_per_pixel == pytest.approx(0.0213)
    assert replace(facts.capture(), mm_per_pixel=0.0213, device=FACTS.device) == FACTS
    assert verify(store).good


def test_by_pseudonym_nothing_of_the_person_is_in_the_file(
    store: Store, reader: ImageReader, encounter: str, tmp_path: Path
) -> None:
    desk_of(store, reader).save_many((encounter,), tmp_path / "out", DicomObject.SECONDARY_CAPTURE)
    content = one_file(tmp_path / "out")
    facts = reader.facts(content)
    assert facts is not None
    assert facts.kind is DicomKind.SECONDARY_CAPTURE
    assert (facts.patient_id, facts.patient_name, facts.sex) == ("P-00001", "", None)
    assert b"Mustermann" not in content


def test_the_same_image_is_the_same_object_and_another_identity_another_one(
    store: Store, reader: ImageReader, encounter: str, tmp_path: Path
) -> None:
    desk = desk_of(store, reader)
    for name, identity in (("a", Identity.PSEUDONYM), ("b", Identity.PSEUDONYM), ("c", Identity.PATIENT)):
        desk.save_many((encounter,), tmp_path / name, identity=identity)
    first, again, named = (one_file(tmp_path / name) for name in "abc")
    assert first == again
    uids = [pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID for data in (first, named)]
    assert uids[0] != uids[1]
    assert all(re.fullmatch(r"2\.25\.\d{1,39}", uid) for uid in uids)


def test_what_is_not_known_is_left_empty(store: Store, reader: ImageReader, tmp_path: Path) -> None:
    desk_of(store, reader).save_many((add_case(store, 2),), tmp_path / "out")
    dataset = pydicom.dcmread(io.BytesIO(one_file(tmp_path / "out")))
    assert "PixelSpacing" not in dataset
    assert "BurnedInAnnotation" not in dataset
    assert not dataset.LightSourcePolarization
    assert not dataset.ContactMethod
    assert dataset.Manufacturer == "unknown"


def test_each_file_is_on_record_with_its_hash_and_a_case_that_fails_leaves_none(
    store: Store, reader: ImageReader, encounter: str, tmp_path: Path
) -> None:
    broken = add_case(store, 3)
    image = read(store, broken).images[0].image
    put = Put(replace(image.value, facts=FACTS), image.entity, image.parent, based_on=1)
    store.file([put], by="tester", what="fill in")
    damaged = max(store.blobs.files(), key=lambda path: path.stat().st_mtime_ns)
    damaged.write_bytes(b"\0" * 64)
    batch = desk_of(store, reader).save_many((broken, encounter, "f" * 32), tmp_path / "out")
    assert [case for case, _path in batch.made] == [encounter]
    assert [case for case, _fault in batch.failed] == [broken, "f" * 32]
    assert len(list((tmp_path / "out").iterdir())) == 1
    with store.reading() as connection:
        events = [row.event for row in store.log.rows(connection) if row.event.action == "dicom-exported"]
    assert [event.entity for event in events] == [read(store, encounter).images[0].image.entity]


def test_what_may_not_leave_or_cannot_be_recorded_stays(
    store: Store, reader: ImageReader, encounter: str, tmp_path: Path
) -> None:
    with pytest.raises(NotAllowed):
        desk_of(store, reader, role=Role.VIEWER).save_many((encounter,), tmp_path / "out")
    desk = DicomDesk(store, new_desk(store, name="Carl").allowed, reader)
    store.read_only = CUT_OFF
    with pytest.raises(StoreReadOnly):
        desk.save_many((encounter,), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (package dicom3tools) is not on this machine")
@pytest.mark.parametrize("kind", list(DicomObject))
@pytest.mark.parametrize("identity", list(Identity))
def test_a_validator_of_others_finds_no_error(
    store: Store, reader: ImageReader, encounter: str, tmp_path: Path, kind: DicomObject, identity: Identity
) -> None:
    desk_of(store, reader).save_many((encounter, add_case(store, 2)), tmp_path / "out", kind, identity)
    for path in (tmp_path / "out").iterdir():
        done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
        assert "Error" not in done.stdout + done.stderr
