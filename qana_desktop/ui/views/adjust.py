"""Brightness, contrast, colour of the image on this screen, said on the image for as long as it holds."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QPushButton, QWidget

from qana_desktop.ui.presenters.adjustment import AS_TAKEN, LEAST, MOST, Adjustment
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.views.canvas import ImageCanvas
from qana_desktop.ui.views.ruler import draw_plate
from qana_desktop.ui.widgets.sliders import ValueSlider
from qana_desktop.ui.widgets.tool_bar import ToolRow


class AdjustedLayer:
    """Says "View adjusted" on the image. It cannot be switched off while the view is adjusted."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self.plate = QRectF()

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """Draw the words."""
        self.plate = QRectF()
        if canvas.adjustment.changes:
            at = QPointF(3 * self._theme.unit, 3 * self._theme.unit)
            self.plate = draw_plate(painter, self._theme, tr("View adjusted"), at, bold=True)


class AdjustBar(ToolRow):
    """Three sliders and a reset. `adjusted` carries an Adjustment."""

    adjusted = Signal(object)

    def __init__(self, theme: Theme) -> None:
        self._quiet = False
        self.sliders = {
            name: ValueSlider(theme, title, hint, (LEAST, MOST), 0, lambda value: f"{value:+d}" if value else "0")
            for name, title, hint in (
                ("brightness", tr("Brightness"), tr("Darker or brighter, on this screen only")),
                ("contrast", tr("Contrast"), tr("Less or more contrast, on this screen only")),
                ("colour", tr("Colour"), tr("Less or more colour, on this screen only")),
            )
        }
        self.reset = QPushButton(tr("As taken"))
        self.reset.setAccessibleName(tr("As taken"))
        self.reset.setToolTip(tr("Show the image as it was taken (0)"))
        self.reset.clicked.connect(lambda: self.show_adjustment(AS_TAKEN))
        parts: list[QWidget] = [*self.sliders.values(), self.reset]
        super().__init__(theme, tr("View"), parts, tr("The network always reads the image as it was taken."))
        for slider in self.sliders.values():
            slider.changed.connect(self._moved)

    @property
    def adjustment(self) -> Adjustment:
        """What the sliders say."""
        return Adjustment(**{name: slider.value for name, slider in self.sliders.items()})

    def show_adjustment(self, adjustment: Adjustment) -> None:
        """Put the sliders somewhere, and tell once."""
        before, self._quiet = self.adjustment, True
        for name, slider in self.sliders.items():
            slider.show_value(getattr(adjustment, name))
        self._quiet = False
        if adjustment != before:
            self.adjusted.emit(adjustment)

    def _moved(self) -> None:
        if not self._quiet:
            self.adjusted.emit(self.adjustment)
