"""The program as it is started: what it loads, what it answers without Qt, and that nothing is left when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from qana_desktop.app import parse
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
