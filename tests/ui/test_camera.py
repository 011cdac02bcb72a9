"""The camera's window on a real child that reads a video file: live, held, taken, lost, none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from qana_desktop.intake.camera import Camera
from qana_desktop.services.camera_desk import CameraDesk
from qana_desktop.ui.bridge import Bridge
from qana_desktop.ui.presenters.camera import Phase
from qana_desktop.ui.views.camera import CameraDialog
from tests.support.camera_files import SIZE, draw_video
from tests.support.stage import at_size, make_theme, shortcomings


class DeskWithVideos(CameraDesk):
    """A real desk; the system's list of cameras is replaced with files, because a test machine has no camera."""

    def __init__(self, *paths: Path) -> None:
        super().__init__()
        self.listed = [Camera(str(path), path.stem) for path in paths]
        self.closed = 0

    def cameras(self) -> list[Camera]:
        return self.listed

    def close(self) -> None:
        self.closed += 1
        super().close()


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    bugs: list[BaseException] = []
    bridge = Bridge(bugs.append)
    yield bridge
    bridge.close()
    assert bridge.join(10)
    assert not bugs


def opened(
    qtbot: QtBot, bridge: Bridge, desk: CameraDesk, phase: Phase = Phase.LIVE, theme: str = "light"
) -> CameraDialog:
    dialog = CameraDialog(make_theme(theme), None, bridge, desk)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.activateWindow()
    qtbot.waitUntil(lambda: dialog.presenter.phase is phase and dialog.isActiveWindow(), timeout=30_000)
    return dialog


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A long one, which no test sees the end of, and one that soon ends."""
    folder = tmp_path_factory.mktemp("videos")
    return draw_video(folder / "long.avi", frames=3000), draw_video(folder / "short.avi", frames=4)


@pytest.fixture
def desk(videos: tuple[Path, Path]) -> Iterator[DeskWithVideos]:
    made = DeskWithVideos(*videos)
    yield made
    made.close()


def shown(qtbot: QtBot, dialog: CameraDialog) -> None:
    qtbot.waitUntil(lambda: dialog.canvas.picture is not None, timeout=30_000)


def test_space_holds_the_picture_and_enter_takes_what_is_seen(
    qtbot: QtBot, bridge: Bridge, desk: DeskWithVideos
) -> None:
    dialog = opened(qtbot, bridge, desk)
    shown(qtbot, dialog)
    QTest.keySequence(dialog.canvas, QKeySequence("Space"))
    assert dialog.presenter.phase is Phase.HELD
    assert dialog.hold.text() == "Go on live"
    qtbot.waitUntil(lambda: bridge.idle)
    with qtbot.waitSignal(dialog.taken, timeout=30_000) as taken:
        QTest.keySequence(dialog.canvas, QKeySequence("Return"))
    image = cv2.imdecode(np.frombuffer(taken.args[0], np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (SIZE[1], SIZE[0], 3)
    assert dialog.presenter.phase is Phase.LIVE
    assert dialog.sentence.text() == "1 image was taken. Live again."
    dialog.close()


def test_no_camera_is_a_sentence_that_says_what_to_do(qtbot: QtBot, bridge: Bridge) -> None:
    desk = DeskWithVideos()
    dialog = opened(qtbot, bridge, desk, Phase.NONE)
    assert dialog.sentence.text().startswith("No camera was found. Plug the dermatoscope in")
    assert not dialog.take.isEnabled()
    assert not dialog.which.isVisible()
    dialog.close()


@pytest.mark.skipif(not os.path.isdir("/sys") or os.path.isdir("/sys/class/video4linux"), reason="there is a camera")  # noqa: PTH112
def test_this_computer_is_really_asked_for_its_cameras(qtbot: QtBot, bridge: Bridge) -> None:
    dialog = opened(qtbot, bridge, CameraDesk(), Phase.NONE)
    dialog.close()


def test_a_lost_camera_says_so_and_another_can_be_chosen(qtbot: QtBot, bridge: Bridge, desk: DeskWithVideos) -> None:
    dialog = opened(qtbot, bridge, desk)
    dialog.which.setFocus()
    QTest.keySequence(dialog.which, QKeySequence("Down"))
    qtbot.waitUntil(lambda: dialog.presenter.phase is Phase.LOST, timeout=30_000)
    assert "sends no more pictures" in dialog.sentence.text()
    assert dialog.canvas.picture is None
    qtbot.mouseClick(dialog.again, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dialog.presenter.phase is Phase.LIVE, timeout=30_000)
    dialog.close()


def test_the_camera_is_let_go_when_nobody_sees_its_picture(qtbot: QtBot, bridge: Bridge, desk: DeskWithVideos) -> None:
    dialog = opened(qtbot, bridge, desk)
    shown(qtbot, dialog)
    dialog.hide()
    qtbot.waitUntil(lambda: bridge.idle, timeout=30_000)
    assert desk.closed
    assert desk._child is None


@pytest.mark.usefixtures("font_kept")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("share", [1.0, 2.0])
def test_everything_has_a_name_and_room(
    qtbot: QtBot, bridge: Bridge, desk: DeskWithVideos, theme: str, share: float
) -> None:
    dialog = opened(qtbot, bridge, desk, theme=theme)
    at_size(dialog._theme, share)
    qtbot.waitUntil(lambda: not shortcomings(dialog))
    dialog.close()
