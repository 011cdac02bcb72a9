"""A walk over every page, sheet and dialog: names, the Tab key, the focus, and room for the text in every language."""

from __future__ import annotations

import gettext
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.exceptions import TimeoutError as QtBotTimeout
from pytestqt.qtbot import QtBot

from qana_desktop.system.language import LANGUAGES, VARIABLE, current, use_catalogue
from qana_desktop.ui import speaking
from qana_desktop.ui.presenters.notices import Refusal
from qana_desktop.ui.shortcuts import Command
from tests.support.catalogues import Pseudo
from tests.support.hands import Hands
from tests.support.walking import (
    controls,
    hidden_by_its_area,
    is_cut,
    label_of,
    nameless,
    out_of_reach,
    sheets_open,
    shown_widgets,
    silent,
)

PATIENCE_MS = 500

SCREENS = {100: (1920, 1200), 200: (2560, 1600)}
"""Sizes of the window, in logical pixels, by the size of text in percent."""

AtWork = Callable[..., Hands]
Speak = Callable[[str], None]


@pytest.fixture
def speak(monkeypatch: pytest.MonkeyPatch, qapp: QApplication) -> Iterator[Speak]:
    """Let the next window speak a language, or a made-up one: "long" (40 % longer), "mirrored" (from right to left)."""
    font = QFont(qapp.font())

    def made_up(app: QApplication, _chosen: str) -> str:
        use_catalogue("xx", Pseudo(0.4))
        return "xx"

    def mirrored(app: QApplication, _chosen: str) -> str:
        use_catalogue("xx", Pseudo(0.0, "\u202e", "\u202c"))
        app.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        return "xx"

    def choose(language: str) -> None:
        monkeypatch.setenv(VARIABLE, language if language in LANGUAGES else "en")
        if language not in LANGUAGES:
            monkeypatch.setattr(speaking, "speak", mirrored if language == "mirrored" else made_up)

    yield choose
    use_catalogue("en", gettext.NullTranslations())
    monkeypatch.undo()
    monkeypatch.setenv(VARIABLE, "en")
    speaking.speak(qapp, "")
    QLocale.setDefault(QLocale.c())
    qapp.setFont(font)


def places(hands: Hands) -> Iterator[tuple[str, QWidget]]:
    """Go everywhere: each page without and with a case store, each sheet. Yields what stands open, by name."""
    window = hands.window
    yield "triage", window
    for command in (Command.SETTINGS, Command.KEYS, Command.HELP, Command.ENGINE):
        window.actions_[command].trigger()
        hands.settle()
        for sheet in sheets_open():
            yield str(command), sheet
            sheet.close()
    window.boards.open()
    yield "boards", window.boards.dialog
    window.boards.dialog.close()
    window.show_refusals([Refusal("a.jpg", "The file is empty, so it was not read.", "Copy it again.")])
    for sheet in sheets_open():
        yield "refusals", sheet
        sheet.close()
    window.actions_[Command.TOUR].trigger()
    tour = window.sheets.tour
    assert tour is not None
    yield "tour", tour
    tour.end()
    for key in window.deck.specs:
        hands.do(key)
        yield f"{key} without a store", window
    hands.make_store()
    hands.keep_shown("P-0192")
    for key in window.deck.specs:
        hands.do(key)
        yield str(key), window
    window.actions_[Command.LOCK].trigger()
    hands.settle()
    yield "locked", window


def everywhere(
    hands: Hands, wrong: Callable[[QWidget], bool], of: Callable[[list[QWidget]], list[QWidget]], *, patience: int = 0
) -> str:
    """Return what is wrong anywhere, a line each with its place; "" when all is well.

    `patience` in milliseconds: so long a place may take to lay itself out anew.
    """
    found: dict[str, None] = {}
    for place, root in places(hands):
        now: list[QWidget] = []

        def all_well(root: QWidget = root, now: list[QWidget] = now) -> bool:
            now[:] = [widget for widget in of(shown_widgets(root)) if wrong(widget)]
            return not now

        if not all_well() and patience:
            with suppress(QtBotTimeout):
                hands.qtbot.waitUntil(all_well, timeout=patience)
        found.update(dict.fromkeys(f"{place}: {label_of(widget)}" for widget in now))
    return "\n".join(found)


def test_every_control_has_a_name_and_tells_what_it_does(at_work: AtWork, clinic_day: Path) -> None:
    hands = at_work(clinic_day / "b-m71.png", size=(1600, 1200))
    assert everywhere(hands, lambda widget: nameless(widget) or silent(widget), controls) == ""


def test_every_control_can_be_reached_with_the_tab_key(at_work: AtWork, clinic_day: Path) -> None:
    hands = at_work(clinic_day / "b-m71.png", size=(1600, 1200))
    assert everywhere(hands, out_of_reach, controls) == ""


def test_the_control_that_has_the_keys_looks_different(at_work: AtWork, clinic_day: Path, qtbot: QtBot) -> None:
    hands = at_work(clinic_day / "b-m71.png", size=(1600, 1200))
    focused: set[str] = set()

    def unmarked(widget: QWidget) -> bool:
        if not widget.isEnabled() or out_of_reach(widget):
            return False
        if not widget.window().isActiveWindow():
            widget.window().activateWindow()
            qtbot.waitUntil(widget.window().isActiveWindow)
        widget.clearFocus()
        before = widget.grab().toImage()
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        if widget.hasFocus():
            focused.add(label_of(widget))
        return widget.hasFocus() and widget.grab().toImage() == before

    assert everywhere(hands, unmarked, controls) == ""
    assert len(focused) > 100


@pytest.mark.parametrize("scale", [100, 200])
@pytest.mark.parametrize("language", [*LANGUAGES, "long"])
def test_no_text_is_cut_in_any_language(
    at_work: AtWork, clinic_day: Path, speak: Speak, qapp: QApplication, language: str, scale: int
) -> None:
    speak(language)
    font = QFont(qapp.font())
    font.setPointSizeF(font.pointSizeF() * scale / 100)
    qapp.setFont(font)
    hands = at_work(clinic_day / "b-m71.png", size=SCREENS[scale])
    assert current() == (language if language in LANGUAGES else "xx")
    assert (
        everywhere(hands, lambda widget: is_cut(widget) or hidden_by_its_area(widget), list, patience=PATIENCE_MS) == ""
    )


def test_everything_is_mirrored_for_languages_from_right_to_left(
    at_work: AtWork, clinic_day: Path, speak: Speak
) -> None:
    speak("mirrored")
    hands = at_work(clinic_day / "b-m71.png", size=(1920, 1200))
    window = hands.window
    across = [window.reading_panel, window.image, window.list_panel, window.rail]
    lefts = [widget.mapTo(window, widget.rect().topLeft()).x() for widget in across]
    assert lefts == sorted(lefts)
    assert (
        everywhere(hands, lambda widget: is_cut(widget) or hidden_by_its_area(widget), list, patience=PATIENCE_MS) == ""
    )
