"""The tools of the image in the real window: each has a key, belongs to one image, and leaves the pixels alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage, QKeySequence
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.triage.diagnosis import CLASS_ORDER, Diagnosis
from qana_desktop.triage.explanation import Explanation, NoExplanation
from qana_desktop.ui.presenters.adjustment import AS_TAKEN, Adjustment
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.views.image_tools import ImageTools, Shown
from tests.support.fake_desks import draw_lesion
from tests.support.stage import at_size, shortcomings
from tests.ui.conftest import Opened, OpenWindow

NONE = Fault("no-map", "There is no heat-map for this reading.", "Read the image again.")


def window_with(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path, theme: str = "light"
) -> tuple[Opened, ImageTools]:
    opened = open_window(clinic_day, theme=theme)
    qtbot.waitUntil(lambda: opened.window.idle and opened.window.triage.image.canvas.picture is not None)
    return opened, opened.window.triage.tools


def press(opened: Opened, keys: str) -> None:
    """Press keys as a person does, with the focus on the list."""
    opened.window.activateWindow()
    QTest.keySequence(opened.window, QKeySequence(keys))


def shown(tools: ImageTools) -> Shown:
    assert tools._shown is not None
    return tools._shown


def with_map(tools: ImageTools, explain: Callable[[], Explanation | NoExplanation] | None) -> None:
    """Show the same image, with this heat-map to be asked for."""
    before = shown(tools)
    tools.show_entry(Shown((before.key, explain), before.image, before.others, explain))


def peak(x: int, y: int) -> Explanation:
    """A map that speaks for melanoma at one place and against it at the opposite one."""
    maps = np.zeros((len(CLASS_ORDER), 8, 8))
    maps[CLASS_ORDER.index(Diagnosis.MEL), y, x] = 1.0
    maps[CLASS_ORDER.index(Diagnosis.MEL), 7 - y, 7 - x] = -1.0
    return Explanation(CLASS_ORDER, maps, Diagnosis.MEL, 1.0, "computed for this test", 7)


def grabbed(tools: ImageTools) -> QImage:
    return tools.canvas.grab().toImage()


# --- view ---


def test_an_adjusted_view_says_so_on_the_image_and_a_key_puts_it_back(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path
) -> None:
    opened, tools = window_with(qtbot, open_window, clinic_day)
    before = grabbed(tools)
    press(opened, "B")
    assert tools.adjust.isVisible()
    tools.adjust.sliders["brightness"].slider.setFocus()
    qtbot.keyClick(tools.adjust.sliders["brightness"].slider, Qt.Key.Key_End)
    assert tools.canvas.adjustment == Adjustment(brightness=100)
    after = grabbed(tools)
    at = QPoint(tools.canvas.width() // 2, tools.canvas.height() // 4)
    assert after.pixelColor(at).red() > before.pixelColor(at).red()
    layer = tools.canvas.layers[-1]
    assert not layer.plate.isEmpty()  # type: ignore[attr-defined]
    press(opened, "0")
    grabbed(tools)
    assert tools.canvas.adjustment == AS_TAKEN
    assert layer.plate.isEmpty()  # type: ignore[attr-defined]


def test_adjusting_changes_neither_the_picture_nor_what_the_network_gets(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path
) -> None:
    opened, tools = window_with(qtbot, open_window, clinic_day)
    picture = tools.canvas.picture
    assert picture is not None
    before = [bytes(level.constBits()) for level in picture.levels]
    entry = opened.window.triage.worklist.entries()[0]
    first = entry.reading
    tools.adjust.show_adjustment(Adjustment(60, -40, 100))
    grabbed(tools)
    assert [bytes(level.constBits()) for level in picture.levels] == before
    again = opened.triage.read(entry.source)
    assert first is not None
    assert (again.image_sha256, again.outcome) == (first.image_sha256, first.outcome)


def test_the_next_image_is_shown_as_it_was_taken(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened, tools = window_with(qtbot, open_window, clinic_day)
    tools.adjust.show_adjustment(Adjustment(contrast=50))
    press(opened, "K")
    assert tools.canvas.adjustment == AS_TAKEN
    assert tools.adjust.adjustment == AS_TAKEN


# --- heat-map ---


def test_where_nothing_can_be_explained_it_says_so(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened, tools = window_with(qtbot, open_window, clinic_day)
    with_map(tools, None)
    before = grabbed(tools)
    press(opened, "H")
    assert tools.heat.sentence.text() == "No heat-map: this image was not read, or its answer is not shown yet."
    assert not tools.heat.opacity.isVisible()
    assert tools.heat_layer.image is None
    press(opened, "H")
    qtbot.waitUntil(lambda: grabbed(tools) == before)


def test_the_map_lies_where_the_network_looked_and_its_legend_names_the_class(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path
) -> None:
    opened, tools = window_with(qtbot, open_window, clinic_day)
    with_map(tools, lambda: peak(2, 5))
    canvas = tools.canvas
    left, top, side = Explanation.frame(600, 450)
    press(opened, "H")
    qtbot.waitUntil(lambda: tools.heat_layer.image is not None)
    after = grabbed(tools)
    here = canvas.to_screen().map(QPoint(left + round(2.5 / 8 * side), top + round(5.5 / 8 * side)))
    there = canvas.to_screen().map(QPoint(left + round(5.5 / 8 * side), top + round(2.5 / 8 * side)))
    tools.heat.opacity.show_value(0)
    before = grabbed(tools)
    assert after.pixelColor(here).red() > after.pixelColor(here).blue() + 60
    assert after.pixelColor(there).blue() > before.pixelColor(there).blue() + 30
    assert after.pixelColor(there).red() < before.pixelColor(there).red() - 30
    beside = canvas.to_screen().map(QPoint(left // 2, 200))
    assert after.pixelColor(beside) == before.pixelColor(beside)
    assert "Yellow: speaks for Melanoma" in tools.heat.legend.accessibleDescription()
    assert "The map was computed for this test." in tools.heat.sentence.text()


def test_another_class_has_another_map(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened, tools = window_with(qtbot, open_window, clinic_day)
    with_map(tools, lambda: peak(2, 5))
    press(opened, "H")
    qtbot.waitUntil(lambda: tools.heat.of.isVisible())
    first = tools.heat_layer.image
    tools.heat.of.setFocus()
    qtbot.keyClick(tools.heat.of, Qt.Key.Key_Down)
    assert tools.heat_layer.image != first
    assert "Melanoma" not in tools.heat.legend.accessibleDescription()


@pytest.mark.parametrize("raises", [False, True])
def test_no_map_is_said_with_its_reason(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path, raises: bool) -> None:
    opened, tools = window_with(qtbot, open_window, clinic_day)

    def explain() -> NoExplanation:
        if raises:
            raise KnownError(NONE)
        return NoExplanation(NONE)

    with_map(tools, explain)
    press(opened, "H")
    qtbot.waitUntil(lambda: tools.heat.sentence.text() == NONE.sentence())
    assert tools.heat_layer.image is None


def test_a_map_never_stays_over_another_image(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened, tools = window_with(qtbot, open_window, clinic_day)
    with_map(tools, lambda: peak(2, 5))
    press(opened, "H")
    qtbot.waitUntil(lambda: tools.heat_layer.image is not None)
    press(opened, "K")
    assert tools.heat_layer.image is None
    assert tools.heat.isHidden()


def test_the_window_asks_the_network_that_answered(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened, tools = window_with(qtbot, open_window, clinic_day)
    press(opened, "H")
    qtbot.waitUntil(lambda: tools.heat_layer.image is not None)
    assert "made-up runtime" in tools.heat.sentence.text()


# --- ruler ---


def test_two_clicks_measure_in_pixels_and_no_millimetre_is_named_without_a_scale(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path
) -> None:
    opened, tools = window_with(qtbot, open_window, clinic_day)
    press(opened, "M")
    screen = tools.canvas.to_screen()
    for x in (100, 300):
        qtbot.mouseClick(tools.canvas, Qt.MouseButton.LeftButton, pos=screen.map(QPoint(x, 200)))
    (line,) = tools.ruler.ruler.lines
    assert line.pixels == pytest.approx(200, abs=2)
    assert "px" in tools.ruler_bar.sentence.text()
    assert "mm" not in tools.ruler_bar.sentence.text()


def test_with_a_scale_it_is_millimetres_and_there_is_a_bar(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path
) -> None:
    opened, tools = window_with(qtbot, open_window, clinic_day)
    before = grabbed(tools)
    here = shown(tools)
    tools.show_entry(Shown("scaled", here.image, here.others, None, lambda: 0.02))
    qtbot.waitUntil(lambda: tools.scale_bar.mm_per_pixel == 0.02)
    assert grabbed(tools) != before
    press(opened, "M")
    screen = tools.canvas.to_screen()
    for x in (100, 300):
        qtbot.mouseClick(tools.canvas, Qt.MouseButton.LeftButton, pos=screen.map(QPoint(x, 200)))
    assert tools.ruler_bar.sentence.text() == "4.0 mm"


def test_the_scale_is_the_one_that_the_file_states(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    _opened, tools = window_with(qtbot, open_window, draw_lesion(tmp_path / "scaled-m31.png", seed=4))
    qtbot.waitUntil(lambda: tools.scale_bar.mm_per_pixel == 0.02)


def test_keys_alone_measure_too(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened, tools = window_with(qtbot, open_window, clinic_day)
    selected = opened.window.triage.list_panel.selected_id()
    press(opened, "M")
    for key in ("Right", "Return", "Down", "Down", "Down", "Return"):
        QTest.keySequence(tools.canvas, QKeySequence(key))
    (line,) = tools.ruler.ruler.lines
    assert line.pixels * tools.canvas.zoom / tools.canvas.devicePixelRatioF() == pytest.approx(24, abs=0.01)
    assert opened.window.triage.list_panel.selected_id() == selected
    QTest.keySequence(tools.canvas, QKeySequence("Backspace"))
    assert tools.ruler.ruler.lines == ()
    QTest.keySequence(tools.canvas, QKeySequence("Esc"))
    assert tools.canvas.tool is None
    assert tools.ruler_bar.isHidden()


# --- compare ---


def test_c_compares_with_another_image_of_the_session_and_back(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path
) -> None:
    opened, tools = window_with(qtbot, open_window, clinic_day)
    name = tools.canvas.label
    press(opened, "C")
    qtbot.waitUntil(lambda: tools.compare.today.picture is not None and tools.compare.earlier.picture is not None)
    assert tools.compare.isVisible()
    assert tools.compare.today_name.text() == name
    assert tools.compare.other.count() == 3
    press(opened, "+")
    assert tools.compare.today.view == tools.compare.earlier.view
    press(opened, "C")
    assert tools.canvas.isVisible()


def test_one_image_alone_has_nothing_to_be_compared_with(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path
) -> None:
    opened, tools = window_with(qtbot, open_window, clinic_day / "a-m05.png")
    press(opened, "C")
    assert tools.alone.isVisible()
    assert tools.compare.isHidden()


# --- a window of its own ---


def test_the_image_alone_follows_the_selection_and_has_its_own_zoom(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path
) -> None:
    opened, tools = window_with(qtbot, open_window, clinic_day)
    press(opened, "Shift+F")
    window = tools.window
    assert window is not None
    qtbot.waitUntil(lambda: window.isFullScreen() and window.isActiveWindow())
    zoom = tools.canvas.zoom
    QTest.keySequence(window, QKeySequence("+"))
    assert tools.canvas.zoom == zoom
    before = window.canvas.label
    QTest.keySequence(window, QKeySequence("K"))
    qtbot.waitUntil(lambda: window.canvas.label not in (before, "") and window.canvas.picture is not None)
    assert window.canvas.label == tools.canvas.label
    QTest.keySequence(window, QKeySequence("Esc"))
    assert not window.isVisible()


def test_the_window_of_the_image_goes_with_the_program(qtbot: QtBot, open_window: OpenWindow, clinic_day: Path) -> None:
    opened, tools = window_with(qtbot, open_window, clinic_day)
    press(opened, "Shift+W")
    assert tools.window is not None
    assert tools.window.isVisible()
    opened.window.close()
    assert not tools.window.isVisible()


# --- camera ---


def test_an_image_that_the_camera_took_is_opened_and_read(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path, tmp_path: Path
) -> None:
    opened, _tools = window_with(qtbot, open_window, clinic_day)
    page = opened.window.triage
    press(opened, "Ctrl+D")
    assert page.camera is not None
    assert page.camera.isVisible()
    page.camera.taken.emit(draw_lesion(tmp_path / "taken.png", seed=9).read_bytes())
    qtbot.waitUntil(
        lambda: opened.window.idle and page.list_panel.selected_id() == page.worklist.entries()[-1].entry_id
    )
    assert page.worklist.entries()[-1].title == "Camera image 1"
    page.camera.close()
    qtbot.waitUntil(lambda: opened.window.idle)


# --- everybody ---


@pytest.mark.usefixtures("font_kept")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("share", [1.0, 2.0])
def test_all_tools_open_have_names_and_room(
    qtbot: QtBot, open_window: OpenWindow, clinic_day: Path, theme: str, share: float
) -> None:
    opened, tools = window_with(qtbot, open_window, clinic_day, theme)
    with_map(tools, lambda: peak(2, 5))
    for command in (Command.ADJUST, Command.HEAT_MAP, Command.RULER):
        opened.window.actions_[command].trigger()
    at_size(tools._theme, share)
    qtbot.waitUntil(lambda: tools.heat.of.isVisible())
    pane = opened.window.triage.image
    qtbot.waitUntil(lambda: not shortcomings(pane))
