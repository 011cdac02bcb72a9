"""A child process answers, or the parent learns why not; whatever happens, no child outlives its use."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from qana_desktop.system.childprocess import (
    BugInChild,
    ChildDied,
    ChildOutOfMemory,
    ChildProcess,
    ChildTimedOut,
)
from qana_desktop.system.faults import Fault, KnownError

HANDLERS = "tests.support.child_handlers"
LONG_S, SHORT_S = 60.0, 0.2
ROOT = Path(__file__).resolve().parents[2]

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="uses what only Linux offers")
posix = pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX signals")


class OddWeather(KnownError):
    """A known error of these tests."""


@pytest.fixture
def start() -> Iterator[Callable[..., ChildProcess]]:
    """Start children that are closed when the test ends."""
    children: list[ChildProcess] = []

    def start_one(factory: str = "performer", *args: object, **options: object) -> ChildProcess:
        child = ChildProcess(f"{HANDLERS}:{factory}", args, name="test-child", **options)  # type: ignore[arg-type]
        children.append(child)
        return child.start()

    yield start_one
    for child in children:
        child.close()


def is_gone(pid: int) -> bool:
    """Say whether no process has this id (a zombie still has it)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def wait_until_ended(pid: int) -> None:
    """Wait, on the kernel's own notification, until a process that is not our child has ended."""
    descriptor = os.pidfd_open(pid)
    try:
        assert multiprocessing.connection.wait([descriptor], LONG_S), f"process {pid} still runs"
    finally:
        os.close(descriptor)


# --- answers ------------------------------------------------------------------------------------


def test_plain_values_come_back_as_they_went(start):
    child = start()
    for value in (None, 7, "text", ("a", 1.5), {"key": [1, 2]}, b"bytes", True, {1, 2}):
        assert child.call(("echo", value), timeout_s=LONG_S) == value


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float64])
def test_arrays_come_back_equal_and_writable(start, dtype):
    child = start()
    for shape in ((0, 4), (1, 32, 32, 3), (1, 300, 400, 3), (), (1, 90_000)):
        array = np.random.default_rng(1).integers(0, 255, shape).astype(dtype)
        returned = child.call(("echo", array), timeout_s=LONG_S)
        assert isinstance(returned, np.ndarray)
        assert (returned.dtype, returned.shape) == (array.dtype, array.shape)
        assert np.array_equal(returned, array)
        returned[...] = 0


def test_a_view_with_odd_strides_comes_back_equal(start):
    array = np.arange(600_000, dtype=np.int32).reshape(600, 1000)[::-2, ::3]
    assert np.array_equal(start().call(("echo", array), timeout_s=LONG_S), array)


def test_dataclasses_of_the_program_travel(start):
    fault = Fault("a", "b", "c")
    assert start().call(("echo", fault), timeout_s=LONG_S) == fault


def test_calls_from_many_threads_get_each_its_own_answer(start):
    child, answers = start(), {}

    def ask(number: int) -> None:
        answers[number] = child.call(("echo", number), timeout_s=LONG_S)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: number for number in range(20)}


def test_the_child_lives_on_after_a_short_limit_was_kept(start):
    child = start()
    for number in range(5):
        assert child.call(("echo", number), timeout_s=LONG_S - number) == number
    assert child.alive


# --- failures -----------------------------------------------------------------------------------


def test_a_known_fault_is_raised_as_the_class_that_the_user_named(start):
    child = start(errors={"odd-weather": OddWeather})
    with pytest.raises(OddWeather) as caught:
        child.call(("fault", "odd-weather"), timeout_s=LONG_S)
    assert caught.value.fault == Fault("odd-weather", "The thing happened.", "Do the other thing.")
    assert child.call(("echo", 1), timeout_s=LONG_S) == 1


