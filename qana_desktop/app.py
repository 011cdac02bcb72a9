"""The window's composition root: makes every object once, paints first, starts the engine after, ends all in order."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qana_desktop import __version__

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from qana_desktop.services.clinic import Clinic
    from qana_desktop.services.session_stats import SessionStats
    from qana_desktop.system.paths import Paths
    from qana_desktop.ui.bridge import Bridge
    from qana_desktop.ui.desks import Desks
    from qana_desktop.ui.presenters.notices import Notice
    from qana_desktop.ui.window import MainWindow

Compose = Callable[["Paths", str | None], "Desks"]

LOOK_MS, QUIET_LOOKS = 50, 4
"""A picture is taken when this many looks in a row, so many milliseconds apart, find nothing under way."""

PATIENCE_S = 10.0
"""How long the end of the program waits for work that is under way, in seconds."""


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    paths: tuple[Path, ...]
    demo: bool
    theme: str | None
    screenshot: Path | None
    size: tuple[int, int] | None
    tour: bool = False


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line; prints and exits for ``--help``, ``--version`` and wrong options. Loads no Qt."""
    parser = argparse.ArgumentParser(
        prog="qana-desktop-window",
        description="Triage of dermoscopic images. Research use, decision support for trained clinicians, "
        "not a medical device.",
    )
    parser.add_argument("paths", nargs="*", type=Path, help="image files and folders to open")
    parser.add_argument("--demo", action="store_true", help="open synthetic images drawn by the program")
    themes = ("system", "light", "dark", "contrast")
    parser.add_argument("--theme", choices=themes, help="look of the window, for this time")
    parser.add_argument("--screenshot", type=Path, metavar="FILE", help="write a picture of the window, then end")
    parser.add_argument("--size", type=_size, metavar="WxH", help="size of the window in pixels")
    parser.add_argument("--version", action="version", version=f"QANA Desktop {__version__}")
    found = parser.parse_args(arguments)
    return Options(tuple(found.paths), found.demo, found.theme, found.screenshot, found.size, found.screenshot is None)


def _size(text: str) -> tuple[int, int]:
    width, _x, height = text.partition("x")
    try:
        return int(width), int(height)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write it like 1440x900") from None


class Starter:
    """Makes the desks in a worker, once, and ends them, whichever comes first: the window or the desks."""

    def __init__(self, compose: Callable[[], Desks]) -> None:
        self._compose = compose
        self._lock = threading.Lock()
        self._desks: Desks | None = None
        self._ended = False

    def start(self) -> tuple[Desks, SessionStats]:
        """Make the desks; desks that arrive after `end` are closed at once. For a worker."""
        from qana_desktop.services.session_stats import SessionStats

        desks = self._compose()
        with self._lock:
            self._desks = desks
            late = self._ended
        if late:
            desks.close()
        return desks, SessionStats()

    def end(self) -> None:
        """Close the desks, now or when they arrive."""
        with self._lock:
            self._ended = True
            desks = self._desks
        if desks is not None:
            desks.close()


@dataclass
class Program:
    """All that lives as long as the window, and the order of its end."""

    app: QApplication
    window: MainWindow
    bridge: Bridge
    starter: Starter
    close_store: Callable[[], None]
    after: Callable[[], None]
    ended: bool = False

    def open(self, options: Options) -> None:
        """Show the window; when it has been painted, start the engine and open what was asked for."""
        from PySide6.QtCore import QTimer

        self.window.closing.connect(self.end)
        if options.size is not None:
            self.window.resize(*options.size)
        self.window.show()
        QTimer.singleShot(0, self.window, lambda: self._begin(options))

    def end(self) -> None:
        """Stop in order: no more results, no more children, no more threads. Safe to call twice."""
        if self.ended:
            return
        self.ended = True
        self.window.hide()
        self.bridge.close()
        self.starter.end()
        self.window.batch.join(PATIENCE_S)
        self.bridge.join(PATIENCE_S)
        self.close_store()
        self.after()

    def _begin(self, options: Options) -> None:
        def attach(made: tuple[Desks, SessionStats]) -> None:
            self.window.attach(*made)
            if options.demo:
                self.window.open_demo()

        self.bridge.run("start", self.starter.start, attach, self.window.starting_failed)
        self.window.open_store(self.app)
        if options.tour:
            self.window.start_first_tour()
        if options.paths:
            self.window.open_paths(options.paths)
        if options.screenshot is not None:
            self._shoot_when_idle(options.screenshot)

    def _shoot_when_idle(self, target: Path) -> None:
        """Save a picture of the window once everything has arrived, and close it."""
        from PySide6.QtCore import QTimer

        timer = QTimer(self.window)
        quiet = 0

        def look() -> None:
            nonlocal quiet
            quiet = quiet + 1 if self.window.idle else 0
            if quiet > QUIET_LOOKS:
                timer.stop()
                saved = self.window.grab().save(str(target))
                self.window.close()
                if not saved:
                    sys.stderr.write(f"The picture could not be written to {target}.\n")
                    self.app.exit(1)

        timer.timeout.connect(look)
        timer.start(LOOK_MS)


