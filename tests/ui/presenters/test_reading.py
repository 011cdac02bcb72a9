"""What the reading panel says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qana_desktop.services.sources import ImageSource
from qana_desktop.triage.case import Kind
from qana_desktop.triage.diagnosis import CLASS_ORDER, FULL_NAMES
from qana_desktop.triage.measured import MeasuredValue, Method
from qana_desktop.triage.outcome import CannotAssess, Outcome, Reading, Triage
from qana_desktop.triage.policy import Conformal, Interval, OperatingPoint
from qana_desktop.triage.quality import QualityFinding, QualityReport
from qana_desktop.triage.record_json import record_from_json, record_to_json
from qana_desktop.ui.presenters.entries import Entry, Group
from qana_desktop.ui.presenters.reading import ReadingView, group_word, reading_view, row_line, row_number, row_spoken
from tests.support.fake_desks import BLURRED, POLICY, assessed, reading_of
from tests.triage.test_site_classes import SCC, WART
from tests.triage.test_site_classes import outcome as site_outcome


def entry(outcome: Outcome | None, **changes: object) -> Entry:
    readings = () if outcome is None else (replace(reading_of("a.png", outcome), **changes),)
    return Entry(0, ImageSource("a.png", data=b"x"), "k", readings)


def view(outcome: Outcome, **changes: object) -> ReadingView:
    return reading_view(entry(outcome, **changes), POLICY)


def test_the_answer_is_one_word_and_one_number() -> None:
    found = view(assessed(0.714))
    assert (found.group, found.word, found.number) == (Group.REVIEW_NOW, "Review now", "0.71")


@pytest.mark.parametrize(("value", "text"), [(0.003, "<0.01"), (0.0, "0.00"), (0.997, ">0.99"), (0.5, "0.50")])
def test_probabilities_carry_two_digits_and_never_round_to_certainty(value: float, text: str) -> None:
    assert view(assessed(value)).number == text


def test_all_seven_classes_are_shown_by_full_name_most_probable_first() -> None:
    bars = view(assessed(0.71)).bars
    assert [bar.probability for bar in bars] == sorted((bar.probability for bar in bars), reverse=True)
    assert {bar.name for bar in bars} == set(FULL_NAMES.values())
    assert {bar.code for bar in bars} == {d.value for d in CLASS_ORDER}
    assert sum(bar.malignant for bar in bars) == 3
    assert [bar.name for bar in bars if bar.named] == ["Melanoma"]


def test_a_class_of_the_clinic_is_shown_as_the_clinic_named_it_also_from_the_store() -> None:
    stored = record_from_json(Kind.READING, record_to_json(reading_of("a.png", site_outcome(7, SCC, WART))))
    assert isinstance(stored, Reading)
    found = reading_view(Entry(0, ImageSource("a.png", data=b"x"), "k", (stored,)), None)
    bars = {bar.code: bar for bar in found.bars}
    assert len(bars) == 9
    assert (bars["scc"].name, bars["scc"].malignant, bars["scc"].named) == ("Squamous cell carcinoma", True, True)
    assert (bars["wart"].malignant, bars["wart"].named) == (False, False)
    assert "Squamous cell carcinoma" in row_line(Entry(0, ImageSource("a.png", data=b"x"), "k", (stored,)))


def test_malignancy_stands_against_the_printed_cuts_with_their_intervals() -> None:
    scale = view(assessed(0.71)).scale
    assert scale is not None
    assert [(cut.text, cut.group) for cut in scale.cuts] == [("0.22", Group.REVIEW), ("0.55", Group.REVIEW_NOW)]
    plain = scale.sentence.replace("\u00a0", " ")
    assert plain == (
        "At or above the cut of 0.55 for review now. Finds 70 % (66 to 74 %, n 400) of malignant lesions, "
        "spares 95 % (94 to 96 %, n 2,000) of benign ones."
    )
    assert len(scale.details) == 2


def test_below_all_cuts_the_lowest_one_is_named() -> None:
    scale = view(assessed(0.1)).scale
    assert scale is not None
    assert scale.sentence.startswith("Below the cut of 0.22 for review.")


def test_without_a_policy_no_cut_is_shown() -> None:
    scale = reading_view(entry(assessed(0.71)), None).scale
    assert scale is not None
    assert scale.cuts == ()
    assert scale.sentence == "No operating point is printed for this network."


def test_the_could_be_set_says_how_often_such_sets_were_right() -> None:
    assert view(assessed(0.71)).could_be.endswith("in 90\u00a0% of test images, in 80\u00a0% of melanomas.")
    assert "Melanoma" in view(assessed(0.71)).could_be


def test_a_could_be_set_that_was_not_measured_says_so() -> None:
    unmeasured = replace(POLICY, conformal=Conformal(0.9, (0.8,) * 7))
    assert "was not measured" in reading_view(entry(assessed(0.71)), unmeasured).could_be


def test_agreement_and_confidence_are_words_with_numbers() -> None:
    found = view(assessed(0.71))
    assert found.agreement == "7 of 8 views agree: mostly stable"
    assert found.confidence == "Confidence moderate, 0.57"


def test_cannot_assess_says_why_and_what_to_do_and_has_no_number() -> None:
    found = view(CannotAssess(BLURRED))
    assert (found.word, found.number, found.scale, found.bars) == ("Cannot assess", "", None, ())
    assert found.reason == BLURRED.message
    assert found.remedy == BLURRED.remedy
    assert found.can_read_anyway
    assert found.quality == "refused"


def test_a_file_that_could_not_be_decoded_offers_no_reading_anyway() -> None:
    assert not view(CannotAssess(BLURRED), image_sha256=None, quality=None).can_read_anyway


def test_what_stands_above_is_not_said_twice() -> None:
    fault = replace(BLURRED, message="Cannot assess: the image is too dark.")
    assert view(CannotAssess(fault)).reason == "The image is too dark."


def test_a_reading_against_the_check_is_marked_in_panel_and_list() -> None:
    overridden = entry(assessed(0.3, ignored=(BLURRED,)))
    assert "Read anyway, against the check" in reading_view(overridden, POLICY).notes[0]
    assert reading_view(overridden, POLICY).quality == "refused, overridden"
    assert row_line(overridden).startswith("Against the check · ")


def test_a_raised_triage_says_which_rule_raised_it() -> None:
    raised = replace(assessed(0.1), triage=Triage.REVIEW, raised_by=("could-be-malignant",))
    assert view(raised).notes == ("Raised to review: a malignant class is among those that it could be.",)


def test_quality_warnings_are_sentences() -> None:
    warned = QualityReport((QualityFinding("hair", 0.4, 0.3, BLURRED, refuses=False),))
    found = view(assessed(0.1), quality=warned)
    assert found.quality == "usable, with care"
    assert found.quality_notes == (BLURRED.sentence(),)


def test_energy_that_is_not_known_says_so_and_is_never_zero() -> None:
    found = view(assessed(0.1))
    assert found.energy == "energy not available on this engine"
    rows = {row.name: row.value for row in found.measures}
    assert rows["Energy"] == "Not available. This machine has no power meter that may be read."
    assert "0 " not in rows["Energy"]


def test_a_cut_on_one_class_claims_nothing_about_malignant_lesions() -> None:
    counted = Interval(0.69, 0.62, 0.75, 212), Interval(0.85, 0.83, 0.87, 1455)
    policy = replace(POLICY, operating_points=(OperatingPoint("melanoma", "mel", 0.15, "review", *counted),))
    (row,) = reading_view(entry(assessed(0.1)), policy).scale.details
    assert "of lesions of this one class (melanoma), spares 85" in row.value
    assert "all others" in row.value
    assert "malignant" not in row.value


def test_energy_carries_its_method() -> None:
    energy = MeasuredValue(1.94, "mJ", Method.ESTIMATED, "one image, 8 views", 1, "now", "onnx-cpu", "counted")
    found = view(assessed(0.1), energy=energy)
    assert found.energy == "1.9 mJ per image, estimated, arithmetic alone"
    rows = {row.name: row.value for row in found.measures}
    assert rows["Method"] == "estimated, not measured"
    assert rows["Covers"] == "one image, 8 views"


def test_the_time_is_one_number_and_its_parts_are_behind_it() -> None:
    found = view(assessed(0.1))
    assert found.latency == "Read in 6.2\u00a0ms"
    assert [row.name for row in found.measures][:4] == ["Decode", "Preprocess", "Inference", "Total"]


def test_a_part_that_did_not_happen_is_not_a_zero() -> None:
    rows = {row.name: row.value for row in view(CannotAssess(BLURRED)).measures}
    assert rows["Inference"] == "did not happen"


def test_an_unread_image_says_that_nothing_is_known() -> None:
    found = reading_view(entry(None), POLICY)
    assert found.word == "Unread"
    assert "Nothing is known" in found.reason
    assert found.can_read_again


def test_the_same_content_is_named() -> None:
    doubled = replace(entry(assessed(0.1)), same_as="b.png")
    assert reading_view(doubled, POLICY).notes == ("The same image as b.png.",)


def test_a_row_is_spoken_whole() -> None:
    assert row_spoken(entry(assessed(0.71))) == "a.png: Review now · Melanoma, malignancy 0.71"
    assert row_number(entry(None)) == ""
    assert {group_word(group) for group in Group} == {
        "Cannot assess",
        "Review now",
        "Review",
        "Unread",
        "Low concern",
    }
