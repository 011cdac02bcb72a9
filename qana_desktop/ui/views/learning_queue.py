"""Left half of the Learning page: the proposed cases, the image of the chosen one, and what a second person says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from qana_desktop.ui.presenters.learning import LearningView, QueueLine
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import TITLE, Theme
from qana_desktop.ui.widgets.forms import NoteField, button, check, named
from qana_desktop.ui.widgets.labels import TextLabel, hairline


class LearningQueue(QWidget):
    """Shows the queue and says what a person pressed."""

    propose_pressed = Signal(bool)
    preview_pressed = Signal()
    picture_wanted = Signal(str)
    confirmed = Signal(str, bool, str)
    withdrawn = Signal(str, str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._lines: tuple[QueueLine, ...] = ()
        self._busy = self._can_propose = False
        layout = QVBoxLayout(self)
        margin = 4 * theme.unit
        layout.setContentsMargins(margin, margin, margin, margin)
        layout.setSpacing(2 * theme.unit)
        self._layout = layout
        self._proven_part()
        layout.addWidget(hairline())
        self._queue_part()
        self._case_part()
        self._refresh()

    def show_view(self, view: LearningView) -> None:
        """Show how things stand; the chosen case stays chosen."""
        self._can_propose = view.can_propose
        self.proven.say(view.proven)
        self.queue_title.say(view.queue_title)
        self.ready.say(view.ready)
        self._fill(view.queue)
        self._refresh()

    def show_busy(self, busy: bool) -> None:
        """Take nothing while something long runs."""
        self._busy = busy
        self._refresh()

    def show_picture(self, picture: str, pixels: npt.NDArray[np.uint8] | None, why: str) -> None:
        """Show the image of the chosen case; a late one of another case is dropped."""
        line = self.chosen
        if line is None or line.picture != picture:
            return
        self.image.setText(why)
        if pixels is not None:
            self.image.setPixmap(to_pixmap(pixels, self._image_side()))

    @property
    def chosen(self) -> QueueLine | None:
        """The case that is chosen."""
        row = self.list.currentRow()
        return self._lines[row] if 0 <= row < len(self._lines) else None

    # --- building

    def _proven_part(self) -> None:
        self.proven = self._label()
        self.consent = check(
            tr("The patients agreed that these images may be learnt from"),
            tr("Without this consent no case is proposed"),
        )
        self.consent.toggled.connect(lambda _on: self._refresh())
        self.preview = button(
            tr("What would they change?"),
            tr("Train a copy with these cases, show what changes, and keep nothing"),
            self.preview_pressed.emit,
        )
        self.propose = button(
            tr("Propose these cases"),
            tr("Put them into the queue: each is checked for quality, kind, and whether it is there already"),
            lambda: self.propose_pressed.emit(self.consent.isChecked()),
            role="primary",
        )
        self._layout.addWidget(self.consent)
        self._row(self.propose, self.preview)

    def _queue_part(self) -> None:
        self.queue_title = self._label(TITLE, bold=True)
        self.ready = self._label(role="muted")
        self.list = QListWidget()
        named(self.list, tr("Proposed cases"), tr("Cases that were proposed for learning"))
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.list.currentRowChanged.connect(lambda _row: self._chosen())
        self._layout.addWidget(self.list, 1)

    def _case_part(self) -> None:
        self.image = QLabel()
        self.image.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.image.setWordWrap(True)
        self.image.setMinimumHeight(self._image_side())
        named(self.image, tr("Image of the case"))
        self._layout.addWidget(self.image)
        self.note = NoteField(self._theme, tr("Note or reason"), tr("Kept with what you decide"), lines=1)
        self.note.edit.textChanged.connect(self._refresh)
        self._layout.addWidget(self.note)
        self.agree = button(
            tr("The diagnosis holds"), tr("Confirm as the second person"), lambda: self._say(True), role="primary"
        )
        self.disagree = button(
            tr("It does not hold"), tr("Take the case out: nothing is learnt from it"), lambda: self._say(False)
        )
        self.withdraw = button(
            tr("Withdraw"), tr("Take the case back; a reason is needed, and it can be done at any time"), self._withdraw
        )
        self._row(self.agree, self.disagree, self.withdraw)

    def _label(self, size: float = 1.0, *, bold: bool = False, role: str = "") -> TextLabel:
        label = TextLabel(self._theme, size, bold=bold, role=role)
        label.say("")
        self._layout.addWidget(label)
        return label

    def _row(self, *widgets: QWidget) -> None:
        row = QHBoxLayout()
        for widget in widgets:
            row.addWidget(widget)
        row.addStretch(1)
        self._layout.addLayout(row)

    # --- inside

    def _fill(self, lines: Sequence[QueueLine]) -> None:
        kept = self.chosen.id if self.chosen is not None else ""
        self._lines = tuple(lines)
        self.list.blockSignals(True)
        self.list.clear()
        for line in self._lines:
            item = QListWidgetItem(f"{line.title}\n{line.state} · {line.detail}")
            item.setToolTip(line.detail)
            self.list.addItem(item)
        rows = [row for row, line in enumerate(self._lines) if line.id == kept]
        self.list.setCurrentRow(rows[0] if rows else -1)
        self.list.blockSignals(False)
        if kept and not rows:
            self._chosen()

    def _chosen(self) -> None:
        self.image.clear()
        self.note.edit.clear()
        line = self.chosen
        if line is not None:
            self.image.setText(tr("Loading the image"))
            self.picture_wanted.emit(line.picture)
        self._refresh()

    def _say(self, agrees: bool) -> None:
        if (line := self.chosen) is not None:
            self.confirmed.emit(line.id, agrees, self.note.text)

    def _withdraw(self) -> None:
        if (line := self.chosen) is not None:
            self.withdrawn.emit(line.id, self.note.text)

    def _refresh(self) -> None:
        line, free = self.chosen, not self._busy
        self.consent.setVisible(self._can_propose)
        self.propose.setVisible(self._can_propose)
        self.preview.setVisible(self._can_propose)
        self.propose.setEnabled(free and self.consent.isChecked())
        self.preview.setEnabled(free)
        for widget in (self.image, self.note, self.agree, self.disagree, self.withdraw):
            widget.setVisible(line is not None)
        can_confirm = free and line is not None and line.can_confirm
        self.agree.setEnabled(can_confirm)
        self.disagree.setEnabled(can_confirm)
        self.withdraw.setEnabled(free and line is not None and line.can_withdraw and bool(self.note.text))

    def _image_side(self) -> int:
        return 50 * self._theme.unit


def to_pixmap(pixels: npt.NDArray[np.uint8], side: int) -> QPixmap:
    """Return uint8 RGB pixels (H, W, 3) as a picture of at most `side` pixels."""
    height, width = pixels.shape[:2]
    image = QImage(np.ascontiguousarray(pixels).data, width, height, 3 * width, QImage.Format.Format_RGB888)
    size = QSize(side, side)
    return QPixmap.fromImage(image.copy()).scaled(
        size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