def build(
    app: QApplication,
    paths: Paths,
    compose: Compose,
    *,
    theme: str | None = None,
    clinic: Callable[[], Clinic] | None = None,
) -> Program:
    """Make and join the objects of one window; nothing is shown and nothing runs yet. Without a clinic, no store."""
    from qana_desktop.system.crash import CrashRecorder
    from qana_desktop.ui.bridge import Bridge
    from qana_desktop.ui.errors import BugReporter, crash_notice
    from qana_desktop.ui.settings import WindowSettings
    from qana_desktop.ui.speaking import speak
    from qana_desktop.ui.theme.manager import Theme, ThemeChoice
    from qana_desktop.ui.window import MainWindow

    recorder = CrashRecorder(paths.logs)
    earlier = recorder.pending()
    recorder.dismiss()
    reporter = BugReporter(recorder)
    settings = WindowSettings(paths.config)
    speak(app, settings.language)
    bridge = Bridge(reporter.report)
    look = Theme(app, ThemeChoice(theme) if theme else settings.theme, scale=settings.scale)
    window = MainWindow(look, bridge, settings, clinic)
    reporter.attach(window)
    if (notice := crash_notice(earlier)) is not None:
        window.show_notice(notice)
    starter = Starter(lambda: compose(paths, settings.engine))
    return Program(app, window, bridge, starter, window.store.close, reporter.detach)


def real_desks(paths: Paths, engine_id: str | None) -> Desks:
    """Make the desks of the installed program. Loads the engines' libraries: for a worker, after the first paint."""
    from qana_desktop.engines.contract import EngineError
    from qana_desktop.engines.registry import AUTO
    from qana_desktop.services.composition import open_desks
    from qana_desktop.services.demo_images import write_demo_images
    from qana_desktop.ui.desks import Desks

    def demo() -> Path:
        folder = paths.data / "demo-images"
        write_demo_images(folder)
        return folder

    ending, fault = ExitStack(), None
    try:
        made = ending.enter_context(open_desks(engine=engine_id or AUTO))
    except EngineError as error:
        fault = error.fault
        made = ending.enter_context(open_desks(engine=None))
    return Desks(made.triage, made.device, demo, ending.close, fault, made.passed_over)


def real_clinic(paths: Paths) -> Clinic:
    """Make the clinic of the installed program. Loads the database: for a worker, after the first paint."""
    from qana_desktop.services.clinic import STORE_FOLDER, Clinic, usual_keychain

    return Clinic(paths.data / STORE_FOLDER, usual_keychain)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the window; returns the exit status."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    # From 1.29 on ONNX Runtime sends telemetry unless told not to, before it is imported, in children too.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    from PySide6.QtWidgets import QApplication

    from qana_desktop.system.crash import CrashRecorder
    from qana_desktop.system.logs import close_log, open_log
    from qana_desktop.system.paths import find_paths
    from qana_desktop.ui.interrupts import Interrupts

    with ExitStack() as ending:
        paths, notice = usable_folders(find_paths(), ending)
        ending.callback(close_log, open_log(paths.logs))
        app = QApplication(sys.argv[:1])
        program = build(app, paths, real_desks, theme=options.theme, clinic=lambda: real_clinic(paths))
        if notice is not None:
            program.window.show_notice(notice)
        recorder = CrashRecorder(paths.logs)
        recorder.install()
        ending.callback(recorder.close)
        interrupts = Interrupts()
        ending.callback(interrupts.end)
        interrupts.asked.connect(program.window.close)
        program.open(options)
        return int(app.exec())


def usable_folders(paths: Paths, ending: ExitStack) -> tuple[Paths, Notice | None]:
    """Make the program's folders. Where that is not allowed, return folders that end with `ending`, and what to tell.

    Raises OSError when there is not even room for these.
    """
    from tempfile import TemporaryDirectory, TemporaryFile

    from qana_desktop.system.paths import HOME_VARIABLE, find_paths
    from qana_desktop.ui.presenters.notices import Notice, Tone
    from qana_desktop.ui.texts import tr

    try:
        paths.make()
        for folder in (paths.config, paths.logs):
            TemporaryFile(dir=folder).close()  # a folder that is there may still be read-only
    except OSError as error:
        instead = ending.enter_context(TemporaryDirectory(prefix="qana-desktop-", ignore_cleanup_errors=True))
        text = tr(
            "The program's own folder cannot be written: {why}. Images are read as usual; settings and the log are "
            "forgotten when the window closes. Make the folder writable, or set {variable} to one that is.",
            why=error.strerror or type(error).__name__,
            variable=HOME_VARIABLE,
        )
        return find_paths({HOME_VARIABLE: instead}).make(), Notice("folders", Tone.WARNS, text)
    return paths, None


if __name__ == "__main__":
    sys.exit(main())
