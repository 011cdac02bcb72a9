"""A report says what the case holds, and nothing that it does not; read back from the PDF as a reader would copy it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pypdfium2 as pdfium
import pytest

from qana_desktop.reports import words
from qana_desktop.reports.case_report import Identity, case_report
from qana_desktop.reports.document import Headline, Table, Urgency, texts
from qana_desktop.reports.free_text import without_name
from qana_desktop.reports.pdf import draw_pdf
from qana_desktop.reports.pdf_fonts import missing_scripts, printable
from qana_desktop.system import language
from qana_desktop.system.faults import Fault
from qana_desktop.system.resources import assets_dir
from qana_desktop.triage.case import Case, Finding
from qana_desktop.triage.diagnosis import CLASS_ORDER, FULL_NAMES
from qana_desktop.triage.measured import MeasuredValue, Method
from qana_desktop.triage.outcome import SecondAsked, SecondSilent, Triage
from qana_desktop.triage.policy import Calibration, Conformal, Interval, OperatingPoint, ReadingPolicy
from tests.support import report_cases
from tests.support.report_cases import HEAD, NAME, circumstances, filed, full_case, pages_of, text_of

POINT = OperatingPoint(
    "malignant", "malignancy", 0.25, "review_now", Interval(0.9, 0.85, 0.94, 371), Interval(0.7, 0.66, 0.73, 1296)
)


POLICY = ReadingPolicy(
    CLASS_ORDER,
    ("identity",),
    Calibration(0.004, (0.0,) * 7, "images of two clinics", (1 / 7,) * 7, Interval(0.035, 0.027, 0.061, 1230)),
    (1.0,) * 7,
    (POINT,),
    Conformal(0.9, (0.9,) * 7, Interval(0.92, 0.91, 0.93, 1667), (Interval(0.84, 0.79, 0.89, 212),) * 7),
    None,
)


def said(case: Case, **changes: object) -> str:
    return " ".join(texts(case_report(case, circumstances(policy_of=lambda _bundle: POLICY, **changes))))


NEEDED = (
    "Review now",
    "malignancy 0.59",
    "0.59 is at or above the cut of 0.25",
    "90 % (95 % interval 85 to 94 %, n = 371)",
    "The image is a little soft.",
    "Could be: Melanoma, Melanocytic nevus",
    "4 of 4 turned or mirrored views",
    report_cases.BUNDLE,
    "onnx-cpu",
    "onnxruntime 1.28.0",
    "10.2 ms",
    "not available. There is no meter here",
    "expected calibration error 0.035",
    "probabilities for images of two clinics",
    "of melanomas in 84 %",
    "0.02 mm per pixel",
    "no scale: the device was not calibrated",
    "Cannot assess",
    "too blurred to read",
    "A person has to look at this image",
    "excise",
    "total 6.6",
    "irregular streaks: 3 points",
    "the network did not see the veil",
    "Dr Hugo Berg",
    "differs from the first",
    "Spitz nevus",
    "I have looked at both images.",
    "Signed by Dr Clara Wolff",
    "histology, reported 2026-03-14",
    "Fitzpatrick 2 of 6",
    "Research use, decision support for trained clinicians, not a medical device",
    "1200-AAAA-BBBB-CCCC-DDDD",
)


# --- what it says


def test_everything_that_a_reader_must_know_is_in_the_pdf_and_can_be_copied_out() -> None:
    pages = pages_of(draw_pdf(case_report(full_case(), circumstances(policy_of=lambda _bundle: POLICY))))
    text = " ".join(pages)
    for needed in (*NEEDED, HEAD):
        assert needed in text, needed
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in page
        assert HEAD in page
        assert "not a medical device" in page


def test_every_class_stands_there_with_its_probability_in_two_digits() -> None:
    text = said(full_case())
    for diagnosis in CLASS_ORDER:
        assert FULL_NAMES[diagnosis] in text
    assert "<0.01" in text
    assert "0.52" in text


def test_a_name_is_printed_only_when_asked_for() -> None:
    by_pseudonym = text_of(draw_pdf(case_report(full_case(), circumstances())))
    by_name = text_of(draw_pdf(case_report(full_case(), circumstances(identity=Identity.PATIENT))))
    assert "P-00042" in by_pseudonym
    assert not any(part in by_pseudonym for part in ("Erika", "Mustermann", "1961", "female"))
    assert "Mrs [name] [name] says that it grows" in by_pseudonym
    assert "The patient's name was taken out of the notes" in by_pseudonym
    assert all(part in by_name for part in (NAME, "1961", "female", "P-00042"))


def test_a_name_is_taken_out_of_what_people_typed_and_never_out_of_who_signed() -> None:
    case = full_case(name="Clara An Wolff")
    assessment = replace(
        case.assessments[0].value, note="WOLFF, an old scar", finding=Finding(None, "like clara's mother")
    )
    cleaned = without_name(replace(case, assessments=(filed(assessment),)), "[name]")
    assert cleaned.assessments[0].value.note == "[name], an old scar"
    assert cleaned.assessments[0].value.finding.words == "like [name]'s mother"
    assert "Signed by Dr Clara Wolff" in said(case)


def test_a_case_without_a_name_is_left_as_it_is() -> None:
    case = full_case(name=None)
    assert without_name(case, "[name]") is case


# --- what it must not pretend


def test_an_unsigned_and_a_changed_case_say_so_first() -> None:
    assert "Not signed: nobody answers for this report yet." in said(replace(full_case(), sign_offs=()))
    assert "nobody answers for the case as it stands here" in said(full_case(signed_at_seq=30))


def test_an_image_that_was_not_read_never_looks_like_a_harmless_one() -> None:
    case = full_case()
    unread = replace(case, images=(replace(case.images[0], readings=()),))
    document = case_report(unread, circumstances())
    headlines = [
        inner for section in document.sections for block in section.blocks
        for inner in (block, *getattr(block, "blocks", ())) if isinstance(inner, Headline)
    ]  # fmt: skip
    assert [headline.urgency for headline in headlines] == [Urgency.UNREAD]
    assert "nothing is known about it" in " ".join(texts(document))
    assert "Low concern" not in "".join(headline.word for headline in headlines)


def test_without_the_version_that_read_it_no_cut_is_invented() -> None:
    text = " ".join(texts(case_report(full_case(), circumstances())))
    assert "not on this computer: no cut can be printed" in text
    assert "95 % interval" not in text.replace(words.NBSP, " ")


def test_energy_says_how_it_was_obtained() -> None:
    estimated = MeasuredValue(
        0.5, "mJ", Method.ESTIMATED, "one image, 4 views", 0, "2026-03-01", "akida", "from counts"
    )
    case = full_case()
    image = replace(case.images[0], readings=(filed(report_cases.reading(energy=estimated)),))
    text = said(replace(case, images=(image,)))
    assert "0.5 mJ, estimated, not measured; covers one image, 4 views. from counts" in text


def test_a_picture_that_is_damaged_is_missed_and_its_reading_stays() -> None:
    text = text_of(draw_pdf(case_report(full_case(), circumstances(pictures={}))))
    assert "its file is damaged or missing" in text
    assert "malignancy 0.59" in text


def test_earlier_readings_are_listed_with_their_versions() -> None:
    case = full_case()
    readings = (filed(report_cases.reading(bundle="older-0123456789ab")), *case.images[0].readings)
    text = said(replace(case, images=(replace(case.images[0], readings=readings),)))
    assert "1 earlier reading of this image" in text
    assert "older-0123456789ab" in text


def test_two_networks_are_told_apart() -> None:
    case, first = full_case(), replace(report_cases.ANSWER, triage=Triage.LOW_CONCERN, malignancy=0.04)
    asked = SecondAsked(
        0.8, 0.5, "second", "onnxruntime", ((0.0,),), first, report_cases.ANSWER, 9.0, report_cases.NO_METER
    )
    silent = SecondSilent(0.8, 0.5, Fault("second-off", "The second network was switched off.", ""))
    for told, wanted in (
        (
            asked,
            "First alone: Low concern, Melanoma, malignancy 0.04. Second alone: Review now, Melanoma, malignancy 0.59.",
        ),
        (silent, "The second network was switched off."),
    ):
        reading = replace(report_cases.reading(), second_reader=told)
        assert wanted in said(replace(case, images=(replace(case.images[0], readings=(filed(reading),)),)))


# --- the file


def test_the_same_case_gives_the_same_bytes_and_only_the_date_changes_them() -> None:
    first, again = (draw_pdf(case_report(full_case(), circumstances())) for _ in range(2))
    later = draw_pdf(case_report(full_case(), circumstances(made_at="2026-03-03T08:00:00Z")))
    assert first == again
    assert first != later
    assert b"/tmp" not in first


def test_names_in_other_scripts_are_printed_and_can_be_copied() -> None:
    name = "Øyvind Żółć Жуков Ελένη 王小明 김민수 さくら"
    pdf = draw_pdf(case_report(full_case(name=name), circumstances(identity=Identity.PATIENT)))
    text = text_of(pdf)
    for part in name.split():
        assert part in text, part


@pytest.fixture
def speak() -> Iterator[Callable[[str], None]]:
    yield lambda code: language.use_language(code, assets_dir() / "locale")
    language.use_language(language.SOURCE, assets_dir() / "locale")


@pytest.mark.parametrize("code", ["de", "es", "fr", "zh_CN"])
def test_what_follows_other_letters_is_still_printed_as_it_is(code: str, speak: Callable[[str], None]) -> None:
    speak(code)
    case = full_case(name="王小明")
    lesion = replace(case.lesion.value, body_site="左前臂")
    report = case_report(replace(case, lesion=filed(lesion)), circumstances(identity=Identity.PATIENT))
    text = text_of(draw_pdf(report))
    for needed in ("P-00042", "王小明", "1961", "左前臂", "2025-06-01", "0192ab34" * 4, "0.52", "0.30", "10.2", HEAD):
        assert needed in text, needed


def test_letters_from_right_to_left_are_embedded_as_letters() -> None:
    pdf = draw_pdf(case_report(full_case(name="אברהם"), circumstances(identity=Identity.PATIENT)))
    assert set("אברהם") <= set(text_of(pdf))


def test_letters_that_no_font_has_are_named_and_never_printed_as_boxes() -> None:
    name = "สมชาย Smith"
    text = text_of(draw_pdf(case_report(full_case(name=name), circumstances(identity=Identity.PATIENT))))
    assert "This report cannot print letters of: Thai." in text
    assert "[…] Smith" in text
    assert missing_scripts([name]) == ("Thai",)
    assert printable("a\x07b\tc\u200b") == "ab c"


@pytest.mark.parametrize("words_typed", ["word " * 900, "x" * 3000, "王" * 2500])
def test_long_texts_go_over_pages_and_nothing_is_cut_off(words_typed: str) -> None:
    case = full_case()
    note = replace(case.assessments[0].value, note=words_typed)
    pdf = draw_pdf(case_report(replace(case, assessments=(filed(note),)), circumstances()))
    counted = text_of(pdf).replace(" ", "")
    assert counted.count(words_typed.strip()[0]) >= words_typed.count(words_typed.strip()[0])
    assert _lowest_text(pdf) > 10


def _lowest_text(pdf: bytes) -> float:
    """The lowest edge of any letter, in points from the bottom of its page."""
    document, lowest = pdfium.PdfDocument(pdf), 1e9
    for page in document:
        text = page.get_textpage()
        for index in range(text.count_chars()):
            left, bottom, right, _top = text.get_charbox(index)
            assert left >= 0
            assert right <= page.get_width()
            lowest = min(lowest, bottom)
    document.close()
    return lowest


def test_a_table_with_a_short_row_is_no_table() -> None:
    with pytest.raises(ValueError, match="a cell under every header"):
        Table(("a", "b"), (("1",),), (1.0, 1.0))
