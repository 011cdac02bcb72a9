"""Line icons from assets/icons, tinted with the colour of the text beside them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from qana_desktop.system.resources import assets_dir


class _LineIcon(QIconEngine):
    """Draws one SVG at any size; ``currentColor`` in the file becomes the tint."""

    def __init__(self, svg: str, colour: str, muted: str) -> None:
        super().__init__()
        self._svg, self._colour, self._muted = svg, colour, muted

    def paint(self, painter: QPainter, rect: object, mode: QIcon.Mode, state: QIcon.State) -> None:
        colour = self._muted if mode is QIcon.Mode.Disabled else self._colour
        renderer = QSvgRenderer(QByteArray(self._svg.replace("currentColor", colour).encode()))
        renderer.render(painter, QRectF(rect))  # type: ignore[call-overload]

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        with QPainter(pixmap) as painter:
            self.paint(painter, pixmap.rect(), mode, state)
        return pixmap

    def clone(self) -> QIconEngine:
        return _LineIcon(self._svg, self._colour, self._muted)


class Icons:
    """The set. Files are read once per name; icons are made per tint."""

    def __init__(self, colour: str, muted: str) -> None:
        self._colour, self._muted = colour, muted
        self._svgs: dict[str, str] = {}

    @cached_property
    def _folder(self) -> Path:
        return assets_dir() / "icons"

    def retint(self, colour: str, muted: str) -> None:
        """Use other colours for the icons that are asked for from now on."""
        self._colour, self._muted = colour, muted

    def get(self, name: str) -> QIcon:
        """Return the icon ``assets/icons/<name>.svg``; raises OSError when it is not shipped."""
        if name not in self._svgs:
            self._svgs[name] = (self._folder / f"{name}.svg").read_text(encoding="utf-8")
        return QIcon(_LineIcon(self._svgs[name], self._colour, self._muted))


def app_icon() -> QIcon:
    """Return the program's own icon, in its own colours."""
    renderer = QSvgRenderer(str(assets_dir() / "qana-desktop.svg"))
    icon = QIcon()
    for side in (16, 24, 32, 48, 64, 128, 256):
        pixmap = QPixmap(side, side)
        pixmap.fill(Qt.GlobalColor.transparent)
        with QPainter(pixmap) as painter:
            renderer.render(painter)
        icon.addPixmap(pixmap)
    return icon
