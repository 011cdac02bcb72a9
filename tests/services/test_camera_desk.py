"""A camera in a child: frames, the picture that was seen, and a sentence for everything that may be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from qana_desktop.intake.camera import Camera, list_cameras
from qana_desktop.services.camera_desk import CameraDesk
from qana_desktop.system.faults import KnownError
from tests.support.camera_files import FRAMES, SIZE, draw_video


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return draw_video(tmp_path / "lesion.avi")


@pytest.fixture
def desk() -> Iterator[CameraDesk]:
    desk = CameraDesk()
    yield desk
    desk.close()


def test_what_was_shown_last_is_what_is_taken_in_full(desk: CameraDesk, video: Path) -> None:
    desk.open(str(video))
    for _ in range(3):
        shown = desk.frame(longest_side=64)
    taken = cv2.cvtColor(cv2.imdecode(np.frombuffer(desk.take(), np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    assert shown.shape == (48, 64, 3)
    assert taken.shape == (SIZE[1], SIZE[0], 3)
    small = cv2.resize(taken, (64, 48), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - shown).max() <= 1


def test_a_camera_that_sends_no_more_is_lost_and_can_be_opened_again(desk: CameraDesk, video: Path) -> None:
    desk.open(str(video))
    for _ in range(FRAMES):
        desk.frame(longest_side=64)
    with pytest.raises(KnownError) as caught:
        desk.frame(longest_side=64)
    assert caught.value.fault.code == "camera-lost"
    desk.open(str(video))
    assert desk.frame(longest_side=64).shape == (48, 64, 3)


def test_a_camera_that_is_not_there_is_a_sentence_with_a_remedy(desk: CameraDesk, tmp_path: Path) -> None:
    with pytest.raises(KnownError) as caught:
        desk.open(str(tmp_path / "none.avi"))
    assert caught.value.fault.code == "camera-not-opened"
    assert "Look again" in caught.value.fault.remedy


def test_nothing_can_be_taken_before_something_was_shown(desk: CameraDesk, video: Path) -> None:
    desk.open(str(video))
    with pytest.raises(KnownError):
        desk.take()


def test_a_driver_that_takes_its_child_with_it_is_a_sentence_and_the_next_use_starts_anew(video: Path) -> None:
    desk = CameraDesk("tests.support.camera_files:make_dying_camera")
    with pytest.raises(KnownError) as caught:
        desk.open(str(video))
    assert caught.value.fault.code == "camera-stuck"
    with pytest.raises(KnownError):
        desk.cameras()
    desk.close()


def test_closing_twice_is_safe_and_another_use_starts_anew(desk: CameraDesk, video: Path) -> None:
    desk.open(str(video))
    desk.close()
    desk.close()
    desk.open(str(video))
    assert desk.frame(longest_side=640).shape == (SIZE[1], SIZE[0], 3)


def test_linux_names_cameras_and_leaves_out_their_second_nodes(tmp_path: Path) -> None:
    for number, index, name in ((0, "0", "Dermatoscope"), (1, "1", "Dermatoscope"), (10, "0", "Laptop camera")):
        node = tmp_path / f"video{number}"
        node.mkdir()
        (node / "index").write_text(f"{index}\n")
        (node / "name").write_text(f"{name}\n")
    (tmp_path / "video2").mkdir()
    assert list_cameras(tmp_path, "linux") == [Camera("0", "Dermatoscope"), Camera("10", "Laptop camera")]
    assert list_cameras(tmp_path / "none", "linux") == []
