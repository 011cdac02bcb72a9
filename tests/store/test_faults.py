"""What breaks from outside: damaged, full, read-only, missing, shared. Each ends in a sentence; nothing false shows."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
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
from tests.support.stores import add_case, new_store, open_again, picture

ROOT = Path(__file__).resolve().parents[2]


def read_case(store, encounter):
    with store.reading() as connection:
        return cases.read_case(connection, encounter)


def flip(path: Path, place: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[place] ^= 0x10
    path.write_bytes(raw)


def in_child(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run Python code in a real process of its own."""
    command = [sys.executable, "-c", textwrap.dedent(code), *(str(argument) for argument in arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


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


# --- the disk ---


SMALL_DISK = """
    import resource, signal, sys
    from pathlib import Path
    from qana_desktop.store.faults import StoreError
    from tests.support.stores import add_case, open_again

    folder, limit = Path(sys.argv[1]), int(sys.argv[2])
    store = open_again(folder)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    confirmed = []
    try:
        for number in range(400):
            confirmed.append(add_case(store, number))
    except StoreError as error:
        print(error.fault.code, "|", error.fault.sentence())
    print(*confirmed)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a file's size are POSIX")
@pytest.mark.parametrize("room", [20_000, 150_000, 400_000])
def test_a_file_that_cannot_grow_ends_in_a_sentence_and_keeps_what_was_confirmed(store, folder, clock, room):
    store.close()
    done = in_child(SMALL_DISK, folder, (folder / DATABASE).stat().st_size + room)
    said, confirmed = done.stdout.splitlines()
    assert said.split(" | ")[0] in {"store-disk-full", "store-disk-error", "audit-head-not-kept"}, done.stderr
    assert "Traceback" not in done.stderr
    with closing(open_again(folder, clock=clock)) as again:
        assert again.read_only is None
        for encounter in confirmed.split():
            assert read_case(again, encounter)
        assert verify(again).good
        add_case(again, 1000)


FULL_DISK = """
    import sys
    from pathlib import Path
    from qana_desktop.store.faults import StoreError
    from tests.support.stores import add_case, new_store

    disk = Path(sys.argv[1])
    store, _code = new_store(disk / "store")
    confirmed, number = [], 0
    try:
        while True:
            confirmed.append(add_case(store, number, by="x" * 200))
            number += 1
    except StoreError as error:
        print(error.fault.code)
    print(*confirmed)
"""


def _mount(disk: Path) -> bool:
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    return (
        shutil.which("mount") is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(sys.platform != "linux", reason="a small disk is mounted as tmpfs")
def test_a_full_disk_ends_in_a_sentence_and_keeps_what_was_confirmed(tmp_path):
    disk = tmp_path / "disk"
    if not _mount(disk):
        pytest.skip("only an administrator may mount a small disk here")
    try:
        done = in_child(FULL_DISK, disk)
        said, confirmed = done.stdout.splitlines()
        assert said in {"store-disk-full", "store-disk-error"}, done.stderr
        shutil.copytree(disk / "store", tmp_path / "store")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    with closing(open_again(tmp_path / "store")) as again:
        assert len(confirmed.split()) > 3
        for encounter in confirmed.split():
            assert read_case(again, encounter)
        assert verify(again).good


READ_ONLY = """
    import os, sys
    import sqlalchemy
    from contextlib import closing
    from pathlib import Path
    from qana_desktop.store import cases
    from qana_desktop.store.faults import StoreReadOnly
    from qana_desktop.store.verify import verify
    from tests.support.stores import add_case, open_again

    if sys.argv[3:]:
        sqlalchemy.create_engine("sqlite://").connect().close()  # loaded while this program may still read its files
        os.setgid(int(sys.argv[3]))
        os.setuid(int(sys.argv[3]))
    with closing(open_again(Path(sys.argv[1]))) as store:
        with store.reading() as connection:
            print(cases.read_case(connection, sys.argv[2]).patient.value.pseudonym)
        print(verify(store).good)
        try:
            add_case(store, 2)
        except StoreReadOnly as error:
            print(error.fault.code)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a disk is made read-only by mounting it so")
def test_a_read_only_disk_can_be_read_and_verified_and_says_why_nothing_is_saved(store, folder, tmp_path):
    encounter = add_case(store, 1)
    store.close()
    disk = tmp_path / "disk"
    if not _mount(disk):
        pytest.skip("only an administrator may mount a disk here")
    try:
        shutil.copytree(folder, disk / "store")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        done = in_child(READ_ONLY, disk / "store", encounter)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert done.stdout.splitlines() == ["P-00001", "True", "store-read-only-folder"], done.stderr


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid"), reason="POSIX permissions")
def test_a_folder_of_another_user_can_be_read_and_says_why_nothing_is_saved(tmp_path_factory):
    place = Path("/tmp") / f"qana-other-{os.getpid()}"  # noqa: S108 - readable by another user
    store, _code = new_store(place / "store")
    encounter = add_case(store, 1)
    store.close()
    try:
        for path in [place, *place.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        nobody = [65534] if os.geteuid() == 0 else []
        done = in_child(READ_ONLY, place / "store", encounter, *nobody)
    finally:
        for path in [place, *place.rglob("*")]:
            path.chmod(0o755)
        shutil.rmtree(place)
    assert done.stdout.splitlines() == ["P-00001", "True", "store-read-only-folder"], done.stderr


def test_a_missing_store_is_not_made_by_looking_for_it(tmp_path):
    with pytest.raises(StoreError, match="no case store"):
        open_again(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_not_made_over_another(store, folder):
    with pytest.raises(StoreError, match="already"):
        Store.create(folder, KeyFile.new(), store.keys)


# --- others at work ---


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
        reopen(folder, store, clock, {**STEPS, 2: _fails})
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
    with closing(reopen(folder, store, clock, {**STEPS, 2: _works})) as later:
        assert later.read_only is None
        with later.reading() as connection:
            row = connection.execute(sa.select(AUDIT).order_by(AUDIT.c.seq.desc()).limit(1)).one()
        assert (row.action, row.note) == ("store-updated", "database version 2")
    before = (folder / DATABASE).read_bytes()
    with pytest.raises(StoreError, match="later version of the program"):
        open_again(folder, clock=clock)
    with pytest.raises(StoreError, match="later version of the program"):
        open_again(folder, clock=clock, read_only=True)
    with pytest.raises(StoreError, match="earlier version of the program"):
        Store.open(folder, store.key_file, store.keys, read_only=True, steps={**STEPS, 2: _works, 3: _works})
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
