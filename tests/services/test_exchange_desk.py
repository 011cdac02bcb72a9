"""Cases leave and come in between two real stores, by those who may, and each step is on record."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qana_desktop.intake.reader import ImageReader
from qana_desktop.reports.faults import ArchiveRefused, ExportFailed
from qana_desktop.reports.proof import ImageKind
from qana_desktop.services.case_desk import NotAllowed
from qana_desktop.services.exchange_desk import ExchangeDesk
from qana_desktop.store import cases, records
from qana_desktop.store.audit_faults import CUT_OFF
from qana_desktop.store.faults import RecordMissing, StoreReadOnly
from qana_desktop.store.records import Put, new_id
from qana_desktop.store.store import Store
from qana_desktop.store.verify import verify
from qana_desktop.triage.access import Role
from qana_desktop.triage.case import (
    Action,
    Case,
    ClinicalAssessment,
    Finding,
    Kind,
    Patient,
    ProofSource,
    ProvenOutcome,
    SignOff,
    SkinTone,
    SkinToneScale,
    Tags,
    Value,
)
from qana_desktop.triage.diagnosis import Diagnosis
from qana_desktop.triage.worklist import CaseState, WorklistQuery
from tests.support import archives
from tests.support.stores import add_case, new_desk, new_store

FINDING = Finding(Diagnosis.MEL)

pytestmark = pytest.mark.keeps_processes


@pytest.fixture(scope="module")
def reader() -> Iterator[ImageReader]:
    with ImageReader() as made:
        yield made


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Store]:
    store, _code = new_store(tmp_path / "here")
    yield store
    store.close()


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Store]:
    store, _code = new_store(tmp_path / "there")
    yield store
    store.close()


def desk_of(store: Store, reader: ImageReader, *, role: Role = Role.CLINICIAN, name: str = "Clara") -> ExchangeDesk:
    return ExchangeDesk(store, new_desk(store, role=role, name=name).allowed, reader)


def rich_case(store: Store) -> str:
    """A case with a record of every kind."""
    encounter = add_case(store, 1)
    case = read(store, encounter)
    patient, lesion = case.patient.entity, case.lesion.entity
    store.file(
        [Put(replace(case.patient.value, name="Erika Mustermann"), patient, based_on=1)], by="tester", what="name"
    )
    store.file(
        [
            Put(SkinTone(SkinToneScale.MONK, 4), new_id(), patient),
            Put(ProvenOutcome(FINDING, ProofSource.HISTOLOGY, "2026-02-01"), new_id(), lesion),
            Put(Tags(("grows",)), new_id(), encounter),
            Put(ClinicalAssessment(FINDING, Action.EXCISE, "sure"), new_id(), encounter),
            Put(SignOff("Seen."), new_id(), encounter),
        ],
        by="tester",
        what="fill in",
    )
    return encounter


def read(store: Store, encounter: str) -> Case:
    with store.reading() as connection:
        return cases.read_case(connection, encounter)


def audit(store: Store, action: str) -> list[tuple[str, str]]:
    with store.reading() as connection:
        return [(row.event.entity, row.event.note) for row in store.log.rows(connection) if row.event.action == action]


def values(case: Case) -> list[tuple[str, str | None, Value]]:
    """Entities, parents and values of all that is taken over unchanged."""
    filed = [case.patient, case.skin_tone, case.lesion, *case.outcomes, case.encounter, case.tags]
    filed += [each for image in case.images for each in (image.image, *image.readings)]
    return [(each.entity, each.parent, each.value) for each in filed if each is not None]


def test_a_case_in_another_store_is_the_case_that_was_exported(
    here: Store, there: Store, reader: ImageReader, tmp_path: Path
) -> None:
    encounter = rich_case(here)
    info = desk_of(here, reader).export_archive((encounter,), tmp_path / "a.zip", with_names=True)
    imported = desk_of(there, reader, name="Hugo").import_archive(tmp_path / "a.zip")
    assert (imported.added, imported.skipped, imported.sign_offs) == ((encounter,), (), 1)
    ours, theirs = read(here, encounter), read(there, encounter)
    assert values(ours) == values(theirs)
    sha256 = ours.images[0].image.value.sha256
    assert there.read_image(sha256) == here.read_image(sha256)
    assert audit(here, "case-exported") == [(encounter, f"archive {info.sha256[:16]}")]
    assert len(audit(there, "imported-record")) == 9
    assert verify(there).good


def test_an_opinion_from_elsewhere_says_whose_it_is_and_a_sign_off_is_not_taken_over(
    here: Store, there: Store, reader: ImageReader, tmp_path: Path
) -> None:
    encounter = rich_case(here)
    desk_of(here, reader).export_archive((encounter,), tmp_path / "a.zip")
    desk_of(there, reader, name="Hugo").import_archive(tmp_path / "a.zip")
    case = read(there, encounter)
    assert case.assessments[0].value.note == "sure\n[Entered elsewhere at 2026-03-01T12:00:00.000+00:00 by tester]"
    assert case.sign_offs == ()
    with there.reading() as connection:
        assert cases.worklist(connection, WorklistQuery())[0].state is CaseState.OPEN


def test_names_and_paths_stay_here_unless_asked_for(here: Store, reader: ImageReader, tmp_path: Path) -> None:
    encounter = rich_case(here)
    desk = desk_of(here, reader)
    desk.export_archive((encounter,), tmp_path / "without.zip")
    desk.export_archive((encounter,), tmp_path / "with.zip", with_names=True)
    without, with_names = (
        b"".join(data for _, data in archives.members_of((tmp_path / name).read_bytes()))
        for name in ("without.zip", "with.zip")
    )
    assert b"Mustermann" in with_names
    assert b"drawn.png" in with_names
    assert b"Mustermann" not in without
    assert b"drawn.png" not in without


def test_a_case_that_is_here_already_is_skipped_and_a_second_visit_joins_its_patient(
    here: Store, there: Store, reader: ImageReader, tmp_path: Path
) -> None:
    first = rich_case(here)
    ours, theirs = desk_of(here, reader), desk_of(there, reader)
    ours.export_archive((first,), tmp_path / "1.zip")
    theirs.import_archive(tmp_path / "1.zip")
    case = read(here, first)
    second = new_id()
    here.file([Put(case.encounter.value, second, case.lesion.entity)], by="tester", what="visit")
    ours.export_archive((first, second), tmp_path / "2.zip")
    imported = theirs.import_archive(tmp_path / "2.zip")
    assert imported.added == (second,)
    assert [(encounter, fault.code) for encounter, fault in imported.skipped] == [(first, "case-already-here")]
    assert read(there, second).patient.entity == case.patient.entity
    assert len(read(there, second).outcomes) == 1


def test_a_case_of_a_patient_who_has_another_pseudonym_here_is_not_mixed_in(
    here: Store, there: Store, reader: ImageReader, tmp_path: Path
) -> None:
    encounter = rich_case(here)
    patient = read(here, encounter).patient.entity
    there.file([Put(Patient("somebody else"), patient)], by="tester", what="add")
    desk_of(here, reader).export_archive((encounter,), tmp_path / "a.zip")
    imported = desk_of(there, reader).import_archive(tmp_path / "a.zip")
    assert [fault.code for _, fault in imported.skipped] == ["case-of-other-patient"]
    with there.reading() as connection:
        assert records.current(connection, Patient, patient).value.pseudonym == "somebody else"
        assert cases.all_encounters(connection) == ()


def test_an_imported_case_can_be_undone_as_one(here: Store, there: Store, reader: ImageReader, tmp_path: Path) -> None:
    encounter = rich_case(here)
    desk_of(here, reader).export_archive((encounter,), tmp_path / "a.zip")
    desk = new_desk(there)
    ExchangeDesk(there, desk.allowed, reader).import_archive(tmp_path / "a.zip")
    assert desk.undo() == "import a case"
    with pytest.raises(RecordMissing):
        read(there, encounter)
    assert verify(there).good


def twisted(tmp_path: Path, kind: str, **facts: object) -> Path:
    path = tmp_path / "twisted.zip"
    path.write_bytes(archives.with_case(lambda root: archives.record_of(root, kind)["value"].update(facts)))
    return path


def test_nothing_of_a_refused_archive_is_stored(there: Store, reader: ImageReader, tmp_path: Path) -> None:
    desk = desk_of(there, reader)
    before = there.head
    for path, code in (
        (twisted(tmp_path, "image", width=49), "archive-case-bad"),
        (twisted(tmp_path, "patient", pseudonym=""), "archive-case-bad"),
    ):
        with pytest.raises(ArchiveRefused) as refused:
            desk.import_archive(path)
        assert refused.value.fault.code == code
    assert there.head == before
    assert list(there.blobs.files()) == []


def test_an_image_that_cannot_be_read_refuses_the_archive(there: Store, reader: ImageReader, tmp_path: Path) -> None:
    broken = archives.PICTURE[:-20]
    sha256 = hashlib.sha256(broken).hexdigest()
    members = [
        (f"images/{sha256}", broken)
        if name == f"images/{archives.SHA}"
        else (name, data.replace(archives.SHA.encode(), sha256.encode()) if name.startswith("cases/") else data)
        for name, data in archives.good_members()
    ]
    path = tmp_path / "a.zip"
    path.write_bytes(archives.packed(archives.with_manifest(members)))
    with pytest.raises(ArchiveRefused) as refused:
        desk_of(there, reader).import_archive(path)
    assert refused.value.fault.code == "archive-image-bad"
    assert list(there.blobs.files()) == []


def test_a_full_case_of_somebody_else_is_taken_in(there: Store, reader: ImageReader, tmp_path: Path) -> None:
    imported = desk_of(there, reader).import_archive(archives.archive(tmp_path / "a.zip"))
    assert imported.added == (archives.full_case().encounter,)
    case = read(there, imported.added[0])
    assert there.read_image(case.images[0].image.value.thumbnail_sha256 or "") == archives.THUMBNAIL


# --- tables and images


def test_readings_leave_as_a_table_and_that_is_on_record(here: Store, reader: ImageReader, tmp_path: Path) -> None:
    encounters = tuple(add_case(here, number) for number in (1, 2))
    assert desk_of(here, reader).export_readings(encounters, tmp_path / "a.csv") == 2
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [line["pseudonym"] for line in csv.DictReader(file)] == ["P-00001", "P-00002"]
    assert [entity for entity, _ in audit(here, "readings-exported")] == list(encounters)


def test_images_leave_without_identity_and_that_is_on_record(here: Store, reader: ImageReader, tmp_path: Path) -> None:
    encounter = rich_case(here)
    (made,) = desk_of(here, reader).export_images((encounter,), tmp_path / "out", ImageKind.DICOM)
    assert b"Mustermann" not in (tmp_path / "out" / made.name).read_bytes()
    assert audit(here, "images-exported") == [(encounter, "1 files, without identity")]


def test_what_cannot_be_recorded_does_not_leave(here: Store, reader: ImageReader, tmp_path: Path) -> None:
    encounter = rich_case(here)
    desk = desk_of(here, reader)
    here.read_only = CUT_OFF
    for export in (
        lambda: desk.export_archive((encounter,), tmp_path / "out" / "a"),
        lambda: desk.export_readings((encounter,), tmp_path / "out" / "b"),
        lambda: desk.export_images((encounter,), tmp_path / "out" / "c", ImageKind.PNG),
    ):
        with pytest.raises(StoreReadOnly):
            export()
    assert not (tmp_path / "out").exists()


def test_a_viewer_exports_nothing(here: Store, reader: ImageReader, tmp_path: Path) -> None:
    desk = desk_of(here, reader, role=Role.VIEWER)
    with pytest.raises(NotAllowed):
        desk.export_archive((), tmp_path / "a.zip")
    with pytest.raises(NotAllowed):
        desk.import_archive(tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def test_a_file_that_is_there_is_left_alone_and_nothing_half_done_stays(
    here: Store, reader: ImageReader, tmp_path: Path
) -> None:
    encounter = rich_case(here)
    desk = desk_of(here, reader)
    (tmp_path / "a.zip").write_text("theirs")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ExportFailed, match="something at the place"):
        desk.export_archive((encounter,), tmp_path / "a.zip")
    with pytest.raises(RecordMissing):
        desk.export_archive((encounter, "f" * 32), tmp_path / "b.zip")
    assert sorted(tmp_path.iterdir()) == before
    assert audit(here, "case-exported") == []


def test_all_cases_are_those_that_are_not_withdrawn(here: Store, reader: ImageReader) -> None:
    kept, gone = rich_case(here), add_case(here, 2)
    encounter = read(here, gone).encounter
    here.file([Put(encounter.value, gone, encounter.parent, based_on=1, withdrawn=True)], by="tester", what="withdraw")
    assert desk_of(here, reader).all_cases() == (kept,)


def test_the_manifest_is_written_as_the_document_says(here: Store, reader: ImageReader, tmp_path: Path) -> None:
    desk_of(here, reader).export_archive((rich_case(here),), tmp_path / "a.zip")
    members = dict(archives.members_of((tmp_path / "a.zip").read_bytes()))
    manifest = json.loads(members["manifest.json"])
    assert set(manifest) == {"format", "schema", "made_at", "program", "with_names", "cases", "members"}
    assert {member["name"] for member in manifest["members"]} == set(members) - {"manifest.json"}
    assert Kind.READING in {record["kind"] for record in json.loads(next(iter(members.values())))["records"]}
