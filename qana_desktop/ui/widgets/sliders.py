"""A slider with its name and its value beside it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.widgets.chooser import keeps_arrows


class ValueSlider(QWidget):
    """A whole number between two ends; `changed` sends it. A double click puts it back to where it began."""

    changed = Signal(int)

    def __init__(
        self,
        theme: Theme,
        name: str,
        hint: str,
        ends: tuple[int, int],
        start: int,
        text: Callable[[int], str] = str,
    ) -> None:
        super().__init__()
        self._theme, self._text, self._start, self._ends = theme, text, start, ends
        self.name = QLabel(name)
        self.slider = _Slider(self)
        self.slider.setRange(*ends)
        self.slider.setPageStep((ends[1] - ends[0]) // 10)
        self.slider.setSingleStep(max(1, (ends[1] - ends[0]) // 40))
        self.slider.setAccessibleName(name)
        self.slider.setToolTip(hint)
        self.slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.number = QLabel()
        self.number.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.unit)
        layout.addWidget(self.name)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.number)
        self.slider.valueChanged.connect(self._moved)
        theme.changed.connect(self._restyle)
        self._restyle()
        self.slider.setValue(start)
        self._say(start)

    @property
    def value(self) -> int:
        """The number."""
        return self.slider.value()

    def show_value(self, value: int) -> None:
        """Put the slider somewhere; `changed` is sent when that is another value."""
        self.slider.setValue(value)

    def reset(self) -> None:
        """Put it back to where it began."""
        self.slider.setValue(self._start)

    def _moved(self, value: int) -> None:
        self._say(value)
        self.changed.emit(value)

    def _say(self, value: int) -> None:
        self.number.setText(self._text(value))

    def _restyle(self) -> None:
        self.number.setFont(self._theme.font())
        metrics = self.number.fontMetrics()
        widest = max(metrics.horizontalAdvance(self._text(end)) for end in self._ends)
        self.number.setMinimumWidth(widest + self._theme.unit)
        self.slider.setMinimumSize(QSize(20 * self._theme.unit, 5 * self._theme.unit))


class _Slider(QSlider):
    def __init__(self, owner: ValueSlider) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._owner = owner

    def event(self, event: QEvent) -> bool:
        """Keep the arrows."""
        return keeps_arrows(event) or super().event(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Put the slider back."""
        self._owner.reset()
