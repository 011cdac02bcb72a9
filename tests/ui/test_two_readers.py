"""In the real window: both readers' words, the switch in the settings, the heat-map of the reading that is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from qana_desktop.services.sources import ImageSource
from qana_desktop.triage.diagnosis import Diagnosis
from qana_desktop.triage.explanation import Explanation, NoExplanation
from qana_desktop.triage.outcome import Reading
from qana_desktop.ui.shortcuts import Command
from tests.support.fake_desks import assessed
from tests.ui.conftest import OpenWindow
from tests.ui.presenters.test_second_reader import asked


def test_the_panel_shows_what_each_of_two_readers_said(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened = open_window()
    read = opened.triage.read

    def by_two(source: ImageSource, *, ignore_quality: bool = False) -> Reading:
        both = asked(assessed(0.1, Diagnosis.NV), assessed(0.7, Diagnosis.MEL))
        return replace(read(source, ignore_quality=ignore_quality), second_reader=both.second_reader)

    opened.triage.read = by_two
    opened.window.open_paths([clinic_day / "b-m71.png"])
    qtbot.waitUntil(lambda: opened.window.idle and bool(opened.triage.read_labels))
    panel = opened.window.reading_panel
    words = "\n".join(label.text() for label in panel.findChildren(QLabel) if label.isVisible())
    assert "Two readers were asked" in words
    assert "Larger: Melanoma, review now" in words
    assert "the more severe leads" in words


def test_the_switch_in_the_settings_reaches_the_desk_at_once_and_at_the_next_start(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    opened = open_window()
    qtbot.waitUntil(lambda: opened.window.idle)
    assert opened.triage.second_reader_on
    opened.window.sheets.open_settings()
    assert opened.window.sheets.settings is not None
    opened.window.sheets.settings.second.click()
    assert not opened.triage.second_reader_on
    opened.window.sheets.settings.close()
    later = open_window()
    qtbot.waitUntil(lambda: later.window.idle and not later.triage.second_reader_on)


def test_the_key_h_asks_for_the_map_of_the_reading_that_is_shown(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path
) -> None:
    opened = open_window(clinic_day / "b-m71.png")
    qtbot.waitUntil(lambda: opened.window.idle)
    explained: list[Reading] = []
    explain = opened.triage.explain

    def noted(source: ImageSource, reading: Reading) -> Explanation | NoExplanation:
        explained.append(reading)
        return explain(source, reading)

    opened.triage.explain = noted
    opened.window.actions_[Command.HEAT_MAP].trigger()
    qtbot.waitUntil(lambda: bool(explained) and opened.window.idle)
    assert explained[0].source.endswith("b-m71.png")