def test_a_fault_of_another_code_is_still_a_known_error(start):
    with pytest.raises(KnownError) as caught:
        start(errors={"odd-weather": OddWeather}).call(("fault", "rain"), timeout_s=LONG_S)
    assert type(caught.value) is KnownError
    assert caught.value.fault.code == "rain"


def test_an_unexpected_exception_travels_as_text_and_the_child_lives_on(start):
    child = start()
    with pytest.raises(BugInChild, match=r"ZeroDivisionError: a bug that nobody expected"):
        child.call(("bug",), timeout_s=LONG_S)
    assert child.call(("echo", 1), timeout_s=LONG_S) == 1


def test_an_exit_in_the_middle_of_a_call_is_reported_with_its_code(start):
    child = start()
    with pytest.raises(ChildDied) as caught:
        child.call(("exit", 42), timeout_s=LONG_S)
    assert caught.value.exit_code == 42
    assert not child.alive


@posix
def test_a_segmentation_fault_is_reported_as_its_signal(start):
    with pytest.raises(ChildDied) as caught:
        start().call(("segfault",), timeout_s=LONG_S)
    assert caught.value.exit_code == -signal.SIGSEGV


@posix
def test_a_child_killed_from_outside_during_a_call_is_reported(start):
    child = start()
    assert child.pid is not None
    threading.Timer(SHORT_S, os.kill, (child.pid, signal.SIGKILL)).start()
    with pytest.raises(ChildDied) as caught:
        child.call(("hang",), timeout_s=LONG_S)
    assert caught.value.exit_code == -signal.SIGKILL


