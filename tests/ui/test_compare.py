"""Compare in a real window: both images move as one, Space flickers, blending mixes, two networks get a banner."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from qana_desktop.system.faults import KnownError
from qana_desktop.ui.bridge import Bridge
from qana_desktop.ui.views.compare import ComparePane
from tests.support.fake_desks import NOT_AN_IMAGE, assessed
from tests.support.stage import at_size, compared, make_theme, shortcomings

UInt8Image = npt.NDArray[np.uint8]


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    bugs: list[BaseException] = []
    bridge = Bridge(bugs.append)
    yield bridge
    bridge.close()
    assert bridge.join(10)
    assert not bugs


def plain(red: int, blue: int) -> UInt8Image:
    """One colour with a white square in its left upper corner."""
    rgb = np.full((300, 400, 3), (red, 60, blue), np.uint8)
    rgb[:60, :60] = 255
    return rgb


def opened(qtbot: QtBot, bridge: Bridge, *, theme: str = "light", bundle: str = "one-bundle") -> ComparePane:
    pane = ComparePane(make_theme(theme), bridge)
    qtbot.addWidget(pane)
    pane.resize(1100, 760)
    pane.show()
    qtbot.waitExposed(pane)
    today = compared("today.jpg", "2026-05-04", lambda: plain(200, 40), assessed(0.58))
    earlier = compared("then.jpg", "2025-05-02", lambda: plain(40, 200), assessed(0.31), bundle=bundle)
    oldest = compared("first.jpg", "2024-01-02", lambda: plain(40, 40))
    pane.show_pair(today, [earlier, oldest])
    qtbot.waitUntil(lambda: pane.earlier.picture is not None and pane.today.picture is not None)
    return pane


def middle(pane: ComparePane) -> QColor:
    return pane.today.grab().toImage().pixelColor(pane.today.width() // 2, pane.today.height() // 2)


def test_zoom_pan_and_turn_move_both(qtbot: QtBot, bridge: Bridge) -> None:
    pane = opened(qtbot, bridge)
    pane.today.one_to_one()
    pane.today.zoom_in()
    pane.today.rotate()
    pane.today.pan(30, -20)
    assert pane.earlier.view == pane.today.view
    pane.earlier.zoom_out()
    pane.earlier.rotate()
    assert pane.today.view.turns == 2
    assert pane.today.view.span == pytest.approx(pane.earlier.view.span)


def test_moved_apart_and_linked_again_they_keep_how_they_lie(qtbot: QtBot, bridge: Bridge) -> None:
    pane = opened(qtbot, bridge)
    qtbot.mouseClick(pane.linked, Qt.MouseButton.LeftButton)
    pane.earlier.one_to_one()
    pane.earlier.pan(40, 0)
    assert pane.today.view != pane.earlier.view
    qtbot.mouseClick(pane.linked, Qt.MouseButton.LeftButton)
    apart = pane.earlier.view.x - pane.today.view.x
    pane.today.pan(10, 0)
    moved = 10 / pane.today.view.span
    assert apart != 0
    assert pane.earlier.view.x - pane.today.view.x == pytest.approx(apart + moved * (pane._link.ratio - 1))


def test_space_shows_the_earlier_image_for_as_long_as_it_is_held(qtbot: QtBot, bridge: Bridge) -> None:
    pane = opened(qtbot, bridge)
    assert middle(pane).red() > 150
    qtbot.keyPress(pane.today, Qt.Key.Key_Space)
    assert middle(pane).blue() > 150
    assert pane.today_title.text() == "The other image, in this one's place"
    qtbot.keyRelease(pane.today, Qt.Key.Key_Space)
    assert middle(pane).red() > 150
    assert pane.today_title.text() == "This image"


def test_flicker_ends_when_the_pane_goes(qtbot: QtBot, bridge: Bridge) -> None:
    pane = opened(qtbot, bridge)
    pane.flicker(True)
    pane.hide()
    assert pane.layer.share == 0


def test_the_earlier_image_lies_exactly_on_todays(qtbot: QtBot, bridge: Bridge) -> None:
    pane = opened(qtbot, bridge)
    pane.today.rotate()
    pane.today.zoom_in()
    corner = pane.today.to_screen().map(QPoint(30, 30))
    before = pane.today.grab().toImage().pixelColor(corner)
    pane.flicker(True)
    assert before == pane.today.grab().toImage().pixelColor(corner) == QColor(255, 255, 255)
    pane.flicker(False)


def test_blending_mixes_both(qtbot: QtBot, bridge: Bridge) -> None:
    pane = opened(qtbot, bridge)
    pane.blend.slider.setFocus()
    qtbot.keyClick(pane.blend.slider, Qt.Key.Key_End)
    assert middle(pane).blue() > 150
    pane.blend.show_value(50)
    assert abs(middle(pane).red() - 120) < 4
    assert abs(middle(pane).blue() - 120) < 4


def test_one_over_the_other_uses_the_whole_width(qtbot: QtBot, bridge: Bridge) -> None:
    pane = opened(qtbot, bridge)
    before = pane.today.width()
    qtbot.mouseClick(pane.one, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: pane.today.width() > 1.8 * before)
    pane.flicker(True)
    assert middle(pane).blue() > 150
    pane.flicker(False)


def test_another_earlier_image_is_chosen_with_keys(qtbot: QtBot, bridge: Bridge) -> None:
    pane = opened(qtbot, bridge)
    pane.other.setFocus()
    qtbot.keyClick(pane.other, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: pane.earlier.label == "2024-01-02 · first.jpg" and pane.earlier.picture is not None)
    assert pane.earlier_line.text == "Unread"
    assert "no score" in pane.banner.accessibleName()


def test_scores_of_two_networks_get_a_banner_and_no_numbers(qtbot: QtBot, bridge: Bridge) -> None:
    pane = opened(qtbot, bridge, bundle="another-bundle")
    assert pane.banner.isVisible()
    assert "different networks" in pane.banner.accessibleName()
    assert pane.today_line.text == "Review now"
    assert not pane.change.isVisible()


def test_an_image_that_cannot_be_decoded_says_so_and_the_other_stays(qtbot: QtBot, bridge: Bridge) -> None:
    pane = opened(qtbot, bridge)

    def broken() -> UInt8Image:
        raise KnownError(NOT_AN_IMAGE)

    pane.show_pair(compared("today.jpg", "", lambda: plain(200, 40)), [compared("gone.jpg", "", broken)])
    qtbot.waitUntil(lambda: pane.earlier.message == NOT_AN_IMAGE.sentence() and pane.today.picture is not None)


@pytest.mark.usefixtures("font_kept")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("share", [1.0, 2.0])
def test_everything_has_a_name_and_room(qtbot: QtBot, bridge: Bridge, theme: str, share: float) -> None:
    pane = opened(qtbot, bridge, theme=theme, bundle="another-bundle")
    at_size(pane._theme, share)
    qtbot.waitUntil(lambda: not shortcomings(pane))
