"""Records are filed once; corrections supersede; the worklist shows what the records say."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlcipher3 import dbapi2

from qana_desktop.store import cases, records
from qana_desktop.store.blobs import BlobDamaged
from qana_desktop.store.faults import ChangedMeanwhile, RecordMissing, StoreError
from qana_desktop.store.records import Put, new_id
from qana_desktop.store.schema import AUDIT, METADATA, RECORD
from qana_desktop.store.verify import verify
from qana_desktop.triage.case import CaseImage, Encounter, Lesion, Patient, SignOff, Tags
from qana_desktop.triage.outcome import Triage
from qana_desktop.triage.worklist import CaseState, Urgency, WorklistQuery, cursor_of
from tests.support.stores import REFUSED, add_case, assessed, open_again, picture, reading


def read_case(store, encounter):
    with store.reading() as connection:
        return cases.read_case(connection, encounter)


def worklist(store, **query):
    with store.reading() as connection:
        return cases.worklist(connection, WorklistQuery(**query))


def test_a_case_comes_back_as_it_was_entered_after_closing_and_opening(store, folder, clock):
    encounter = add_case(store, 7)
    store.close()
    again = open_again(folder, clock=clock)
    case = read_case(again, encounter)
    assert case.patient.value == Patient("P-00007")
    assert case.images[0].readings[0].value == reading(case.images[0].image.value.sha256)
    assert again.read_image(case.images[0].image.value.sha256) == picture(7)
    assert case.patient.by == "tester"
    assert case.patient.at.startswith("2026-03-01T12:00:00")
    again.close()


def test_a_correction_supersedes_and_the_earlier_version_stays(store):
    case = read_case(store, add_case(store, 1))
    store.file([Put(Patient("P-9"), case.patient.entity, based_on=1)], by="b", what="correct")
    with store.reading() as connection:
        found = records.versions(connection, Patient, case.patient.entity)
    assert [(v.version, v.value.pseudonym, v.by) for v in found] == [(1, "P-00001", "tester"), (2, "P-9", "b")]
    assert worklist(store)[0].pseudonym == "P-9"


def test_two_people_who_correct_the_same_version_do_not_overwrite_each_other(store):
    case = read_case(store, add_case(store, 1))
    store.file([Put(Patient("first"), case.patient.entity, based_on=1)], by="a", what="correct")
    with pytest.raises(ChangedMeanwhile, match="changed by someone else"):
        store.file([Put(Patient("second"), case.patient.entity, based_on=1)], by="b", what="correct")
    assert read_case(store, case.encounter.entity).patient.value.pseudonym == "first"


def test_a_change_with_one_bad_part_leaves_nothing(store):
    patient, before = new_id(), store.head
    with pytest.raises(RecordMissing):
        store.file([Put(Patient("P"), patient), Put(Lesion("back"), new_id(), "nobody")], by="a", what="add")
    with store.reading() as connection, pytest.raises(RecordMissing):
        records.current(connection, Patient, patient)
    assert store.head == before
    assert verify(store).good


def test_an_image_record_without_its_file_is_refused(store):
    encounter = add_case(store, 1)
    with pytest.raises(BlobDamaged, match="no longer in the case store"):
        store.file([Put(CaseImage("0" * 64, "image/png", 1, 1), new_id(), encounter)], by="a", what="add")


def test_a_record_belongs_to_the_right_kind_of_thing(store):
    case = read_case(store, add_case(store, 1))
    with pytest.raises(RecordMissing, match="lesion"):
        store.file([Put(Encounter("2026"), new_id(), case.patient.entity)], by="a", what="add")
    with pytest.raises(ValueError, match="belongs to"):
        store.file([Put(Lesion("back"), new_id())], by="a", what="add")


def test_something_withdrawn_is_not_shown_any_more_but_stays_on_record(store):
    case = read_case(store, add_case(store, 1))
    put = Put(case.encounter.value, case.encounter.entity, case.lesion.entity, based_on=1, withdrawn=True)
    store.file([put], by="a", what="withdraw")
    with pytest.raises(RecordMissing):
        read_case(store, case.encounter.entity)
    assert worklist(store) == ()
    with store.reading() as connection:
        assert len(records.versions(connection, Encounter, case.encounter.entity)) == 2


@pytest.mark.parametrize("table", ["record", "audit", "change_set", "blob"])
@pytest.mark.parametrize("deed", ["DELETE FROM {}", "UPDATE {} SET at = 'x'"])
def test_the_database_itself_refuses_to_change_what_only_grows(store, table, deed):
    add_case(store, 1)
    with (
        pytest.raises(sa.exc.IntegrityError, match="only grows") as refusal,
        store.engine.connect() as connection,
        connection.begin(),
    ):
        connection.exec_driver_sql(deed.format(table))
    assert isinstance(refusal.value.orig, dbapi2.IntegrityError)


def test_the_worklist_shows_what_cannot_be_assessed_first_then_by_urgency_then_by_age(store):
    low = add_case(store, 1, outcome=assessed(Triage.LOW_CONCERN, 0.01))
    now_later = add_case(store, 3, outcome=assessed(Triage.REVIEW_NOW, 0.9))
    now = add_case(store, 2, outcome=assessed(Triage.REVIEW_NOW, 0.7))
    refused = add_case(store, 4, outcome=REFUSED)
    assert [row.encounter for row in worklist(store)] == [refused, now, now_later, low]


def test_the_newest_reading_of_an_image_counts_and_the_most_urgent_image(store):
    encounter = add_case(store, 1, outcome=assessed(Triage.LOW_CONCERN, 0.01))
    case = read_case(store, encounter)
    newer = reading(case.images[0].image.value.sha256, assessed(Triage.REVIEW, 0.5))
    store.file([Put(newer, new_id(), case.images[0].image.entity)], by="a", what="add")
    assert worklist(store)[0].urgency is Urgency.REVIEW
    sha256 = store.keep_image(picture(99))
    store.file([Put(CaseImage(sha256, "image/png", 48, 48), new_id(), encounter)], by="a", what="add")
    assert worklist(store)[0].urgency is Urgency.UNREAD


def test_pages_follow_each_other_without_gap_or_double(store):
    for number in range(7):
        add_case(store, number)
    everything = worklist(store, limit=100)
    pages, after = [], None
    while page := worklist(store, limit=3, after=after):
        pages += page
        after = cursor_of(page[-1])
    assert pages == list(everything)


def test_a_search_looks_for_each_word_anywhere_and_takes_signs_literally(store):
    add_case(store, 12)
    add_case(store, 13)
    assert [row.pseudonym for row in worklist(store, text="00012 FOREARM")] == ["P-00012"]
    assert worklist(store, text="P_00012") == ()
    assert worklist(store, text="%") == ()


def test_filters_by_urgency_and_state(store):
    add_case(store, 1, outcome=REFUSED)
    add_case(store, 2)
    assert len(worklist(store, urgencies=(Urgency.CANNOT_ASSESS,))) == 1
    assert len(worklist(store, states=(CaseState.SIGNED,))) == 0


def test_a_case_changed_after_its_sign_off_says_so_also_when_something_was_withdrawn(store):
    case = read_case(store, add_case(store, 1))
    store.file([Put(SignOff("seen"), new_id(), case.encounter.entity)], by="a", what="sign")
    store.file([Put(Tags(("follow up",)), new_id(), case.encounter.entity)], by="a", what="tag")
    assert worklist(store)[0].state is CaseState.SIGNED
    image = case.images[0].image
    put = Put(image.value, image.entity, image.parent, based_on=1, withdrawn=True)
    store.file([put], by="a", what="withdraw")
    assert worklist(store)[0].state is CaseState.AMENDED


def test_every_version_has_its_entry_in_the_audit_record_with_bundle_and_engine(store):
    case = read_case(store, add_case(store, 1))
    with store.reading() as connection:
        filed = connection.execute(sa.select(RECORD.c.entity, RECORD.c.sha256)).all()
        entries = {(row.entity, row.after): row for row in connection.execute(sa.select(AUDIT))}
    assert all((row.entity, row.sha256) in entries for row in filed)
    of_reading = next(row for row in entries.values() if row.kind == "reading")
    assert (of_reading.bundle, of_reading.engine, of_reading.by) == ("b" * 64, "onnx-cpu", "tester")
    assert case.images[0].readings[0].entity == of_reading.entity


def test_a_record_changed_behind_the_programs_back_is_not_shown(store, folder, clock):
    case = read_case(store, add_case(store, 1))
    with store.engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("DROP TRIGGER record_no_update")
        connection.exec_driver_sql("UPDATE record SET payload = replace(payload, 'P-00001', 'P-99999')")
    with pytest.raises(StoreError, match="damaged"):
        read_case(store, case.encounter.entity)
    assert any("was changed" in problem.what for problem in verify(store).problems)


def test_the_migrations_make_the_tables_that_the_repositories_use(store):
    found = sa.inspect(store.engine)
    for table in METADATA.sorted_tables:
        columns = {column["name"]: str(column["type"]) for column in found.get_columns(table.name)}
        assert set(columns) == {column.name for column in table.columns}
        assert {index["name"] for index in found.get_indexes(table.name)} >= {index.name for index in table.indexes}
    assert set(found.get_table_names()) == set(METADATA.tables)


def test_several_threads_can_read_and_write_at_once(store):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(6) as threads:
        encounters = list(threads.map(lambda number: add_case(store, number), range(24)))
        shown = list(threads.map(lambda encounter: read_case(store, encounter).encounter.entity, encounters))
    assert shown == encounters
    assert verify(store).good
