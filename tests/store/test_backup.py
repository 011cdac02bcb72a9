"""A backup is called good after all of it was read back; it opens anywhere with the code; restoring is rehearsed."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from qana_desktop.store import cases
from qana_desktop.store.backup import MANIFEST, age_of, last_backup, make_backup, read_info, restore
from qana_desktop.store.faults import StoreError
from qana_desktop.store.schema import AUDIT
from qana_desktop.store.store import DATABASE, Store
from qana_desktop.store.swap import INCOMING, OUTGOING, partial_of, swap_in
from qana_desktop.store.unlock import Credentials, create_store, open_store, unlock
from qana_desktop.store.verify import verify
from tests.support.stores import QUICK, Clock, MemoryKeychain, add_case, new_store, open_again, picture


def read_case(store, encounter):
    with store.reading() as connection:
        return cases.read_case(connection, encounter)


@pytest.fixture
def shelf(tmp_path):
    """Where backups are kept."""
    return tmp_path / "shelf"


def test_a_backup_holds_everything_up_to_its_head_and_the_store_goes_on(store, shelf):
    encounter = add_case(store, 1)
    head = store.head.printed()
    made, verdict = make_backup(store, shelf, by="clara")
    later = add_case(store, 2)
    assert verdict.good
    info = read_info(made, store.keys)
    assert (info.head, info.images, info.records) == (head, 1, 5)
    with closing(open_again(made, read_only=True)) as copy:
        assert read_case(copy, encounter) == read_case(store, encounter)
        assert copy.read_image(read_case(copy, encounter).images[0].image.value.sha256) == picture(1)
        with pytest.raises(StoreError, match="not in the case store"):
            read_case(copy, later)


def test_a_backup_is_recorded_with_its_head_and_its_age_is_known(store, shelf, clock):
    assert last_backup(store) is None
    head = store.head.printed()
    make_backup(store, shelf, by="clara")
    with store.reading() as connection:
        row = connection.execute(sa.select(AUDIT).where(AUDIT.c.action == "backup-made")).one()
    assert (row.by, row.note) == ("clara", head)
    assert age_of(last_backup(store), clock.now + timedelta(days=3)) == timedelta(days=3)
    assert age_of(last_backup(store), clock.now - timedelta(days=3)) is None


def test_restored_on_another_computer_with_the_recovery_code(tmp_path, shelf):
    here, there = MemoryKeychain(), MemoryKeychain()
    code = create_store(tmp_path / "here", keychain=here, cost=QUICK)
    with closing(open_store(tmp_path / "here", Credentials(here))) as store:
        encounter = add_case(store, 1)
        made, _verdict = make_backup(store, shelf, by="clara")
        before = read_case(store, encounter)
    shutil.rmtree(tmp_path / "here")
    with pytest.raises(StoreError, match="keychain of this computer has no key"):
        unlock(made, Credentials(there))
    key_file, keys = unlock(made, Credentials(there, recovery_code=code))
    old, verdict = restore(made, tmp_path / "there", key_file, keys)
    assert old is None
    assert verdict.good
    with closing(open_store(tmp_path / "there", Credentials(there, recovery_code=code))) as again:
        assert again.read_only is None
        assert read_case(again, encounter) == before
    open_store(tmp_path / "there", Credentials(there)).close()


def test_restoring_over_a_store_keeps_the_old_one_beside_it(store, folder, shelf, clock):
    add_case(store, 1)
    made, _verdict = make_backup(store, shelf, by="clara")
    later = add_case(store, 2)
    store.close()
    key_file, keys = unlock(made, Credentials(passphrase="four quiet green lamps"))
    old, _verdict = restore(made, folder, key_file, keys, clock=clock)
    with closing(open_again(folder)) as again, pytest.raises(StoreError, match="not in the case store"):
        read_case(again, later)
    with closing(open_again(old, read_only=True)) as kept:
        assert read_case(kept, later)


def test_a_store_that_is_open_is_not_exchanged(store, folder, shelf):
    add_case(store, 1)
    made, _verdict = make_backup(store, shelf, by="clara")
    with pytest.raises(StoreError, match="open in another window"):
        restore(made, folder, store.key_file, store.keys)
    add_case(store, 2)
    assert verify(store).good


@pytest.mark.parametrize("part", ["database", "image", "manifest", "head", "missing image"])
def test_a_backup_damaged_after_it_was_made_is_not_restored(store, folder, shelf, part):
    add_case(store, 1)
    made, _verdict = make_backup(store, shelf, by="clara")
    image = next(made.glob("blobs/??/*"))
    if part == "manifest":
        plain = json.loads((made / MANIFEST).read_text())
        (made / MANIFEST).write_text(json.dumps({**plain, "made_at": "2030-01-01T00:00:00+00:00"}))
    elif part == "missing image":
        image.unlink()
    else:
        path = {"database": made / DATABASE, "image": image, "head": made / "audit.head"}[part]
        raw = bytearray(path.read_bytes())
        for place in range(30, len(raw), 512):
            raw[place] ^= 1
        path.write_bytes(raw)
    before = store.head
    store.close()
    with pytest.raises(StoreError) as refusal:
        restore(made, folder, store.key_file, store.keys)
    assert refusal.value.fault.code in {"backup-bad", "store-damaged"}
    with closing(open_again(folder)) as again:
        assert again.head == before
        assert verify(again).good
    assert not list(folder.parent.glob("store.*partial"))


def test_a_store_with_a_damaged_image_gets_no_backup_that_looks_good(store, shelf):
    add_case(store, 1)
    first, _verdict = make_backup(store, shelf / "a", by="clara")
    path = next(iter(store.blobs.files()))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match="does not read back: images"):
        make_backup(store, shelf / "b", by="clara")
    assert list((shelf / "b").iterdir()) == []
    assert read_info(first, store.keys)


def test_a_second_backup_shares_good_images_with_the_first_and_replaces_bad_ones(store, shelf, clock):
    add_case(store, 1)
    add_case(store, 2)
    first, _verdict = make_backup(store, shelf, by="clara")
    bad, good = sorted(first.glob("blobs/??/*"))
    bad.write_bytes(b"rotten")
    clock.forward(hours=1)
    second, verdict = make_backup(store, shelf, by="clara")
    assert verdict.good
    shared = {path.name for path in second.glob("blobs/??/*") if path.stat().st_nlink > 1}
    assert shared == {good.name}


def test_two_backups_within_one_second_overwrite_nothing(store, shelf):
    made = {make_backup(store, shelf, by="clara")[0] for _ in range(3)}
    assert len(made) == 3


def test_a_backup_that_is_stopped_leaves_nothing_behind(store, shelf):
    class Stopped(Exception):
        pass

    def report(what, _done, _total):
        if what == "copying images":
            raise Stopped

    add_case(store, 1)
    with pytest.raises(Stopped):
        make_backup(store, shelf, by="clara", report=report)
    assert list(shelf.iterdir()) == []
    assert last_backup(store) is None


def test_progress_is_told_in_words(store, shelf):
    told = []
    add_case(store, 1)
    make_backup(store, shelf, by="clara", report=lambda what, done, total: told.append(what))
    assert "copying images" in told
    assert "reading back: audit record" in told


def test_what_is_not_a_backup_is_not_restored(store, folder, tmp_path):
    with pytest.raises(StoreError, match="no backup in this folder"):
        restore(folder, tmp_path / "new", store.key_file, store.keys)


class Crash(Exception):
    """The power went."""


@pytest.mark.parametrize("step", range(4))
@pytest.mark.parametrize("keep", [True, False])
def test_a_crash_between_any_two_steps_of_an_exchange_leaves_the_old_store_or_the_new(
    tmp_path, step, keep, monkeypatch
):
    """The steps are the renames and the removal of the exchange; the crash comes before one of them."""
    folder = tmp_path / "store"
    old, _code = new_store(folder, clock=Clock(datetime(2020, 1, 1, tzinfo=UTC)))
    old.close()
    fresh, _code = new_store(tmp_path / "fresh")
    fresh.close()
    partial = partial_of(folder)
    (tmp_path / "fresh").rename(partial)
    steps = iter(range(100))

    def crash_before(original):
        def do(*arguments, **options):
            if next(steps) == step:
                raise Crash
            return original(*arguments, **options)

        return do

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.rename", crash_before(type(folder).rename))
        patch.setattr("shutil.rmtree", crash_before(shutil.rmtree))
        try:
            swap_in(partial, folder, keep_old_as=tmp_path / "kept" if keep else None)
        except Crash:
            assert step < 4
    with closing(open_again(folder)) as found:
        assert found.key_file.store_id == (old if step < 2 else fresh).key_file.store_id
        assert verify(found).good
    assert not folder.with_name(folder.name + INCOMING).exists()
    assert not folder.with_name(folder.name + OUTGOING).exists()
    assert keep is False or step < 2 or (tmp_path / "kept").exists()


def test_only_the_owner_may_enter_the_folders(store, folder, shelf):
    made, _verdict = make_backup(store, shelf, by="clara")
    for place in (folder, shelf, made):
        assert place.stat().st_mode & 0o077 == 0
    assert isinstance(store, Store)