@linux
def test_an_interrupted_call_costs_the_child_its_life_so_that_no_answer_is_taken_for_another(start):
    child = start()
    threading.Timer(SHORT_S, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        child.call(("hang",), timeout_s=LONG_S)
    with pytest.raises(ChildDied):
        child.call(("echo", 1), timeout_s=LONG_S)


def test_kill_from_another_thread_ends_a_pending_call(start):
    child = start()
    threading.Timer(SHORT_S, child.kill).start()
    with pytest.raises(ChildDied):
        child.call(("hang",), timeout_s=LONG_S)
    assert not child.alive


def test_close_from_another_thread_ends_a_pending_call(start):
    child = start()
    threading.Timer(SHORT_S, child.close).start()
    with pytest.raises(ChildDied):
        child.call(("hang",), timeout_s=LONG_S)
    assert not child.alive


def test_a_dead_child_answers_no_further_call(start):
    child = start()
    child.kill()
    with pytest.raises(ChildDied):
        child.call(("echo", 1), timeout_s=LONG_S)


@posix
@pytest.mark.parametrize("verb", ["hang", "hang_holding_the_interpreter", "ignore_termination_and_hang"])
def test_a_child_that_hangs_past_the_limit_is_killed_and_gone(start, verb):
    child = start()
    pid = child.pid
    with pytest.raises(ChildTimedOut, match="did not answer within"):
        child.call((verb,), timeout_s=SHORT_S)
    assert not child.alive
    assert is_gone(pid)


@posix
def test_a_stopped_child_that_reads_nothing_is_killed_too(start):
    child = start()
    os.kill(child.pid, signal.SIGSTOP)
    with pytest.raises(ChildTimedOut):
        child.call(("echo", np.zeros(20_000_000, np.uint8)), timeout_s=SHORT_S)
    assert is_gone(child.pid)


@pytest.mark.parametrize("verb", ["send_function", "send_path"])
def test_a_reply_that_is_no_plain_value_is_not_read(start, verb):
    child = start()
    with pytest.raises(BugInChild, match="not a reply"):
        child.call((verb,), timeout_s=LONG_S)


def test_a_reply_that_cannot_be_sent_is_a_bug_with_its_text(start):
    child = start()
    with pytest.raises(BugInChild, match="lambda"):
        child.call(("send_lambda",), timeout_s=LONG_S)
    assert child.call(("echo", 1), timeout_s=LONG_S) == 1


def test_a_request_that_cannot_be_sent_harms_nothing(start):
    child = start()
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        child.call(("echo", lambda: None), timeout_s=LONG_S)
    assert child.call(("echo", 1), timeout_s=LONG_S) == 1


@linux
def test_a_request_above_the_memory_limit_is_refused_and_the_child_lives_on(start):
    child = start(memory_limit_mb=200)
    assert child.call(("allocate", 100), timeout_s=LONG_S) == 1
    with pytest.raises(ChildOutOfMemory):
        child.call(("allocate", 400), timeout_s=LONG_S)
    assert child.call(("allocate", 100), timeout_s=LONG_S) == 1


# --- starting -----------------------------------------------------------------------------------


def test_a_known_error_at_start_is_raised_by_start(start):
    with pytest.raises(OddWeather, match="Start something else"):
        start("fails_to_start", "odd-weather", errors={"odd-weather": OddWeather})


def test_a_bug_at_start_is_raised_with_its_text(start):
    with pytest.raises(BugInChild, match="a bug at start"):
        start("has_a_bug_at_start")


def test_an_error_of_the_system_at_start_is_not_taken_for_a_parent_that_went_away(start):
    with pytest.raises(BugInChild, match="no such device"):
        start("finds_no_file_at_start")


def test_a_module_that_cannot_be_imported_is_a_bug_with_its_text():
    child = ChildProcess("tests.support.no_such_module:f", name="test-child")
    with pytest.raises(BugInChild, match="no_such_module"):
        child.start()
    child.close()


def test_a_death_at_start_is_raised_with_its_code(start):
    with pytest.raises(ChildDied) as caught:
        start("dies_at_start")
    assert caught.value.exit_code == 3


def test_a_child_that_never_becomes_ready_is_killed():
    child = ChildProcess(f"{HANDLERS}:hangs_at_start", name="test-child", start_timeout_s=3 * SHORT_S)
    with pytest.raises(ChildTimedOut):
        child.start()
    assert not child.alive
    child.close()


def test_a_child_that_was_never_started_can_be_closed():
    child = ChildProcess(f"{HANDLERS}:performer", name="test-child")
    assert not child.alive
    child.close()
    child.close()


# --- ending -------------------------------------------------------------------------------------


def test_close_lets_the_handler_release_what_it_holds(start, tmp_path):
    note = tmp_path / "note"
    child = start("performer", note)
    child.close()
    assert note.read_text() == "closed"
    assert is_gone(child.pid)


PARENT = """
import sys, threading
from qana_desktop.system.childprocess import ChildProcess
if __name__ == "__main__":
    child = ChildProcess("tests.support.child_handlers:performer", name="orphan").start()
    if sys.argv[1] != "idle":
        threading.Thread(target=child.call, args=((sys.argv[1],),), kwargs={"timeout_s": 0.5}, daemon=True).start()
    print(child.pid, flush=True)
    sys.stdin.read()
"""


@linux
@pytest.mark.parametrize("state", ["idle", "hang", "hang_holding_the_interpreter"])
def test_a_child_ends_when_its_parent_is_killed(tmp_path, state):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script), state]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    if not is_gone(pid):
        wait_until_ended(pid)


@posix
def test_a_child_ignores_ctrl_c_which_is_for_the_parent_to_decide(start):
    child = start()
    os.kill(child.pid, signal.SIGINT)
    assert child.call(("echo", 1), timeout_s=LONG_S) == 1


def test_telemetry_is_off_before_anything_is_imported_in_the_child(start, monkeypatch):
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY")
    assert start().call(("environment", "ORT_DISABLE_TELEMETRY"), timeout_s=LONG_S) == "1"


def test_what_a_library_prints_in_the_child_stays_out_of_standard_output(start, capfd):
    start().call(("print", "chatter"), timeout_s=LONG_S)
    out, err = capfd.readouterr()
    assert "chatter" not in out
    assert "chatter" in err
