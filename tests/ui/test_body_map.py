"""The body map: what is on the figure is in the list, nothing is placed more exactly than it is known."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from qana_desktop.triage.body_sites import Site
from qana_desktop.ui.presenters.body_map import MappedLesion
from qana_desktop.ui.presenters.entries import Group
from qana_desktop.ui.widgets.body_figure import HEIGHT, WIDTH, middle_of, regions
from qana_desktop.ui.widgets.body_map import BodyMap
from tests.support.stage import at_size, make_theme, shortcomings

LESIONS = [
    MappedLesion("low", "L-3", "upper back", Group.LOW_CONCERN, "0.03"),
    MappedLesion("now", "L-1", "left forearm", Group.REVIEW_NOW, "0.71"),
    MappedLesion("blind", "L-4", "upper back", Group.CANNOT_ASSESS),
    MappedLesion("coarse", "L-6", "back", Group.UNREAD),
]


def opened(qtbot: QtBot, theme: str = "light") -> BodyMap:
    body = BodyMap(make_theme(theme))
    qtbot.addWidget(body)
    body.resize(900, 640)
    body.show()
    body.show_lesions(LESIONS)
    body.activateWindow()
    qtbot.waitUntil(body.isActiveWindow)
    return body


def at_site(body: BodyMap, site: Site, *, back: bool) -> QPoint:
    path = next(path for found, path in regions(back=back) if found is site)
    return body.figure.to_screen(back=back).map(middle_of(path)).toPoint()


def test_every_site_is_on_the_figure_inside_its_frame() -> None:
    drawn = {site: path for back in (False, True) for site, path in regions(back=back)}
    assert set(drawn) == set(Site)
    for path in drawn.values():
        box = path.boundingRect()
        assert not path.isEmpty()
        assert box.left() >= 0
        assert box.right() <= WIDTH
        assert box.top() >= 0
        assert box.bottom() <= HEIGHT


@pytest.mark.parametrize("site", list(Site))
def test_each_region_can_be_hit_in_its_middle(qtbot: QtBot, site: Site) -> None:
    body = opened(qtbot)
    views = [back for back in (False, True) if any(site is found for found, _path in regions(back=back))]
    assert all(body.figure.region_at(QPointF(at_site(body, site, back=back))) is site for back in views)


def test_the_patients_right_is_on_the_left_in_front_and_on_the_right_from_behind(qtbot: QtBot) -> None:
    body = opened(qtbot)
    assert at_site(body, Site.RIGHT_HAND, back=False).x() < at_site(body, Site.LEFT_HAND, back=False).x()
    assert at_site(body, Site.RIGHT_HAND, back=True).x() > at_site(body, Site.LEFT_HAND, back=True).x()


def test_every_lesion_is_in_the_list_most_urgent_first_and_exact_ones_are_marked(qtbot: QtBot) -> None:
    body = opened(qtbot)
    lines = [body.list.item(row).text() for row in range(body.list.count())]
    assert lines[0].startswith("L-4")
    assert "L-1 · left forearm · Review now 0.71" in lines
    assert len(lines) == 4
    assert {lesion.key for lesion, _box in body.figure.markers()} == {"now", "low", "blind"}
    assert body.missing.text().startswith("1 lesion is not on the figure")
    coarse = next(body.list.item(row) for row in range(4) if body.list.item(row).text().startswith("L-6"))
    assert "place is not exact" in coarse.data(Qt.ItemDataRole.AccessibleTextRole)


def test_markers_of_one_region_do_not_cover_each_other(qtbot: QtBot) -> None:
    body = opened(qtbot)
    body.show_lesions([MappedLesion(str(n), f"L-{n}", "chest", Group.REVIEW) for n in range(6)])
    middles = [box.center() for _lesion, box in body.figure.markers()]
    side = body.figure.markers()[0][1].width()
    for one in range(6):
        for other in range(one):
            between = middles[one] - middles[other]
            assert (between.x() ** 2 + between.y() ** 2) ** 0.5 > 0.7 * side


def test_a_click_on_a_marker_marks_the_lesion_in_the_list(qtbot: QtBot) -> None:
    body = opened(qtbot)
    box = next(box for lesion, box in body.figure.markers() if lesion.key == "now")
    qtbot.mouseClick(body.figure, Qt.MouseButton.LeftButton, pos=box.center().toPoint())
    assert body.chosen == "now"
    current = body.list.currentItem()
    assert current is not None
    assert current.text().startswith("L-1")


def test_keys_alone_choose_a_lesion(qtbot: QtBot) -> None:
    body = opened(qtbot)
    body.list.setFocus()
    QTest.keySequence(body.list, QKeySequence("Down"))
    QTest.keySequence(body.list, QKeySequence("Home"))
    with qtbot.waitSignal(body.lesion_chosen) as chosen:
        QTest.keySequence(body.list, QKeySequence("Return"))
    assert chosen.args == ["blind"]


def test_a_lesion_is_added_by_the_figure_or_by_keys(qtbot: QtBot) -> None:
    body = opened(qtbot)
    assert not body.add.isEnabled()
    qtbot.mouseClick(body.figure, Qt.MouseButton.LeftButton, pos=at_site(body, Site.LEFT_FOOT, back=False))
    with qtbot.waitSignal(body.add_asked) as asked:
        qtbot.mouseClick(body.add, Qt.MouseButton.LeftButton)
    assert asked.args == ["left foot"]
    body.site.setFocus()
    QTest.keySequence(body.site, QKeySequence("Home"))
    with qtbot.waitSignal(body.add_asked) as asked:
        QTest.keyClick(body.add, Qt.Key.Key_Space)
    assert asked.args == ["scalp"]


@pytest.mark.usefixtures("font_kept")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("share", [1.0, 2.0])
def test_everything_has_a_name_and_room(qtbot: QtBot, theme: str, share: float) -> None:
    body = opened(qtbot, theme)
    body.resize(round(900 * share), round(640 * share))
    at_size(body._theme, share)
    qtbot.waitUntil(lambda: not shortcomings(body))
