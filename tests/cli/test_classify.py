"""`classify` as people and programs meet it: real files, real engines in child processes, true exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from qana_desktop.cli.classify import classify_with
from qana_desktop.cli.runner import run
from qana_desktop.engines.contract import DeviceLost
from qana_desktop.services.composition import Desks
from qana_desktop.services.device_desk import DeviceDesk
from qana_desktop.services.triage_desk import ActiveBundle, TriageDesk
from qana_desktop.system.clock import Clock
from qana_desktop.system.faults import Fault
from tests.cli.conftest import Command
from tests.support.bundles import narrow_domain, small_bundle, small_policy
from tests.support.fake_engines import FakeEngines, FakeReader, images

KEYS = [
    "path",
    "outcome",
    "reason",
    "triage",
    "predicted",
    "probabilities",
    "logits",
    "malignancy",
    "could_be",
    "quality",
    "bundle",
    "engine",
    "latency_ms",
    "energy",
    "second_reader",
]
CLASSES = ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"]
ONNX = ("--engine", "onnx-cpu")
Program = Callable[..., subprocess.Popen[str]]


def test_json_gives_one_object_per_image_with_the_same_keys(command: Command, bundle: Path, folder: Path) -> None:
    ended = command("classify", folder, *ONNX, "--bundle", bundle, "--json")
    assert ended.code == 1
    assert ended.err == ""
    assert [list(record) for record in ended.records] == [KEYS] * 3
    assert [Path(record["path"]).name for record in ended.records] == ["blurred.jpg", "empty.jpg", "good.jpg"]
    assert [record["outcome"] for record in ended.records] == ["cannot_assess", "cannot_assess", "assessed"]


def test_an_assessed_image_has_all_figures_and_says_where_they_come_from(
    command: Command, bundle: Path, folder: Path
) -> None:
    ended = command("classify", folder / "good.jpg", *ONNX, "--bundle", bundle, "--json")
    assert ended.code == 0
    record = ended.records[0]
    assert list(record["probabilities"]) == CLASSES
    assert sum(record["probabilities"].values()) == pytest.approx(1.0)
    assert record["predicted"] in CLASSES
    assert record["predicted"] in record["could_be"] or len(record["could_be"]) >= 1
    assert record["triage"] in {"review_now", "review", "low_concern"}
    assert [len(view) for view in record["logits"]] == [7, 7]
    assert all(isinstance(value, int) for view in record["logits"] for value in view)
    assert (record["engine"], record["bundle"]) == ("onnx-cpu", bundle.name)
    assert all(record["latency_ms"][part] > 0 for part in ("decode", "preprocess", "inference", "total"))
    assert record["energy"]["method"] in {"estimated", "measured-package", "not-available"}
    assert record["energy"]["value"] != 0
    assert (record["quality"]["verdict"], record["quality"]["ignored"]) == ("good", [])


def test_an_image_that_cannot_be_assessed_has_a_reason_and_no_answer(
    command: Command, bundle: Path, folder: Path
) -> None:
    ended = command("classify", folder, *ONNX, "--bundle", bundle, "--json")
    for record in ended.records[:2]:
        assert {"code", "message", "remedy"} == set(record["reason"])
        for key in ("triage", "predicted", "probabilities", "malignancy", "could_be", "logits", "engine"):
            assert record[key] is None
        assert record["energy"]["value"] is None
        assert record["energy"]["method"] == "not-available"
    assert ended.records[0]["quality"]["verdict"] == "refused"
    assert ended.records[1]["quality"] is None


def test_a_bundle_with_one_view_gives_one_flat_list_of_logits(
    command: Command, one_view_bundle: Path, folder: Path
) -> None:
    ended = command("classify", folder / "good.jpg", *ONNX, "--bundle", one_view_bundle, "--json")
    assert [type(value) for value in ended.records[0]["logits"]] == [int] * 7


def test_a_refused_image_is_read_when_asked_for_and_says_so(command: Command, bundle: Path, folder: Path) -> None:
    blurred = folder / "blurred.jpg"
    ended = command("classify", blurred, *ONNX, "--bundle", bundle, "--json", "--ignore-quality")
    assert ended.code == 0
    assert ended.records[0]["outcome"] == "assessed"
    assert len(ended.records[0]["quality"]["ignored"]) == 1
    table = command("classify", blurred, *ONNX, "--bundle", bundle, "--ignore-quality")
    assert "Read although:" in " ".join(table.out.split())
    assert "\N{REPLACEMENT CHARACTER}" not in table.out


def test_an_image_out_of_the_domain_is_refused_but_keeps_its_integers(
    command: Command, tmp_path: Path, folder: Path
) -> None:
    bundle = small_bundle(tmp_path / "models", policy=narrow_domain(small_policy()))
    ended = command("classify", folder / "good.jpg", *ONNX, "--bundle", bundle, "--json")
    assert ended.code == 1
    record = ended.records[0]
    assert record["reason"]["code"] == "out-of-domain"
    assert record["probabilities"] is None
    assert len(record["logits"]) == 2


def test_both_engines_give_identical_integers(command: Command, bundle: Path, folder: Path, akida: ModuleType) -> None:
    by_engine = [
        command("classify", folder / "good.jpg", "--engine", engine, "--bundle", bundle, "--json").records[0]
        for engine in ("onnx-cpu", "akida-simulator")
    ]
    assert [record["engine"] for record in by_engine] == ["onnx-cpu", "akida-simulator"]
    for key in ("logits", "probabilities", "triage", "could_be", "malignancy"):
        assert by_engine[0][key] == by_engine[1][key]


def test_the_table_shows_what_cannot_be_assessed_first_and_what_it_all_means(
    command: Command, bundle: Path, folder: Path
) -> None:
    ended = command("classify", folder, *ONNX, "--bundle", bundle)
    assert ended.code == 1
    assert ended.out.index("blurred.jpg") < ended.out.index("good.jpg")
    assert ended.out.index("empty.jpg") < ended.out.index("good.jpg")
    for text in ("◆ cannot assess", "not a medical device", bundle.name, "onnx-cpu", "an even population", "0.40"):
        assert text in ended.out
    assert ended.err == ""


def test_the_table_fits_a_narrow_terminal(
    command: Command, bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert run(["classify", str(folder), *ONNX, "--bundle", str(bundle)]) == 1
    assert max(len(line) for line in capsys.readouterr().out.splitlines()) <= 60


def test_a_file_name_cannot_steer_the_terminal(command: Command, bundle: Path, tmp_path: Path, lesion: bytes) -> None:
    (tmp_path / "a[bold]\x1b[31mred.jpg").write_bytes(lesion)
    (tmp_path / "b.jpg").write_bytes(lesion)
    ended = command("classify", tmp_path, *ONNX, "--bundle", bundle)
    assert "\x1b" not in ended.out
    assert "[bold]" in ended.out


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux allows file names that are no text")
def test_names_with_spaces_umlauts_and_bytes_that_are_no_text_come_back_as_they_are(
    command: Command, bundle: Path, tmp_path: Path, lesion: bytes
) -> None:
    strange = [tmp_path / "zwei Wörter 皮.jpg", Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.jpg"))]
    for path in strange:
        path.write_bytes(lesion)
    ended = command("classify", *strange, *ONNX, "--bundle", bundle, "--json")
    assert ended.out.isascii()
    assert [record["path"] for record in ended.records] == [str(path) for path in strange]
    assert command("classify", *strange, *ONNX, "--bundle", bundle).code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("classify",), 2, "Missing argument"),
        (("classify", "no/such/file.jpg"), 2, "does not exist"),
        (("classify", "{folder}", "--bundle", "no/such/folder"), 2, "does not exist"),
        (("classify", "{folder}", "--nonsense"), 2, "No such option"),
        (("classify", "{folder}", "--bundle", "{folder}"), 3, "no bundle in the folder"),
        (("classify", "{folder}", "--bundle", "{bundle}", "--engine", "abacus"), 3, "no engine 'abacus'"),
        (("nonsense",), 2, "No such command"),
    ],
)
def test_what_cannot_be_done_is_said_on_stderr_with_its_exit_code(
    command: Command, bundle: Path, folder: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended = command(*(text.format(bundle=bundle, folder=folder) for text in arguments))
    assert ended.code == code
    assert ended.out == ""
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_a_missing_board_is_no_reason_to_take_another_engine(command: Command, bundle: Path, folder: Path) -> None:
    ended = command("classify", folder, "--bundle", bundle, "--engine", "akida-board:7", "--json")
    assert ended.code == 3
    assert ended.out == ""
    assert ended.err


def test_auto_takes_an_engine_that_works(command: Command, bundle: Path, folder: Path) -> None:
    ended = command("classify", folder / "good.jpg", "--bundle", bundle, "--json")
    assert ended.code == 0
    assert ended.records[0]["engine"] != "akida-simulator"


@pytest.mark.parametrize("as_json", [True, False])
def test_an_engine_that_is_lost_on_the_way_leaves_what_was_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    engines, bundle = FakeEngines(), ActiveBundle("small-000000000000", tmp_path, 8, small_policy())
    device = DeviceDesk(engines, tmp_path)
    device.choose("one")

    def lose_the_third() -> None:
        if engines.opened[0].calls == 2:
            fault = Fault("device-lost", "The board is gone.", "Plug it in.")
            engines.opened[0].fail_with(DeviceLost(fault))

    engines.opened[0].before = lose_the_third
    desks = Desks(TriageDesk(FakeReader(), device, bundle, Clock(), "host"), device, bundle, ())
    code = classify_with(desks, images("image-1", "image-2", "image-3", "image-4"), as_json=as_json)
    device.close()
    captured = capsys.readouterr()
    assert code == 3
    assert ("image-2" in captured.out, "image-3" in captured.out) == (True, False)
    assert "The board is gone." in captured.err
    assert "2 of 4 images were read" in captured.err


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise on Windows")
def test_ctrl_c_ends_all_children_and_leaves_only_whole_lines(
    program: Program, bundle: Path, tmp_path: Path, lesion: bytes
) -> None:
    (tmp_path / "lesion.jpg").write_bytes(lesion)
    for number in range(1000):
        (tmp_path / f"{number:04d}.jpg").hardlink_to(tmp_path / "lesion.jpg")
    process = program("classify", tmp_path, *ONNX, "--bundle", bundle, "--json")
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "Interrupted." in errors
    assert all(line.endswith("}") for line in (first + rest).splitlines())
    assert len(rest.splitlines()) < 1000
    # Children hold stderr open while they live: that `communicate` saw its end says that they are gone.


@pytest.mark.skipif(sys.platform == "win32", reason="a closed pipe is another error on Windows")
def test_a_reader_that_stops_reading_ends_the_program_quietly(
    program: Program, bundle: Path, tmp_path: Path, lesion: bytes
) -> None:
    for number in range(60):
        (tmp_path / f"{number:02d}.jpg").write_bytes(lesion)
    process = program("classify", tmp_path, *ONNX, "--bundle", bundle, "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), errors) == (141, "")
