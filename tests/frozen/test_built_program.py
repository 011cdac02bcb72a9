"""The built program does what the program does from source: readings, window, children, in whatever folder it lies."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import typer

from tests.frozen.conftest import ROOT, Run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux build")


@pytest.fixture
def demo(run: Run, tmp_path: Path) -> Path:
    """Synthetic images, drawn by the built program."""
    folder = tmp_path / "demo"
    drawn = run("qana-desktop-cli", "demo-images", folder)
    assert drawn.returncode == 0, drawn.stderr
    return folder


def command_paths() -> list[tuple[str, ...]]:
    """Every command of the command line, such as ("store", "backup")."""
    from qana_desktop.cli.commands import app

    def below(command: object, path: tuple[str, ...]) -> list[tuple[str, ...]]:
        inner = getattr(command, "commands", {})
        return [path, *(found for name in sorted(inner) for found in below(inner[name], (*path, name)))]

    return below(typer.main.get_command(app), ())


def readings(text: str) -> dict[str, dict[str, object]]:
    """The lines of `classify --json` by image."""
    return {Path(line["path"]).name: line for line in map(json.loads, text.splitlines())}


def test_it_says_its_version_without_a_python_on_the_path(run):
    said = run("qana-desktop-cli", "--version")
    assert said.returncode == 0
    assert re.fullmatch(r"qana-desktop \d+\.\d+\.\d+\n", said.stdout)


def test_every_command_explains_itself(run):
    for path in command_paths():
        said = run("qana-desktop-cli", *path, "--help")
        assert said.returncode == 0, (path, said.stderr)
        assert "--help" in said.stdout, path
    window = run("qana-desktop-window", "--help")
    assert window.returncode == 0


def test_everything_that_pages_and_reports_need_is_inside(frozen):
    for folder in ("assets", "models"):
        tracked = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True)
        names = [name for name in tracked.stdout.splitlines() if not name.endswith((".po", ".pot"))]
        assert names
        missing = [name for name in names if not (frozen / "_internal" / name).is_file()]
        assert missing == []
        catalogues = [path.relative_to(ROOT) for path in (ROOT / folder).rglob("*.mo")]
        assert [name for name in catalogues if not (frozen / "_internal" / name).is_file()] == []


def test_every_font_has_the_text_of_its_licence(frozen):
    fonts = [path.name for path in (frozen / "_internal" / "assets").rglob("*.ttf")]
    listed = json.loads((frozen / "sbom.cdx.json").read_text(encoding="utf-8"))["components"]
    named = {Path(file["name"]).name for part in listed for file in part.get("components", ())}
    assert set(fonts) <= named


def test_what_is_under_the_lgpl_can_be_replaced(frozen):
    assert list((frozen / "_internal" / "PySide6" / "Qt" / "lib").glob("libQt6Core.so*"))
    if any(part.name.startswith("fpdf2-") for part in (frozen / "licenses").iterdir()):
        assert (frozen / "_internal" / "fpdf" / "fpdf.py").is_file()


def test_a_store_of_the_first_release_is_brought_up_to_date_and_a_copy_is_kept(run, tmp_path):
    release = ROOT / "tests" / "store" / "releases" / "1"
    place = tmp_path / "store"
    shutil.copytree(release / "store", place)
    expected = json.loads((release / "expected.json").read_text(encoding="utf-8"))
    keys = {"QANA_KEYCHAIN": "none", "QANA_RECOVERY_CODE": expected["code"]}
    refused = run("qana-desktop-cli", "store", "stats", "--folder", place, **keys)
    assert refused.returncode != 0
    assert "earlier version" in refused.stderr
    backup = run("qana-desktop-cli", "store", "backup", tmp_path / "backups", "--folder", place, **keys)
    assert backup.returncode == 0, backup.stderr
    assert [path.name.split("-2")[0] for path in (place / "before-update").glob("*.db")] == ["version-1"]
    verified = run("qana-desktop-cli", "store", "verify", "--folder", place, **keys)
    assert verified.returncode == 0, verified.stderr
    counted = run("qana-desktop-cli", "store", "stats", "--json", "--folder", place, **keys)
    records = json.loads(counted.stdout)["records"]
    assert (records["patient"], records["image"], records["sign_off"]) == (2, 2, 1)


def test_its_engine_gives_the_stored_integers(run):
    tested = run("qana-desktop-cli", "self-test", "--json")
    assert tested.returncode == 0, tested.stderr
    assert {found["engine"]: found["passed"] for found in json.loads(tested.stdout)}["onnx-cpu"] is True


def test_it_reads_demo_images_as_the_program_does_from_source(run, demo, bare_environment):
    built = run("qana-desktop-cli", "classify", demo, "--json", "--engine", "onnx-cpu", "--ignore-quality")
    command = [sys.executable, "-m", "qana_desktop.cli", "classify", str(demo), "--json", "--engine", "onnx-cpu"]
    command.append("--ignore-quality")
    environment = {**bare_environment, "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    source = subprocess.run(
        [*command, "--ignore-quality"], env=environment, capture_output=True, text=True, check=False
    )
    assert built.returncode == source.returncode, built.stderr + source.stderr
    ours, theirs = readings(built.stdout), readings(source.stdout)
    assert ours
    assert {name: line["logits"] for name, line in ours.items()} == {
        name: line["logits"] for name, line in theirs.items()
    }


@pytest.mark.parametrize("locale", ["de_DE.UTF-8", "tr_TR.UTF-8", "zh_CN.UTF-8"])
def test_it_reads_in_other_locales(run, demo, locale):
    lesion = demo / "synthetic-01-even-brown.jpg"
    read = run("qana-desktop-cli", "classify", lesion, "--json", "--ignore-quality", LC_ALL=locale, LANG=locale)
    (line,) = readings(read.stdout).values()
    assert line["outcome"] == "assessed", read.stderr


def test_it_runs_from_a_folder_with_spaces_and_letters_of_other_languages(frozen, run, tmp_path):
    place = tmp_path / "Praxis Dr. Müller" / "皮膚 программа"
    shutil.copytree(frozen, place, symlinks=True, copy_function=link_or_copy)
    images = tmp_path / "Bilder für Ärztinnen"
    assert run("qana-desktop-cli", "demo-images", images, folder=place).returncode == 0
    read = run("qana-desktop-cli", "classify", images, "--json", "--ignore-quality", folder=place)
    assert read.returncode in {0, 1}, read.stderr
    assert readings(read.stdout)


def test_it_writes_nothing_into_its_own_folder(frozen, run, demo, tmp_path):
    before = listing(frozen)
    assert run("qana-desktop-cli", "self-test").returncode == 0
    picture = tmp_path / "window.png"
    assert run("qana-desktop-window", demo, "--screenshot", picture).returncode == 0
    assert listing(frozen) == before


def test_its_window_shows_images_and_their_readings(run, demo, tmp_path):
    picture = tmp_path / "window.png"
    shown = run("qana-desktop-window", demo, "--screenshot", picture, "--size", "1280x800")
    assert shown.returncode == 0, shown.stderr
    assert colours(picture) > 1000


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="Xvfb is not installed, so there is no X screen to draw on")
def test_its_window_opens_on_an_x_screen(run, demo, tmp_path):
    picture = tmp_path / "window.png"
    screen = ["/usr/bin/xvfb-run", "-a", "-s", "-screen 0 1280x800x24"]
    path = "/usr/bin:/bin"
    shown = run("qana-desktop-window", demo, "--screenshot", picture, before=screen, PATH=path, QT_QPA_PLATFORM="xcb")
    assert shown.returncode == 0, shown.stderr
    assert colours(picture) > 1000


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed, so sockets cannot be watched")
def test_neither_it_nor_its_children_open_a_network_socket(run, demo, tmp_path):
    trace = tmp_path / "sockets.txt"
    watch = [shutil.which("strace") or "", "-f", "-e", "trace=socket", "-o", str(trace)]
    assert run("qana-desktop-cli", "classify", demo, "--json", before=watch).returncode in {0, 1}
    made = re.findall(r"socket\((AF_\w+)", trace.read_text(encoding="utf-8"))
    assert set(made) <= {"AF_UNIX"}


def test_it_goes_on_when_its_engine_is_killed(frozen, bare_environment, demo, tmp_path):
    many = tmp_path / "many"
    many.mkdir()
    for number in range(12):
        for image in sorted(demo.glob("*.*")):
            if image.suffix.lower() in {".jpg", ".jpeg", ".png"}:
                shutil.copyfile(image, many / f"{number:02}-{image.name}")
    command = [frozen / "qana-desktop-cli", "classify", many, "--json", "--ignore-quality", "--engine", "onnx-cpu"]
    with subprocess.Popen(command, env=bare_environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reading:
        assert reading.stdout is not None
        first = reading.stdout.readline()
        victims = [pid for pid in children_of(reading.pid) if maps(pid, "onnxruntime_pybind11")]
        assert len(victims) == 1
        os.kill(victims[0], signal.SIGKILL)
        rest, complaints = reading.communicate(timeout=300)
    found = readings((first + rest).decode())
    assert reading.returncode in {0, 1}, complaints.decode()
    assert set(found) == {image.name for image in many.iterdir()}
    assert found[max(found)]["logits"], "the engine was not started again"


def test_what_it_must_not_hold_is_not_inside(frozen):
    sys.path.insert(0, str(ROOT / "packaging"))
    try:
        from forbidden import refuse_forbidden
    finally:
        sys.path.pop(0)
    refuse_forbidden(path.relative_to(frozen / "_internal").as_posix() for path in (frozen / "_internal").rglob("*"))


def test_its_sbom_has_a_licence_text_for_everything_and_the_right_hashes(frozen):
    listed = json.loads((frozen / "sbom.cdx.json").read_text(encoding="utf-8"))["components"]
    assert {"numpy", "onnxruntime", "pyside6-essentials", "python"} <= {part["name"] for part in listed}
    texts = {path.name for path in (frozen / "licenses").iterdir()}
    for part in (part for part in listed if "purl" in part):
        assert f"{part['name']}-{part['version']}".replace(":", "_") in texts
        for file in part.get("components", ()):
            content = (frozen / file["name"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["hashes"][0]["content"]


def link_or_copy(source: str, target: str) -> None:
    """Make a second name for a file where that is possible: the folder is large."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def listing(folder: Path) -> list[tuple[str, int, int]]:
    return [(str(path), path.lstat().st_size, path.lstat().st_mtime_ns) for path in sorted(folder.rglob("*"))]


def colours(picture: Path) -> int:
    """How many colours a picture has: an empty window has some dozens."""
    import cv2
    import numpy as np

    pixels = cv2.imread(str(picture))
    assert pixels is not None
    return len(np.unique(pixels.reshape(-1, 3), axis=0))


def children_of(pid: int) -> list[int]:
    """Processes whose parent is `pid`: the fourth field of /proc/PID/stat, the second after the name in brackets."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if stat.read_text().rpartition(")")[2].split()[1] == str(pid):
                found.append(int(stat.parent.name))
    return found


def maps(pid: int, library: str) -> bool:
    return library in Path(f"/proc/{pid}/maps").read_text()
