"""What may lie on an image, and what may take its clicks and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter

if TYPE_CHECKING:
    from qana_desktop.ui.views.canvas import ImageCanvas


class Layer(Protocol):
    """Something drawn on the image."""

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """Draw in the canvas' own coordinates; `canvas.to_screen()` leads there from image pixels."""
        ...


class Tool(Protocol):
    """Something that takes clicks and keys before the canvas does; each method returns whether it took the event."""

    def pressed(self, event: QMouseEvent) -> bool:
        """A mouse button was pressed."""
        ...

    def hovered(self, event: QMouseEvent) -> bool:
        """The mouse moved."""
        ...

    def key(self, event: QKeyEvent) -> bool:
        """A key was pressed. Asked twice: also before the window's own keys, with an event of ShortcutOverride."""
        ...
