"""What leaves without identity holds the picture and nothing else, and this is proved of each file, not hoped."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest

from qana_desktop.intake.colour_profile import neutral_profile, stored_profile
from qana_desktop.intake.reader import ImageReader
from qana_desktop.reports import deidentify, image_files
from qana_desktop.reports.deidentified_dicom import dicom
from qana_desktop.reports.deidentify import ImageToExport, export_images, words_of
from qana_desktop.reports.faults import ExportFailed
from qana_desktop.reports.proof import SUFFIX, ImageKind, holds_a_word, prove_clean
from tests.support import dicom_files as dicoms
from tests.support import image_files as files

RGB = files.picture()
NAME, NUMBER = "Erika Mustermann", "PID-47110815"
WORDS = words_of([NAME, NUMBER])

pytestmark = pytest.mark.keeps_processes


@pytest.fixture(scope="module")
def reader() -> Iterator[ImageReader]:
    with ImageReader() as made:
        yield made


def curve(*points: int) -> bytes:
    return b"curv" + bytes(4) + struct.pack(f">I{len(points)}H", len(points), *points)


def profile(*, version: int = 2, secret: bytes = NAME.encode()) -> bytes:
    """A camera's RGB profile whose texts, maker and private tag name the patient."""
    xyz = [
        b"XYZ " + bytes(4) + struct.pack(">3i", *values)
        for values in ((28577, 14581, 912), (25238, 46983, 6363), (9367, 3972, 46799), (63190, 65536, 54061))
    ]
    tags = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt"), xyz, strict=True))
    tags |= {b"rTRC": curve(461), b"gTRC": curve(0, 30000, 65535) + secret, b"bTRC": curve(461)}
    tags |= {b"desc": b"desc" + bytes(4) + secret, b"cprt": b"text" + bytes(4) + secret, b"PRIV": secret}
    at, body, entries = 132 + 12 * len(tags), b"", b""
    for name, tag in tags.items():
        entries += struct.pack(">4sII", name, at + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    head = (
        bytes((version, 0x20, 0, 0))
        + b"mntrRGB XYZ "
        + struct.pack(">6H", 2026, 1, 31, 9, 9, 9)
        + b"acsp"
        + secret[:24].ljust(24)
    )
    head = b"ERIK" + head + struct.pack(">I", 0) + struct.pack(">3i", 63190, 65536, 54061) + secret[:4] + bytes(44)
    return (
        struct.pack(">I", 4 + len(head) + 4 + len(entries) + len(body))
        + head
        + struct.pack(">I", len(tags))
        + entries
        + body
    )


ICC = profile()


def loaded_jpeg() -> bytes:
    """A JPEG that names the patient in EXIF, XMP, IPTC, a comment, a thumbnail, its profile and behind its end."""
    secret = NAME.encode()
    data = files.jpeg_with_exif(
        files.jpeg(RGB), files.exif(1) + secret, more=[b"http://ns.adobe.com/xap/1.0/\0" + secret]
    )
    more = files.jpeg_segment(0xED, b"Photoshop 3.0\0" + secret) + files.jpeg_segment(0xFE, secret)
    more += files.jpeg_segment(0xE0, b"JFXX\0\x10" + files.jpeg(files.picture(16, 16)) + secret)
    more += files.jpeg_segment(0xE2, b"ICC_PROFILE\0\1\1" + ICC)
    return data[:2] + more + data[2:] + secret


def loaded_png() -> bytes:
    data = files.encode(".png", RGB)
    for kind, content in {
        b"tEXt": b"Author\0" + NAME.encode(),
        b"iTXt": b"XML:com.adobe.xmp\0\0\0\0\0" + NAME.encode(),
        b"eXIf": files.exif(1) + NAME.encode(),
        b"tIME": bytes((7, 234, 1, 31, 9, 9, 9)),
        b"iCCP": NAME.encode() + b"\0\0" + zlib.compress(ICC),
    }.items():
        data = files.png_with_chunk(data, kind, content)
    return data + NUMBER.encode()


SOURCES = {
    "JPEG": loaded_jpeg(),
    "PNG": loaded_png(),
    "TIFF": files.tiff(RGB) + NAME.encode(),
    "DICOM": dicoms.dicom(RGB, ICCProfile=ICC + bytes(len(ICC) % 2)),
    "DICOM with JPEG": dicoms.dicom(RGB, syntax=dicoms.JPEG, photometric="YBR_FULL_422"),
    "turned JPEG": files.jpeg_with_exif(files.jpeg(RGB), files.exif(6)),
}


@pytest.mark.parametrize("kind", ImageKind)
@pytest.mark.parametrize("name", SOURCES)
def test_nothing_that_names_the_patient_is_left_and_the_original_is_as_it_was(
    reader: ImageReader, tmp_path: Path, name: str, kind: ImageKind
) -> None:
    original = tmp_path / f"{NAME} {NUMBER}" / "lesion of Erika.img"
    original.parent.mkdir()
    original.write_bytes(SOURCES[name])
    before = hashlib.sha256(original.read_bytes()).hexdigest(), original.stat().st_mtime_ns
    forbidden = words_of([NAME, NUMBER, *dicoms.SECRETS, original.stem, original.parent.name])
    (made,) = export_images([ImageToExport(original, "a", forbidden)], tmp_path / "out", kind, reader=reader)
    written = (tmp_path / "out" / made.name).read_bytes()
    assert made.name == f"image-0001{SUFFIX[kind]}"
    assert made.sha256 == hashlib.sha256(written).hexdigest()
    assert (made.original_sha256, original.stat().st_mtime_ns) == before
    assert hashlib.sha256(original.read_bytes()).hexdigest() == before[0]
    assert not [word for word in forbidden if len(word) > 4 and word.encode().lower() in written.lower()]
    shown, meant = reader.display(written), reader.display(original)
    assert shown.shape == meant.shape
    if kind is not ImageKind.JPEG:
        assert np.array_equal(shown, meant)


@pytest.mark.parametrize("kind", ImageKind)
@pytest.mark.parametrize("name", ["JPEG", "PNG", "DICOM"])
def test_the_colour_profile_stays_in_its_numbers_and_loses_its_texts(
    reader: ImageReader, tmp_path: Path, name: str, kind: ImageKind
) -> None:
    export_images([ImageToExport(SOURCES[name], "a", WORDS)], tmp_path / "out", kind, reader=reader)
    kept = stored_profile(next((tmp_path / "out").iterdir()).read_bytes()).rstrip(b"\0")
    assert kept == neutral_profile(ICC).rstrip(b"\0")
    assert b"rXYZ" in kept
    assert curve(0, 30000, 65535) in kept
    assert not holds_a_word(kept, WORDS)


@pytest.mark.parametrize("version", [2, 4])
def test_a_neutral_profile_keeps_its_version_and_is_neutral_already(version: int) -> None:
    made = neutral_profile(profile(version=version))
    assert (len(made), made[8], made[12:24]) == (struct.unpack(">I", made[:4])[0], version, b"mntrRGB XYZ ")
    assert neutral_profile(made) == made


@pytest.mark.parametrize(
    "damage", [b"", b"x" * 200, ICC[:150], ICC.replace(b"RGB ", b"CMYK"), ICC.replace(b"rTRC", b"xTRC")]
)
def test_a_profile_that_is_none_is_dropped(damage: bytes) -> None:
    assert neutral_profile(damage) == b""


def test_a_dicom_export_says_that_identity_was_removed_and_by_which_method(reader: ImageReader, tmp_path: Path) -> None:
    export_images([ImageToExport(SOURCES["DICOM"], "a")] * 2, tmp_path / "out", ImageKind.DICOM, reader=reader)
    first, second = (pydicom.dcmread(path) for path in sorted((tmp_path / "out").iterdir()))
    assert first.PatientIdentityRemoved == "YES"
    assert first.DeidentificationMethod[0] == "PS3.15 Basic Application Level Confidentiality Profile"
    assert first.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert (first.PatientName, first.PatientID, first.StudyDate) == ("", "", "")
    assert first.PixelSpacing == [0.025, 0.025]
    uids = [getattr(each, f"{name}InstanceUID") for each in (first, second) for name in ("SOP", "Study", "Series")]
    assert len(set(uids)) == 6
    assert all(uid.startswith("2.25.") and uid.is_valid for uid in uids)
    assert not [element for element in first if element.tag.is_private]


def test_names_tell_nothing_and_come_in_order(reader: ImageReader, tmp_path: Path) -> None:
    images = [ImageToExport(files.jpeg(files.picture(100 + i, 100)), NAME) for i in range(3)]
    made = export_images(images, tmp_path / "out", ImageKind.PNG, reader=reader)
    assert [each.name for each in made] == ["image-0001.png", "image-0002.png", "image-0003.png"]
    assert [reader.display(tmp_path / "out" / each.name).shape[1] for each in made] == [100, 101, 102]


# --- nothing is left of an export that failed


def failing(reader: ImageReader, folder: Path, *images: ImageToExport) -> str:
    """The code with which the export fails; afterwards there is nothing that was not there before."""
    before = sorted(folder.parent.rglob("*"))
    with pytest.raises(ExportFailed) as failed:
        export_images(images, folder, ImageKind.PNG, reader=reader)
    assert sorted(folder.parent.rglob("*")) == before
    assert "Nothing was exported." in failed.value.fault.message
    return failed.value.fault.code


def test_one_unreadable_image_stops_the_whole_export(reader: ImageReader, tmp_path: Path) -> None:
    good, bad = ImageToExport(files.jpeg(RGB), "good"), ImageToExport(files.jpeg(RGB)[:2000], "second")
    assert failing(reader, tmp_path / "out", good, bad) == "file-truncated"


def test_a_folder_that_holds_something_is_left_alone(reader: ImageReader, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "theirs.txt").write_text("theirs")
    assert failing(reader, tmp_path / "out", ImageToExport(files.jpeg(RGB), "a")) == "export-folder-not-empty"
    assert (tmp_path / "out" / "theirs.txt").read_text() == "theirs"


def test_an_image_with_text_burned_in_does_not_leave(reader: ImageReader, tmp_path: Path) -> None:
    image = ImageToExport(dicoms.dicom(RGB, BurnedInAnnotation="YES"), "a")
    assert failing(reader, tmp_path / "out", image) == "export-burned-in"


def test_a_writer_that_leaks_is_found_out_and_its_file_removed(
    reader: ImageReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaky = lambda rgb, icc: files.png_with_chunk(image_files.png(rgb, icc), b"tEXt", b"Author\0" + NAME.encode())  # noqa: E731
    monkeypatch.setattr(deidentify, "png", leaky)
    assert failing(reader, tmp_path / "out", ImageToExport(files.jpeg(RGB), "a", WORDS)) == "export-not-clean"


def test_a_writer_that_writes_another_picture_is_found_out(
    reader: ImageReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deidentify, "png", lambda rgb, icc: image_files.png(rgb[::-1].copy(), icc))
    assert failing(reader, tmp_path / "out", ImageToExport(files.jpeg(RGB), "a")) == "export-not-clean"


# --- the proof itself


def with_dicom(**more: object) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(dicom(RGB, b"", mm_per_pixel=None, lossy=False)))
    for keyword, value in more.items():
        setattr(dataset, keyword, value)
    stream = io.BytesIO()
    dataset.save_as(stream)
    return stream.getvalue()


JPEG, PNG, TIFF = image_files.jpeg(RGB, b""), image_files.png(RGB, b""), image_files.tiff(RGB, b"")
PLANES, ARTIST = struct.pack("<HHII", 284, 3, 1, 1), struct.pack("<HHII", 315, 2, 4, 9)
LEAKS = {
    "JPEG comment": (ImageKind.JPEG, JPEG[:20] + files.jpeg_segment(0xFE, b"x") + JPEG[20:]),
    "EXIF": (ImageKind.JPEG, files.jpeg_with_exif(JPEG, files.exif(1))),
    "second JFIF": (ImageKind.JPEG, JPEG[:20] + JPEG[2:20] + JPEG[20:]),
    "JFIF thumbnail": (ImageKind.JPEG, JPEG[:2] + files.jpeg_segment(0xE0, JPEG[6:20] + bytes(12)) + JPEG[20:]),
    "behind JPEG": (ImageKind.JPEG, JPEG + b"x"),
    "foreign profile in JPEG": (ImageKind.JPEG, image_files.jpeg(RGB, ICC)),
    "PNG text": (ImageKind.PNG, files.png_with_chunk(PNG, b"tEXt", b"a\0b")),
    "PNG time": (ImageKind.PNG, files.png_with_chunk(PNG, b"tIME", bytes(7))),
    "behind PNG": (ImageKind.PNG, PNG + b"x"),
    "TIFF artist": (ImageKind.TIFF, TIFF.replace(PLANES, ARTIST)),
    "behind TIFF": (ImageKind.TIFF, TIFF + b"xx"),
    "second page": (ImageKind.TIFF, TIFF[:-4] + struct.pack("<I", 8)),
    "DICOM preamble": (ImageKind.DICOM, b"II*\0" + with_dicom()[4:]),
    "DICOM name": (ImageKind.DICOM, with_dicom(PatientName="A^B")),
    "DICOM comment": (ImageKind.DICOM, with_dicom(PatientComments="A")),
    "DICOM date": (ImageKind.DICOM, with_dicom(StudyDate="20260131")),
    "old DICOM UID": (ImageKind.DICOM, with_dicom(StudyInstanceUID="1.2.3.4")),
    "DICOM pixels too many": (ImageKind.DICOM, with_dicom(Rows=100)),
    "identity not removed": (ImageKind.DICOM, with_dicom(PatientIdentityRemoved="NO")),
    "half a PNG": (ImageKind.PNG, PNG[:-30]),
}  # fmt: skip


@pytest.mark.parametrize("name", LEAKS)
def test_each_kind_of_leftover_is_found(name: str) -> None:
    kind, data = LEAKS[name]
    with pytest.raises(ExportFailed) as failed:
        prove_clean(kind, data, b"", ())
    assert failed.value.fault.code == "export-not-clean"


CLEAN = {ImageKind.JPEG: JPEG, ImageKind.PNG: PNG, ImageKind.TIFF: TIFF, ImageKind.DICOM: with_dicom()}


@pytest.mark.parametrize("kind", ImageKind)
def test_a_clean_file_passes(kind: ImageKind) -> None:
    prove_clean(kind, CLEAN[kind], b"", WORDS)


@pytest.mark.parametrize("kind", ImageKind)
def test_a_folder_that_is_called_like_our_own_words_is_no_false_alarm(
    reader: ImageReader, tmp_path: Path, kind: ImageKind
) -> None:
    words = words_of(["Application Profile", "Colours", "Confidentiality", "DERIVED", "ICC_PROFILE"])
    assert export_images([ImageToExport(SOURCES["JPEG"], "a", words)], tmp_path / "out", kind, reader=reader)


@pytest.mark.parametrize("coding", ["utf-8", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("word", ["Müstermann", "MÜSTERMANN", "müstermann"])
def test_a_word_is_found_in_every_coding_and_case(coding: str, word: str) -> None:
    assert holds_a_word(b"\x01\x02" + word.encode(coding) + b"\x03", ["Müstermann"])
    assert not holds_a_word(b"\x01\x02" + word.encode(coding)[:-2] + b"\x03", ["Müstermann"])


def test_a_name_is_looked_for_in_parts_and_as_a_whole() -> None:
    assert words_of(["Mustermann^Erika Anna", " ", "PID-47110815"]) == (
        "Mustermann^Erika Anna", "PID-47110815", "Mustermann", "Erika", "Anna", "PID", "47110815",
    )  # fmt: skip


def test_pixels_written_as_tiff_and_png_are_read_by_opencv_as_they_were() -> None:
    for data in (
        image_files.tiff(RGB, b""),
        image_files.png(RGB, b""),
        image_files.tiff(RGB[:, :239], neutral_profile(ICC)),
    ):
        read = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        assert np.array_equal(read, RGB[:, : read.shape[1]])
