"""Banners above the image: a sentence and its answers. They never close by themselves and never decide."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from qana_desktop.ui.presenters.notices import Answer, Notice, Tone
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.widgets.labels import TextLabel

_ICONS = {Tone.ASKS: "question", Tone.WARNS: "warning", Tone.TELLS: "info"}


class Banner(QFrame):
    """One notice."""

    def __init__(self, theme: Theme, notice: Notice, board: BannerBoard) -> None:
        super().__init__()
        self.notice = notice
        self._theme, self._board = theme, board
        self.setProperty("role", "banner")
        self.setProperty("tone", notice.tone.value)
        self.setAccessibleName(notice.text)
        self._icon = QLabel()
        self._close = self._close_button()
        text = TextLabel(theme)
        text.say(notice.text)
        self.buttons = [self._answer_button(answer) for answer in notice.answers]
        self._words = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._words.setSpacing(2 * theme.unit)
        self._words.addWidget(text, 1)
        self._words.addLayout(self._answers())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(3 * theme.unit, 2 * theme.unit, 2 * theme.unit, 2 * theme.unit)
        layout.setSpacing(3 * theme.unit)
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(self._words, 1)
        layout.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        theme.changed.connect(self._restyle)
        self._restyle()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the answers beside the sentence, or below it where there is little room."""
        roomy = self.width() > 90 * self.fontMetrics().averageCharWidth() + self._answers_width()
        wanted = QBoxLayout.Direction.LeftToRight if roomy else QBoxLayout.Direction.TopToBottom
        if self._words.direction() is not wanted:
            self._words.setDirection(wanted)
        super().resizeEvent(event)

    def _answers_width(self) -> int:
        return sum(button.sizeHint().width() for button in self.buttons)

    def _answers(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2 * self._theme.unit)
        for button in self.buttons:
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _answer_button(self, answer: Answer) -> QPushButton:
        button = QPushButton(answer.label)
        button.setAccessibleName(answer.label)
        button.setToolTip(answer.hint)
        button.clicked.connect(lambda: self._answered(answer))
        return button

    def _close_button(self) -> QToolButton:
        button = QToolButton()
        button.setProperty("role", "icon")
        button.setAccessibleName(tr("Close this message"))
        button.setToolTip(tr("Close this message"))
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(lambda: self._board.drop(self.notice.key))
        return button

    def _answered(self, answer: Answer) -> None:
        if answer.closes:
            self._board.drop(self.notice.key)
        answer.run()

    def _restyle(self) -> None:
        side = 5 * self._theme.unit
        icon = self._theme.icons.get(_ICONS[self.notice.tone])
        self._icon.setPixmap(icon.pixmap(QSize(side, side), self.devicePixelRatioF()))
        self._close.setIcon(self._theme.icons.get("close"))
        self._close.setIconSize(QSize(4 * self._theme.unit, 4 * self._theme.unit))


class BannerBoard(QWidget):
    """All banners, questions on top."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._banners: dict[str, Banner] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self.hide()

    def put(self, notice: Notice) -> None:
        """Show a notice, in place of one with the same key."""
        self._take(notice.key)
        banner = Banner(self._theme, notice, self)
        self._banners[notice.key] = banner
        self._layout.insertWidget(0 if notice.tone is Tone.ASKS else self._layout.count(), banner)
        self.show()

    def drop(self, key: str) -> None:
        """Take a notice away, if it is there."""
        self._take(key)
        self.setVisible(bool(self._banners))

    def banner(self, key: str) -> Banner | None:
        """Return the banner of a key."""
        return self._banners.get(key)

    def _take(self, key: str) -> None:
        banner = self._banners.pop(key, None)
        if banner is not None:
            self._layout.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
