"""`devices`: boards are listed with reasons, watched, mapped, measured; the vendor's library is added and removed."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from types import ModuleType

import pytest

from qana_desktop.cli.devices_run import run_watch
from qana_desktop.engines.akida_install import added_runtime
from qana_desktop.engines.watch import BoardLook
from tests.cli.conftest import Command
from tests.support.machines import machine, plug_in, unplug
from tests.support.wheels import write_wheel


def test_a_computer_without_a_board_says_why_and_what_to_do(command: Command, akida: ModuleType) -> None:
    ended = command("devices", "list", "--json")
    report = json.loads(ended.out)
    by_id = {engine["engine_id"]: engine for engine in report["engines"]}
    assert by_id["akida-simulator"]["runtime"] == f"akida {akida.__version__}"
    assert "onnx-cpu" not in by_id
    if by_id.get("akida-board:0", {}).get("fault"):
        assert ended.code == 3
        assert by_id["akida-board:0"]["fault"]["remedy"]


def test_boards_that_come_and_go_are_told_line_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = machine(tmp_path, nodes=("akida0",))
    looks: list[int] = []
    look = BoardLook.look

    def scripted(self: BoardLook) -> object:
        """Change the machine between two looks; end the watch after the last."""
        steps = [lambda: unplug(drawn, "akida0"), lambda: plug_in(drawn, "akida1", "0000:07:00.0"), ended.set]
        steps[min(len(looks), 2)]()
        looks.append(1)
        return look(self)

    ended = threading.Event()
    monkeypatch.setattr(BoardLook, "look", scripted)
    monkeypatch.setattr("qana_desktop.engines.watch.LOOK_EVERY_S", 0.01)
    assert run_watch(None, as_json=True, machine=drawn, ended=ended) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(event["event"], event["node"], event["place"]) for event in events] == [
        ("is there", "akida0", ""),
        ("is gone", "akida0", ""),
        ("appeared", "akida1", "pci-0000:07:00.0"),
    ]


def test_a_network_is_mapped_to_both_boards(command: Command, bundle: Path, akida: ModuleType) -> None:
    del akida
    ended = command("devices", "map", "--bundle", bundle, "--json")
    report = json.loads(ended.out)
    boards = {entry["board"]: entry for entry in report["boards"] if entry["virtual"]}
    assert set(boards) == {"AKD1000", "AKD1500"}
    assert ended.code == (0 if all(entry["fault"] is None for entry in report["boards"]) else 1)
    for line in ("AKD1000 (virtual): fits", "neural processors", "memory: program"):
        assert line in command("devices", "map", "--bundle", bundle).out


def test_a_measurement_has_the_total_first_warm_up_apart_and_the_method_of_each_energy(
    command: Command, bundle: Path
) -> None:
    arguments = ("devices", "measure", "--engine", "onnx-cpu", "--bundle", bundle, "--images", 6, "--warm-up", 2)
    report = json.loads(command(*arguments, "--bursts", 2, "--json").out)
    assert list(report["latency"]) == ["total", "decode", "preprocess", "inference"]
    total = report["latency"]["total"]
    assert (total["n"], report["warm_up"]["n"]) == (6, 2)
    assert 0 < total["median"] <= total["p95"] <= total["p99"]
    assert sum(entry["bursts"] for entry in report["energy"]) == 2
    assert all(entry["method"] and entry["note"] for entry in report["energy"])
    text = command(*arguments).out
    assert text.index("total") < text.index("decode")
    assert "warm-up" in text
    assert "energy: " in text


def test_an_engine_without_a_clock_refuses_a_clock_mode(command: Command, bundle: Path) -> None:
    ended = command("devices", "measure", "--engine", "onnx-cpu", "--bundle", bundle, "--clock", "Economy")
    assert ended.code == 3
    assert "no clock" in ended.err


def test_the_vendors_library_is_shown_with_its_hash_added_told_by_doctor_and_removed(
    command: Command, tmp_path: Path, bundle: Path
) -> None:
    wheel = write_wheel(tmp_path / "akida.whl", version="2.99.1")
    ended = command("devices", "install-runtime", wheel, "--yes")
    assert ended.code == 0
    added = added_runtime()
    assert added is not None
    assert added.sha256 in ended.err
    assert "terms" in ended.err
    report = json.loads(command("doctor", "--bundle", bundle, "--json").out)
    assert report["added_library"].startswith("akida 2.99.1")
    assert added.sha256 in report["added_library"]
    assert command("devices", "remove-runtime").code == 0
    assert added_runtime() is None
    assert "none was removed" in command("devices", "remove-runtime").err


def test_a_file_that_is_another_program_is_refused(command: Command, tmp_path: Path) -> None:
    ended = command("devices", "install-runtime", write_wheel(tmp_path / "other.whl", name="other"), "--yes")
    assert ended.code == 2
    assert "not the Akida library" in ended.err
    assert added_runtime() is None
