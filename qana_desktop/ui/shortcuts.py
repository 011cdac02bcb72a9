"""Every command of the window: its name, its keys, what it does. One table feeds menu, tooltips and the keys sheet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from qana_desktop.ui.texts import tr


class Command(StrEnum):
    """Ids of the commands; stable, for settings."""

    OPEN = "open"
    FOLDER = "folder"
    PASTE = "paste"
    DEMO = "demo"
    NEXT = "next"
    PREVIOUS = "previous"
    FIT = "fit"
    ONE_TO_ONE = "one-to-one"
    ZOOM_IN = "zoom-in"
    ZOOM_OUT = "zoom-out"
    ROTATE = "rotate"
    SEARCH = "search"
    ENGINE = "engine"
    READ_UNREAD = "read-unread"
    READ_ANYWAY = "read-anyway"
    CANCEL = "cancel"
    DETAILS = "details"
    WORKLIST = "worklist"
    READING = "reading"
    FULL_SCREEN = "full-screen"
    THEME = "theme"
    KEYS = "keys"
    QUIT = "quit"


class Chapter(StrEnum):
    """Groups of the keys sheet."""

    IMAGES = "Images"
    VIEW = "View"
    READING = "Reading"
    PROGRAM = "Program"


@dataclass(frozen=True)
class Shortcut:
    """One command. `keys` in Qt's portable text, the first is shown; `icon` names a file of assets/icons, or is ""."""

    command: Command
    chapter: Chapter
    text: str
    hint: str
    keys: tuple[str, ...]
    icon: str = ""


def shortcut_table() -> list[Shortcut]:
    """Return all commands with their default keys, in the order of the keys sheet."""
    return [*_images(), *_view(), *_reading(), *_program()]


def _images() -> list[Shortcut]:
    c = Chapter.IMAGES
    return [
        Shortcut(Command.OPEN, c, tr("Open"), tr("Open image files and read them"), ("Ctrl+O",), "open"),
        Shortcut(
            Command.FOLDER, c, tr("Folder"), tr("Open a folder and read all images in it"), ("Ctrl+Shift+O",), "folder"
        ),
        Shortcut(Command.PASTE, c, tr("Paste"), tr("Read an image or files from the clipboard"), ("Ctrl+V",), "paste"),
        Shortcut(
            Command.DEMO, c, tr("Demonstration images"), tr("Open synthetic images drawn by the program"), (), "sample"
        ),
        Shortcut(Command.NEXT, c, tr("Next image"), tr("Show the next image of the list"), ("J", "Down")),
        Shortcut(Command.PREVIOUS, c, tr("Previous image"), tr("Show the image before in the list"), ("K", "Up")),
        Shortcut(Command.SEARCH, c, tr("Search"), tr("Search the list by name"), ("Ctrl+F",), "search"),
    ]


def _view() -> list[Shortcut]:
    c = Chapter.VIEW
    return [
        Shortcut(Command.FIT, c, tr("Fit"), tr("Show the whole image"), ("F",), "fit"),
        Shortcut(Command.ONE_TO_ONE, c, tr("1:1"), tr("One image pixel on one screen pixel"), ("1",), "one-to-one"),
        Shortcut(Command.ZOOM_IN, c, tr("Zoom in"), tr("Enlarge, or turn the wheel"), ("+", "="), "zoom-in"),
        Shortcut(Command.ZOOM_OUT, c, tr("Zoom out"), tr("Make smaller, or turn the wheel"), ("-",), "zoom-out"),
        Shortcut(
            Command.ROTATE, c, tr("Rotate"), tr("Turn the view by a quarter; the reading stays"), ("R",), "rotate"
        ),
        Shortcut(Command.WORKLIST, c, tr("Worklist panel"), tr("Show or hide the worklist"), ("Ctrl+1",), "panel-left"),
        Shortcut(Command.READING, c, tr("Reading panel"), tr("Show or hide the reading"), ("Ctrl+2",), "panel-right"),
        Shortcut(Command.FULL_SCREEN, c, tr("Full screen"), tr("Use the whole screen, or no longer"), ("F11",)),
    ]


def _reading() -> list[Shortcut]:
    c = Chapter.READING
    return [
        Shortcut(Command.ENGINE, c, tr("Engines"), tr("See all engines and choose one"), ("Ctrl+E",), "engine"),
        Shortcut(
            Command.READ_UNREAD, c, tr("Read unread"), tr("Read the images that are unread"), ("Ctrl+R",), "retry"
        ),
        Shortcut(
            Command.READ_ANYWAY,
            c,
            tr("Read anyway"),
            tr("Read this image against the quality check; the result is marked"),
            ("Ctrl+Shift+R",),
        ),
        Shortcut(Command.CANCEL, c, tr("Cancel"), tr("Stop reading after the present image"), ("Esc",), "close"),
        Shortcut(
            Command.DETAILS, c, tr("Time and energy"), tr("Show what took how long, and the energy"), ("I",), "info"
        ),
    ]


def _program() -> list[Shortcut]:
    c = Chapter.PROGRAM
    return [
        Shortcut(Command.THEME, c, tr("Dark or light"), tr("Change between dark and light"), ("Ctrl+T",), "theme"),
        Shortcut(Command.KEYS, c, tr("Keys"), tr("Show all keys"), ("F1",), "keys"),
        Shortcut(Command.QUIT, c, tr("Quit"), tr("Close the program"), ("Ctrl+Q",), "quit"),
    ]
