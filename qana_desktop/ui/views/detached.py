"""The image in a window of its own: on the whole screen, or on a second one; it follows the selection."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence, QScreen, QShortcut
from PySide6.QtWidgets import QVBoxLayout, QWidget

from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.views.canvas import ImageCanvas
from qana_desktop.ui.widgets.labels import ElidedLabel


class ImageWindow(QWidget):
    """Shows what another canvas shows, with what lies on it, at a zoom of its own. `closed` is sent when it goes."""

    closed = Signal()

    def __init__(self, theme: Theme, leader: ImageCanvas, parent: QWidget, actions: Sequence[QAction] = ()) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self._theme, self._leader = theme, leader
        self.setWindowTitle(tr("Image"))
        self.setAccessibleName(tr("Image in a window of its own"))
        self.canvas = ImageCanvas(theme)
        self.canvas.layers = leader.layers
        self.caption = ElidedLabel(theme)
        self.caption.setContentsMargins(3 * theme.unit, theme.unit, 3 * theme.unit, theme.unit)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self.caption)
        self.addActions(list(actions))
        self._keys()
        leader.pictured.connect(self._follow)
        leader.restyled.connect(self._look_alike)
        parent.installEventFilter(self)

    def show_on(self, screen: QScreen, *, whole: bool) -> None:
        """Open on a screen: over all of it, or as a window that can be moved."""
        self.setScreen(screen)
        room = screen.availableGeometry()
        self.resize(room.size() * 0.7)
        self.move(room.center() - self.rect().center())
        self.showFullScreen() if whole else self.showNormal()
        self.raise_()
        self.activateWindow()
        self._follow()
        self._look_alike()
        self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def _keys(self) -> None:
        canvas = self.canvas
        keys: dict[str, Callable[[], None]] = {
            "F": canvas.fit,
            "1": canvas.one_to_one,
            "+": canvas.zoom_in,
            "=": canvas.zoom_in,
            "-": canvas.zoom_out,
            "R": canvas.rotate,
            "F11": self._whole_or_not,
            "Esc": self._close,
        }
        for key, run in keys.items():
            QShortcut(QKeySequence(key), self).activated.connect(run)

    def _follow(self) -> None:
        leader = self._leader
        if self.isVisible():
            self.canvas.show_picture(leader.picture, leader.label, leader.message)
            self.caption.say(leader.label, tr("{name}. F11: whole screen or not. Esc: close.", name=leader.label))

    def _look_alike(self) -> None:
        self.canvas.adjust(self._leader.adjustment)

    def _whole_or_not(self) -> None:
        self.showNormal() if self.isFullScreen() else self.showFullScreen()

    def _close(self) -> None:
        self.close()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Go with the window that it belongs to."""
        if event.type() is QEvent.Type.Close:
            self.close()
        return super().eventFilter(watched, event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Tell that it goes."""
        super().closeEvent(event)
        self.closed.emit()


def other_screen(window: QWidget, screens: Sequence[QScreen]) -> QScreen | None:
    """Return a screen that `window` is not on; None when there is but one."""
    return next((screen for screen in screens if screen is not window.screen()), None)
