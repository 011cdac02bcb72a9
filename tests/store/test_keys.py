"""Keys: three ways in, each with its own refusal; never a key in a file; renewing makes old ways void."""

from __future__ import annotations

import json

import pytest

from qana_desktop.store.backup import renew_data_key
from qana_desktop.store.faults import StoreError
from qana_desktop.store.keys import KEY_FILE, KeyFile, SlotKind, StoreKeys
from qana_desktop.store.unlock import (
    NO_KEYCHAIN,
    Credentials,
    anchor_head,
    create_store,
    lock_keys,
    open_store,
    unlock,
)
from qana_desktop.store.verify import verify
from qana_desktop.system.json_reads import BadJson
from qana_desktop.system.recovery_code import BadRecoveryCode, new_recovery_code
from qana_desktop.system.secrets import KeychainFailed
from tests.support.stores import PASSPHRASE, QUICK, Clock, MemoryKeychain, add_case, new_store, open_again


@pytest.fixture
def keychain() -> MemoryKeychain:
    return MemoryKeychain()


def test_keychain_recovery_code_and_passphrase_give_the_same_keys(folder, keychain):
    code = create_store(folder, keychain=keychain, passphrase=PASSPHRASE, cost=QUICK)
    ways = [Credentials(keychain), Credentials(recovery_code=code.lower()), Credentials(passphrase=PASSPHRASE)]
    keys = [unlock(folder, given)[1] for given in ways]
    assert len({(key.data, key.site) for key in keys}) == 1


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (Credentials(passphrase="not the passphrase"), "key-wrong-passphrase"),
        (Credentials(recovery_code=new_recovery_code()), "key-wrong-code"),
        (Credentials(MemoryKeychain()), "key-keychain-lost"),
        (Credentials(), "key-keychain-lost"),
    ],
)
def test_a_wrong_key_is_refused_with_what_to_do(folder, keychain, given, code):
    create_store(folder, keychain=keychain, passphrase=PASSPHRASE, cost=QUICK)
    with pytest.raises(StoreError) as refusal:
        open_store(folder, given)
    assert refusal.value.fault.code == code
    assert refusal.value.fault.remedy


def test_a_mistyped_code_is_told_from_a_wrong_one(store, folder):
    with pytest.raises(BadRecoveryCode, match="typing error"):
        unlock(folder, Credentials(recovery_code="0000-0000-0000-0000-0000-0000-0001"))


def test_a_locked_keychain_says_so_and_the_code_still_opens(folder, keychain):
    code = create_store(folder, keychain=keychain, cost=QUICK)
    keychain.refuses = True
    with pytest.raises(KeychainFailed, match="locked"):
        open_store(folder, Credentials(keychain))
    open_store(folder, Credentials(recovery_code=code)).close()


def test_after_a_lost_keychain_the_code_opens_and_the_new_keychain_is_given_a_key(folder, keychain):
    code = create_store(folder, keychain=keychain, cost=QUICK)
    store = open_store(folder, Credentials(keychain))
    add_case(store, 1)
    store.close()
    fresh = MemoryKeychain()
    open_store(folder, Credentials(fresh, recovery_code=code)).close()
    store = open_store(folder, Credentials(fresh))
    assert verify(store).good
    store.close()


def test_a_store_set_up_without_passphrase_is_not_opened_by_one(folder, keychain):
    create_store(folder, keychain=keychain, cost=QUICK)
    with pytest.raises(StoreError, match="not set up"):
        unlock(folder, Credentials(passphrase=PASSPHRASE))


def test_a_short_passphrase_is_refused_and_no_store_is_made(folder):
    with pytest.raises(StoreError, match="shorter than 12"):
        create_store(folder, keychain=NO_KEYCHAIN, passphrase="short", cost=QUICK)
    assert not folder.exists()


def test_the_key_file_holds_no_key(folder, keychain):
    code = create_store(folder, keychain=keychain, passphrase=PASSPHRASE, cost=QUICK)
    _file, keys = unlock(folder, Credentials(keychain))
    text = (folder / KEY_FILE).read_text()
    secrets = [keys.data, keys.site, keys.database, keys.blobs, keys.seal, *keychain.secrets.values()]
    assert not any(secret.hex() in text for secret in secrets)
    assert code not in text
    assert PASSPHRASE not in text
    assert {slot["kind"] for slot in json.loads(text)["slots"]} == {"keychain", "recovery", "passphrase"}


