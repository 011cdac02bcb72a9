"""Images in ZIP files: taken from memory, within limits, hostile ones refused with a sentence."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qana_desktop.services import zip_images
from qana_desktop.services.zip_images import ZipRefused, images_in, is_zip


def packed(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_images_come_sorted_and_everything_else_is_left_aside(tmp_path):
    path = packed(
        tmp_path / "day.zip",
        {"b/2.JPG": b"two", "a/1.png": b"one", "notes.txt": b"-", "__MACOSX/1.png": b"-", ".hidden/3.png": b"-"},
    )
    assert is_zip(path)
    assert [(source.label, source.data) for source in images_in(path)] == [
        ("day.zip > a/1.png", b"one"),
        ("day.zip > b/2.JPG", b"two"),
    ]


def test_a_zip_without_images_is_refused(tmp_path):
    with pytest.raises(ZipRefused, match="holds no image"):
        images_in(packed(tmp_path / "a.zip", {"notes.txt": b"-"}))


def test_a_file_that_only_has_the_name_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"not a zip")
    with pytest.raises(ZipRefused, match="is damaged"):
        images_in(path)


def test_too_much_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = packed(tmp_path / "a.zip", {"bomb.png": bytes(10_000)})
    monkeypatch.setattr(zip_images, "MOST_BYTES", 9_999)
    with pytest.raises(ZipRefused, match="holds more than"):
        images_in(path)


def test_a_member_with_more_bytes_than_it_promises_is_refused(tmp_path):
    path = packed(tmp_path / "a.zip", {"bomb.png": bytes(1000)})
    raw = path.read_bytes()
    path.write_bytes(raw.replace((1000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(ZipRefused):
        images_in(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(cut=st.integers(0, 400), at=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_damaged_zip_ends_in_a_sentence_or_gives_what_was_in_it(tmp_path, cut, at, byte):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", b"pixels" * 40)
        archive.writestr("b.png", b"other" * 40)
    raw = bytearray(stream.getvalue())
    raw[at % len(raw)] = byte
    path = tmp_path / "damaged.zip"
    path.write_bytes(raw[: max(1, len(raw) - cut % 60)])
    try:
        found = images_in(path)
    except ZipRefused:
        return
    assert {source.data for source in found} <= {b"pixels" * 40, b"other" * 40}
