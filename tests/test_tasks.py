"""The everyday commands: what they decide before they touch the machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tasks

ROOT = Path(tasks.__file__).parent


def test_the_running_python_is_used_when_it_fits():
    assert tasks.python_to_use((3, 12), {}) == sys.executable


def test_another_python_on_the_path_is_used_when_the_running_one_does_not_fit():
    found = {"python3.11": "/usr/bin/python3.11", "python3.12": None}
    assert tasks.python_to_use((3, 13), found) == "/usr/bin/python3.11"


def test_without_a_python_that_fits_the_sentence_names_both_versions():
    with pytest.raises(tasks.Stop, match=r"needs Python 3\.11 or 3\.12; this is 3\.13"):
        tasks.python_to_use((3, 13), {})


def test_libraries_that_cannot_be_loaded_become_packages():
    loadable = dict.fromkeys(tasks.LIBRARIES, True) | {"libEGL.so.1": False}
    assert tasks.missing_packages(loadable) == ["libegl1"]
    assert tasks.missing_packages(dict.fromkeys(tasks.LIBRARIES, True)) == []
    assert tasks.missing_packages({}) == list(tasks.LIBRARIES.values())


def test_who_may_not_install_gets_the_exact_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tasks.shutil, "which", lambda _name: "/usr/bin/apt-get")
    monkeypatch.setattr(tasks.os, "geteuid", lambda: 1000, raising=False)
    with pytest.raises(tasks.Stop) as stop:
        tasks._install_packages(["libegl1", "libgl1"])
    command = "apt-get update && apt-get install --yes --no-install-recommends libegl1 libgl1"
    assert f"sudo sh -c '{command}'" in str(stop.value)


def test_a_system_without_apt_is_told_the_names_and_the_way_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tasks.shutil, "which", lambda _name: None)
    with pytest.raises(tasks.Stop, match=r"libegl1.*--skip-system"):
        tasks._install_packages(["libegl1"])


@pytest.mark.parametrize(
    ("env", "system", "window"),
    [
        ({}, "Linux", False),
        ({"DISPLAY": ""}, "Linux", False),
        ({"DISPLAY": ":0"}, "Linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "Linux", True),
        ({}, "Windows", True),
        ({}, "Darwin", True),
    ],
)
def test_a_window_needs_a_display_except_where_there_always_is_one(env, system, window):
    assert tasks.has_display(env, system) is window


def test_our_programs_start_without_telemetry_and_without_the_callers_python():
    env = tasks.environment({"PYTHONPATH": "/x", "VIRTUAL_ENV": "/y", "LANG": "de_DE.UTF-8"}, offscreen=True)
    assert env["ORT_DISABLE_TELEMETRY"] == "1"
    assert env["QT_QPA_PLATFORM"] == "offscreen"
    assert env["LANG"] == "de_DE.UTF-8"
    assert not {"PYTHONPATH", "VIRTUAL_ENV"} & set(env)


def test_a_shown_window_keeps_the_callers_choice_of_platform():
    assert tasks.environment({"QT_QPA_PLATFORM": "xcb"}, offscreen=False)["QT_QPA_PLATFORM"] == "xcb"


def test_the_stamp_changes_with_each_pin_and_only_then(tmp_path):
    pins = tmp_path / "app.txt"
    pins.write_text("numpy==1")
    before = tasks.digest([pins], "here")
    assert tasks.digest([pins], "here") == before
    assert tasks.digest([pins], "there") != before
    pins.write_text("numpy==2")
    assert tasks.digest([pins], "here") != before


def test_what_a_command_does_not_know_goes_on_to_the_program():
    options = tasks.parse(["test", "--train", "-k", "bundle", "--", "-x"])
    assert options.train
    assert options.rest == ["-k", "bundle", "-x"]


def test_the_help_names_every_command_and_needs_nothing_installed():
    command = [sys.executable, "-S", "-E", ROOT / "tasks.py", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert all(command in shown.stdout for command in tasks.COMMANDS)


def test_a_failing_step_says_what_it_means_and_which_command_it_was(capfd: pytest.CaptureFixture[str]):
    with pytest.raises(tasks.Stop, match=r"It did not work\.\nThe command was: .*exit"):
        tasks.must([sys.executable, "-c", "raise SystemExit(3)  # exit"], "It did not work.")


def test_the_window_opens_demonstration_images_unless_it_is_given_files(tmp_path):
    assert tasks.window_arguments([]) == ["--demo"]
    assert tasks.window_arguments(["--theme", "dark"]) == ["--demo", "--theme", "dark"]
    assert tasks.window_arguments([str(tmp_path)]) == [str(tmp_path)]
