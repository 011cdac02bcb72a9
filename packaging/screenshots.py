"""Draws docs/screenshots: the real window with the shipped network on synthetic images, one picture per state.

`python3 tasks.py screenshots` runs it. Nothing is posed but the moment: a batch is held half-way, an engine is lost on
purpose. Lesions are drawn until the network calls one of them urgent.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
from PySide6.QtCore import QEventLoop, QTimer  # noqa: E402
from PySide6.QtGui import QImage  # noqa: E402
from PySide6.QtWidgets import QApplication, QWidget  # noqa: E402

from qana_desktop.app import Options, build, real_desks  # noqa: E402
from qana_desktop.engines.contract import BoardStatus, DeviceLost, EngineInfo, EngineState  # noqa: E402
from qana_desktop.engines.watch import BoardsChanged  # noqa: E402
from qana_desktop.services.clinic import STORE_FOLDER, Clinic  # noqa: E402
from qana_desktop.services.contract import DeviceDeskLike, TriageDeskLike  # noqa: E402
from qana_desktop.services.demo_images import LOOKS, encode_jpeg, write_demo_images  # noqa: E402
from qana_desktop.services.jobs import CancelToken, Progress  # noqa: E402
from qana_desktop.services.sources import ImageSource  # noqa: E402
from qana_desktop.services.store_state import StoreState  # noqa: E402
from qana_desktop.services.synthetic_lesions import draw_lesion  # noqa: E402
from qana_desktop.system.faults import Fault  # noqa: E402
from qana_desktop.system.paths import Paths  # noqa: E402
from qana_desktop.triage.outcome import Assessed, Reading, Triage  # noqa: E402
from qana_desktop.triage.policy import ReadingPolicy  # noqa: E402
from qana_desktop.ui.desks import Desks  # noqa: E402
from qana_desktop.ui.presenters.entries import Group  # noqa: E402
from qana_desktop.ui.shortcuts import Command  # noqa: E402
from qana_desktop.ui.views.cases import CasesPage  # noqa: E402
from qana_desktop.ui.window import MainWindow  # noqa: E402

SIZE = (1280, 800)
TRIES = 400
LOST = Fault(
    "device-lost",
    "The engine stopped answering. The image that it was reading was not assessed.",
    "Check that the device is connected, then press Try again.",
)


class StagedDesk:
    """The real desk, held after `hold_after` readings of a batch, or without its engine after `lose_after`."""

    def __init__(
        self, real: TriageDeskLike, devices: StagedDevices, *, hold_after: int | None, lose_after: int | None
    ) -> None:
        self._real, self._devices, self._hold_after, self._lose_after = real, devices, hold_after, lose_after
        self.held, self.go_on = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        """All that is not staged is the real desk's."""
        return getattr(self._real, name)

    @property
    def policy(self) -> ReadingPolicy:
        return self._real.policy

    @property
    def bundle_id(self) -> str:
        return self._real.bundle_id

    def find_images(self, paths: Iterable[Path]) -> list[ImageSource]:
        return self._real.find_images(paths)

    def read(self, source: ImageSource, *, ignore_quality: bool = False) -> Reading:
        return self._real.read(source, ignore_quality=ignore_quality)

    def display_image(self, source: ImageSource, *, longest_side: int | None = None) -> npt.NDArray[np.uint8]:
        return self._real.display_image(source, longest_side=longest_side)

    def read_all(
        self,
        sources: Iterable[ImageSource],
        *,
        on_reading: Callable[[ImageSource, Reading], None],
        report: Callable[[Progress], None],
        token: CancelToken,
        ignore_quality: bool = False,
    ) -> None:
        self._real.read_all(
            self._staged(sources), on_reading=on_reading, report=report, token=token, ignore_quality=ignore_quality
        )

    def _staged(self, sources: Iterable[ImageSource]) -> Iterator[ImageSource]:
        for done, source in enumerate(sources):
            if done == self._lose_after:
                self._devices.lose()
                raise DeviceLost(LOST)
            if done == self._hold_after:
                self.held.set()
                self.go_on.wait()
            yield source


