"""`doctor`, `self-test`, `benchmark`, `demo-images`, `--version`: what they say and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import pytest

import qana_desktop
from qana_desktop.engines.registry import EngineRegistry
from tests.cli.conftest import ROOT, Command


def test_the_version_is_told(command: Command) -> None:
    ended = command("--version")
    assert (ended.code, ended.out.strip()) == (0, f"qana-desktop {qana_desktop.__version__}")


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_version_and_help_answer_without_loading_what_reading_needs(argument: str) -> None:
    script = (
        "import sys; from qana_desktop.cli.runner import run; code = run(sys.argv[1:]);"
        "print([name for name in ('numpy', 'cv2', 'akida', 'onnxruntime', 'PySide6') if name in sys.modules], code)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, argument], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines()[-1] == "[] 0"


def test_no_command_at_all_shows_the_help(command: Command) -> None:
    ended = command()
    assert ended.code == 2
    assert "classify" in ended.out + ended.err


def test_doctor_lists_every_engine_with_its_reason_and_remedy(command: Command, bundle: Path) -> None:
    ended = command("doctor", "--bundle", bundle, "--json")
    report = json.loads(ended.out)
    assert ended.code == 0
    assert report["bundle"] == {"id": bundle.name, "fault": None}
    by_id = {engine["engine"]: engine for engine in report["engines"]}
    assert by_id["onnx-cpu"]["fault"] is None
    assert {"akida-board:0", "akida-simulator"} <= set(by_id)
    for engine in by_id.values():
        assert engine["fault"] is None or (engine["fault"]["message"] and engine["fault"]["remedy"])
    assert report["packages"]["numpy"]


def test_doctor_names_neither_the_user_nor_their_folders(
    command: Command, bundle: Path, monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    monkeypatch.delenv("QANA_HOME")
    for arguments in ((), ("--json",)):
        ended = command("doctor", "--bundle", bundle, *arguments)
        assert str(own_home) not in ended.out
        assert "~" in ended.out


def test_doctor_says_what_is_wrong_with_a_bundle_and_that_nothing_can_be_read(command: Command, tmp_path: Path) -> None:
    ended = command("doctor", "--bundle", tmp_path)
    assert ended.code == 3
    assert "There is no bundle in the folder" in ended.out
    assert "onnx-cpu" in ended.out


def test_the_self_test_passes_on_every_engine_that_can_run(command: Command, bundle: Path, akida: ModuleType) -> None:
    ended = command("self-test", "--bundle", bundle, "--json")
    findings = {finding["engine"]: finding for finding in json.loads(ended.out)}
    assert ended.code == 0
    assert findings["onnx-cpu"]["passed"] is True
    assert findings["akida-simulator"]["passed"] is True
    assert findings["akida-board:0"]["passed"] in {None, True}


def test_the_self_test_of_a_board_that_is_not_here_gives_the_probes_reason(
    command: Command, bundle: Path, akida: ModuleType
) -> None:
    if akida.devices():
        pytest.skip("this computer has a board")
    probed = next(info for info in EngineRegistry().probe() if info.engine_id == "akida-board:0")
    ended = command("self-test", "--engine", "akida-board:0", "--bundle", bundle, "--json")
    (finding,) = json.loads(ended.out)
    assert probed.fault is not None
    assert ended.code == 3
    assert (finding["passed"], finding["fault"]) == (None, asdict(probed.fault))


def test_the_benchmark_tells_latency_by_part_throughput_and_start_up(command: Command, bundle: Path) -> None:
    ended = command(
        "benchmark", "--engine", "onnx-cpu", "--bundle", bundle, "--images", "6", "--warm-up", "2", "--json"
    )
    result = json.loads(ended.out)["engines"][0]
    assert ended.code == 0
    assert list(result["latency"]) == ["total", "decode", "preprocess", "inference"]
    for times in result["latency"].values():
        assert times["n"] == 6
        assert 0 < times["median"] <= times["p95"] <= times["p99"]
    assert result["latency"]["total"]["median"] >= result["latency"]["inference"]["median"]
    assert result["warm_up"]["n"] == 2
    assert result["first_ms"] > 0
    assert result["images_per_s"] > 0
    assert result["start_up_s"] > 0
    assert all(energy["value"] != 0 for energy in result["energy"])
    assert ended.err == ""


def test_the_benchmark_of_the_akida_runtime_says_that_its_figures_must_not_be_published(
    command: Command, bundle: Path, akida: ModuleType
) -> None:
    ended = command("benchmark", "--engine", "akida-simulator", "--bundle", bundle, "--images", "3", "--warm-up", "1")
    assert ended.code == 0
    assert ended.out.index("total, ms") < ended.out.index("decode, ms")
    assert "warm-up" in ended.out
    assert "akida-simulator" in ended.out
    assert "publish" in ended.err


def test_a_benchmark_without_an_engine_is_no_benchmark(command: Command, bundle: Path) -> None:
    ended = command("benchmark", "--engine", "akida-board:7", "--bundle", bundle, "--images", "3")
    assert (ended.code, ended.out) == (3, "")


def test_demo_images_are_drawn_and_named(command: Command, tmp_path: Path) -> None:
    ended = command("demo-images", tmp_path / "demo")
    assert ended.code == 0
    names = [Path(line).name for line in ended.out.splitlines()]
    assert names == sorted(path.name for path in (tmp_path / "demo").iterdir())
    assert "drawn" in ended.err


def test_demo_images_that_cannot_be_written_are_a_wrong_usage(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = command("demo-images", tmp_path / "file")
    assert ended.code == 2
    assert "could not be written" in ended.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_told_and_no_half_result_passes_for_a_whole_one() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "qana_desktop.cli", "doctor", "--json"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    assert ended.returncode == 1
    assert "could not be written in full" in ended.stderr
    assert "Traceback" not in ended.stderr
