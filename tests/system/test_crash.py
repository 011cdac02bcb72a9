"""The crash record: written when a bug stops the program, free of patient data, shown once."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from qana_desktop import __version__
from qana_desktop.system.crash import CrashRecorder

NOON = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)


def raised(text: str) -> ValueError:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


def test_a_recorded_crash_is_shown_at_the_next_start(tmp_path):
    CrashRecorder(tmp_path, clock=lambda: NOON).record(raised("x"), where="main thread")
    (record,) = CrashRecorder(tmp_path).pending()
    assert record.when == "2026-03-04T12:00:00+00:00"
    assert record.version == __version__
    assert record.where == "main thread"
    assert "ValueError at" in record.what
    assert "raised" in record.what


def test_the_record_holds_neither_message_nor_path(tmp_path):
    CrashRecorder(tmp_path).record(raised("/data/Anna Schmidt/mole.jpg"), where="main thread")
    (file,) = tmp_path.glob("crash-*.json")
    text = file.read_text()
    assert "Anna" not in text
    assert "/" not in text


def test_dismissed_crashes_are_not_shown_again(tmp_path):
    recorder = CrashRecorder(tmp_path)
    recorder.record(raised("x"), where="main thread")
    recorder.dismiss()
    assert CrashRecorder(tmp_path).pending() == []


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"when": 1}', b"\xff\xfe", b'{"unknown": 1}'])
def test_a_damaged_record_is_skipped(tmp_path, content):
    (tmp_path / "crash-1.json").write_bytes(content)
    assert CrashRecorder(tmp_path).pending() == []


def test_an_interrupt_is_not_a_crash(tmp_path):
    CrashRecorder(tmp_path).record(KeyboardInterrupt(), where="main thread")
    assert CrashRecorder(tmp_path).pending() == []


@pytest.mark.expects_log("crash record not written")
def test_recording_into_an_unusable_folder_does_not_raise(tmp_path):
    (tmp_path / "file").touch()
    CrashRecorder(tmp_path / "file").record(raised("x"), where="main thread")


PROGRAM = """
import sys, threading
from pathlib import Path
from qana_desktop.system.crash import CrashRecorder
recorder = CrashRecorder(Path(sys.argv[1]))
recorder.install()
def work():
    raise RuntimeError("Anna")
match sys.argv[2]:
    case "main": work()
    case "thread":
        thread = threading.Thread(target=work); thread.start(); thread.join()
    case "native":
        import ctypes; ctypes.string_at(0)
recorder.close()
"""


def run_program(folder, how: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", PROGRAM, folder, how], capture_output=True, check=False)


@pytest.mark.parametrize(("how", "where"), [("main", "main thread"), ("thread", "worker thread")])
def test_an_uncaught_error_of_a_real_program_leaves_a_record(tmp_path, how, where):
    ended = run_program(tmp_path, how)
    (record,) = CrashRecorder(tmp_path).pending()
    assert record.where == where
    assert "RuntimeError at" in record.what
    assert b"RuntimeError" in ended.stderr, "a developer still sees the traceback"


def test_a_crash_inside_a_native_library_is_shown_too(tmp_path):
    assert run_program(tmp_path, "native").returncode != 0
    (record,) = CrashRecorder(tmp_path).pending()
    assert record.where == "native library"
    recorder = CrashRecorder(tmp_path)
    recorder.dismiss()
    assert recorder.pending() == []


def test_a_program_that_ends_well_leaves_nothing(tmp_path):
    assert run_program(tmp_path, "well").returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_the_hooks_of_this_process_are_untouched_by_recording(tmp_path):
    before = sys.excepthook, threading.excepthook
    CrashRecorder(tmp_path).record(raised("x"), where="main thread")
    assert (sys.excepthook, threading.excepthook) == before


def test_two_windows_of_one_user_end_in_any_order(tmp_path):
    script = (
        "import sys; from pathlib import Path; from qana_desktop.system.crash import CrashRecorder\n"
        "first, second = (CrashRecorder(Path(sys.argv[1])) for _ in range(2))\n"
        "first.install(); second.dismiss(); second.install(); first.close(); second.close()"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60)
    assert list(tmp_path.iterdir()) == []
