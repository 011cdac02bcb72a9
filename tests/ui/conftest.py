"""The real window on small desks, opened and closed as the program does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytestqt.qtbot import QtBot

from qana_desktop.app import Options, Program, build
from qana_desktop.services.clinic import Clinic
from qana_desktop.system.paths import Paths, find_paths
from qana_desktop.ui.desks import Desks
from qana_desktop.ui.window import MainWindow
from tests.support.fake_desks import FakeDeviceDesk, FakeTriageDesk, draw_lesion
from tests.support.stores import QUICK, MemoryKeychain

if TYPE_CHECKING:
    from tests.support.hands import Hands


@dataclass
class Opened:
    """A window under test with the desks behind it."""

    program: Program
    triage: FakeTriageDesk
    devices: FakeDeviceDesk
    preferred: list[str | None]

    @property
    def window(self) -> MainWindow:
        return self.program.window


OpenWindow = Callable[..., Opened]


@pytest.fixture
def font_kept() -> Iterator[None]:
    """Put the program's font back after the test."""
    from PySide6.QtGui import QFont
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance()
    assert isinstance(app, QApplication)
    font = QFont(app.font())
    yield
    app.setFont(font)


@pytest.fixture
def paths() -> Paths:
    """The program's folders, in the test's own home."""
    return find_paths().make()


@pytest.fixture
def open_window(qtbot: QtBot, paths: Paths, tmp_path: Path) -> Iterator[OpenWindow]:
    """Open a window, with paths if given; it is closed at the end of the test if it still stands."""
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance()
    assert isinstance(app, QApplication)
    opened: list[Opened] = []

    def open_it(
        *images: Path,
        theme: str | None = "light",
        size: tuple[int, int] = (1440, 900),
        clinic: Callable[[], Clinic] | None = None,
    ) -> Opened:
        devices = FakeDeviceDesk()
        triage = FakeTriageDesk(devices)
        preferred: list[str | None] = []

        def compose(_paths: Paths, engine_id: str | None) -> Desks:
            preferred.append(engine_id)
            return Desks(
                triage, devices, lambda: demo_images(tmp_path / "demo"), lambda: (triage.close(), devices.close())
            )

        program = build(app, paths, compose, theme=theme, clinic=clinic)
        one = Opened(program, triage, devices, preferred)
        opened.append(one)
        program.open(Options(images, demo=False, theme=None, screenshot=None, size=size))
        qtbot.waitUntil(lambda: bool(preferred))
        return one

    yield open_it
    for one in opened:
        one.window.close()
        one.window.deleteLater()


@pytest.fixture
def clinic_day(tmp_path: Path) -> Path:
    """A folder with four images: review now, review, low concern, and one that cannot be assessed."""
    folder = tmp_path / "day"
    folder.mkdir()
    for seed, name in enumerate(("a-m05.png", "b-m71.png", "c-blurred.png", "d-m31.png")):
        draw_lesion(folder / name, seed=seed)
    return folder


def demo_images(folder: Path) -> Path:
    """Draw two demonstration images."""
    folder.mkdir(exist_ok=True)
    draw_lesion(folder / "demo-m60.png", seed=50)
    draw_lesion(folder / "demo-m10.png", seed=51)
    return folder


@pytest.fixture
def keychain() -> MemoryKeychain:
    return MemoryKeychain()


@pytest.fixture
def at_work(qtbot: QtBot, open_window: OpenWindow, paths: Paths, keychain: MemoryKeychain) -> Callable[..., Hands]:
    """Open a window with a place for a store."""
    from tests.support.hands import Hands

    def open_it(*images: Path, **options: object) -> Hands:
        clinic = lambda: Clinic(paths.data / "store", lambda: keychain, cost=QUICK)  # noqa: E731
        hands = Hands(qtbot, open_window(*images, clinic=clinic, **options))
        hands.settle()
        return hands

    return open_it
