"""Every supported kind of file becomes upright 8-bit RGB, and what is missing or hidden in it is said or refused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from qana_desktop.intake import decode as decoding
from qana_desktop.intake.decode import DecodedImage, decode
from qana_desktop.intake.native_messages import NativeMessages
from qana_desktop.intake.refusals import FileRefused
from tests.support import image_files as files

LOSSLESS = {
    "PNG": files.encode(".png", files.picture()),
    "TIFF": files.tiff(files.picture()),
    "compressed TIFF": files.encode(".tiff", files.picture()),
    "BMP": files.encode(".bmp", files.picture()),
    "WebP": files.lossless_webp(files.picture()),
}


@pytest.fixture
def messages() -> Iterator[NativeMessages]:
    """Where the decoders' messages go."""
    caught = NativeMessages()
    yield caught
    caught.close()


def refusal(data: bytes, messages: NativeMessages) -> str:
    """The code with which `data` is refused."""
    with pytest.raises(FileRefused) as refused:
        decode(data, messages)
    assert refused.value.fault.message.startswith("Cannot assess: ")
    assert refused.value.fault.remedy.endswith(".")
    return refused.value.fault.code


def mean_error(image: DecodedImage, expected: npt.NDArray[np.uint8]) -> float:
    """Mean absolute difference in grey levels."""
    assert image.rgb.shape == expected.shape
    return float(np.abs(image.rgb.astype(int) - expected).mean())


@pytest.mark.parametrize("kind", LOSSLESS)
def test_a_lossless_file_keeps_every_pixel(kind: str, messages: NativeMessages) -> None:
    image = decode(LOSSLESS[kind], messages)
    assert np.array_equal(image.rgb, files.picture())
    assert image.format.value in kind
    assert (image.width, image.height, image.notes) == (240, 160, ())
    assert image.sha256 == hashlib.sha256(LOSSLESS[kind]).hexdigest()


def test_jpeg_pixels_are_those_that_training_sees(messages: NativeMessages) -> None:
    data = files.jpeg(files.picture())
    trained_on = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    assert np.array_equal(decode(data, messages).rgb, trained_on)


ORIENTED = {
    "JPEG": lambda rgb, o: files.jpeg_with_exif(files.jpeg(rgb, quality=98), files.exif(o)),
    "JPEG, big-endian": lambda rgb, o: files.jpeg_with_exif(files.jpeg(rgb, quality=98), files.exif(o, endian=">")),
    "PNG": lambda rgb, o: files.png_with_chunk(files.encode(".png", rgb), b"eXIf", files.exif(o)),
    "TIFF": lambda rgb, o: files.tiff(rgb, orientation=o),
    "WebP": lambda rgb, o: files.webp_with_exif(files.lossless_webp(rgb), files.exif(o), rgb.shape[1::-1]),
}


def stored_as(upright: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    """What a camera stores of `upright` under an EXIF orientation (EXIF 2.32, table of tag 274)."""
    turned = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(upright, -1),
    }
    return np.ascontiguousarray(turned[orientation])


@pytest.mark.parametrize("orientation", files.ORIENTATIONS)
@pytest.mark.parametrize("kind", ORIENTED)
def test_an_image_stands_upright_whatever_the_camera_was_held_like(
    kind: str, orientation: int, messages: NativeMessages
) -> None:
    image = decode(ORIENTED[kind](stored_as(files.corners(), orientation), orientation), messages)
    assert (image.width, image.height) == (240, 160)
    assert mean_error(image, files.corners()) < 3


