"""DICOM images are read as they were stored, or refused with the reason; all files are made by code."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.encaps import encapsulate

from qana_desktop.intake.dicom_facts import DicomFacts, DicomKind
from qana_desktop.intake.reader import ImageReader
from qana_desktop.intake.refusals import FileRefused
from qana_desktop.network.preprocess import to_network_input
from qana_desktop.services.find_images import find_images
from qana_desktop.triage.case import CaptureFacts, Contact, Patient, Polarisation, Sex
from tests.support import dicom_files as dicoms
from tests.support import image_files as files

RGB = files.picture()
FILES = dicoms.every_kind()
EXAMPLES = int(os.environ.get("QANA_FUZZ", "150"))

pytestmark = pytest.mark.keeps_processes


@pytest.fixture(scope="module")
def reader() -> Iterator[ImageReader]:
    with ImageReader() as made:
        yield made


def refusal(reader: ImageReader, data: bytes) -> str:
    """The code with which a file is refused; afterwards the reader still reads."""
    with pytest.raises(FileRefused) as refused:
        reader.prepare(data, input_size=96)
    assert reader.prepare(FILES["explicit"], input_size=96).width == 240
    assert refused.value.fault.message.startswith("Cannot assess: ")
    assert refused.value.fault.remedy
    return refused.value.fault.code


# --- read


@pytest.mark.parametrize("name", ["explicit", "implicit", "by plane", "RLE", "photograph", "secondary capture"])
def test_rgb_pixels_come_back_as_they_were_stored(reader: ImageReader, name: str) -> None:
    assert np.array_equal(reader.display(FILES[name]), RGB)


@pytest.mark.parametrize(("name", "worst"), [("YBR_FULL", 3), ("RLE YBR", 3), ("YBR_FULL_422", 60), ("JPEG", 40)])
def test_other_colour_spaces_come_back_as_rgb(reader: ImageReader, name: str, worst: int) -> None:
    difference = np.abs(reader.display(FILES[name]).astype(int) - RGB)
    assert difference.mean() < 3
    assert difference.max() <= worst


def test_a_jpeg_inside_dicom_gives_the_pixels_of_the_jpeg_alone(reader: ImageReader) -> None:
    assert np.array_equal(reader.display(FILES["JPEG"]), reader.display(files.jpeg(RGB)))


@pytest.mark.parametrize("name", ["grey", "grey JPEG"])
def test_a_grey_image_is_read_and_said_to_be_grey(reader: ImageReader, name: str) -> None:
    shown = reader.display(FILES[name])
    assert np.array_equal(shown[..., 0], shown[..., 1])
    assert np.array_equal(shown[..., 0], shown[..., 2])
    assert reader.prepare(FILES[name], input_size=96).notes == ("Black and white: there is no colour to assess.",)


def test_an_unmarked_jpeg_has_the_colours_that_the_dicom_file_states(reader: ImageReader) -> None:
    bare = files.jpeg(RGB)
    assert bare[2:4] == b"\xff\xe0"
    bare = bare[:2] + bare[4 + int.from_bytes(bare[4:6], "big") :]
    as_ybr = reader.display(
        dicoms.dicom(RGB, syntax=dicoms.JPEG, photometric="YBR_FULL_422", stored=encapsulate([bare]))
    )
    as_rgb = reader.display(dicoms.dicom(RGB, syntax=dicoms.JPEG, photometric="RGB", stored=encapsulate([bare])))
    assert np.array_equal(as_ybr, reader.display(files.jpeg(RGB)))
    luminance = cv2.cvtColor(as_ybr, cv2.COLOR_RGB2GRAY).astype(int)
    assert np.abs(as_rgb[..., 0].astype(int) - luminance).mean() < 2


def test_the_network_gets_the_same_input_as_from_a_png(reader: ImageReader, tmp_path: Path) -> None:
    path = tmp_path / "IM000001"
    path.write_bytes(FILES["explicit"])
    image = reader.prepare(path, input_size=128)
    assert np.array_equal(image.network_input, to_network_input(RGB, 128))
    assert (image.format, image.width, image.height) == ("DICOM", 240, 160)
    assert image.sha256 == hashlib.sha256(FILES["explicit"]).hexdigest()


def test_dicom_files_are_found_in_folders(tmp_path: Path) -> None:
    (tmp_path / "a.DCM").write_bytes(b"")
    (tmp_path / "b.txt").write_bytes(b"")
    assert [source.path for source in find_images([tmp_path])] == [tmp_path / "a.DCM"]


@pytest.mark.parametrize("disguise", [b"II*\0" + bytes(124), b"\xff\xd8\xff\xe0" + bytes(124), b"BM" + bytes(126)])
def test_a_preamble_that_looks_like_another_format_changes_nothing(reader: ImageReader, disguise: bytes) -> None:
    assert np.array_equal(reader.display(dicoms.dicom(RGB, preamble=disguise)), RGB)


# --- what the file says


def test_patient_study_and_capture_are_taken_over(reader: ImageReader) -> None:
    facts = reader.facts(FILES["explicit"])
    assert facts == DicomFacts(
        kind=DicomKind.DERMOSCOPY,
        transfer_syntax=dicoms.EXPLICIT,
        patient_id="PID-47110815",
        patient_name="Mustermann Erika",
        birth_date="1953-02-14",
        sex=Sex.FEMALE,
        study_uid="1.2.3.4",
        series_uid="1.2.3.4.5",
        instance_uid="1.2.3.4.5.6",
        study_date="2026-01-31",
        study_description="Mole check",
        accession_number="ACC-998877",
        body_site="Forearm",
        laterality="L",
        device="Lens Works D-7",
        captured_at="2026-01-31T10:30:15+01:00",
        polarisation=Polarisation.POLARISED,
        contact=Contact.CONTACT,
        mm_per_pixel=0.025,
        scale_source="PixelSpacing",
    )
    assert facts.patient() == Patient("PID-47110815", "Mustermann Erika", 1953, Sex.FEMALE)
    assert facts.site() == "Forearm left"
    assert facts.capture() == CaptureFacts(
        "Lens Works D-7", Polarisation.POLARISED, Contact.CONTACT, 0.025, "2026-01-31T10:30:15+01:00"
    )


def test_another_image_has_no_such_facts(reader: ImageReader) -> None:
    assert reader.facts(files.jpeg(RGB)) is None


@pytest.mark.parametrize(
    ("attributes", "scale", "source"),
    [
        ({"PixelSpacing": None}, None, ""),
        ({"PixelSpacing": None, "ImagerPixelSpacing": [0.03, 0.03]}, 0.03, "ImagerPixelSpacing"),
        ({"PixelSpacing": [0.02, 0.04]}, None, ""),
        ({"PixelSpacing": [0, 0]}, None, ""),
        ({"PixelSpacing": [-0.02, -0.02]}, None, ""),
    ],
    ids=["none", "imager", "oblong", "zero", "negative"],
)
def test_a_scale_is_taken_over_only_when_it_makes_sense(
    reader: ImageReader, attributes: dict[str, object], scale: float | None, source: str
) -> None:
    facts = reader.facts(dicoms.dicom(RGB, **attributes))
    assert facts is not None
    assert (facts.mm_per_pixel, facts.scale_source) == (scale, source)


def test_descriptions_that_make_no_sense_are_left_out_and_the_image_is_read(reader: ImageReader) -> None:
    data = (
        dicoms.dicom(RGB)
        .replace(b"19530214", b"19539914")
        .replace(b"20260131103015.250+0100", b"20263131103015.250+0100")
    )
    facts = reader.facts(data)
    assert facts is not None
    assert (facts.birth_date, facts.captured_at) == (None, "2026-01-31T10:15:00")
    assert np.array_equal(reader.display(data), RGB)


def test_a_file_without_a_patient_number_makes_no_patient(reader: ImageReader) -> None:
    facts = reader.facts(dicoms.dicom(RGB, PatientID=None))
    assert facts is not None
    assert facts.patient() is None


# --- refused


def jpeg_file(*frames: bytes) -> bytes:
    return dicoms.dicom(RGB, syntax=dicoms.JPEG, stored=encapsulate(list(frames)))


def rle_file(*planes: bytes) -> bytes:
    return dicoms.dicom(RGB, syntax=dicoms.RLE, stored=encapsulate([dicoms.rle(list(planes))]))


BAD = {
    "tomography": (dicoms.dicom(RGB, kind="1.2.840.10008.5.1.4.1.1.2"), "dicom-class-not-read"),
    "video": (dicoms.dicom(RGB, kind="1.2.840.10008.5.1.4.1.1.77.1.4.1"), "dicom-class-not-read"),
    "two classes": (
        dicoms.PHOTOGRAPH.encode().join(FILES["explicit"].rsplit(dicoms.DERMOSCOPY.encode(), 1)),
        "file-damaged",
    ),
    "two frames": (dicoms.dicom(RGB, NumberOfFrames=2), "dicom-several-frames"),
    "no frame": (dicoms.dicom(RGB, NumberOfFrames=0), "dicom-several-frames"),
    "deflated": (dicoms.dicom(RGB, syntax=dicoms.DEFLATED), "dicom-syntax-not-read"),
    "big-endian": (
        FILES["explicit"].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.2\0"),
        "dicom-syntax-not-read",
    ),
    "huge": (dicoms.dicom(RGB, Rows=40_000, Columns=40_000), "image-too-many-pixels"),
    "no rows": (dicoms.dicom(RGB, Rows=0), "file-damaged"),
    "rows not stated": (dicoms.dicom(RGB, Rows=None), "file-damaged"),
    "more rows than data": (dicoms.dicom(RGB, Rows=320), "file-truncated"),
    "more data than rows": (dicoms.dicom(RGB, Columns=200), "file-damaged"),
    "small": (dicoms.dicom(files.picture(80, 60)), "image-too-small"),
    "no pixels": (dicoms.dicom(RGB, PixelData=None), "dicom-no-image"),
    "palette": (dicoms.dicom(RGB, PhotometricInterpretation="PALETTE COLOR"), "dicom-pixels-not-read"),
    "inverted": (dicoms.dicom(RGB, PhotometricInterpretation="MONOCHROME1"), "dicom-pixels-not-read"),
    "12 bits": (dicoms.dicom(RGB, BitsAllocated=16, BitsStored=12), "dicom-pixels-not-read"),
    "colours in one sample": (dicoms.dicom(RGB, SamplesPerPixel=1), "file-damaged"),
    "JPEG of another size": (jpeg_file(files.jpeg(files.picture(120, 100))), "file-damaged"),
    "PNG as JPEG": (jpeg_file(files.encode(".png", RGB)), "file-damaged"),
    "half a JPEG": (jpeg_file(files.jpeg(RGB)[:3000]), "file-truncated"),
    "no JPEG": (jpeg_file(bytes(64)), "file-damaged"),
    "RLE of two planes": (rle_file(bytes(240 * 160), bytes(240 * 160)), "file-damaged"),
    "short RLE": (rle_file(bytes(500), bytes(500), bytes(500)), "file-truncated"),
    "only a preamble": (FILES["explicit"][:132], "file-damaged"),
    "half an element": (FILES["explicit"][:140], "file-truncated"),
    "half a meta group": (FILES["explicit"][:200], "file-truncated"),
    "half the pixels": (FILES["explicit"][:-5000], "file-truncated"),
    "half the RLE pixels": (FILES["RLE"][:-5000], "file-truncated"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_not_read_is_refused_with_the_reason(reader: ImageReader, name: str) -> None:
    data, code = BAD[name]
    assert refusal(reader, data) == code


def test_a_deflate_bomb_is_refused_without_being_unpacked(reader: ImageReader) -> None:
    bomb = dicoms.deflate_bomb()
    assert len(bomb) < 2_000_000
    assert refusal(reader, bomb) == "dicom-syntax-not-read"


def test_an_rle_bomb_unpacks_to_the_announced_size_and_no_further(reader: ImageReader) -> None:
    runs = b"\x81\x00" * 2_000_000
    frame = (
        (3).to_bytes(4, "little") + b"".join((64 + i * len(runs)).to_bytes(4, "little") for i in range(3)) + bytes(48)
    )
    data = dicoms.dicom(RGB, syntax=dicoms.RLE, stored=encapsulate([frame + runs * 3]))
    assert reader.display(data).shape == RGB.shape


def test_sequences_inside_sequences_without_end_are_refused(reader: ImageReader) -> None:
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    nested = (b"\x08\x00\x18\x22SQ\0\0\xff\xff\xff\xff" + item) * 20_000
    at = FILES["explicit"].index(b"\x08\x00\x16\x00UI")
    assert refusal(reader, FILES["explicit"][:at] + nested) in {"file-damaged", "file-truncated"}


def test_what_a_file_says_about_people_is_not_written_anywhere(
    reader: ImageReader, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = FILES["explicit"].replace(b"19530214", b"Mustermann"[:8])
    reader.facts(broken)
    with pytest.raises(FileRefused) as refused:
        reader.prepare(FILES["explicit"][:-5000], input_size=96)
    said = "".join(capfd.readouterr()) + str(refused.value)
    assert not [secret for secret in dicoms.SECRETS if secret in said]


# --- anything at all


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """A good file with some bytes changed, put in, taken out, or cut off; most often where the attributes are."""
    data = bytearray(draw(st.sampled_from(sorted(FILES.items())))[1])
    for _ in range(draw(st.integers(1, 5))):
        last = len(data) - 1
        at = draw(st.integers(0, min(last, draw(st.sampled_from([1400, last])))))
        match draw(st.sampled_from(["set", "insert", "remove", "cut", "length"])):
            case "set":
                data[at] = draw(st.integers(0, 255))
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=12))
            case "remove":
                del data[at : at + draw(st.integers(1, 200))]
            case "cut":
                del data[max(at, 132) :]
            case "length":
                data[at : at + 4] = draw(st.sampled_from([b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", bytes(4)]))
        if not data:
            break
    return bytes(data)


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=EXAMPLES)
@given(data=changed())
def test_a_changed_file_is_refused_or_read_and_never_ends_its_reader(reader: ImageReader, data: bytes) -> None:
    try:
        image = reader.prepare(data, input_size=96)
        reader.facts(data)
        reader.export(data)
    except FileRefused as refused:
        assert refused.fault.code not in {"decoder-crashed", "decoder-timeout"}  # noqa: PT017 - either outcome is fine
    else:
        assert image.network_input.shape == (96, 96, 3)
