"""Bad images are refused with a reason that a person can act on; good ones pass, whatever their resolution."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from qana_desktop.intake.quality import MEASURED_SIDE, RULES, assess_quality, measure
from qana_desktop.network.preprocess import to_network_input
from qana_desktop.services.demo_images import LOOKS
from qana_desktop.services.synthetic_lesions import Look, draw_lesion
from qana_desktop.triage.quality import QualityReport
from tests.support import image_files as files

UInt8Image = npt.NDArray[np.uint8]


def square(rgb: UInt8Image) -> UInt8Image:
    """The part that quality is measured on."""
    return to_network_input(rgb, MEASURED_SIDE)


def report(rgb: UInt8Image) -> QualityReport:
    """The verdict on an image of any size."""
    return assess_quality(square(rgb))


def refusals(rgb: UInt8Image) -> set[str]:
    """The codes of all refusals."""
    return {fault.code for fault in report(rgb).refusals}


def warnings(rgb: UInt8Image) -> set[str]:
    """The codes of all warnings."""
    return {fault.code for fault in report(rgb).warnings}


def flat(*colour: int) -> UInt8Image:
    """One colour."""
    return np.full((300, 300, 3), colour, np.uint8)


def noise() -> UInt8Image:
    """Every pixel at random."""
    return np.random.default_rng(5).integers(0, 256, (450, 600, 3), dtype=np.uint8)


def page(paper: int) -> UInt8Image:
    """Black letters on paper."""
    sheet = np.full((900, 900, 3), paper, np.uint8)
    for line in range(40, 900, 40):
        cv2.putText(sheet, "Report on the findings in this patient", (20, line), 0, 1.2, (20, 20, 20), 2)
    return sheet


def with_hairs(rgb: UInt8Image) -> UInt8Image:
    """Many dark hairs over the image."""
    hairy = rgb.copy()
    random = np.random.default_rng(6)
    for start, end in random.integers(0, 450, (60, 2, 2)):
        cv2.line(hairy, start.tolist(), end.tolist(), (25, 18, 15), 4, cv2.LINE_AA)
    return hairy


GOOD = files.picture(450, 450)


def test_a_good_image_has_neither_refusal_nor_warning() -> None:
    assert report(GOOD).refusals == ()
    assert report(GOOD).warnings == ()


@pytest.mark.parametrize("sigma", [6, 8, 12])
def test_a_blurred_image_is_refused_with_what_was_measured_and_what_to_do(sigma: float) -> None:
    blurred = cv2.GaussianBlur(square(GOOD), (0, 0), sigma)
    (fault,) = report(blurred).refusals
    assert fault.code == "image-blurred"
    assert fault.message.startswith("Cannot assess: the image is too blurred to read (sharpness ")
    assert fault.remedy == "Take it again with the lens on the skin."


def test_more_blur_is_less_sharpness() -> None:
    values = [measure(cv2.GaussianBlur(square(GOOD), (0, 0), sigma)).sharpness for sigma in (0.5, 1, 2, 4, 8)]
    assert values == sorted(values, reverse=True)


def test_sharpness_does_not_depend_on_contrast_or_light() -> None:
    full = measure(square(GOOD)).sharpness
    pale = measure(square((GOOD * 0.5 + 100).astype(np.uint8))).sharpness
    dark = measure(square((GOOD * 0.6).astype(np.uint8))).sharpness
    assert pale == pytest.approx(full, rel=0.2)
    assert dark == pytest.approx(full, rel=0.2)


def test_sharpness_does_not_depend_on_resolution() -> None:
    large = cv2.resize(GOOD, (2400, 2400), interpolation=cv2.INTER_CUBIC)
    assert measure(square(large)).sharpness == pytest.approx(measure(square(GOOD)).sharpness, rel=0.15)


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (flat(0, 0, 0), "image-too-dark"),
        ((GOOD * 0.12).astype(np.uint8), "image-too-dark"),
        (flat(255, 255, 255), "image-overexposed"),
        (np.clip(GOOD * 4.0, 0, 255).astype(np.uint8), "image-overexposed"),
        (flat(205, 160, 140), "image-uniform"),
        (flat(128, 128, 128), "image-uniform"),
        (page(255), "image-without-colour"),
        (page(225), "image-without-colour"),
        (np.dstack([GOOD[..., 1]] * 3), "image-without-colour"),
        (255 - GOOD, "image-not-skin"),
        (noise(), "image-noise"),
    ],
    ids=[
        "black",
        "dark",
        "white",
        "bright",
        "flat skin",
        "flat grey",
        "page",
        "grey page",
        "grey",
        "negative",
        "noise",
    ],
)
def test_what_cannot_be_read_is_refused_by_its_reason(image: UInt8Image, code: str) -> None:
    assert code in refusals(image)


def test_dark_skin_is_not_a_dark_image() -> None:
    dark_skin = (GOOD * np.array([0.52, 0.46, 0.42])).astype(np.uint8)
    assert refusals(dark_skin) == set()


def test_hair_ink_frame_and_softness_are_warnings_only() -> None:
    hairy = with_hairs(GOOD)
    inked = GOOD.copy()
    inked[:, :70] = (70, 80, 190)
    framed = GOOD.copy()
    framed[:30], framed[-30:], framed[:, :30], framed[:, -30:] = 0, 0, 0, 0
    assert warnings(hairy) == {"image-hair"}
    assert warnings(inked) == {"image-marks"}
    assert warnings(framed) == {"image-frame"}
    assert refusals(hairy) | refusals(inked) | refusals(framed) == set()


@pytest.mark.parametrize("seed", range(3))
def test_skin_alone_is_told_that_nothing_stands_out(seed: int) -> None:
    skin = draw_lesion(Look("skin", radius=0.01, colours=((224, 176, 152),), network=0.0, patches=0.0), seed)
    bare = square(np.ascontiguousarray(skin[:, 150:]))
    assert warnings(bare) == {"image-no-lesion"}
    assert refusals(bare) == set()


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_no_drawn_lesion_that_can_be_read_is_taken_for_skin_alone(look: Look) -> None:
    drawn = draw_lesion(look, 7)
    assert refusals(drawn) or "image-no-lesion" not in warnings(drawn)


def test_light_that_falls_off_towards_the_edge_does_not_stand_out() -> None:
    down, across = np.mgrid[0:256, 0:256] / 255 - 0.5
    light = 1.0 - 0.5 * (down**2 + across**2) + 0.1 * across
    lit = (np.array([205, 160, 140]) * light[..., None]).astype(np.uint8)
    assert measure(lit).lesion < 0.5 * measure(square(GOOD)).lesion


def test_findings_name_each_limit_and_refusals_come_first() -> None:
    found = report(GOOD).findings
    assert [(f.name, f.limit, f.refuses) for f in found] == [(r.name, r.limit, r.refuses) for r in RULES]
    assert [f.refuses for f in found] == sorted((f.refuses for f in found), reverse=True)


def test_a_refused_property_is_not_warned_about_as_well() -> None:
    found = report(cv2.GaussianBlur(square(GOOD), (0, 0), 8)).findings
    assert [f.name for f in found].count("sharpness") == 1


def test_only_the_fixed_size_is_measured() -> None:
    with pytest.raises(ValueError, match="256 x 256"):
        measure(GOOD)


def test_hardly_any_genuine_dermoscopic_image_is_refused(shared_data) -> None:
    paths = sorted(shared_data.glob("*/images/*.jpg"))[::20]
    refused = sum(bool(refusals(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB))) for path in paths)
    assert len(paths) > 400
    assert refused <= 0.005 * len(paths)


def test_genuine_images_are_refused_once_they_are_blurred(shared_data) -> None:
    paths = sorted(shared_data.glob("*/images/*.jpg"))[::100]
    blurred = [cv2.GaussianBlur(square(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)), (0, 0), 6) for path in paths]
    assert all("image-blurred" in refusals(image) for image in blurred)
