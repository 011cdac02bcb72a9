"""Full and read-only disks: a sentence, and everything that was confirmed is kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from qana_desktop.store import cases
from qana_desktop.store.store import DATABASE
from qana_desktop.store.verify import verify
from tests.support.children import in_child
from tests.support.stores import add_case, new_store, open_again


def read_case(store, encounter):
    with store.reading() as connection:
        return cases.read_case(connection, encounter)


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
@pytest.mark.parametrize("room", [20_000, 150_000])
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
    from tests.support.stores import add_case, open_again, picture

    if sys.argv[3:]:
        picture()  # and the next: libraries are loaded while this program may still read its files
        sqlalchemy.create_engine("sqlite://").connect().close()
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
