"""The heat-map over the image: its colours, the legend, how strongly it lies there, and whose map it is."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QLinearGradient, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget

from qana_desktop.triage.diagnosis import LesionClass
from qana_desktop.triage.explanation import Explanation, NoExplanation
from qana_desktop.ui.presenters import heat
from qana_desktop.ui.texts import percent, tr
from qana_desktop.ui.theme.manager import SMALL, Theme
from qana_desktop.ui.views.canvas import ImageCanvas
from qana_desktop.ui.widgets.chooser import Chooser
from qana_desktop.ui.widgets.sliders import ValueSlider
from qana_desktop.ui.widgets.tool_bar import ToolRow

USUAL = 60
"""Per cent of full colour at first: the lesion stays visible below."""


class HeatLayer:
    """Draws one map over the square that the network saw, and that square's edge; nothing without a map."""

    def __init__(self) -> None:
        self.image: QImage | None = None
        self.opacity = USUAL / 100

    def show(self, explanation: Explanation, diagnosis: LesionClass) -> None:
        """Show the map of a class."""
        made = heat.coloured(explanation.of(diagnosis), explanation.scale)
        height, width = made.shape[:2]
        self.image = QImage(made.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied).copy()

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """Draw the map."""
        picture = canvas.picture
        if self.image is None or picture is None:
            return
        left, top, side = Explanation.frame(picture.size.width(), picture.size.height())
        painter.setTransform(canvas.to_screen(), combine=True)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setOpacity(self.opacity)
        painter.drawImage(QRectF(left, top, side, side), self.image)
        painter.setOpacity(1.0)
        for colour, dashes in (("#000000", Qt.PenStyle.SolidLine), ("#ffffff", Qt.PenStyle.DashLine)):
            pen = QPen(QColor(colour), 1, dashes)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawRect(QRectF(left, top, side, side))


class HeatLegend(QWidget):
    """The colours from one end to the other, with words at both."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._ends = ("", "")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Legend of the heat-map"))
        theme.changed.connect(self.updateGeometry)

    def show_ends(self, against: str, favour: str) -> None:
        """Name both ends."""
        self._ends = (against, favour)
        self.setAccessibleDescription(
            tr("Blue: {against}. Yellow: {favour}. No colour: neither.", against=against, favour=favour)
        )
        self.setToolTip(self.accessibleDescription())
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return room for both words and the colours."""
        metrics = QFontMetricsF(self._theme.font(SMALL))
        words = sum(metrics.horizontalAdvance(end) for end in self._ends)
        return QSize(round(words) + 34 * self._theme.unit, round(metrics.height()) + self._theme.unit)

    def minimumSizeHint(self) -> QSize:
        """Return the size hint."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw words and colours."""
        with QPainter(self) as painter:
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        unit, metrics = self._theme.unit, QFontMetricsF(self._theme.font(SMALL))
        painter.setFont(self._theme.font(SMALL))
        painter.setPen(QColor(self._theme.colours.text))
        left = metrics.horizontalAdvance(self._ends[0]) + 2 * unit
        strip = QRectF(left, self.height() / 2 - 1.25 * unit, 30 * unit, 2.5 * unit)
        room = QRectF(self.rect())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._ends[0])
        room.setLeft(strip.right() + 2 * unit)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._ends[1])
        gradient = QLinearGradient(strip.topLeft(), strip.topRight())
        gradient.setColorAt(0.0, QColor(*heat.AGAINST))
        gradient.setColorAt(0.5, QColor(self._theme.colours.canvas))
        gradient.setColorAt(1.0, QColor(*heat.FOR))
        painter.fillRect(strip, gradient)
        painter.setPen(QColor(self._theme.colours.outline))
        painter.drawRect(strip)


class HeatBar(ToolRow):
    """Which class, how strongly, what the colours mean. `changed` is sent when the layer is to be drawn anew."""

    changed = Signal()

    def __init__(self, theme: Theme, layer: HeatLayer) -> None:
        self._layer = layer
        self._explanation: Explanation | None = None
        self.of = Chooser()
        self.of.setAccessibleName(tr("Class of the heat-map"))
        self.of.setToolTip(tr("Choose the class whose map is shown"))
        self.of.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.opacity = ValueSlider(
            theme,
            tr("Strength"),
            tr("How strongly the heat-map lies over the image"),
            (0, 100),
            USUAL,
            lambda value: percent(value / 100),
        )
        self.legend = HeatLegend(theme)
        super().__init__(theme, tr("Heat-map"), [self.of, self.opacity, self.legend])
        self.of.currentIndexChanged.connect(self._choose)
        self.opacity.changed.connect(self._fade)

    def wait(self) -> None:
        """Say that the map is being computed."""
        self._explanation, self._layer.image = None, None
        self._tell(tr("The heat-map is being computed."))

    def show_explanation(self, found: Explanation | NoExplanation | None) -> None:
        """Show a map, or say why there is none."""
        if isinstance(found, Explanation):
            self._explanation = None
            options = heat.choices(found)
            self.of.clear()
            self.of.addItems([option.name for option in options])
            self._explanation = found
            self.of.setCurrentIndex(0)
            self._choose(0)
            self._tell(heat.sentence(found))
            return
        self._explanation, self._layer.image = None, None
        self._tell(
            found.reason.sentence()
            if found is not None
            else tr("No heat-map: this image was not read, or its answer is not shown yet.")
        )

    def _tell(self, sentence: str) -> None:
        for part in (self.of, self.opacity, self.legend):
            part.setVisible(self._explanation is not None)
        self.sentence.say(sentence)
        self.changed.emit()

    def _choose(self, index: int) -> None:
        if self._explanation is not None and index >= 0:
            diagnosis = heat.choices(self._explanation)[index].diagnosis
            self._layer.show(self._explanation, diagnosis)
            self.legend.show_ends(*heat.legend(diagnosis))
            self.changed.emit()

    def _fade(self, value: int) -> None:
        self._layer.opacity = value / 100
        self.changed.emit()