class StagedDevices:
    """The real device desk, whose engine can be lost on purpose."""

    def __init__(self, real: DeviceDeskLike) -> None:
        self._real = real
        self._listeners: list[Callable[[EngineInfo], None]] = []
        self._lost: EngineInfo | None = None

    def engines(self) -> list[EngineInfo]:
        return self._real.engines()

    def current(self) -> EngineInfo:
        return self._lost or self._real.current()

    def choose(self, engine_id: str) -> EngineInfo:
        return self._real.choose(engine_id)

    def restart(self) -> EngineInfo:
        return self._real.restart()

    def subscribe(self, listener: Callable[[EngineInfo], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return self._real.subscribe(listener)

    def subscribe_boards(self, listener: Callable[[BoardsChanged], None]) -> Callable[[], None]:
        return self._real.subscribe_boards(listener)

    def set_clock(self, mode: str) -> EngineInfo:
        return self._real.set_clock(mode)

    def status(self) -> BoardStatus:
        return self._real.status()

    def close(self) -> None:
        self._real.close()

    def lose(self) -> None:
        """Tell that the engine is lost."""
        self._lost = replace(self._real.current(), state=EngineState.LOST, fault=LOST)
        for listener in self._listeners:
            listener(self._lost)


class Stage:
    """Opens windows on a folder and saves pictures of them."""

    def __init__(self, app: QApplication, folder: Path, target: Path) -> None:
        self._app, self._folder, self._target = app, folder, target

    @contextmanager
    def window(
        self, theme: str, *images: Path, hold_after: int | None = None, lose_after: int | None = None
    ) -> Iterator[tuple[MainWindow, StagedDesk]]:
        """Open a window that has come to rest; it is closed at the end."""
        staged: list[StagedDesk] = []

        def compose(paths: Paths, engine_id: str | None) -> Desks:
            real = real_desks(paths, engine_id or "onnx-cpu")
            devices = StagedDevices(real.devices)
            staged.append(StagedDesk(real.triage, devices, hold_after=hold_after, lose_after=lose_after))
            return replace(real, triage=staged[0], devices=devices)

        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
            paths = Paths(*(Path(home) / name for name in ("data", "config", "cache", "logs"))).make()
            clinic = Clinic(paths.data / STORE_FOLDER)  # without the computer's own keychain
            program = build(self._app, paths, compose, theme=theme, clinic=lambda: clinic)
            program.open(Options(images, demo=False, theme=None, screenshot=None, size=SIZE))
            wait_until(lambda: bool(staged) and (program.window.idle or staged[0].held.is_set()))
            for _ in range(3):
                pause()
                wait_until(lambda: program.bridge.idle)
            yield program.window, staged[0]
            staged[0].go_on.set()
            program.window.close()

    def save(self, widget: QWidget, name: str) -> None:
        """Save a picture, without an alpha channel."""
        pause()
        image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        rgb = rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)
        small = cv2.cvtColor(fewer_colours(rgb), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(self._target / f"{name}.png"), small, [cv2.IMWRITE_PNG_COMPRESSION, 9])

    # --- the states ---

    def empty(self) -> None:
        with self.window("light") as (window, _desk):
            self.save(window, "empty-light")

    def outcomes(self, theme: str) -> None:
        with self.window(theme, self._folder) as (window, _desk):
            for group in (Group.REVIEW_NOW, Group.LOW_CONCERN, Group.CANNOT_ASSESS):
                if select_first(window, group):
                    self.save(window, f"{group.value.replace('_', '-')}-{theme}")

    def batch(self) -> None:
        images = sorted(self._folder.iterdir())
        with self.window("dark", self._folder, hold_after=len(images) // 2) as (window, _desk):
            self.save(window, "batch-dark")

    def lost(self) -> None:
        missing = Path("gone.jpg")
        with self.window("light", self._folder, missing, lose_after=9) as (window, _desk):
            self.save(window, "engine-lost-light")
            window.actions_[Command.ENGINE].trigger()
            wait_until(lambda: window.idle and len(window.engines.rows) > 1)
            self.save(window.engines, "engines-light")

    def keys(self) -> None:
        with self.window("dark") as (window, _desk):
            window.actions_[Command.KEYS].trigger()
            self.save(window.sheets.keys, "keys-dark")

    def cases(self, theme: str) -> None:
        with self.window(theme, self._folder) as (window, _desk):
            page = first_run(window)
            window.actions_[Command.TRIAGE].trigger()
            select_first(window, Group.REVIEW_NOW)
            window.actions_[Command.KEEP].trigger()
            sheet = window.triage.keeper.sheet
            sheet.form.pseudonym.edit.setText("P-0192")
            sheet.form.site.setCurrentText("upper back")
            wait_until(lambda: not sheet.busy and window.idle)
            self.save(sheet, f"keep-{theme}")
            sheet.keep.click()
            wait_until(lambda: not sheet.isVisible() and window.idle)
            window.actions_[Command.KEEP_ALL].trigger()
            window.triage.keeper.sheet.keep.click()
            wait_until(lambda: not window.triage.keeper.sheet.isVisible() and window.idle)
            window.actions_[Command.CASES].trigger()
            wait_until(lambda: window.idle and page.model.rowCount() > 0)
            page.list.search.setText("p-0192")
            wait_until(lambda: window.idle and page.panel.title.text().startswith("P-0192"))
            page.list.search.clear()
            wait_until(lambda: window.idle)
            self.save(window, f"cases-{theme}")
            page.panel.show_tab(2)
            self.save(window, f"case-facts-{theme}")
            window.actions_[Command.LOCK].trigger()
            self.save(window, f"locked-{theme}")

    def scaled(self) -> None:
        with self.window("light", self._folder) as (window, _desk):
            select_first(window, Group.REVIEW_NOW)
            self.save(window, "scale-200-light")


def first_run(window: MainWindow) -> CasesPage:
    """Make a case store as a person does, with a password that is nobody's."""
    window.actions_[Command.CASES].trigger()
    page = window.deck.page(Command.CASES)
    create = page.gate.creating
    wait_until(lambda: window.idle)
    create.clinician.name.edit.setText("Clara Lindt")
    for fields in (create.clinician, create.admin):
        fields.password.edit.setText("a long password")
        fields.again.edit.setText("a long password")
    for field in (create.passphrase, create.again):
        field.edit.setText("four quiet green lamps")
    create.make.click()
    wait_until(lambda: page.gate.showing_code)
    page.gate.coding.kept.setChecked(True)
    page.gate.coding.done.click()
    wait_until(lambda: window.store.state is StoreState.OPEN and window.idle)
    return page


def fewer_colours(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Keep common colours, those of the window, and round the others to six bits: half the file, and nobody sees it."""
    packed = rgb.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    _colours, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    common = (counts > rgb.shape[0])[inverse].reshape(packed.shape)
    coarse = np.minimum(rgb.astype(np.uint16) + 2, 255).astype(np.uint8) & 0xFC
    return np.where(common[..., None], rgb, coarse).astype(np.uint8)


def select_first(window: MainWindow, group: Group) -> bool:
    """Show the first image of a group; return whether there is one."""
    found = [row for row in range(window.model.rowCount()) if window.model.entry_at(row).group is group]
    if not found:
        sys.stderr.write(f"no synthetic image is in the group {group.value}: its picture is left as it was\n")
        return False
    window.list_panel.list.setCurrentIndex(window.model.index(found[0]))
    wait_until(lambda: window.idle)
    return True


def wait_until(condition: Callable[[], bool]) -> None:
    """Run Qt's loop until `condition` holds."""
    loop, timer = QEventLoop(), QTimer()
    timer.timeout.connect(lambda: loop.quit() if condition() else None)
    timer.start(20)
    loop.exec()


def pause() -> None:
    """Let everything be laid out and painted."""
    loop = QEventLoop()
    QTimer.singleShot(300, loop.quit)
    loop.exec()


def draw_images(folder: Path) -> None:
    """Draw the demonstration images, and lesions until the network calls one urgent."""
    write_demo_images(folder)
    desks = real_desks(Paths(*(folder.parent / name for name in ("d", "c", "k", "l"))), "onnx-cpu")
    try:
        for seed in range(TRIES):
            look = replace(LOOKS[seed % len(LOOKS)], ragged=0.9, patches=0.9, veil=0.5, radius=0.3)
            data = encode_jpeg(draw_lesion(look, 5000 + seed))
            outcome = desks.triage.read(ImageSource("synthetic", data=data)).outcome
            if isinstance(outcome, Assessed) and outcome.triage is Triage.REVIEW_NOW:
                (folder / "synthetic-urgent.jpg").write_bytes(data)
                return
    finally:
        desks.close()


def main() -> int:
    """Draw all pictures, or with ``--scaled`` only the one at 200 %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("--scaled", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.target.mkdir(parents=True, exist_ok=True)
    app = QApplication([])
    if options.scaled is not None:
        Stage(app, options.scaled, options.target).scaled()
        return 0
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "images"
        draw_images(folder)
        stage = Stage(app, folder, options.target)
        stage.empty()
        for theme in ("light", "dark"):
            stage.outcomes(theme)
            stage.cases(theme)
        stage.batch()
        stage.lost()
        stage.keys()
        again = [sys.executable, __file__, "--target", str(options.target), "--scaled", str(folder)]
        return subprocess.run(again, env={**os.environ, "QT_SCALE_FACTOR": "2"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
