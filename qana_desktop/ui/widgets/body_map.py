"""Body map: a figure from the front and from the back with the patient's lesions, and the same as a list."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, sin, sqrt

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QIcon, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QTransform
from PySide6.QtWidgets import QHBoxLayout, QListWidgetItem, QPushButton, QToolTip, QVBoxLayout, QWidget

from qana_desktop.triage.body_sites import Site, site_of
from qana_desktop.ui.presenters.body_map import MappedLesion, by_place, not_placed, region_line, site_name
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import SMALL, Theme
from qana_desktop.ui.widgets.body_figure import HEIGHT, WIDTH, middle_of, regions, silhouette
from qana_desktop.ui.widgets.chooser import ArrowList, Chooser
from qana_desktop.ui.widgets.labels import TextLabel
from qana_desktop.ui.widgets.shapes import draw_triage, triage_path

GOLDEN_ANGLE = 2.39996
KEY, SPOKEN = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.AccessibleTextRole


class BodyFigure(QWidget):
    """Both views. A click on a marker marks the lesion, elsewhere the region; a double click adds a lesion."""

    lesion_chosen = Signal(str)
    site_chosen = Signal(str)
    add_asked = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._lesions: dict[Site, list[MappedLesion]] = {}
        self._chosen = ""
        self._site: Site | None = None
        self._hovered: Site | None = None
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Figure of the body, front and back; the list beside it says the same"))
        theme.changed.connect(self.update)

    def show_lesions(self, lesions: Sequence[MappedLesion]) -> None:
        """Draw these lesions."""
        self._lesions = by_place(lesions)
        self.update()

    def show_chosen(self, key: str, site: Site | None) -> None:
        """Mark a lesion, and a region."""
        self._chosen, self._site = key, site
        self.update()

    # --- where things are ---

    def to_screen(self, *, back: bool) -> QTransform:
        """From the figure's own units to this widget."""
        room = self.height() - 7 * self._theme.unit
        scale = max(0.1, min(self.width() / (2 * WIDTH), room / HEIGHT))
        left = self.width() / 2 - (0 if back else WIDTH * scale)
        return QTransform().translate(left, 5 * self._theme.unit).scale(scale, scale)

    def region_at(self, where: QPointF) -> Site | None:
        """Return the region below a point."""
        for back in (False, True):
            point = self.to_screen(back=back).inverted()[0].map(where)
            for site, path in reversed(regions(back=back)):
                if path.contains(point):
                    return site
        return None

    def markers(self) -> list[tuple[MappedLesion, QRectF]]:
        """Return every marker with its box; those of one region stand around its middle, in both views it is in."""
        side = 4.5 * self._theme.unit
        found = []
        for back in (False, True):
            screen = self.to_screen(back=back)
            drawn: set[Site] = set()
            for site, path in regions(back=back):
                if site not in drawn and self._shows(site, back=back):
                    for number, lesion in enumerate(self._lesions.get(site, ())):
                        at = screen.map(middle_of(path)) + _spread(number, side)
                        found.append((lesion, QRectF(at.x() - side / 2, at.y() - side / 2, side, side)))
                drawn.add(site)
        return found

    def lesion_at(self, where: QPointF) -> MappedLesion | None:
        """Return the lesion whose marker is below a point."""
        return next((lesion for lesion, box in reversed(self.markers()) if box.contains(where)), None)

    def _shows(self, site: Site, *, back: bool) -> bool:
        """A limb is in both views, but which of them a lesion is on is not recorded: it is marked on the front."""
        in_front = any(site is other for other, _path in regions(back=False))
        return back is not in_front

    # --- Qt ---

    def sizeHint(self) -> QSize:
        """Return a size at which hands and ears can be hit."""
        return QSize(110 * self._theme.unit, 112 * self._theme.unit)

    def minimumSizeHint(self) -> QSize:
        """Return the least size."""
        return QSize(60 * self._theme.unit, 64 * self._theme.unit)

    def event(self, event: QEvent) -> bool:
        """Give each region its own tooltip."""
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            site = self.region_at(QPointF(event.pos()))
            if site is not None:
                QToolTip.showText(event.globalPos(), region_line(site, self._lesions.get(site, ())), self)
                return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Lift the region below the mouse."""
        hovered = self.region_at(event.position())
        if hovered is not self._hovered:
            self._hovered = hovered
            self.setCursor(Qt.CursorShape.PointingHandCursor if hovered else Qt.CursorShape.ArrowCursor)
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Lift none."""
        self._hovered = None
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose what is below the mouse."""
        lesion, site = self.lesion_at(event.position()), self.region_at(event.position())
        if lesion is not None:
            self.lesion_chosen.emit(lesion.key)
        elif site is not None:
            self.site_chosen.emit(site.value)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Ask for a new lesion where there is none yet."""
        site = self.region_at(event.position())
        if site is not None and self.lesion_at(event.position()) is None:
            self.add_asked.emit(site.value)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw figures, names of the views, markers."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for back in (False, True):
                self._draw_figure(painter, back=back)
            for lesion, box in self.markers():
                self._draw_marker(painter, lesion, box)

    def _draw_figure(self, painter: QPainter, *, back: bool) -> None:
        colours, screen = self._theme.colours, self.to_screen(back=back)
        painter.setPen(QPen(QColor(colours.outline), 1))
        painter.setBrush(QColor(colours.raised))
        painter.drawPath(screen.map(silhouette()))
        for site, path in regions(back=back):
            chosen, hovered = site is self._site, site is self._hovered
            painter.setPen(QPen(QColor(colours.focus), 2) if chosen else QPen(QColor(colours.raised), 1))
            painter.setBrush(QColor(colours.selected if chosen or hovered else colours.track))
            painter.drawPath(screen.map(path))
        painter.setFont(self._theme.font(SMALL))
        painter.setPen(QColor(colours.muted))
        middle = screen.map(QPointF(WIDTH / 2, 0)).x()
        room = QRectF(middle - 100, 0, 200, 5 * self._theme.unit)
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, tr("Back") if back else tr("Front"))
        for x in (14, WIDTH - 14):
            # Right is the patient's right: on the viewer's left in front, on the viewer's right from behind.
            right = (x < WIDTH / 2) is not back
            at = screen.map(QPointF(x, 30))
            room = QRectF(at.x() - 20, at.y() - 10, 40, 20)
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, tr("R") if right else tr("L"))

    def _draw_marker(self, painter: QPainter, lesion: MappedLesion, box: QRectF) -> None:
        colours = self._theme.colours
        halo = triage_path(lesion.group, box)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colours.raised), self._theme.unit))
        painter.drawPath(halo)
        draw_triage(painter, lesion.group, box, colours.triage(lesion.group))
        if lesion.key == self._chosen:
            painter.setPen(QPen(QColor(colours.focus), 2.5))
            painter.drawEllipse(box.center(), box.width(), box.width())


