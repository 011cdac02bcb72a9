"""One window per user, also after a crash of the first."""

from __future__ import annotations

import subprocess
import sys

from qana_desktop.system.single_instance import InstanceLock

HOLDER = """
import sys
from pathlib import Path
from qana_desktop.system.single_instance import InstanceLock
lock = InstanceLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
sys.stdin.read()
"""


def hold(path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", HOLDER, path], stdin=-1, stdout=-1, text=True)


def test_the_first_gets_the_lock_and_a_second_process_does_not(tmp_path):
    path = tmp_path / "new folder" / "window.lock"
    with hold(path) as first:
        assert first.stdout.readline() == "True\n"
        assert InstanceLock(path).acquire() is False
        first.stdin.close()


def test_a_killed_process_gives_the_lock_free(tmp_path):
    path = tmp_path / "window.lock"
    with hold(path) as first:
        assert first.stdout.readline() == "True\n"
        first.kill()
    lock = InstanceLock(path)
    assert lock.acquire() is True
    assert lock.acquire() is True, "asking again while holding it is fine"
    lock.release()


def test_a_released_lock_can_be_taken_again(tmp_path):
    lock = InstanceLock(tmp_path / "window.lock")
    assert lock.acquire()
    lock.release()
    lock.release()
    other = InstanceLock(tmp_path / "window.lock")
    assert other.acquire()
    other.release()