def test_keys_are_not_shown_when_printed():
    keys = StoreKeys.new()
    assert keys.data.hex() not in repr(keys)
    assert repr(keys.data) not in repr(keys)
    assert "secret words" not in repr(Credentials(passphrase="secret words"))


@pytest.mark.parametrize("part", ["box", "salt"])
def test_a_changed_key_file_is_refused(folder, store, part):
    plain = json.loads((folder / KEY_FILE).read_text())
    slot = next(slot for slot in plain["slots"] if slot["kind"] == "passphrase")
    slot[part] = ("0" if slot[part][0] != "0" else "1") + slot[part][1:]
    (folder / KEY_FILE).write_text(json.dumps(plain))
    with pytest.raises(StoreError, match="does not open"):
        unlock(folder, Credentials(passphrase=PASSPHRASE))


@pytest.mark.parametrize("text", ["", "{}", '{"format": 9, "store": "x", "slots": []}', '{"format": 1, "store": 3}'])
def test_a_key_file_that_cannot_be_read_says_where_to_get_another(folder, store, text):
    (folder / KEY_FILE).write_text(text)
    with pytest.raises(BadJson, match=r"Copy keys\.json from the last backup"):
        unlock(folder, Credentials(passphrase=PASSPHRASE))


def test_the_key_file_of_another_store_opens_nothing(tmp_path):
    first, _ = new_store(tmp_path / "a")
    second, _ = new_store(tmp_path / "b")
    first.close()
    second.close()
    (tmp_path / "a" / KEY_FILE).write_bytes((tmp_path / "b" / KEY_FILE).read_bytes())
    with pytest.raises(StoreError) as refusal:
        open_again(tmp_path / "a")
    assert refusal.value.fault.code == "store-damaged"


def test_a_new_data_key_makes_old_code_and_old_key_void_and_keeps_everything(folder, clock):
    store, old_code = new_store(folder, clock=clock)
    add_case(store, 1)
    old_keys, old_head = store.keys, store.head
    keys, code = store.keys.renewed(), new_recovery_code()
    key_file = lock_keys(store.key_file, keys, code, keychain=NO_KEYCHAIN, passphrase=None)
    assert renew_data_key(store, keys, key_file, by="admin").good
    with pytest.raises(StoreError, match="does not open"):
        open_store(folder, Credentials(recovery_code=old_code))
    with pytest.raises(StoreError, match="damaged"):
        type(store).open(folder, key_file, old_keys)
    again = open_store(folder, Credentials(recovery_code=code), clock=clock)
    assert verify(again, witnesses=[old_head]).good
    assert not list(folder.parent.glob("store.*ing"))
    again.close()


def test_new_ways_only_make_the_old_code_void(folder, clock):
    store, old_code = new_store(folder, clock=clock)
    code = new_recovery_code()
    lock_keys(store.key_file, store.keys, code, keychain=NO_KEYCHAIN, passphrase=None).write(folder)
    store.close()
    assert KeyFile.read(folder).kinds() == {SlotKind.RECOVERY}
    with pytest.raises(StoreError, match="does not open"):
        unlock(folder, Credentials(recovery_code=old_code))
    unlock(folder, Credentials(recovery_code=code))


def test_a_folder_replaced_by_an_older_copy_is_noticed_by_the_keychain(folder, keychain, tmp_path):
    import shutil

    create_store(folder, keychain=keychain, cost=QUICK)
    store = open_store(folder, Credentials(keychain), clock=Clock())
    add_case(store, 1)
    store.close()
    shutil.copytree(folder, tmp_path / "older")
    store = open_store(folder, Credentials(keychain))
    add_case(store, 2)
    anchor_head(store, keychain)
    store.close()
    shutil.rmtree(folder)
    (tmp_path / "older").rename(folder)
    store = open_store(folder, Credentials(keychain))
    assert store.read_only is not None
    assert store.read_only.code == "audit-cut-off"
    store.close()
