"""The panel says that two readers were asked and what each said, or why the second was silent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qana_desktop.system.faults import Fault
from qana_desktop.triage.diagnosis import Diagnosis
from qana_desktop.triage.measured import MeasuredValue, Method
from qana_desktop.triage.outcome import Assessed, Reading, SecondAsked, SecondSilent
from qana_desktop.ui.presenters.entries import Entry, ImageSource
from qana_desktop.ui.presenters.reading import ReadingView, reading_view
from tests.support.fake_desks import POLICY, assessed, reading_of

ENERGY = MeasuredValue(0.7, "mJ", Method.ESTIMATED, "one image, 2 views", 1, "2026-01-05T09:00:00Z", "second-reader")
CALM, URGENT = assessed(0.05, Diagnosis.NV), assessed(0.7, Diagnosis.MEL)


def asked(first: Assessed, second: Assessed) -> Reading:
    both = SecondAsked(0.61, 0.43, "Larger", "onnxruntime 1.28", ((0.0,) * 7,) * 2, first, second, 41.25, ENERGY)
    return replace(reading_of("a.png", second), second_reader=both)


def shown(reading: Reading) -> ReadingView:
    return reading_view(Entry(1, ImageSource("a.png", data=b"a"), "a", (reading,)), POLICY)


def test_both_readers_have_a_line_and_the_panel_says_that_the_more_severe_leads() -> None:
    lines = shown(asked(CALM, URGENT)).second_reader
    assert lines == (
        "Two readers were asked, because the network was uncertain (0.61, limit 0.43).",
        "The network: Melanocytic nevus, low concern, malignancy 0.05",
        "Larger: Melanoma, review now, malignancy 0.70",
        "They differ in urgency: the more severe leads.",
    )


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (CALM, CALM, "They agree."),
        (assessed(0.1, Diagnosis.BKL), CALM, "They name different classes, and the same urgency."),
    ],
)
def test_readers_of_the_same_urgency_are_compared_by_class(first: Assessed, second: Assessed, words: str) -> None:
    assert shown(asked(first, second)).second_reader[-1] == words


def test_the_second_readers_own_time_and_energy_are_behind_the_info_button() -> None:
    rows = {row.name: row.value for row in shown(asked(CALM, URGENT)).measures}
    assert rows["Second reader"] == "41.2\u00a0ms"
    assert "estimated" in rows["Its energy"]
    assert rows["Its runtime"] == "onnxruntime 1.28"


def test_a_silent_second_reader_is_said_with_what_to_do() -> None:
    fault = Fault("second-reader-failed", "The second reader could not be asked: it stopped.", "Have a person read it.")
    view = shown(replace(reading_of("a.png", URGENT), second_reader=SecondSilent(0.6, 0.4, fault)))
    assert view.second_reader == (fault.sentence(),)


def test_where_one_reader_was_enough_there_is_no_line() -> None:
    assert shown(reading_of("a.png", CALM)).second_reader == ()
