"""The program stays alive and answers, whatever file it is given: real child processes, real files."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from qana_desktop.intake.prepared import Source
from qana_desktop.intake.reader import BUGS_IN_A_ROW, ImageReader
from qana_desktop.intake.refusals import FileRefused
from qana_desktop.network.preprocess import to_network_input
from qana_desktop.system.childprocess import BugInChild
from qana_desktop.system.faults import KnownError
from tests.intake.test_headers import mutated_files
from tests.support import image_files as files
from tests.support.image_workers import CRASHES, HANGS, TRIPS

BREAKABLE = "tests.support.image_workers:make_breakable_reader"
GOOD = files.jpeg(files.picture(600, 450))

pytestmark = pytest.mark.keeps_processes


@pytest.fixture(scope="module")
def reader() -> Iterator[ImageReader]:
    """One reader for all tests of this module: what one file did to it, the next test would feel."""
    with ImageReader() as made:
        yield made


def refusal(reader: ImageReader, source: Source) -> str:
    """The code with which `source` is refused; afterwards the reader still reads."""
    with pytest.raises(FileRefused) as refused:
        reader.prepare(source, input_size=96)
    assert reader.prepare(GOOD, input_size=96).width == 600
    return refused.value.fault.code


def test_a_good_file_comes_back_ready_for_the_network(reader: ImageReader, tmp_path: Path) -> None:
    path = tmp_path / "lesion.png"
    path.write_bytes(files.encode(".png", files.picture(600, 450)))
    image = reader.prepare(path, input_size=128)
    assert np.array_equal(image.network_input, to_network_input(files.picture(600, 450), 128))
    assert image.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (image.format, image.width, image.height, image.notes) == ("PNG", 600, 450, ())
    assert image.quality.refusals == ()
    assert image.decode_ms > 0
    assert image.preprocess_ms > 0


def test_the_screen_gets_the_upright_image_no_larger_than_asked(reader: ImageReader) -> None:
    data = files.jpeg_with_exif(files.jpeg(files.corners()), files.exif(6))
    assert reader.display(data).shape == (240, 160, 3)
    assert reader.display(data, longest_side=120).shape == (120, 80, 3)
    assert reader.display(data, longest_side=5000).shape == (240, 160, 3)


def test_the_screen_may_show_an_image_that_is_too_small_to_assess(reader: ImageReader) -> None:
    tiny = files.encode(".png", files.picture(1, 1))
    assert refusal(reader, tiny) == "image-too-small"
    assert reader.display(tiny).shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file-empty"),
        (b"Dear colleague, this text was renamed.", "file-not-image"),
        (GOOD[: len(GOOD) // 2], "file-truncated"),
        (files.encode(".png", files.picture(1, 1)), "image-too-small"),
        (files.animated(".gif", [files.picture(), files.corners()]), "format-not-supported"),
    ],
    ids=["empty", "text", "truncated", "1x1", "gif"],
)
def test_a_bad_file_is_refused_with_its_reason_though_its_name_is_fine(
    reader: ImageReader, tmp_path: Path, content: bytes, code: str
) -> None:
    path = tmp_path / "lesion.jpg"
    path.write_bytes(content)
    assert refusal(reader, path) == code


@pytest.mark.parametrize("name", ["my lesion 1.jpg", "läsion 皮膚 🩺.jpg", "no-suffix", "wrong-suffix.txt", "-rf.jpg"])
def test_a_name_does_not_matter(reader: ImageReader, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(GOOD)
    assert reader.prepare(tmp_path / name, input_size=96).width == 600


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are no text in any encoding")
def test_a_name_that_is_not_valid_text_does_not_matter(reader: ImageReader, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg"))
    path.write_bytes(GOOD)
    assert reader.prepare(path, input_size=96).width == 600


def test_a_file_deleted_while_it_waited_is_refused_as_missing(reader: ImageReader, tmp_path: Path) -> None:
    queue = [tmp_path / f"{number}.jpg" for number in range(3)]
    for path in queue:
        path.write_bytes(GOOD)
    reader.prepare(queue[0], input_size=96)
    queue[1].unlink()
    assert refusal(reader, queue[1]) == "file-missing"
    assert reader.prepare(queue[2], input_size=96).width == 600


def test_a_folder_is_refused(reader: ImageReader, tmp_path: Path) -> None:
    assert refusal(reader, tmp_path) == "file-not-regular"
    assert refusal(reader, tmp_path / "lesion.jpg" / "inside") == "file-missing"
    assert refusal(reader, Path("nul\0character.jpg")) == "file-unreadable"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes and devices in the file system")
def test_a_pipe_or_device_is_refused_without_waiting_for_it(reader: ImageReader, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert refusal(reader, tmp_path / "pipe.jpg") == "file-not-regular"
    assert refusal(reader, Path("/dev/zero")) == "file-not-regular"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not take the right to read from its owner this way")
def test_a_file_without_permission_is_refused(reader: ImageReader, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read every file: run the tests as another user to see this one")
    path = tmp_path / "lesion.jpg"
    path.write_bytes(GOOD)
    path.chmod(0)
    assert refusal(reader, path) == "file-unreadable"


@pytest.mark.skipif(sys.platform != "linux", reason="the file that fails on reading is one of Linux")
def test_a_file_whose_drive_fails_is_refused(reader: ImageReader) -> None:
    # A regular file that opens, and whose first byte gives an input/output error.
    assert refusal(reader, Path("/proc/self/mem")) in {"file-unreadable", "file-not-regular"}


def test_a_bomb_of_forty_thousand_squared_is_refused_within_the_childs_memory(
    reader: ImageReader, tmp_path: Path
) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(files.png_bomb())
    assert refusal(reader, path) == "image-too-many-pixels"


@pytest.mark.skipif(sys.platform != "linux", reason="a child's memory is limited on Linux only")
def test_an_image_that_does_not_fit_the_memory_limit_is_refused_and_the_next_is_read() -> None:
    with ImageReader(memory_limit_mb=96) as small:
        assert refusal(small, files.png_bomb(10_000)) == "decoder-out-of-memory"


@pytest.mark.skipif(sys.platform == "win32", reason="the child kills itself by a signal")
def test_a_file_that_kills_its_reader_is_refused_and_the_next_file_meets_a_fresh_child() -> None:
    with ImageReader(target=BREAKABLE) as breakable:
        for _ in range(2):
            assert refusal(breakable, CRASHES) == "decoder-crashed"


def test_a_file_that_hangs_its_reader_is_refused_in_time_and_the_next_file_meets_a_fresh_child() -> None:
    with ImageReader(target=BREAKABLE, time_limit_s=1.0) as breakable:
        assert refusal(breakable, HANGS) == "decoder-timeout"


@pytest.mark.expects_log("failed over an image")
def test_a_file_that_meets_a_bug_is_refused_and_the_next_file_meets_a_fresh_child(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with ImageReader(target=BREAKABLE) as breakable:
        for _ in range(BUGS_IN_A_ROW + 1):
            assert refusal(breakable, TRIPS) == "decoder-bug"
    (line, *_) = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert "ZeroDivisionError at" in line
    assert "image_workers:" in line
    assert "Mustermann" not in line
    assert "/" not in line


@pytest.mark.expects_log("failed over an image")
def test_a_bug_that_every_file_meets_ends_the_reading_as_a_bug() -> None:
    with ImageReader(target=BREAKABLE) as breakable:
        for _ in range(BUGS_IN_A_ROW):
            with pytest.raises(FileRefused):
                breakable.prepare(TRIPS, input_size=96)
        with pytest.raises(BugInChild, match="ZeroDivisionError"):
            breakable.prepare(TRIPS, input_size=96)


def test_a_reader_that_was_closed_says_so_and_can_be_closed_again() -> None:
    closed = ImageReader()
    closed.prepare(GOOD, input_size=96)
    closed.close()
    closed.close()
    with pytest.raises(KnownError, match="closing"):
        closed.prepare(GOOD, input_size=96)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(data=mutated_files())
def test_a_changed_file_is_refused_or_read_and_never_ends_the_program(reader: ImageReader, data: bytes) -> None:
    try:
        image = reader.prepare(data, input_size=96)
    except FileRefused as refused:
        assert refused.fault.code not in {"decoder-crashed", "decoder-timeout"}  # noqa: PT017 - either outcome is fine
    else:
        assert image.network_input.shape == (96, 96, 3)