class BodyMap(QWidget):
    """Figure, list and the way to add a lesion.

    `lesion_chosen` carries the key of a lesion that is to be opened, `add_asked` a site as the store keeps it.
    """

    lesion_chosen = Signal(str)
    add_asked = Signal(str)

    def __init__(self, theme: Theme, *, can_add: bool = True) -> None:
        super().__init__()
        self._theme = theme
        self._lesions: list[MappedLesion] = []
        self.setAccessibleName(tr("Body map"))
        self.figure = BodyFigure(theme)
        self.list = ArrowList()
        self.list.setAccessibleName(tr("Lesions"))
        self.list.setToolTip(tr("The lesions of this patient; Enter opens one"))
        self.site = Chooser()
        self.site.setAccessibleName(tr("Place of the new lesion"))
        self.site.setToolTip(tr("Choose here or on the figure"))
        for site in Site:
            self.site.addItem(site_name(site), site.value)
        self.site.setCurrentIndex(-1)
        self.site.setPlaceholderText(tr("Place"))
        self.add = QPushButton(tr("Add a lesion here"))
        self.add.setAccessibleName(tr("Add a lesion here"))
        self.add.setToolTip(tr("Add a lesion at the chosen place (or double-click the figure)"))
        self.note, self.missing = TextLabel(theme, SMALL, role="muted"), TextLabel(theme, SMALL)
        self.note.say(tr("Markers show the region, not the exact place. R and L are the patient's right and left."))
        self._lay_out(theme.unit)
        for part in (self.site, self.add):
            part.setVisible(can_add)
        self._connect()
        self._chose_site()

    def show_lesions(self, lesions: Sequence[MappedLesion], chosen: str = "") -> None:
        """Show these lesions, the most urgent first."""
        order = list(type(lesions[0].group)) if lesions else []
        self._lesions = sorted(lesions, key=lambda lesion: order.index(lesion.group))
        self.figure.show_lesions(self._lesions)
        self.missing.say(not_placed(self._lesions))
        self.list.blockSignals(True)
        self.list.clear()
        for lesion in self._lesions:
            item = QListWidgetItem(self._icon(lesion), lesion.line)
            item.setData(KEY, lesion.key)
            item.setData(SPOKEN, lesion.spoken)
            item.setToolTip(lesion.spoken)
            self.list.addItem(item)
        self.list.blockSignals(False)
        if chosen:
            self.choose(chosen)

    @property
    def chosen(self) -> str:
        """The key of the lesion that is marked, "" for none."""
        item = self.list.currentItem()
        return str(item.data(KEY)) if item is not None else ""

    def choose(self, key: str) -> None:
        """Mark a lesion in the list and on the figure."""
        for row, lesion in enumerate(self._lesions):
            if lesion.key == key:
                self.list.setCurrentRow(row)

    def _lay_out(self, unit: int) -> None:
        side = QVBoxLayout()
        side.setSpacing(2 * unit)
        side.addWidget(self.list, 1)
        side.addWidget(self.missing)
        side.addWidget(self.site)
        side.addWidget(self.add)
        side.addWidget(self.note)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4 * unit)
        layout.addWidget(self.figure, 3)
        layout.addLayout(side, 2)

    def _connect(self) -> None:
        self.figure.lesion_chosen.connect(self.choose)
        self.figure.site_chosen.connect(self._choose_site)
        self.figure.add_asked.connect(self.add_asked)
        self.list.currentRowChanged.connect(self._mark)
        self.list.itemActivated.connect(lambda item: self.lesion_chosen.emit(item.data(KEY)))
        self.site.currentIndexChanged.connect(self._chose_site)
        self.add.clicked.connect(lambda: self.add_asked.emit(self.site.currentData()))
        self._theme.changed.connect(lambda: self.show_lesions(self._lesions))

    def _choose_site(self, site: str) -> None:
        self.site.setCurrentIndex(self.site.findData(site))

    def _chose_site(self) -> None:
        self.add.setEnabled(self.site.currentIndex() >= 0)
        self._mark()

    def _mark(self) -> None:
        item, site = self.list.currentItem(), self.site.currentData()
        self.figure.show_chosen(item.data(KEY) if item is not None else "", site_of(site) if site else None)

    def _icon(self, lesion: MappedLesion) -> QIcon:
        side = 4 * self._theme.unit
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(round(side * ratio), round(side * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        with QPainter(pixmap) as painter:
            colour = self._theme.colours.triage(lesion.group)
            draw_triage(painter, lesion.group, QRectF(1, 1, side - 2, side - 2), colour)
        icon = QIcon(pixmap)
        icon.addPixmap(pixmap, QIcon.Mode.Selected)
        return icon


def _spread(number: int, side: float) -> QPointF:
    """Where the marker of this number stands from the middle: a spiral in which none covers another."""
    radius = 0.95 * side * sqrt(number)
    return QPointF(radius * cos(number * GOLDEN_ANGLE), radius * sin(number * GOLDEN_ANGLE))