@pytest.mark.parametrize("cut", [2, 3, 10, 400, 0.05, 0.3, 0.5, 0.9, 0.99, -2, -1])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_cut_off_anywhere_is_refused(cut: float, progressive: bool, messages: NativeMessages) -> None:
    data = files.jpeg(files.picture(), progressive=progressive)
    end = int(cut * len(data)) if isinstance(cut, float) else cut
    assert refusal(data[:end], messages) == ("file-not-image" if end == 2 else "file-truncated")


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_with_a_hole_is_refused_although_it_has_an_end(progressive: bool, messages: NativeMessages) -> None:
    data = files.jpeg(files.picture(), progressive=progressive)
    half = len(data) // 2
    assert refusal(data[:half] + b"\xff\xd9", messages) == "file-truncated"
    assert refusal(data[:half] + data[half + len(data) // 4 :], messages) == "file-truncated"


def test_bytes_after_the_end_of_a_jpeg_do_no_harm(messages: NativeMessages) -> None:
    data = files.jpeg(files.picture())
    expected = decode(data, messages).rgb
    for tail in (bytes(100), b"\r\n", b"\xff\xd8\xff second image of a multi-picture file"):
        assert np.array_equal(decode(data + tail, messages).rgb, expected)


@pytest.mark.parametrize("kind", LOSSLESS)
@pytest.mark.parametrize("share", [0.2, 0.7, 0.999])
def test_other_files_cut_off_anywhere_are_refused(kind: str, share: float, messages: NativeMessages) -> None:
    data = LOSSLESS[kind]
    assert refusal(data[: int(len(data) * share)], messages) == "file-truncated"


def test_a_png_with_a_changed_byte_is_refused_as_damaged(messages: NativeMessages) -> None:
    data = bytearray(LOSSLESS["PNG"])
    data[len(data) // 2] ^= 0x10
    assert refusal(bytes(data), messages) == "file-damaged"


def test_empty_text_and_tiny_are_refused_by_their_names(messages: NativeMessages) -> None:
    assert refusal(b"", messages) == "file-empty"
    assert refusal(b"Dear colleague, this is a letter.", messages) == "file-not-image"
    assert refusal(files.encode(".png", files.picture(1, 1)), messages) == "image-too-small"
    assert refusal(files.animated(".gif", [files.picture(), files.corners()]), messages) == "format-not-supported"


def test_a_bomb_is_refused_from_its_header(messages: NativeMessages) -> None:
    assert refusal(files.png_bomb(), messages) == "image-too-many-pixels"


def test_a_file_over_the_size_limit_is_refused_before_it_is_looked_at(
    messages: NativeMessages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "MAX_FILE_BYTES", 1000)
    assert refusal(files.jpeg(files.picture()), messages) == "file-too-large"


@pytest.mark.parametrize("encode", [files.cmyk_jpeg, lambda rgb: files.tiff(cmyk(rgb), photometric=5)])
def test_cmyk_is_converted_and_the_image_says_so(encode, messages: NativeMessages) -> None:
    image = decode(encode(files.corners()), messages)
    assert mean_error(image, files.corners()) < 4
    assert image.notes == ("CMYK print colours were converted to RGB without a profile.",)


def cmyk(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Inks without black."""
    return np.dstack([255 - rgb, np.zeros(rgb.shape[:2], np.uint8)])


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits_are_scaled_and_the_image_says_so(suffix: str, messages: NativeMessages) -> None:
    image = decode(files.encode(suffix, files.picture().astype(np.uint16) * 257), messages)
    assert mean_error(image, files.picture()) < 1
    assert image.notes == ("16 bits per colour were scaled to 8.",)


def half_transparent(depth: type[np.unsignedinteger]) -> npt.NDArray[np.generic]:
    """The corners with alpha 0 at the left and 1 at the right."""
    alpha = np.zeros((160, 240), np.uint8)
    alpha[:, 120:] = 255
    return np.dstack([files.corners(), alpha]).astype(depth) * (257 if depth is np.uint16 else 1)


@pytest.mark.parametrize(
    "data",
    [
        files.encode(".png", half_transparent(np.uint8)),
        files.encode(".png", half_transparent(np.uint16)),
        files.tiff(half_transparent(np.uint8)),
        files.tiff(half_transparent(np.uint16)),
        files.lossless_webp(half_transparent(np.uint8)),
    ],
    ids=["PNG", "16-bit PNG", "TIFF", "16-bit TIFF", "WebP"],
)
def test_transparent_parts_become_white_and_the_image_says_so(data: bytes, messages: NativeMessages) -> None:
    image = decode(data, messages)
    assert (image.rgb[:, :118] > 252).all()
    assert np.abs(image.rgb[:, 122:].astype(int) - files.corners()[:, 122:]).max() <= 1
    assert "Transparent parts were put on white." in image.notes


def test_an_opaque_alpha_channel_changes_nothing_and_needs_no_word(messages: NativeMessages) -> None:
    rgba = np.dstack([files.picture(), np.full((160, 240), 255, np.uint8)])
    image = decode(files.encode(".png", rgba), messages)
    assert np.array_equal(image.rgb, files.picture())
    assert image.notes == ()


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_of_an_animation_the_first_frame_is_read_and_the_image_says_so(suffix: str, messages: NativeMessages) -> None:
    image = decode(files.animated(suffix, [files.corners(), 255 - files.corners()]), messages)
    assert mean_error(image, files.corners()) < 4
    assert image.notes == ("Animated: the first frame was read.",)


def test_of_a_document_with_pages_the_first_is_read_and_the_image_says_so(messages: NativeMessages) -> None:
    image = decode(files.tiff(files.picture(), next_page=8), messages)
    assert np.array_equal(image.rgb, files.picture())
    assert image.notes == ("Several pages: the first page was read.",)


def test_huge_metadata_does_not_matter(messages: NativeMessages) -> None:
    rgb = files.picture()
    segments = [b"http://ns.adobe.com/xap/1.0/\0" + b"x" * 65_000 for _ in range(100)]
    long_jpeg = files.jpeg_with_exif(files.jpeg(rgb), files.exif(1, padding=65_000), more=segments)
    long_png = files.png_with_chunk(files.encode(".png", rgb), b"eXIf", files.exif(3, padding=20_000_000))
    assert decode(long_jpeg, messages).rgb.shape == rgb.shape
    assert np.array_equal(decode(long_png, messages).rgb, rgb[::-1, ::-1])


def test_a_grey_image_becomes_grey_rgb(messages: NativeMessages) -> None:
    grey = files.picture()[..., 0]
    assert np.array_equal(decode(files.encode(".png", grey), messages).rgb, np.dstack([grey] * 3))


def test_messages_of_the_decoders_do_not_reach_standard_error(
    messages: NativeMessages, capfd: pytest.CaptureFixture[str]
) -> None:
    data = files.jpeg(files.picture())
    refusal(data[: len(data) // 2] + b"\xff\xd9", messages)
    assert messages.data_lost
    assert capfd.readouterr().err == ""
