"""Nothing readable at rest: marked names and pixels are in no file of the data, temp or log folders."""

from __future__ import annotations

import base64
import logging
import tempfile
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from qana_desktop.store import backup, cases
from qana_desktop.store.faults import StoreError
from qana_desktop.store.records import Put, new_id
from qana_desktop.store.store import Store
from qana_desktop.store.unlock import NO_KEYCHAIN, lock_keys
from qana_desktop.store.users import SignInRefused, Users
from qana_desktop.store.verify import verify
from qana_desktop.system.logs import close_log, open_log
from qana_desktop.system.recovery_code import new_recovery_code
from qana_desktop.triage.access import Role
from qana_desktop.triage.case import CaseImage, Encounter, Lesion, Patient
from tests.support.stores import PASSPHRASE, PASSWORD, QUICK, new_store, open_again, picture, reading

NAME = "Marked-Name-Zyxwvut"
WORDS = [NAME, "marked-pseudonym-4711", "marked body site", "Marked-User-Qwert", "marked diagnosis.jpg"]
PIXELS = b"MARKEDPIXELS" * 40


def _forms(secret: bytes) -> list[bytes]:
    """A text as it may stand in a file: plain, wide, in hexadecimal or Base64."""
    text = secret.decode("latin-1")
    plain = [secret, text.encode("utf-16-le"), secret.hex().encode(), secret.hex().upper().encode()]
    return plain + [base64.b64encode(b"x" * shift + secret)[4:-4] for shift in range(3)]


def _files(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


@pytest.mark.expects_log("store is read-only")
def test_marked_names_pixels_and_secrets_are_in_no_file(tmp_path, folder, clock, monkeypatch):
    temp, logs = tmp_path / "temp", tmp_path / "logs"
    temp.mkdir()
    monkeypatch.setenv("TMPDIR", str(temp))
    monkeypatch.setenv("SQLITE_TMPDIR", str(temp))
    monkeypatch.setattr(tempfile, "tempdir", None)
    log = open_log(logs, level=logging.DEBUG)
    try:
        store, code, image = _use_everything(tmp_path, folder, clock)
    finally:
        close_log(log)
    keys = store.keys
    secrets = [word.encode() for word in [*WORDS, PASSPHRASE, PASSWORD, code]]
    secrets += [PIXELS, image[40:72], keys.data, keys.site, keys.database, keys.blobs, keys.seal]
    files = _files(tmp_path)
    assert {"cases.db", "cases.db-wal", "audit.head", "keys.json", "backup.json", "qana-desktop.log"} <= {
        path.name for path in files
    }
    for path in files:
        content = path.read_bytes() + str(path).encode()
        for secret in secrets:
            assert not any(form in content for form in _forms(secret)), f"{secret[:8]!r}... is readable in {path.name}"
    store.close()


def _use_everything(tmp_path, folder, clock):
    """Do all that writes. The store stays open, so that its write-ahead log is looked at too."""
    store, code = new_store(folder, clock=clock)
    users = Users(store, cost=QUICK)
    users.add(WORDS[3], Role.CLINICIAN, PASSWORD, by="system")
    with pytest.raises(SignInRefused):
        users.sign_in(WORDS[3], PASSWORD + "x")
    image = PIXELS + picture(3)
    _enter(store, image)
    with store.reading() as connection:
        assert cases.worklist(connection, cases.WorklistQuery(text="marked"))
    assert verify(store).good
    backup.make_backup(store, tmp_path / "backups", by="x")
    with pytest.raises(StoreError):
        store.read_image("0" * 64)
    key_file = lock_keys(store.key_file, store.keys, new_recovery_code(), keychain=NO_KEYCHAIN, passphrase=PASSPHRASE)
    key_file.write(folder)
    store._stop_writing(backup._BAD)
    with closing(open_again(tmp_path / "backups" / next((tmp_path / "backups").iterdir()).name, read_only=True)):
        pass
    return store, code, image


def _enter(store: Store, image: bytes) -> None:
    patient, lesion, encounter, picture_id = (new_id() for _ in range(4))
    sha256 = store.keep_image(image)
    thumbnail = store.keep_image(zlib.compress(image) + PIXELS)
    read = reading(sha256)
    store.file(
        [
            Put(Patient(WORDS[1], name=NAME), patient),
            Put(Lesion(WORDS[2]), lesion, patient),
            Put(Encounter("2026-01-01T00:00:00Z", reason=NAME), encounter, lesion),
            Put(CaseImage(sha256, "image/png", 48, 48, thumbnail_sha256=thumbnail), picture_id, encounter),
            Put(type(read)(**{**vars(read), "source": WORDS[4]}), new_id(), picture_id),
        ],
        by="tester",
        what="add a case",
    )


def test_the_search_for_marks_finds_a_mark_that_is_there(tmp_path):
    for number, form in enumerate(_forms(b"some marked text")):
        path = tmp_path / str(number)
        path.write_bytes(b"..." + form + b"...")
        assert any(one in path.read_bytes() for one in _forms(b"some marked text"))


def test_the_file_of_an_image_does_not_have_the_images_hash_as_its_name(store):
    sha256 = store.keep_image(picture(1))
    assert all(sha256 not in str(path) for path in store.blobs.files())


def test_an_error_of_the_database_shows_no_content(store):
    import sqlalchemy as sa

    with pytest.raises(sa.exc.IntegrityError) as error, store.transaction("x") as action:
        action.connection.exec_driver_sql("INSERT INTO site VALUES (?, ?)", ("store", NAME))
    assert NAME not in str(error.value)
