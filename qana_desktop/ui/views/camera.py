"""The camera in a window of its own: live, held, taken. What is taken goes where opened images go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from qana_desktop.ui.pictures import Picture, to_image
from qana_desktop.ui.presenters.camera import CameraDeskLike, CameraPresenter, CameraState, Phase
from qana_desktop.ui.presenters.runner import Runner
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.views.canvas import ImageCanvas
from qana_desktop.ui.widgets.chooser import Chooser
from qana_desktop.ui.widgets.flow import FlowLayout
from qana_desktop.ui.widgets.labels import TextLabel

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qana_desktop.intake.camera import Camera


class CameraDialog(QDialog):
    """Keeps `CameraView`. `taken` carries the bytes of a PNG file. The camera runs only while this is visible."""

    taken = Signal(bytes)

    def __init__(self, theme: Theme, parent: QWidget | None, runner: Runner, desk: CameraDeskLike) -> None:
        super().__init__(parent)
        self._theme = theme
        self._live = False
        self.presenter = CameraPresenter(self, runner, desk)
        self.setWindowTitle(tr("Camera"))
        self.setAccessibleName(tr("Camera"))
        self.canvas = ImageCanvas(theme)
        self.canvas.setAccessibleName(tr("Picture of the camera"))
        self.sentence = TextLabel(theme)
        self.which = Chooser()
        self.which.setAccessibleName(tr("Camera"))
        self.which.setToolTip(tr("Choose the camera"))
        self.which.setSizeAdjustPolicy(Chooser.SizeAdjustPolicy.AdjustToContents)
        self.again = self._button(tr("Look again"), tr("Look for cameras again"))
        self.hold = self._button(tr("Hold"), tr("Hold the picture, or go on live (Space)"))
        self.take = self._button(tr("Take"), tr("Take the picture that is shown and read it (Enter)"))
        self.take.setProperty("role", "primary")
        self.leave = self._button(tr("Close"), tr("Let the camera go (Esc)"))
        self._lay_out(theme.unit)
        self.again.clicked.connect(self.presenter.look)
        self.hold.clicked.connect(self.presenter.hold)
        self.take.clicked.connect(self.presenter.take)
        self.leave.clicked.connect(self.close)
        self.which.activated.connect(lambda index: self.presenter.choose(self.which.itemData(index)))
        if parent is not None:
            parent.window().installEventFilter(self)

    def sizeHint(self) -> QSize:
        """Return a size at which a lesion is well seen."""
        return QSize(200 * self._theme.unit, 170 * self._theme.unit)

    def _button(self, text: str, hint: str) -> QPushButton:
        button = QPushButton(text)
        button.setAccessibleName(text)
        button.setToolTip(hint)
        button.setAutoDefault(False)
        return button

    def _lay_out(self, unit: int) -> None:
        bar = QWidget()
        bar.setObjectName("canvasBar")
        bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        room = QVBoxLayout(bar)
        room.setContentsMargins(3 * unit, 2 * unit, 3 * unit, 2 * unit)
        room.setSpacing(2 * unit)
        flow = FlowLayout(spacing=2 * unit)
        for part in (self.which, self.again, self.hold, self.take, self.leave):
            flow.addWidget(part)
        words = QHBoxLayout()
        words.addWidget(self.sentence, 1)
        room.addLayout(words)
        room.addLayout(flow)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(bar)

    # --- what the presenter tells ---

    def show_cameras(self, cameras: Sequence[Camera]) -> None:
        """Fill the list."""
        self.which.clear()
        for camera in cameras:
            self.which.addItem(camera.name, camera.id)
        self.which.setVisible(bool(cameras))

    def show_state(self, state: CameraState) -> None:
        """Show the sentence, and what can be done."""
        self.sentence.say(state.sentence)
        self.sentence.setVisible(state.can_hold)  # without a picture the sentence stands in its place
        self.hold.setEnabled(state.can_hold)
        self.take.setEnabled(state.can_take)
        self.hold.setText(tr("Go on live") if state.phase is Phase.HELD else tr("Hold"))
        self.hold.setAccessibleName(self.hold.text())
        if state.phase not in (Phase.LIVE, Phase.HELD):
            self._live = False
            self.canvas.show_picture(None, tr("Camera"), state.sentence)

    def show_frame(self, rgb: npt.NDArray[np.uint8]) -> None:
        """Show a frame, at the zoom that a person chose."""
        picture = Picture((to_image(rgb),))
        if self._live:
            self.canvas.replace_picture(picture)
        else:
            self.canvas.show_picture(picture, tr("Camera"))
            self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)
        self._live = True

    def image_taken(self, data: bytes) -> None:
        """Hand it on."""
        self.taken.emit(data)

    # --- Qt ---

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space holds, Enter takes, as long as no button has the focus."""
        if event.key() == Qt.Key.Key_Space:
            self.presenter.hold()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.presenter.take()
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """Look for cameras when it opens."""
        super().showEvent(event)
        if not event.spontaneous():
            self.presenter.look()

    def hideEvent(self, event: QHideEvent) -> None:
        """Let the camera go when nobody sees its picture: closed, locked, or behind a cover."""
        super().hideEvent(event)
        if not event.spontaneous():
            self.presenter.leave()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Let the camera go."""
        self.presenter.leave()
        super().closeEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Go with the window that it belongs to."""
        if event.type() is QEvent.Type.Close:
            self.close()
        return super().eventFilter(watched, event)
