"""The program as it is started: what it loads, what it answers without Qt, and that nothing is left when it ends."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import cv2
import pytest

from qana_desktop.app import parse, usable_folders
from qana_desktop.system.paths import Paths, find_paths
from tests.conftest import ROOT
from tests.support.fake_desks import draw_lesion


def run_python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the repository, as a person's shell would."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_importing_the_program_loads_no_engine_and_no_qt() -> None:
    code = "import sys, qana_desktop.app; print(*sorted(m for m in sys.modules if '.' not in m))"
    loaded = set(run_python("-c", code).stdout.split())
    assert "qana_desktop" in loaded
    assert not loaded & {"akida", "onnxruntime", "PySide6", "cv2", "numpy"}


def test_importing_the_window_loads_no_engine_and_no_decoder() -> None:
    code = "import sys, qana_desktop.ui.window; print(*sorted(m for m in sys.modules if '.' not in m))"
    assert not set(run_python("-c", code).stdout.split()) & {"akida", "onnxruntime", "cv2"}


def test_the_version_is_told_without_a_display() -> None:
    told = run_python("-m", "qana_desktop.app", "--version", QT_QPA_PLATFORM="no-such-platform")
    assert told.returncode == 0
    assert told.stdout.startswith("QANA Desktop ")


def test_the_command_line_names_images_size_and_theme() -> None:
    options = parse(["a.jpg", "folder", "--theme", "dark", "--size", "1200x800", "--demo"])
    assert options.paths == (Path("a.jpg"), Path("folder"))
    assert (options.theme, options.size, options.demo) == ("dark", (1200, 800), True)


def test_a_wrong_size_is_refused_with_usage() -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--size", "large"])
    assert ended.value.code == 2


def test_the_real_program_reads_an_image_takes_a_picture_of_itself_and_ends(tmp_path: Path) -> None:
    if not (ROOT / "models" / "ACTIVE").is_file():
        pytest.skip("no bundle is shipped yet, so the real program has nothing to read with")
    lesion = draw_lesion(tmp_path / "lesion with spaces ä.png", seed=3)
    picture = tmp_path / "window.png"
    ended = run_python("-m", "qana_desktop.app", "--screenshot", str(picture), "--size", "1200x800", str(lesion))
    assert ended.returncode == 0, ended.stderr
    image = cv2.imread(str(picture))
    assert image.shape == (800, 1200, 3)
    home = Path(os.environ["QANA_HOME"])
    kept = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert kept
    assert not any(b"lesion with" in content for content in kept)


@pytest.mark.parametrize("home", ["a file", "a folder that may not be written"])
def test_without_a_folder_to_write_to_the_window_opens_and_says_what_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    place = tmp_path / "home"
    if home == "a file":
        place.touch()
    else:
        make = Paths.make

        def refused(paths: Paths) -> Paths:  # root may write everywhere, so the refusal is made up
            if place in paths.data.parents:
                raise OSError(errno.EROFS, "Read-only file system")
            return make(paths)

        monkeypatch.setattr(Paths, "make", refused)
    with ExitStack() as ending:
        used, notice = usable_folders(find_paths({"QANA_HOME": str(place)}), ending)
        assert used.logs.is_dir()
        assert place not in used.logs.parents
        assert notice is not None
        assert "settings and the log are forgotten" in notice.text
    assert not used.logs.exists()


def test_folders_that_can_be_written_are_used_as_they_are(tmp_path: Path) -> None:
    with ExitStack() as ending:
        wanted = find_paths({"QANA_HOME": str(tmp_path)})
        assert usable_folders(wanted, ending) == (wanted, None)
    assert list(wanted.logs.iterdir()) == []


def test_a_picture_that_cannot_be_written_is_told_with_the_exit_status(tmp_path: Path) -> None:
    ended = run_python("-m", "qana_desktop.app", "--screenshot", str(tmp_path / "no folder" / "window.png"))
    assert ended.returncode == 1
    assert "could not be written" in ended.stderr
