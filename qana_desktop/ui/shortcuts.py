"""Every command of the window: its name, its keys, what it does. One table feeds menu, tooltips and the keys sheet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from qana_desktop.system.language import N_
from qana_desktop.ui.texts import tr


class Command(StrEnum):
    """Ids of the commands; stable, for settings."""

    OPEN = "open"
    FOLDER = "folder"
    PASTE = "paste"
    DEMO = "demo"
    CAMERA = "camera"
    NEXT = "next"
    PREVIOUS = "previous"
    FIT = "fit"
    ONE_TO_ONE = "one-to-one"
    ZOOM_IN = "zoom-in"
    ZOOM_OUT = "zoom-out"
    ROTATE = "rotate"
    COMPARE = "compare"
    HEAT_MAP = "heat-map"
    ADJUST = "adjust"
    AS_TAKEN = "as-taken"
    RULER = "ruler"
    WHOLE_IMAGE = "whole-image"
    IMAGE_WINDOW = "image-window"
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
    HELP = "help"
    TOUR = "tour"
    SETTINGS = "settings"
    TRIAGE = "triage"
    CASES = "cases"
    LEARNING = "learning"
    PERFORMANCE = "performance"
    MODEL = "model"
    KEEP = "keep"
    KEEP_ALL = "keep-all"
    UNDO = "undo"
    REDO = "redo"
    SIGN = "sign"
    BODY_MAP = "body-map"
    BACK_UP = "back-up"
    LOCK = "lock"
    SWITCH_USER = "switch-user"
    PEOPLE = "people"
    REPORT = "report"
    QUIT = "quit"


class Chapter(StrEnum):
    """Groups of the keys sheet."""

    IMAGES = N_("Images")
    VIEW = N_("View")
    READING = N_("Reading")
    CASES = N_("Cases")
    PROGRAM = N_("Program")


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
    return [*_images(), *_view(), *_tools(), *_reading(), *_cases(), *_program()]


def _images() -> list[Shortcut]:
    c = Chapter.IMAGES
    return [
        Shortcut(Command.OPEN, c, tr("Open"), tr("Open image files and read them"), ("Ctrl+O",), "open"),
        Shortcut(
            Command.FOLDER, c, tr("Folder"), tr("Open a folder and read all images in it"), ("Ctrl+Shift+O",), "folder"
        ),
        Shortcut(
            Command.CAMERA, c, tr("Camera"), tr("Take an image with a dermatoscope or a camera"), ("Ctrl+D",), "camera"
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
        Shortcut(Command.WORKLIST, c, tr("Worklist panel"), tr("Show or hide the worklist"), ("F8",), "panel-left"),
        Shortcut(Command.READING, c, tr("Reading panel"), tr("Show or hide the reading"), ("F9",), "panel-right"),
        Shortcut(Command.FULL_SCREEN, c, tr("Full screen"), tr("Use the whole screen, or no longer"), ("F11",)),
    ]


def _tools() -> list[Shortcut]:
    c = Chapter.VIEW
    return [
        Shortcut(
            Command.COMPARE,
            c,
            tr("Compare"),
            tr("Lay an earlier image beside this one; Space flickers"),
            ("C",),
            "compare",
        ),
        Shortcut(Command.HEAT_MAP, c, tr("Heat-map"), tr("Show where the answer came from"), ("H",), "heat"),
        Shortcut(
            Command.RULER, c, tr("Ruler"), tr("Measure; in millimetres where the scale is known"), ("M",), "ruler"
        ),
        Shortcut(
            Command.ADJUST,
            c,
            tr("Brightness and colour"),
            tr("Change how the image looks on this screen"),
            ("B",),
            "adjust",
        ),
        Shortcut(Command.AS_TAKEN, c, tr("As taken"), tr("Show the image as it was taken"), ("0",)),
        Shortcut(
            Command.WHOLE_IMAGE, c, tr("Image on the whole screen"), tr("The image alone; Esc leaves"), ("Shift+F",)
        ),
        Shortcut(
            Command.IMAGE_WINDOW, c, tr("Image in a window"), tr("On a second screen, if there is one"), ("Shift+W",)
        ),
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


def _cases() -> list[Shortcut]:
    c = Chapter.CASES
    return [
        Shortcut(
            Command.KEEP, c, tr("Keep"), tr("Keep this image and its reading in the case store"), ("Ctrl+S",), "keep"
        ),
        Shortcut(Command.KEEP_ALL, c, tr("Keep all"), tr("Keep all images that were read"), ("Ctrl+Shift+S",), "keep"),
        Shortcut(
            Command.BODY_MAP, c, tr("Body map"), tr("Show all lesions of this patient on a figure"), ("Ctrl+B",), "body"
        ),
        Shortcut(Command.SIGN, c, tr("Sign off"), tr("Answer for this case as it stands"), ("Ctrl+Return",), "sign"),
        Shortcut(Command.UNDO, c, tr("Undo"), tr("Take back your last change in the case store"), ("Ctrl+Z",), "undo"),
        Shortcut(Command.REDO, c, tr("Redo"), tr("Do again what was taken back"), ("Ctrl+Shift+Z", "Ctrl+Y"), "redo"),
        Shortcut(Command.BACK_UP, c, tr("Back up now"), tr("Copy the case store and read the copy back"), ()),
        Shortcut(Command.LOCK, c, tr("Lock"), tr("Cover everything until the password is given"), ("Ctrl+L",), "lock"),
        Shortcut(
            Command.SWITCH_USER, c, tr("Switch user"), tr("Sign out, so that someone else can sign in"), (), "user"
        ),
        Shortcut(Command.PEOPLE, c, tr("People"), tr("Who may sign in to the case store, and as what"), (), "user"),
        Shortcut(Command.REPORT, c, tr("Report"), tr("Report of this case: look, print, save as PDF"), ("Ctrl+P",)),
    ]


def _pages() -> list[Shortcut]:
    c = Chapter.PROGRAM
    return [
        Shortcut(Command.TRIAGE, c, tr("Triage"), tr("Read images and see them in order of urgency"), ("Ctrl+1",)),
        Shortcut(Command.CASES, c, tr("Cases"), tr("The cases that are kept on this computer"), ("Ctrl+2",)),
        Shortcut(Command.LEARNING, c, tr("Learning"), tr("Let the network learn from proven cases"), ("Ctrl+3",)),
        Shortcut(Command.PERFORMANCE, c, tr("Performance"), tr("What the network did in this clinic"), ("Ctrl+4",)),
        Shortcut(Command.MODEL, c, tr("Model"), tr("The network in use: card, evaluation, limits"), ("Ctrl+5",)),
    ]


def _program() -> list[Shortcut]:
    c = Chapter.PROGRAM
    return [
        *_pages(),
        Shortcut(Command.THEME, c, tr("Dark or light"), tr("Change between dark and light"), ("Ctrl+T",), "theme"),
        Shortcut(Command.SETTINGS, c, tr("Settings"), tr("Look, language, habits and keys"), ("Ctrl+,",), "settings"),
        Shortcut(Command.KEYS, c, tr("Keys"), tr("Show all keys, and change them"), ("F1",), "keys"),
        Shortcut(Command.HELP, c, tr("Help"), tr("Short texts about the work with this program"), ("F2",), "question"),
        Shortcut(Command.TOUR, c, tr("Tour"), tr("Show the parts of the window, one after the other"), ()),
        Shortcut(Command.QUIT, c, tr("Quit"), tr("Close the program"), ("Ctrl+Q",), "quit"),
    ]
