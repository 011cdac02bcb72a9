"""What a file says about itself is read by content, within its bounds, or refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.intake.completeness import require_complete
from qana_desktop.intake.headers import Header, ImageFormat, read_header
from qana_desktop.intake.refusals import FileRefused
from qana_desktop.intake.tags import exif_orientation
from tests.support import image_files as files

FILES = files.every_format()


@pytest.mark.parametrize("kind", FILES)
def test_a_file_tells_its_format_and_size_by_its_content(kind: str) -> None:
    header = read_header(FILES[kind])
    assert header.format.value in kind
    assert (header.width, header.height) == (240, 160)
    assert not header.animated


@pytest.mark.parametrize("kind", FILES)
def test_a_whole_file_counts_as_complete(kind: str) -> None:
    require_complete(FILES[kind], read_header(FILES[kind]))


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_file_cut_off_anywhere_is_refused_as_incomplete(kind: str, share: float) -> None:
    data = FILES[kind][: int(len(FILES[kind]) * share)]
    with pytest.raises(FileRefused) as refused:
        require_complete(data, read_header(data))
    assert refused.value.fault.code == "file-truncated"


@pytest.mark.parametrize("bits", [8, 16])
def test_depth_transparency_animation_and_pages_are_told(bits: int) -> None:
    rgba = np.dstack([files.picture(), np.full((160, 240), 255, np.uint8)])
    assert read_header(files.encode(".png", rgba.astype(np.uint16) * 257 if bits == 16 else rgba)) == Header(
        ImageFormat.PNG, 240, 160, bits=bits, alpha=True
    )
    film = [files.picture(), files.corners()]
    assert read_header(files.animated(".png", film)).animated
    assert read_header(files.animated(".webp", film)).animated
    assert read_header(files.tiff(files.picture(), next_page=8)).pages


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"GIF89a" + bytes(64), "GIF"),
        (b"\0\0\0\x18ftypheic" + bytes(64), "HEIC"),
        (b"\0\0\0\x18ftypavif" + bytes(64), "AVIF"),
        (b"\0\0\0\x0cjP  \r\n" + bytes(64), "JPEG 2000"),
        (b"%PDF-1.7 ", "PDF"),
        (b"II+\0" + bytes(64), "BigTIFF"),
    ],
)
def test_an_image_of_a_kind_that_is_not_read_is_named_in_the_refusal(data: bytes, named: str) -> None:
    with pytest.raises(FileRefused, match=named) as refused:
        read_header(data)
    assert refused.value.fault.code == "format-not-supported"


@pytest.mark.parametrize(
    "data", [b"BMW is a car, this is a text", b"hello", b"\xff\xd8", bytes(1000), b"RIFF\0\0\0\0WAVE"]
)
def test_what_is_no_image_is_refused_whatever_its_first_letters_are(data: bytes) -> None:
    with pytest.raises(FileRefused) as refused:
        read_header(data)
    assert refused.value.fault.code == "file-not-image"


def test_a_twelve_bit_jpeg_and_a_floating_point_tiff_are_refused_as_unsupported() -> None:
    deep = FILES["JPEG"].replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c")
    floating = files.encode(".tiff", files.picture().astype(np.float32))
    for data in (deep, floating):
        with pytest.raises(FileRefused) as refused:
            read_header(data)
        assert refused.value.fault.code == "format-not-supported"


@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("orientation", files.ORIENTATIONS)
def test_orientation_is_read_in_both_byte_orders(orientation: int, endian: str) -> None:
    assert exif_orientation(files.exif(orientation, endian=endian)) == orientation


@pytest.mark.parametrize("block", [b"", b"II*\0", files.exif(0), files.exif(9), files.exif(6)[:-9], b"garbage" * 10])
def test_an_exif_block_without_a_sensible_orientation_leaves_the_image_as_it_is(block: bytes) -> None:
    assert exif_orientation(block) == 1


def test_a_tag_that_claims_four_billion_values_costs_nothing() -> None:
    block = b"II*\0" + struct.pack("<IHHHII", 8, 1, 274, 4, 0xFFFFFFFF, 8) + bytes(4)
    assert exif_orientation(block) == 1


@st.composite
def mutated_files(draw: st.DrawFn) -> bytes:
    """A valid file after some bytes were changed, cut out, doubled, or cut off."""
    data = bytearray(draw(st.sampled_from(list(FILES.values()))))
    near_start = st.integers(0, min(200, len(data) - 1))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(near_start | st.integers(0, max(0, len(data) - 1)))
        change = draw(st.sampled_from(["set", "drop", "double", "end"]))
        if change == "set":
            data[at : at + 1] = bytes([draw(st.integers(0, 255))])
        elif change == "drop":
            del data[at : at + draw(st.integers(1, 64))]
        elif change == "double":
            data[at:at] = data[at : at + draw(st.integers(1, 64))]
        else:
            del data[at:]
    return bytes(data)


@given(mutated_files() | st.binary(max_size=300))
def test_any_bytes_give_a_header_or_a_refusal(data: bytes) -> None:
    try:
        header = read_header(data)
        require_complete(data, header)
    except FileRefused:
        return
    assert header.width > 0
    assert header.height > 0
    assert 1 <= header.orientation <= 8


@given(st.binary(max_size=200), st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"BM"]))
def test_any_bytes_after_a_known_signature_give_a_header_or_a_refusal(data: bytes, signature: bytes) -> None:
    try:
        read_header(signature + data)
    except FileRefused:
        return
