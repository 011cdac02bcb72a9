"""Compare: an earlier image of the lesion beside today's, moved as one; flicker, blend, scores of one network only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QPainter, QTransform
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from qana_desktop.system.faults import Fault
from qana_desktop.ui.pictures import Picture, to_picture
from qana_desktop.ui.presenters.compare import Compared, Side, compare_view
from qana_desktop.ui.presenters.linked import Link, link_by_scale, link_of
from qana_desktop.ui.presenters.runner import Runner
from qana_desktop.ui.texts import percent, tr
from qana_desktop.ui.theme.manager import SMALL, Theme
from qana_desktop.ui.views.canvas import ImageCanvas
from qana_desktop.ui.widgets.chooser import Chooser
from qana_desktop.ui.widgets.flow import FlowLayout
from qana_desktop.ui.widgets.labels import ElidedLabel, TextLabel
from qana_desktop.ui.widgets.sliders import ValueSlider
from qana_desktop.ui.widgets.triage_line import TriageLine

LANE = "compared"


class EarlierLayer:
    """The earlier image laid over today's, as strongly as `share` says (0 to 1)."""

    def __init__(self, earlier: ImageCanvas) -> None:
        self._earlier = earlier
        self.share = 0.0

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """Draw the earlier image where its link says."""
        picture = self._earlier.picture
        if picture is None or self.share <= 0:
            return
        between = canvas.rect().toRectF().center() - self._earlier.rect().toRectF().center()
        painter.setOpacity(self.share)
        moved = self._earlier.to_screen() * QTransform.fromTranslate(between.x(), between.y())
        canvas.draw_picture(painter, picture, moved)


