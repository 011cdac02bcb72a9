"""The canvas: what is under the cursor stays there, fit fits, 1:1 is one to one, turns turn."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from qana_desktop.ui.pictures import Picture, to_image, to_picture
from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.views.canvas import ImageCanvas
from qana_desktop.ui.views.viewpoint import LEAST, MOST


@pytest.fixture
def canvas(qtbot: QtBot) -> ImageCanvas:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    canvas = ImageCanvas(Theme(app))
    qtbot.addWidget(canvas)
    canvas.resize(400, 300)
    canvas.show_picture(picture(800, 300), "a")
    return canvas


def picture(width: int, height: int) -> Picture:
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[:, : width // 2] = (200, 30, 30)
    rgb[:, width // 2 :] = (30, 30, 200)
    return to_picture(rgb)


def image_point(canvas: ImageCanvas, where: QPointF) -> QPointF:
    inverted, done = canvas.to_screen().inverted()
    assert done
    return inverted.map(where)


def wheel(canvas: ImageCanvas, where: QPointF, steps: int) -> None:
    none = Qt.MouseButton.NoButton
    event = QWheelEvent(
        where, where, QPoint(), QPoint(0, 120 * steps), none, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas, event)


def test_fit_shows_the_whole_image(canvas: ImageCanvas) -> None:
    assert canvas.zoom == pytest.approx(0.5)
    canvas.resize(200, 300)
    canvas.fit()
    assert canvas.zoom == pytest.approx(0.25)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_the_wheel_keeps_what_is_under_the_cursor(canvas: ImageCanvas, turns: int) -> None:
    for _ in range(turns):
        canvas.rotate()
    where = QPointF(190, 140)
    before = image_point(canvas, where)
    wheel(canvas, where, 3)
    wheel(canvas, where, 2)
    after = image_point(canvas, where)
    assert (after - before).manhattanLength() < 1e-6


def test_one_to_one_is_one_image_pixel_on_one_screen_pixel(canvas: ImageCanvas) -> None:
    canvas.one_to_one()
    assert canvas.zoom == 1.0
    step = image_point(canvas, QPointF(11, 10)) - image_point(canvas, QPointF(10, 10))
    assert step.x() * canvas.devicePixelRatioF() == pytest.approx(1.0)


def test_zoom_has_limits(canvas: ImageCanvas) -> None:
    wheel(canvas, QPointF(10, 10), 100)
    assert canvas.zoom == MOST
    wheel(canvas, QPointF(10, 10), -200)
    assert canvas.zoom == LEAST


def test_dragging_moves_the_image_with_the_cursor(qtbot: QtBot, canvas: ImageCanvas) -> None:
    canvas.one_to_one()
    before = image_point(canvas, QPointF(100, 100))
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    qtbot.mouseMove(canvas, QPoint(140, 90))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(140, 90))
    after = image_point(canvas, QPointF(140, 90))
    assert (after - before).manhattanLength() < 1e-6


def test_a_double_click_changes_between_fit_and_one_to_one(qtbot: QtBot, canvas: ImageCanvas) -> None:
    qtbot.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(200, 150))
    assert canvas.zoom == 1.0
    qtbot.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(200, 150))
    assert canvas.zoom == pytest.approx(0.5)


def test_a_quarter_turn_is_clockwise_and_four_are_none(canvas: ImageCanvas) -> None:
    canvas.rotate()
    shown = canvas.grab().toImage()
    top, bottom = shown.pixelColor(200, 40), shown.pixelColor(200, 260)
    assert top.red() > top.blue()
    assert bottom.blue() > bottom.red()
    for _ in range(3):
        canvas.rotate()
    assert canvas.turns == 0


def test_a_new_image_is_upright_and_whole(canvas: ImageCanvas) -> None:
    canvas.rotate()
    canvas.zoom_in()
    canvas.show_picture(picture(400, 300), "b")
    assert (canvas.turns, canvas.zoom) == (0, pytest.approx(1.0))


def test_without_a_picture_a_sentence_is_shown_and_nothing_breaks(canvas: ImageCanvas) -> None:
    canvas.show_picture(None, "c", "The file is gone.")
    canvas.zoom_in()
    canvas.rotate()
    assert "The file is gone." in canvas.accessibleDescription()
    canvas.grab()


def test_pixels_reach_the_screen_unaltered() -> None:
    rgb = np.random.default_rng(4).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    image = to_image(rgb)
    for y in range(7):
        for x in range(5):
            colour = image.pixelColor(x, y)
            assert (colour.red(), colour.green(), colour.blue()) == tuple(rgb[y, x])


def test_a_large_image_is_painted_from_the_smallest_level_that_is_sharp_enough() -> None:
    large = picture(4000, 2000)
    assert large.size.width() == 4000
    assert large.level_for(1.0).width() == 4000
    assert large.level_for(0.3).width() == 2000
    assert large.level_for(0.1).width() == 500
