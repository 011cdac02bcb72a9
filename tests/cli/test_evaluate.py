"""`evaluate`: what it writes and warns of, with which exit code it ends, and that it leaves nothing half written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from qana_desktop.triage.evaluation import AKIDA_NOTE
from tests.cli.conftest import ROOT, Command
from tests.support.bundles import small_bundle
from tests.support.ham10000 import Entry, draw_images, entries_in, lesions_in_fold, write_table

HELD = entries_in(0, lesions=7)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that says that fold 0 was left out."""
    return small_bundle(tmp_path_factory.mktemp("models"), evaluation={"data": {"test_fold": 0}})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_table(folder / "metadata.csv", HELD)
    draw_images(folder / "images", HELD)
    return folder


def test_the_report_is_written_as_json_and_as_a_page(
    command: Command, bundle: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ended = command("evaluate", "--data", data, "--split", "fold-0", "--bundle", bundle, "--out", out)
    assert ended.code == 0, ended.err
    document = json.loads((out / "evaluation.json").read_text())
    assert document["method"]["engine"] == "onnx-cpu"
    assert document["method"]["seed"] == 2026
    assert document["held_out"]["standing"] == "held-out"
    assert bundle.name in (out / "evaluation.html").read_text()
    assert "Balanced accuracy" in ended.out
    assert "not a medical device" in ended.out
    assert "Warning" not in ended.err


def test_json_on_stdout_is_the_document_that_is_written(
    command: Command, bundle: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ("--data", data, "--split", "all", "--bundle", bundle, "--out", out, "--json", "--limit", 3)
    ended = command("evaluate", *arguments)
    assert json.loads(ended.out) == json.loads((out / "evaluation.json").read_text())
    assert "A trial on 3 images" in ended.err


def test_training_images_in_the_split_are_warned_of_and_the_warning_is_stored(
    command: Command, data: Path, tmp_path: Path
) -> None:
    other = small_bundle(tmp_path, evaluation={"data": {"test_fold": 1}})
    ended = command("evaluate", "--data", data, "--split", "fold-0", "--bundle", other, "--json")
    assert ended.code == 0
    assert "Warning: Training images included: not an honest estimate." in ended.err
    assert json.loads(ended.out)["held_out"]["standing"] == "training-images-included"


def test_missing_images_are_named_and_show_in_the_exit_code(command: Command, bundle: Path, tmp_path: Path) -> None:
    write_table(tmp_path / "metadata.csv", HELD)
    draw_images(tmp_path, HELD[1:])
    ended = command("evaluate", "--data", tmp_path, "--split", "fold-0", "--bundle", bundle)
    assert ended.code == 1
    assert f"1 image is missing and in no figure: {HELD[0].image}" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--split", "sealed"), "whole HAM10000"),
        (("--split", "fold-3"), "fold-3"),
        (("--split", "fold-9"), "fold-9"),
        ((), "--split"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_before_an_engine_starts(
    command: Command, data: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    ended = command("evaluate", "--data", data, *arguments, "--bundle", tmp_path, "--engine", "no-such-engine")
    assert ended.code == 2
    assert said in ended.err


def test_an_earlier_report_is_not_written_over(command: Command, bundle: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text("earlier")
    ended = command("evaluate", "--data", data, "--split", "all", "--bundle", bundle, "--out", tmp_path)
    assert ended.code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["evaluation.json"]


def test_an_engine_that_is_not_there_writes_nothing(command: Command, bundle: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("--split", "all", "--bundle", bundle, "--engine", "akida-board:7", "--out", out, "--private")
    ended = command("evaluate", "--data", data, *arguments)
    assert ended.code == 3
    assert "nothing was written" in ended.err
    assert not out.exists()


def test_a_report_of_an_akida_engine_is_refused_and_the_way_out_is_named(
    command: Command, bundle: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ("--split", "all", "--bundle", bundle, "--engine", "akida-simulator", "--out", out)
    ended = command("evaluate", "--data", data, *arguments)
    assert ended.code == 2
    assert "--private" in ended.err
    assert "onnx-cpu" in ended.err
    assert not out.exists()


def test_a_private_report_of_an_akida_engine_has_the_same_figures_and_says_that_it_is_private(
    command: Command, akida: ModuleType, bundle: Path, data: Path, tmp_path: Path
) -> None:
    arguments = ("evaluate", "--data", data, "--split", "all", "--bundle", bundle)
    private = command(*arguments, "--engine", "akida-simulator", "--out", tmp_path / "out", "--private")
    public = command(*arguments, "--json")
    assert private.code == 0, private.err
    document = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert document["scores"] == json.loads(public.out)["scores"]
    assert document["notes"] == [AKIDA_NOTE]
    assert AKIDA_NOTE in private.err.replace("\n", " ")


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo terminal and SIGINT are POSIX")
def test_ctrl_c_ends_it_and_leaves_nothing_half_written(bundle: Path, data: Path, tmp_path: Path) -> None:
    """Progress shows only on a terminal: one is made, to know that images are being read."""
    lesions = lesions_in_fold(0)
    entries = [Entry(next(lesions), f"ISIC_{number:07}", "nv") for number in range(3000)]
    folder, out = tmp_path / "data", tmp_path / "reports" / "out"
    write_table(folder / "metadata.csv", entries)
    for entry in entries:
        (folder / f"{entry.image}.jpg").hardlink_to(data / "images" / f"{HELD[0].image}.jpg")
    shown, stderr = pseudo_terminal()
    arguments = ("evaluate", "--data", folder, "--split", "fold-0", "--bundle", bundle, "--out", out)
    process = subprocess.Popen(
        [sys.executable, "-m", "qana_desktop.cli", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
    )
    os.close(stderr)
    said = read_until(shown, b"Reading images")
    process.send_signal(signal.SIGINT)
    said += read_until(shown, None)
    printed, _ = process.communicate()
    os.close(shown)
    assert process.returncode == 130
    assert b"Interrupted." in said
    assert b"Traceback" not in said
    assert printed == b""
    assert not out.parent.exists()


def pseudo_terminal() -> tuple[int, int]:
    try:
        return os.openpty()
    except OSError as error:
        pytest.skip(f"this machine gives no pseudo terminal: {error}")


def read_until(terminal: int, wanted: bytes | None) -> bytes:
    """What is written to the terminal up to `wanted`, or up to its end."""
    said = b""
    while wanted is None or wanted not in said:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # Linux says so when the other side is closed
            break
        if not part:
            break
        said += part
    return said
