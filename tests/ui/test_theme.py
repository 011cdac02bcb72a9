"""The themes: contrast, neutral surroundings of the image, and the icons."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QFont, QImage
from PySide6.QtWidgets import QApplication

from qana_desktop.system.resources import assets_dir
from qana_desktop.ui.presenters.entries import Group
from qana_desktop.ui.shortcuts import shortcut_table
from qana_desktop.ui.theme.icons import Icons, app_icon
from qana_desktop.ui.theme.manager import Theme, ThemeChoice
from qana_desktop.ui.theme.palette import CONTRAST, DARK, LIGHT, Palette, colour_names, contrast
from qana_desktop.ui.widgets.shapes import triage_path

THEMES = pytest.mark.parametrize("palette", [LIGHT, DARK, CONTRAST], ids=["light", "dark", "contrast"])
SOFT = ("review_now_soft", "review_soft", "low_soft", "cannot_soft", "unread_soft")
GROUNDS = ("surface", "raised", "selected", "sunken")
TEXT, SHAPE, ENHANCED = 4.5, 3.0, 7.0


def ratio(palette: Palette, one: str, other: str) -> float:
    return contrast(getattr(palette, one), getattr(palette, other))


@THEMES
@pytest.mark.parametrize(
    "ground", [*GROUNDS, "review_now_soft", "review_soft", "low_soft", "cannot_soft", "unread_soft"]
)
def test_text_can_be_read_on_every_ground(palette: Palette, ground: str) -> None:
    assert ratio(palette, "text", ground) >= TEXT


@THEMES
@pytest.mark.parametrize("ground", GROUNDS)
def test_muted_text_can_be_read_on_every_ground(palette: Palette, ground: str) -> None:
    assert ratio(palette, "muted", ground) >= TEXT


@THEMES
def test_text_on_the_accent_can_be_read(palette: Palette) -> None:
    assert ratio(palette, "on_accent", "accent") >= TEXT


@THEMES
@pytest.mark.parametrize("group", list(Group))
@pytest.mark.parametrize("ground", [*GROUNDS, None])
def test_triage_shapes_stand_out(palette: Palette, group: Group, ground: str | None) -> None:
    behind = palette.ground(group) if ground is None else getattr(palette, ground)
    assert contrast(palette.triage(group), behind) >= SHAPE


@THEMES
@pytest.mark.parametrize("shape", ["outline", "accent", "good", "bar_malignant", "review_now"])
def test_marks_and_borders_of_controls_stand_out(palette: Palette, shape: str) -> None:
    assert ratio(palette, shape, "raised") >= SHAPE


@THEMES
@pytest.mark.parametrize("ground", GROUNDS)
def test_focus_is_seen_on_every_ground(palette: Palette, ground: str) -> None:
    assert ratio(palette, "focus", ground) >= SHAPE


@THEMES
def test_one_of_the_two_lines_of_the_focus_frame_is_seen_around_the_image(palette: Palette) -> None:
    assert max(ratio(palette, "focus", "canvas"), ratio(palette, "raised", "canvas")) >= SHAPE


@THEMES
def test_bars_of_benign_classes_stand_out_from_the_panel(palette: Palette) -> None:
    assert ratio(palette, "bar", "raised") >= SHAPE


@THEMES
def test_what_surrounds_the_image_has_no_colour(palette: Palette) -> None:
    red, green, blue = (palette.canvas[i : i + 2] for i in (1, 3, 5))
    assert red == green == blue


def test_all_roles_are_colours() -> None:
    assert set(colour_names()) | {"dark"} == {field.name for field in fields(Palette)}
    for palette in (LIGHT, DARK, CONTRAST):
        assert all(re.fullmatch("#[0-9a-f]{6}", getattr(palette, name)) for name in colour_names())


@pytest.mark.parametrize("ground", [*GROUNDS, *SOFT])
@pytest.mark.parametrize("text", ["text", "muted"])
def test_the_high_contrast_theme_has_more_than_the_others(text: str, ground: str) -> None:
    assert ratio(CONTRAST, text, ground) >= ENHANCED


@given(st.integers(0, 2**24 - 1), st.integers(0, 2**24 - 1))
def test_contrast_is_symmetric_and_lies_between_1_and_21(one: int, other: int) -> None:
    first, second = f"#{one:06x}", f"#{other:06x}"
    assert contrast(first, second) == contrast(second, first)
    assert 1.0 <= contrast(first, second) <= 21.0


def test_black_on_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)


def test_each_group_has_a_shape_of_its_own() -> None:
    box = QRectF(0, 0, 20, 20)
    paths = [triage_path(group, box) for group in Group if group is not Group.UNREAD]
    assert all(a != b for i, a in enumerate(paths) for b in paths[i + 1 :])


@pytest.mark.usefixtures("qapp")
def test_every_icon_of_a_command_is_shipped_and_takes_the_colour_of_the_text() -> None:
    for shortcut in shortcut_table():
        if shortcut.icon:
            image = Icons("#ff0000", "#00ff00").get(shortcut.icon).pixmap(QSize(32, 32)).toImage()
            assert strongest(image) == (255, 0, 0)


@pytest.mark.usefixtures("qapp")
def test_the_program_has_an_icon() -> None:
    assert not app_icon().isNull()


def test_icons_are_line_drawings_without_colours_of_their_own() -> None:
    for path in (assets_dir() / "icons").glob("*.svg"):
        svg = path.read_text(encoding="utf-8")
        assert 'stroke="currentColor"' in svg
        assert "#" not in svg


def strongest(image: QImage) -> tuple[int, int, int]:
    """Return the colour of the most opaque pixel."""
    pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    best = max(pixels, key=lambda colour: colour.alpha())
    return best.red(), best.green(), best.blue()


@pytest.mark.parametrize(
    ("choice", "palette"),
    [(ThemeChoice.LIGHT, LIGHT), (ThemeChoice.DARK, DARK), (ThemeChoice.CONTRAST, CONTRAST)],
)
def test_a_chosen_theme_holds_and_its_text_grows_with_the_scale(
    qapp: QApplication, choice: ThemeChoice, palette: Palette
) -> None:
    before = QFont(qapp.font())
    try:
        theme = Theme(qapp, choice, scale=200)
        assert theme.colours is palette
        assert qapp.font().pointSizeF() == pytest.approx(2 * before.pointSizeF())
        theme.rescale(100)
        assert qapp.font().pointSizeF() == pytest.approx(before.pointSizeF())
    finally:
        qapp.setFont(before)
