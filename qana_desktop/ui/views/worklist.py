"""The worklist panel: progress of a batch, search, filters with counts, and the list itself."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QIcon, QImage, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from qana_desktop.ui.models.worklist import ENTRY_ROLE, WorklistModel
from qana_desktop.ui.presenters.batch import BatchView
from qana_desktop.ui.presenters.entries import Entry, Group
from qana_desktop.ui.presenters.reading import group_word, row_line, row_number
from qana_desktop.ui.presenters.worklist import Worklist
from qana_desktop.ui.texts import grouped, tr, trn, two_digits
from qana_desktop.ui.theme.manager import BODY, SMALL, Theme
from qana_desktop.ui.widgets.flow import FlowLayout
from qana_desktop.ui.widgets.labels import TextLabel
from qana_desktop.ui.widgets.shapes import draw_triage

Index = QModelIndex | QPersistentModelIndex


LEAST_LETTERS = 12
"""Where a name has less room than this beside the thumbnail, the row is drawn without it."""


class EntryDelegate(QStyledItemDelegate):
    """Draws a row: thumbnail, label and what was found, shape and number."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the height of two lines of text."""
        return QSize(30 * self._theme.unit, self._thumb() + 3 * self._theme.unit)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one row."""
        entry = index.data(ENTRY_ROLE)
        if not isinstance(entry, Entry):
            return
        colours, unit = self._theme.colours, self._theme.unit
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(colours.selected))
            painter.fillRect(QRect(rect.x(), rect.y(), unit - 1, rect.height()), QColor(colours.accent))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(colours.sunken))
        thumb = QRect(
            rect.x() + 2 * unit, rect.y() + (rect.height() - self._thumb()) // 2, self._thumb(), self._thumb()
        )
        badge = rect.right() - 3 * unit - self._number_room() - self._shape_side()
        room = QRect(thumb.right() + 3 * unit, rect.y(), badge - thumb.right() - 5 * unit, rect.height())
        if room.width() < LEAST_LETTERS * QFontMetrics(self._theme.font(BODY)).averageCharWidth():
            self._paint_narrow(painter, rect.adjusted(2 * unit, 0, -2 * unit, 0), entry)
        else:
            self._draw_thumb(painter, thumb, index.data(Qt.ItemDataRole.DecorationRole))
            self._draw_badge(painter, rect.adjusted(badge - rect.x(), 0, -2 * unit, 0), entry)
            self._draw_line(painter, room, entry.title, first=True)
            self._draw_line(painter, room, row_line(entry), first=False)
        painter.restore()

    def _paint_narrow(self, painter: QPainter, room: QRect, entry: Entry) -> None:
        """Draw the name over the whole width, shape and number below it: a name is worth more than a thumbnail."""
        self._draw_line(painter, room, entry.title, first=True)
        self._draw_badge(painter, QRect(room.x(), room.center().y() + 1, room.width(), room.height() // 2), entry)

    def _thumb(self) -> int:
        return 11 * self._theme.unit

    def _draw_thumb(self, painter: QPainter, box: QRect, image: object) -> None:
        painter.fillRect(box, QColor(self._theme.colours.canvas))
        if not isinstance(image, QImage):
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        side = min(image.width(), image.height())
        square = QRect((image.width() - side) // 2, (image.height() - side) // 2, side, side)
        painter.drawImage(box, image, square)

    def _number_room(self) -> int:
        return QFontMetrics(self._theme.font(BODY, bold=True)).horizontalAdvance(two_digits(0.999)) + self._theme.unit

    def _shape_side(self) -> int:
        return round(QFontMetrics(self._theme.font(BODY, bold=True)).capHeight() * 1.25)

    def _draw_badge(self, painter: QPainter, room: QRect, entry: Entry) -> None:
        """Draw the shape at the left edge of a room and the number at its right edge."""
        colours, side = self._theme.colours, self._shape_side()
        painter.setFont(self._theme.font(BODY, bold=True))
        painter.setPen(QColor(colours.text))
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(room, flags, row_number(entry))
        box = QRectF(room.x(), room.y() + (room.height() - side) / 2, side, side)
        draw_triage(painter, entry.shown_group, box, colours.triage(entry.shown_group))

    def _draw_line(self, painter: QPainter, room: QRect, text: str, *, first: bool) -> None:
        font = self._theme.font(BODY if first else SMALL)
        metrics = QFontMetrics(font)
        y = room.center().y() - metrics.height() if first else room.center().y() + 1
        painter.setFont(font)
        painter.setPen(QColor(self._theme.colours.text if first else self._theme.colours.muted))
        mode = Qt.TextElideMode.ElideMiddle if first else Qt.TextElideMode.ElideRight
        flags = int(Qt.AlignmentFlag.AlignLeft) | int(Qt.TextFlag.TextDontClip)
        line = QRect(room.x(), y, room.width(), metrics.height())
        painter.drawText(line, flags, metrics.elidedText(text, mode, room.width()))


class FilterChips(QWidget):
    """One chip per group that has images, with shape and count; pressing the active one shows all again."""

    chosen = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._chips: dict[Group | None, QPushButton] = {}
        layout = FlowLayout(self, spacing=theme.unit)
        for group in (None, *Group):
            chip = QPushButton()
            chip.setProperty("role", "chip")
            chip.setCheckable(True)
            chip.clicked.connect(lambda _on, g=group: self._clicked(g))
            self._chips[group] = chip
            layout.addWidget(chip)
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_counts(self, counts: dict[Group, int], active: Group | None) -> None:
        """Show how many images each group has."""
        for group, chip in self._chips.items():
            count = sum(counts.values()) if group is None else counts[group]
            word = tr("All") if group is None else group_word(group)
            chip.setText(f"{word} {grouped(count)}" if group is None else grouped(count))
            spoken = trn(count, "{word}: {n} image", "{word}: {n} images", word=word)
            chip.setAccessibleName(spoken)
            chip.setToolTip(spoken)
            chip.setChecked(group is active)
            chip.setVisible(count > 0 or (group is active and group is not None))
        self.updateGeometry()

    def chip(self, group: Group | None) -> QPushButton:
        """Return the chip of a group, None for all."""
        return self._chips[group]

    def _clicked(self, group: Group | None) -> None:
        self.chosen.emit(group if self._chips[group].isChecked() else None)

    def _restyle(self) -> None:
        side = 3 * self._theme.unit
        for group, chip in self._chips.items():
            chip.setFont(self._theme.font(BODY))
            if group is not None:
                chip.setIcon(_shape_icon(self._theme, group, side))
                chip.setIconSize(QSize(side, side))


class WorklistPanel(QWidget):
    """The left side of the window."""

    selected = Signal(object)
    cancel_pressed = Signal()
    read_unread_pressed = Signal()

    def __init__(self, theme: Theme, worklist: Worklist, model: WorklistModel) -> None:
        super().__init__()
        self.setObjectName("worklist")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._worklist, self._model = worklist, model
        self._batch: BatchView | None = None
        self._shown: int | None = None
        self._progress_text = TextLabel(theme, SMALL)
        self._cancel = self._button(tr("Cancel"), tr("Stop reading after the present image (Esc)"))
        self._read = self._button(tr("Read"), tr("Read the images that are unread (Ctrl+R)"))
        self._cancel.clicked.connect(self.cancel_pressed)
        self._read.clicked.connect(self.read_unread_pressed)
        self.search = self._make_search()
        self.chips = FilterChips(theme)
        self.chips.chosen.connect(self._filter)
        self.list = self._make_list(theme)
        self._nothing = TextLabel(theme, role="muted")
        self._lay_out(theme)
        model.counted.connect(self._refresh)
        model.modelReset.connect(self._restore)
        self._refresh()

    def minimumSizeHint(self) -> QSize:
        """Return a width at which names can be told apart."""
        letter = self.fontMetrics().averageCharWidth()
        return QSize((LEAST_LETTERS + 8) * letter, super().minimumSizeHint().height())

    def show_batch(self, batch: BatchView | None) -> None:
        """Show progress with a cancel button, or what is left unread."""
        self._batch = batch
        self._refresh()

    def select(self, entry_id: int) -> None:
        """Select an image, in all images if the filter hides it."""
        if not self._model.index_of(entry_id).isValid():
            self.search.clear()
            self._worklist.set_filter(None)
        self.list.setCurrentIndex(self._model.index_of(entry_id))

    def step(self, by: int) -> None:
        """Select the next row, or the one before."""
        row = self.list.currentIndex().row() + by
        if 0 <= row < self._model.rowCount():
            self.list.setCurrentIndex(self._model.index(row))

    def selected_id(self) -> int | None:
        """Return the image that is shown."""
        return self._shown

    def _button(self, text: str, hint: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(hint)
        button.setAccessibleName(text)
        return button

    def _make_search(self) -> QLineEdit:
        search = QLineEdit()
        search.setPlaceholderText(tr("Search by name"))
        search.setAccessibleName(tr("Search the list by name"))
        search.setToolTip(tr("Search the list by name (Ctrl+F)"))
        search.setClearButtonEnabled(True)
        search.textChanged.connect(self._search)
        return search

    def _make_list(self, theme: Theme) -> QListView:
        view = QListView()
        view.setModel(self._model)
        view.setItemDelegate(EntryDelegate(theme, view))
        view.setUniformItemSizes(True)
        view.setMouseTracking(True)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setAccessibleName(tr("Worklist, most urgent first"))
        view.setToolTip(tr("Images, most urgent first"))
        view.selectionModel().currentChanged.connect(self._current_changed)
        theme.changed.connect(view.scheduleDelayedItemsLayout)
        return view

    def _lay_out(self, theme: Theme) -> None:
        unit = theme.unit
        strip = QHBoxLayout()
        strip.addWidget(self._progress_text, 1)
        strip.addWidget(self._cancel)
        strip.addWidget(self._read)
        head = QVBoxLayout()
        head.setContentsMargins(2 * unit, 2 * unit, 2 * unit, unit)
        head.setSpacing(2 * unit)
        head.addWidget(self.search)
        head.addWidget(self.chips)
        head.addLayout(strip)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self._nothing)
        layout.addWidget(self.list, 1)
        self._nothing.setContentsMargins(2 * unit, unit, 2 * unit, unit)

    def _filter(self, group: Group | None) -> None:
        self._worklist.set_filter(group)
        self._refresh()

    def _search(self, text: str) -> None:
        self._worklist.set_search(text)
        self._refresh()

    def _refresh(self) -> None:
        self.chips.show_counts(self._worklist.counts(), self._worklist.filter)
        unread = len(self._worklist.unread_ids()) if self._batch is None else 0
        left = trn(unread, "{n} image is unread", "{n} images are unread") if unread else ""
        self._progress_text.say(self._batch.text if self._batch else left)
        self._cancel.setVisible(self._batch is not None)
        self._cancel.setEnabled(self._batch is not None and not self._batch.cancelling)
        self._read.setVisible(unread > 0)
        if len(self._worklist) == 0:
            self._nothing.say(tr("No images yet. What needs you most will stand on top here."))
        else:
            self._nothing.say("" if self._model.rowCount() else tr("No image fits this search and filter."))

    def _current_changed(self, index: QModelIndex) -> None:
        if index.isValid():
            entry_id = self._model.entry_at(index.row()).entry_id
            if entry_id != self._shown:
                self._shown = entry_id
                self.selected.emit(entry_id)

    def _restore(self) -> None:
        """Keep the shown image selected after a filter or a search."""
        if self._shown is not None and (index := self._model.index_of(self._shown)).isValid():
            self.list.setCurrentIndex(index)


def _shape_icon(theme: Theme, group: Group, side: int) -> QIcon:
    pixmap = QPixmap(2 * side, 2 * side)
    pixmap.setDevicePixelRatio(2.0)
    pixmap.fill(Qt.GlobalColor.transparent)
    with QPainter(pixmap) as painter:
        draw_triage(painter, group, QRectF(0.5, 0.5, side - 1, side - 1), theme.colours.triage(group))
    return QIcon(pixmap)
