"""What breaks from outside: damaged, full, read-only, missing, shared. Each ends in a sentence; nothing false shows."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from qana_desktop.store import cases
from qana_desktop.store.backup import heal_images, make_backup
from qana_desktop.store.blobs import BlobDamaged
from qana_desktop.store.connection import open_raw
from qana_desktop.store.faults import StoreError, StoreReadOnly, translated
from qana_desktop.store.head import HEAD_FILE
from qana_desktop.store.keys import KeyFile
from qana_desktop.store.migrations import STEPS
from qana_desktop.store.schema import AUDIT
from qana_desktop.store.store import BEFORE_UPDATE, DATABASE, Store
from qana_desktop.store.verify import verify
from qana_desktop.triage.case import CaseImage
from tests.support.children import in_child
from tests.support.stores import add_case, open_again, picture


def read_case(store, encounter):
    with store.reading() as connection:
        return cases.read_case(connection, encounter)


def flip(path: Path, place: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[place] ^= 0x10
    path.write_bytes(raw)


# --- damage ---


@pytest.mark.parametrize("page", range(8))
def test_a_damaged_page_is_never_shown_and_is_found(store, folder, clock, page):
    encounters = [add_case(store, number) for number in range(10)]
    expected = {encounter: read_case(store, encounter) for encounter in encounters}
    store.close()
    size = (folder / DATABASE).stat().st_size // 4096
    flip(folder / DATABASE, (page * size // 8) * 4096 + 2000)
    try:
        again = open_again(folder, clock=clock)
    except StoreError as error:
        assert error.fault.code == "store-damaged"  # noqa: PT017 - either way is right
        return
    for encounter, case in expected.items():
        try:
            found = read_case(again, encounter)
        except StoreError as error:
            assert error.fault.code == "store-damaged"  # noqa: PT017
        else:
            assert found == case
    verdict = verify(again)
    assert not verdict.good
    assert any(problem.part == "pages" for problem in verdict.problems)
    again.close()


def test_a_damaged_image_is_not_shown_and_a_backup_heals_it(store, tmp_path):
    made, _verdict = make_backup_of(store, tmp_path, numbers=(1, 2, 3))
    for path in list(store.blobs.files())[:2]:
        flip(path, path.stat().st_size // 2)
    next(iter(store.blobs.files())).unlink()
    verdict = verify(store)
    assert {problem.part for problem in verdict.problems} == {"images"}
    assert len(verdict.problems) == 2
    assert heal_images(store, made, store.keys, by="admin") == (2, 0)
    assert verify(store).good


def make_backup_of(store, tmp_path, *, numbers):
    for number in numbers:
        add_case(store, number)
    return make_backup(store, tmp_path / "backups", by="admin")


def test_an_image_under_another_images_name_is_not_shown(store):
    first, second = store.keep_image(picture(1)), store.keep_image(picture(2))
    shutil.copyfile(store.blobs.path_of(first), store.blobs.path_of(second))
    with pytest.raises(BlobDamaged, match="changed or damaged"):
        store.read_image(second)
    assert store.keep_image(picture(2)) == second
    assert store.read_image(second) == picture(2)


@pytest.mark.parametrize("ruin", [lambda path: path.unlink(), lambda path: path.write_bytes(b"x" * 1024)])
def test_without_its_seal_the_store_is_for_reading_until_an_administrator_accepts(store, folder, clock, ruin):
    encounter = add_case(store, 1)
    store.close()
    ruin(folder / HEAD_FILE)
    with closing(open_again(folder, clock=clock)) as again:
        assert again.read_only.code == "audit-head-missing"
        assert read_case(again, encounter)
        with pytest.raises(StoreReadOnly, match="nothing is saved"):
            add_case(again, 2)
        again.accept_head(by="admin", reason="the file was deleted by mistake")
        add_case(again, 2)
    with closing(open_again(folder, clock=clock)) as again:
        assert verify(again).good
        with again.reading() as connection:
            row = connection.execute(sa.select(AUDIT).where(AUDIT.c.action == "audit-failure-accepted")).one()
        assert (row.by, row.after) == ("admin", "audit-head-missing")


def test_one_half_of_the_seal_torn_by_a_crash_is_no_failure(store, folder, clock):
    add_case(store, 1)
    store.close()
    flip(folder / HEAD_FILE, 20)
    with closing(open_again(folder, clock=clock)) as again:
        assert again.read_only is None
    flip(folder / HEAD_FILE, 20 + 512)
    with closing(open_again(folder, clock=clock)) as again:
        assert again.read_only is None


def test_an_older_database_put_back_is_noticed(store, folder, clock, tmp_path):
    add_case(store, 1)
    store.close()
    shutil.copyfile(folder / DATABASE, tmp_path / "older.db")
    with closing(open_again(folder, clock=clock)) as again:
        add_case(again, 2)
    shutil.copyfile(tmp_path / "older.db", folder / DATABASE)
    with closing(open_again(folder, clock=clock)) as again:
        assert again.read_only.code == "audit-cut-off"
        assert not verify(again).good


TAMPERINGS = {
    "flipped": "UPDATE audit SET note = 'x' WHERE seq = 4",
    "deleted": "DELETE FROM audit WHERE seq = 4",
    "swapped": "UPDATE audit SET seq = CASE seq WHEN 4 THEN -5 ELSE -4 END WHERE seq IN (4, 5); "
    "UPDATE audit SET seq = -seq WHERE seq < 0",
    "truncated": "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
    "replayed": "INSERT INTO audit "
    "SELECT (SELECT max(seq) + 1 FROM audit), at, by, action, kind, entity, before, after, "
    "bundle, engine, note, mac FROM audit WHERE seq = 4",
}


@pytest.mark.parametrize("deed", TAMPERINGS)
def test_someone_with_the_database_key_but_not_the_site_key_is_found_out(store, folder, clock, deed):
    for number in range(3):
        add_case(store, number)
    key = store.keys.database
    store.close()
    with closing(open_raw(folder / DATABASE, key)) as connection:
        for table, kind in (("audit", "update"), ("audit", "delete")):
            connection.execute(f"DROP TRIGGER {table}_no_{kind}")
        for statement in TAMPERINGS[deed].split(";"):
            connection.execute(statement)
    with closing(open_again(folder, clock=clock)) as again:
        assert again.read_only is not None
        assert again.read_only.code.startswith("audit-")
        verdict = verify(again)
        assert any(problem.part == "audit record" for problem in verdict.problems)


@pytest.mark.expects_log("store is read-only: audit-moved")
def test_a_store_written_to_by_another_program_stops_writing(store):
    add_case(store, 1)
    with closing(open_raw(store.database, store.keys.database)) as other:
        other.execute(
            "INSERT INTO audit SELECT seq + 1, at, by, action, kind, entity, before, after, bundle, engine, note, mac "
            "FROM audit ORDER BY seq DESC LIMIT 1"
        )
    with pytest.raises(StoreReadOnly, match="another program wrote"):
        add_case(store, 2)
    with pytest.raises(StoreReadOnly):
        store.record("anything", by="x")


# --- others at work ---


def test_a_missing_store_is_not_made_by_looking_for_it(tmp_path):
    with pytest.raises(StoreError, match="no case store"):
        open_again(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_not_made_over_another(store, folder):
    with pytest.raises(StoreError, match="already"):
        Store.create(folder, KeyFile.new(), store.keys)


def test_a_second_program_is_refused_with_a_sentence(store, folder):
    code = """
        import sys
        from pathlib import Path
        from qana_desktop.store.faults import StoreError
        from tests.support.stores import open_again
        try:
            open_again(Path(sys.argv[1]))
        except StoreError as error:
            print(error.fault.code, error.fault.remedy)
    """
    assert in_child(code, folder).stdout.startswith("store-in-use Close it there first")
    add_case(store, 1)
    store.close()
    assert in_child(code, folder).stdout == ""


def test_a_second_program_may_look_on_while_the_first_writes(store, folder, clock):
    encounter = add_case(store, 1)
    with closing(open_again(folder, clock=clock, read_only=True)) as second:
        newer = add_case(store, 2)
        assert read_case(second, encounter)
        assert read_case(second, newer)
        with pytest.raises(StoreReadOnly, match="for reading only"):
            add_case(second, 3)
        assert verify(second).good


def test_another_program_that_holds_the_database_makes_writing_fail_not_hang_for_ever(store, monkeypatch):
    with closing(open_raw(store.database, store.keys.database)) as other:
        other.execute("BEGIN IMMEDIATE")
        store.engine.dispose()
        monkeypatch.setattr("qana_desktop.store.connection.BUSY_TIMEOUT_S", 0.05)
        with pytest.raises(StoreError, match="Another program is using"):
            add_case(store, 1)
        other.execute("ROLLBACK")
    add_case(store, 1)


# --- time ---


def test_a_clock_set_back_is_recorded_and_loses_nothing(store, clock):
    add_case(store, 1)
    clock.forward(days=-400)
    encounter = add_case(store, 2)
    add_case(store, 3)
    with store.reading() as connection:
        rows = connection.execute(sa.select(AUDIT).where(AUDIT.c.action == "clock-set-back")).all()
    assert len(rows) == 1
    assert "2026-03-01" in rows[0].note
    assert read_case(store, encounter)
    assert verify(store).good


def test_a_clock_that_is_corrected_by_a_second_is_not_worth_a_word(store, clock):
    add_case(store, 1)
    clock.forward(seconds=-1)
    add_case(store, 2)
    with store.reading() as connection:
        assert not connection.execute(sa.select(AUDIT).where(AUDIT.c.action == "clock-set-back")).all()


# --- versions ---

NEXT = max(STEPS) + 1


def _fails(connection: sa.Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE half_done (x TEXT)")
    connection.exec_driver_sql("INSERT INTO record (seq) VALUES ('this breaks')")


def _works(connection: sa.Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE blob ADD COLUMN note TEXT")


def reopen(folder, store, clock, steps):
    return Store.open(folder, store.key_file, store.keys, clock=clock, steps=steps)


def test_a_migration_that_fails_half_way_leaves_everything_as_it_was_and_a_copy(store, folder, clock):
    encounter = add_case(store, 1)
    store.close()
    with pytest.raises(StoreError) as failure:
        reopen(folder, store, clock, {**STEPS, NEXT: _fails})
    assert failure.value.fault.code == "store-migration-failed"
    with closing(open_again(folder, clock=clock)) as again:
        assert "half_done" not in sa.inspect(again.engine).get_table_names()
        assert read_case(again, encounter)
        assert verify(again).good
    copies = list((folder / BEFORE_UPDATE).iterdir())
    assert len(copies) == 1
    with closing(open_raw(copies[0], store.keys.database)) as copy:
        assert copy.execute("SELECT count(*) FROM record").fetchone() == (5,)


def test_a_migration_is_recorded_and_a_store_from_the_future_is_left_alone(store, folder, clock):
    add_case(store, 1)
    store.close()
    with closing(reopen(folder, store, clock, {**STEPS, NEXT: _works})) as later:
        assert later.read_only is None
        with later.reading() as connection:
            row = connection.execute(sa.select(AUDIT).order_by(AUDIT.c.seq.desc()).limit(1)).one()
        assert (row.action, row.note) == ("store-updated", f"database version {NEXT}")
    before = (folder / DATABASE).read_bytes()
    with pytest.raises(StoreError, match="later version of the program"):
        open_again(folder, clock=clock)
    with pytest.raises(StoreError, match="later version of the program"):
        open_again(folder, clock=clock, read_only=True)
    with pytest.raises(StoreError, match="earlier version of the program"):
        Store.open(folder, store.key_file, store.keys, read_only=True, steps={**STEPS, NEXT: _works, NEXT + 1: _works})
    assert (folder / DATABASE).read_bytes() == before


def test_plain_sqlite_cannot_read_the_database(store, folder):
    add_case(store, 1)
    with (
        closing(sqlite3.connect(folder / DATABASE)) as plain,
        pytest.raises(sqlite3.DatabaseError, match="not a database"),
    ):
        plain.execute("SELECT * FROM sqlite_master")


def test_a_mistake_of_ours_is_not_dressed_up_as_the_disks(store):
    with (
        pytest.raises(sa.exc.OperationalError, match="no such table"),
        translated(),
        store.engine.connect() as connection,
    ):
        connection.exec_driver_sql("SELECT * FROM nowhere")


def test_an_image_left_by_an_interrupted_entry_is_counted_and_harmless(store):
    store.keep_image(picture(5))
    verdict = verify(store)
    assert verdict.good
    assert verdict.unlisted_images == 1


def test_unfinished_files_of_a_crash_are_swept_at_the_next_start(store, folder, clock):
    sha256 = store.keep_image(picture(5))
    partial = store.blobs.path_of(sha256).with_name("x.blob.0.partial")
    partial.write_bytes(b"half")
    store.close()
    with closing(open_again(folder, clock=clock)):
        assert not partial.exists()


def test_images_are_kept_once(store):
    assert store.keep_image(picture(5)) == store.keep_image(picture(5))
    assert len(list(store.blobs.files())) == 1


def test_a_case_image_is_named_by_its_content(store):
    encounter = add_case(store, 5)
    image: CaseImage = read_case(store, encounter).images[0].image.value
    assert store.read_image(image.sha256) == picture(5)
