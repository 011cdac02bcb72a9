"""The reading tools on kept cases: body map, timeline, comparing with an earlier image, heat-map; with a real store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from qana_desktop.ui.settings import AnswerOrder
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.views.patient_map import PatientMap
from tests.support.fake_desks import draw_lesion
from tests.support.hands import Hands


def kept(at_work: Callable[..., Hands], folder: Path) -> Hands:
    """Keep two images of two lesions of one patient, and show the cases."""
    folder.mkdir()
    draw_lesion(folder / "a-m71.png", seed=1)
    draw_lesion(folder / "b-m05.png", seed=2)
    hands = at_work(folder)
    hands.make_store()
    for entry, site in ((0, "upper back"), (1, "left forearm")):
        hands.window.triage.select(entry)
        hands.settle()
        hands.keep_shown("P-7", site)
    hands.do(Command.CASES)
    hands.qtbot.waitUntil(lambda: hands.rows() == ["P-7", "P-7"] and hands.cases._opened is not None, timeout=20_000)
    hands.settle()
    return hands


def open_map(hands: Hands, qtbot: QtBot) -> PatientMap:
    hands.do(Command.BODY_MAP)
    sheet = next(widget for widget in QApplication.topLevelWidgets() if isinstance(widget, PatientMap))
    qtbot.waitUntil(lambda: sheet.map.list.count() == 2 and sheet.timeline.list.count() > 0, timeout=20_000)
    hands.settle()
    return sheet


def test_all_lesions_of_a_patient_are_on_the_map_and_another_one_is_opened_from_it(
    at_work: Callable[..., Hands], tmp_path: Path, qtbot: QtBot
) -> None:
    hands = kept(at_work, tmp_path / "day")
    opened = hands.cases._opened
    assert opened is not None
    sheet = open_map(hands, qtbot)
    assert sheet.title.text() == "P-7"
    assert len(sheet.map.figure.markers()) == 2
    assert sheet.map.chosen == opened.case.lesion.entity
    assert "Review now 0.71" in sheet.timeline.list.item(0).text()
    box = next(box for lesion, box in sheet.map.figure.markers() if lesion.key != sheet.map.chosen)
    qtbot.mouseClick(sheet.map.figure, Qt.MouseButton.LeftButton, pos=box.center().toPoint())
    qtbot.waitUntil(lambda: "Low concern 0.05" in sheet.timeline.list.item(0).text(), timeout=20_000)
    sheet.go.click()
    qtbot.waitUntil(lambda: hands.cases._opened is not None and hands.cases._opened is not opened, timeout=20_000)
    hands.settle()
    assert hands.cases._opened is not None
    assert hands.cases._opened.case.lesion.entity != opened.case.lesion.entity


def test_where_the_clinician_comes_first_the_map_tells_no_answer(
    at_work: Callable[..., Hands], tmp_path: Path, qtbot: QtBot
) -> None:
    hands = kept(at_work, tmp_path / "day")
    hands.window._settings.answer_order = AnswerOrder.CLINICIAN_FIRST
    sheet = open_map(hands, qtbot)
    texts = [sheet.map.list.item(row).text() for row in range(2)] + [sheet.timeline.list.item(0).text()]
    assert not any("0.71" in text or "Review" in text or "0.05" in text for text in texts)
    sheet.close()
    hands.settle()


def test_a_kept_image_has_its_heat_map(at_work: Callable[..., Hands], tmp_path: Path, qtbot: QtBot) -> None:
    hands = kept(at_work, tmp_path / "day")
    hands.do(Command.HEAT_MAP)
    qtbot.waitUntil(lambda: hands.cases.tools.heat_layer.image is not None, timeout=20_000)
    assert "made-up runtime" in hands.cases.tools.heat.sentence.text()