class ComparePane(QWidget):
    """Two canvases and what is said of them. `closed` is sent when a person has seen enough."""

    closed = Signal()

    def __init__(self, theme: Theme, runner: Runner) -> None:
        super().__init__()
        self._theme, self._runner = theme, runner
        self._today: Compared | None = None
        self._others: list[Compared] = []
        self._asked = 0
        self._this_heading = tr("This image")
        self._link = Link()
        self.setAccessibleName(tr("Compare two images"))
        self.earlier, self.today = ImageCanvas(theme), ImageCanvas(theme)
        self.layer = EarlierLayer(self.earlier)
        self.today.layers.append(self.layer)
        self._make_parts(theme)
        self._lay_out(theme.unit)
        self._connect()

    def show_pair(self, today: Compared, others: Sequence[Compared], choose: int = 0) -> None:
        """Compare `today` with one of `others`, the newest first; a person may choose another of them."""
        self._today, self._others = today, list(others)
        self.other.blockSignals(True)
        self.other.clear()
        self.other.addItems([image.name for image in self._others])
        self.other.setCurrentIndex(choose)
        self.other.blockSignals(False)
        self.blend.reset()
        self._asked += 1
        self._load(today, self.today)
        self._show_other(choose)
        self.today.setFocus(Qt.FocusReason.OtherFocusReason)

    def flicker(self, on: bool) -> None:
        """Show the earlier image in the place of today's, for as long as a key is held."""
        self.layer.share = 1.0 if on else self.blend.value / 100
        self.today_title.setText(tr("The other image, in this one's place") if on else self._this_heading)
        self.today.update()

    # --- building ---

    def _make_parts(self, theme: Theme) -> None:
        self.other = Chooser()
        self.other.setAccessibleName(tr("Other image"))
        self.other.setToolTip(tr("Choose the image to compare with"))
        self.other.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.other.setMinimumContentsLength(18)
        self.one = _toggle(tr("One over the other"), tr("Use the whole width: this image with the other over it"))
        self.linked = _toggle(tr("Move as one"), tr("Off: move one image alone until both lie alike, then on again"))
        self.linked.setChecked(True)
        self.hold = QPushButton(tr("Hold to flicker"))
        self.hold.setAccessibleName(tr("Hold to flicker"))
        self.hold.setToolTip(tr("Show the other image in this one's place while this, or Space, is held"))
        self.hold.setAutoDefault(False)
        self.blend = ValueSlider(
            theme,
            tr("Other over this"),
            tr("How strongly the other image lies over this one"),
            (0, 100),
            0,
            lambda value: percent(value / 100),
        )
        self.done = QPushButton(tr("Done"))
        self.done.setAccessibleName(tr("Done"))
        self.done.setToolTip(tr("Back to the one image (C)"))
        self.change = TextLabel(theme)
        self.banner = _banner(theme)
        self._banner_text = self.banner.findChild(TextLabel)
        self.earlier_title, self.today_title = QLabel(), QLabel(self._this_heading)
        self.earlier_name, self.today_name = ElidedLabel(theme), ElidedLabel(theme)
        self.earlier_line, self.today_line = TriageLine(theme), TriageLine(theme)
        self.earlier_network, self.today_network = (
            ElidedLabel(theme, SMALL, role="muted"),
            ElidedLabel(theme, SMALL, role="muted"),
        )

    def _lay_out(self, unit: int) -> None:
        bar = QWidget()
        bar.setObjectName("canvasBar")
        bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        room = QVBoxLayout(bar)
        room.setContentsMargins(3 * unit, unit, 3 * unit, unit)
        flow = FlowLayout(spacing=2 * unit)
        room.addLayout(flow)
        for part in (self.other, self.linked, self.one, self.hold, self.blend, self.done):
            flow.addWidget(part)
        self._left = _column(
            self.earlier, self.earlier_title, self.earlier_name, self.earlier_line, self.earlier_network, unit
        )
        right = _column(self.today, self.today_title, self.today_name, self.today_line, self.today_network, unit)
        pair = QHBoxLayout()
        pair.setSpacing(unit)
        pair.addWidget(self._left, 1)
        pair.addWidget(right, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.banner)
        layout.addLayout(pair, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(3 * unit, unit, 3 * unit, unit)
        foot.addWidget(self.change)
        layout.addLayout(foot)
        layout.addWidget(bar)

    def _connect(self) -> None:
        self.other.currentIndexChanged.connect(self._show_other)
        self.one.toggled.connect(lambda on: self._left.setVisible(not on))
        self.linked.toggled.connect(self._link_again)
        self.hold.pressed.connect(lambda: self.flicker(True))
        self.hold.released.connect(lambda: self.flicker(False))
        self.blend.changed.connect(lambda _value: self.flicker(False))
        self.done.clicked.connect(self.closed)
        self.today.viewed.connect(self._follow_today)
        self.earlier.viewed.connect(self._follow_earlier)

    # --- what is shown ---

    def _show_other(self, index: int) -> None:
        if self._today is None or not 0 <= index < len(self._others):
            return
        other = self._others[index]
        view = compare_view(other, self._today)
        self.earlier_title.setText(view.other.heading)
        _fill(view.other, self.earlier_name, self.earlier_line, self.earlier_network)
        _fill(view.this, self.today_name, self.today_line, self.today_network)
        self.change.say(view.change)
        self.banner.setVisible(bool(view.banner))
        self.banner.setAccessibleName(view.banner)
        assert isinstance(self._banner_text, TextLabel)  # noqa: S101 - made with the banner, for the type checker
        self._banner_text.say(view.banner)
        self._load(other, self.earlier)

    def _load(self, image: Compared, canvas: ImageCanvas) -> None:
        canvas.show_picture(None, image.name, tr("The image is being decoded."))
        asked = self._asked

        def arrived(found: Picture | Fault) -> None:
            if asked != self._asked or (canvas is self.earlier and image is not self._chosen()):
                return
            if isinstance(found, Fault):
                canvas.show_picture(None, image.name, found.sentence())
            else:
                canvas.show_picture(found, image.name)
                self._lay_alike()

        self._runner.run(LANE, lambda: to_picture(image.load()), arrived, arrived)

    def _chosen(self) -> Compared | None:
        index = self.other.currentIndex()
        return self._others[index] if 0 <= index < len(self._others) else None

    def _lay_alike(self) -> None:
        other, today = self._chosen(), self._today
        if other is None or today is None or self.earlier.picture is None or self.today.picture is None:
            return
        self._link = link_by_scale(_short_mm(today, self.today), _short_mm(other, self.earlier))
        self._follow_today()

    # --- moving as one ---

    def _follow_today(self) -> None:
        if self.linked.isChecked() and self.today.picture is not None:
            self.earlier.show_view(self._link.earlier(self.today.view))
        self.today.update()

    def _follow_earlier(self) -> None:
        # A canvas that was just filled, or is fitted while hidden, leads nobody.
        if self.linked.isChecked() and self.earlier.picture is not None and self.earlier.isVisible():
            self.today.show_view(self._link.today(self.earlier.view))
        self.today.update()

    def _link_again(self, on: bool) -> None:
        if on and self.earlier.picture is not None and self.today.picture is not None:
            self._link = link_of(self.today.view, self.earlier.view)

    # --- Qt ---

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Flicker while Space is held."""
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.flicker(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """End the flicker."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.flicker(False)
        else:
            super().keyReleaseEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """A key that is released in another window is not heard: end the flicker with the window's turn."""
        if event.type() is QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.flicker(False)
        super().changeEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing flickers out of sight."""
        self.flicker(False)
        super().hideEvent(event)

    # --- for the window's commands ---

    def each(self, do: Callable[[ImageCanvas], None]) -> None:
        """Do something to today's image; the earlier one follows, or is done the same when they move apart."""
        do(self.today)
        if not self.linked.isChecked():
            do(self.earlier)


def _short_mm(image: Compared, canvas: ImageCanvas) -> float | None:
    if image.mm_per_pixel is None or canvas.picture is None:
        return None
    return image.mm_per_pixel * min(canvas.picture.size.width(), canvas.picture.size.height())


def _fill(side: Side, name: ElidedLabel, line: TriageLine, network: ElidedLabel) -> None:
    name.say(side.name)
    line.show_line(side.group, side.word, side.number)
    network.say(side.network)
    network.setVisible(bool(side.network))


def _toggle(text: str, hint: str) -> QPushButton:
    button = QPushButton(text)
    button.setCheckable(True)
    button.setAutoDefault(False)
    button.setProperty("role", "chip")
    button.setAccessibleName(text)
    button.setToolTip(hint)
    return button


def _banner(theme: Theme) -> QFrame:
    banner = QFrame()
    banner.setProperty("role", "banner")
    banner.setProperty("tone", "warns")
    layout = QHBoxLayout(banner)
    layout.setContentsMargins(3 * theme.unit, 2 * theme.unit, 3 * theme.unit, 2 * theme.unit)
    layout.addWidget(TextLabel(theme))
    banner.hide()
    return banner


def _column(
    canvas: ImageCanvas, title: QLabel, name: ElidedLabel, line: TriageLine, network: ElidedLabel, unit: int
) -> QWidget:
    title.setProperty("role", "heading")
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(unit)
    words = QVBoxLayout()
    words.setContentsMargins(3 * unit, unit, 3 * unit, unit)
    words.setSpacing(unit // 2)
    head = QHBoxLayout()
    head.setSpacing(2 * unit)
    head.addWidget(title)
    head.addWidget(name, 1)
    answer = QHBoxLayout()
    answer.setSpacing(4 * unit)
    answer.addWidget(line)
    answer.addWidget(network, 1)
    words.addLayout(head)
    words.addLayout(answer)
    layout.addLayout(words)
    layout.addWidget(canvas, 1)
    return column
