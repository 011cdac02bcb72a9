"""The timeline of a lesion, from cases of a real store's shape: every reading has its day, its answer, its network."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtGui import QColor, QImage, QKeySequence
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from qana_desktop.triage.case import (
    Action,
    CaptureFacts,
    Case,
    CaseImage,
    ClinicalAssessment,
    Encounter,
    Filed,
    FiledImage,
    Finding,
    Lesion,
    Patient,
    ProofSource,
    ProvenOutcome,
)
from qana_desktop.triage.diagnosis import Diagnosis
from qana_desktop.triage.outcome import CannotAssess, Outcome, Reading
from qana_desktop.ui.presenters.entries import Group
from qana_desktop.ui.presenters.timeline import networks_sentence, timeline
from qana_desktop.ui.widgets.timeline import LesionTimeline
from tests.support.fake_desks import BLURRED, assessed, reading_of
from tests.support.stage import at_size, make_theme, shortcomings

SHA = "a" * 64


def filed(entity: str, value: object, at: str = "2025-01-01T10:00:00Z", *, withdrawn: bool = False) -> Filed:  # type: ignore[type-arg]
    return Filed(1, entity, 1, None, value, at, "u1", withdrawn)  # type: ignore[type-var]


def read(outcome: Outcome, bundle: str) -> Reading:
    reading = reading_of("a.jpg", outcome)
    return replace(reading, provenance=replace(reading.provenance, bundle=bundle) if reading.provenance else None)


def case(day: str, *readings: Reading, note: str = "", withdrawn: bool = False) -> Case:
    image = CaseImage(SHA, "image/jpeg", 600, 450, CaptureFacts(captured_at=f"{day}T09:00:00"))
    opinion = ClinicalAssessment(Finding(Diagnosis.NV), Action.MONITOR, note)
    outcome = ProvenOutcome(Finding(Diagnosis.MEL), ProofSource.HISTOLOGY, "2026-07-01")
    return Case(
        patient=filed("p", Patient("P-1")),
        skin_tone=None,
        lesion=filed("l", Lesion("upper back")),
        outcomes=(filed("o", outcome),),
        encounter=filed(f"e{day}", Encounter(f"{day}T09:00:00Z"), withdrawn=withdrawn),
        images=(FiledImage(filed(f"i{day}", image), tuple(filed("r", reading) for reading in readings)),),
        assessments=(filed("a", opinion, f"{day}T09:30:00Z"),) if note else (),
        second_readings=(),
        sign_offs=(),
        tags=None,
        entered_until=1,
    )


def test_everything_of_a_lesion_stands_in_order_newest_first() -> None:
    first, second = (
        case("2024-03-02", read(assessed(0.11), "old")),
        case("2026-05-04", read(assessed(0.58), "new"), note="grew"),
    )
    events = timeline([first, second])
    assert [event.day for event in events] == ["2026-07-01", "2026-05-04", "2026-05-04", "2024-03-02"]
    assert events[0].line == "2026-07-01 · Proven: Melanoma\nBy histology"
    assert "Assessed: Melanocytic nevus" in events[1].line
    assert events[2].line == "2026-05-04 · Review now 0.58\nMelanoma · bundle new"
    assert events[3].key == "i2024-03-02"


def test_an_outcome_of_two_encounters_is_told_once_and_withdrawn_ones_not_at_all() -> None:
    events = timeline([case("2024-03-02"), case("2026-05-04"), case("2027-01-01", withdrawn=True)])
    assert sum("Proven" in event.title for event in events) == 1
    assert not any(event.when.startswith("2027") for event in events)


def test_a_missing_answer_is_told_as_such() -> None:
    blind, unread = (
        timeline([case("2024-03-02", read(CannotAssess(BLURRED), ""))])[1],
        timeline([case("2024-03-02")])[1],
    )
    assert (blind.title, blind.number, blind.group) == ("Cannot assess", "", Group.CANNOT_ASSESS)
    assert (unread.title, unread.number, unread.group) == ("Image, not read", "", Group.UNREAD)


def test_a_second_reading_of_an_image_does_not_hide_the_first() -> None:
    events = timeline([case("2024-03-02", read(assessed(0.11), "old"), read(assessed(0.3), "new"))])
    lines = [event.line for event in events]
    assert any(line.startswith("2024-03-02 · Review 0.30") for line in lines)
    assert any("Earlier reading: Low concern 0.11" in line for line in lines)
    assert "2 networks gave these readings" in networks_sentence(events)


def opened(qtbot: QtBot, theme: str = "light") -> LesionTimeline:
    widget = LesionTimeline(make_theme(theme))
    qtbot.addWidget(widget)
    widget.resize(420, 500)
    widget.show()
    widget.show_events(
        timeline([case("2024-03-02", read(assessed(0.11), "old")), case("2026-05-04", read(assessed(0.58), "new"))])
    )
    widget.activateWindow()
    qtbot.waitUntil(widget.isActiveWindow)
    return widget


def test_keys_alone_open_an_image(qtbot: QtBot) -> None:
    widget = opened(qtbot)
    widget.list.setFocus()
    QTest.keySequence(widget.list, QKeySequence("Home"))
    QTest.keySequence(widget.list, QKeySequence("Down"))
    with qtbot.waitSignal(widget.chosen) as chosen:
        QTest.keySequence(widget.list, QKeySequence("Return"))
    assert chosen.args == ["i2026-05-04"]
    assert "2 networks" in widget.networks.text()


def test_a_thumbnail_stands_in_its_line(qtbot: QtBot) -> None:
    widget = opened(qtbot)
    image = QImage(60, 45, QImage.Format.Format_RGB32)
    image.fill(QColor(10, 200, 30))
    before = widget.list.item(1).icon().pixmap(40, 40).toImage()
    widget.show_thumbnail("i2026-05-04", image)
    after = widget.list.item(1).icon().pixmap(40, 40).toImage()
    assert after != before
    assert after.pixelColor(8, 20).green() > 150


def test_nothing_yet_is_said(qtbot: QtBot) -> None:
    widget = opened(qtbot)
    widget.show_events([])
    assert widget.empty.isVisible()
    assert not widget.list.isVisible()


@pytest.mark.usefixtures("font_kept")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_has_a_name_and_room(qtbot: QtBot, theme: str) -> None:
    widget = opened(qtbot, theme)
    at_size(widget._theme, 2.0)
    qtbot.waitUntil(lambda: not shortcomings(widget))
