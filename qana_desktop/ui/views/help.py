"""The help: short texts from assets/help, in the person's language where there is one, else in English, saying so."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QTextBrowser, QWidget

from qana_desktop.system.language import SOURCE, current
from qana_desktop.system.resources import assets_dir
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.views.sheets import Sheet
from qana_desktop.ui.widgets.forms import named

TOPICS = ("start", "reading", "cannot-assess", "operating-point", "energy", "learning", "backup", "settings")
"""File names of the topics, without their ending, in the order of the list."""


def topic_text(topic: str, language: str, folder: Path) -> tuple[str, bool]:
    """Return a topic in Markdown, and whether it is in `language`. English is complete; raises OSError if not."""
    own = folder / language / f"{topic}.md"
    spoken = own.is_file()
    return (own if spoken else folder / SOURCE / f"{topic}.md").read_text(encoding="utf-8"), spoken


def title_of(text: str) -> str:
    """Return the title of a topic: its first line, without the mark of a heading."""
    return text.partition("\n")[0].lstrip("# ").strip()


class HelpSheet(Sheet):
    """Topics on the left, one of them on the right."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, parent, tr("Help"))
        folder = assets_dir() / "help"
        self._texts = [topic_text(topic, current(), folder) for topic in TOPICS]
        self.topics = QListWidget()
        named(self.topics, tr("Topics of the help"))
        self.topics.addItems([title_of(text) for text, _spoken in self._texts])
        self.page = QTextBrowser()
        named(self.page, tr("Text of the help"))
        self.page.setOpenLinks(False)
        self.page.anchorClicked.connect(self._follow)
        self.topics.setWordWrap(True)
        self.topics.currentRowChanged.connect(self._show)
        row = QHBoxLayout()
        row.setSpacing(2 * theme.unit)
        row.addWidget(self.topics, 2)
        row.addWidget(self.page, 5)
        self.body.addLayout(row)
        self.topics.setCurrentRow(0)
        theme.changed.connect(lambda: self._show(self.topics.currentRow()))

    def open_topic(self, topic: str) -> None:
        """Show one topic."""
        if topic in TOPICS:
            self.topics.setCurrentRow(TOPICS.index(topic))

    def _show(self, row: int) -> None:
        text, spoken = self._texts[max(0, row)]
        if not spoken:
            missing = tr("This text is not translated yet.")
            text = f"*{missing}*\n\n{text}"
        elif current() != SOURCE:
            status = tr("Translated with the help of a machine, not yet reviewed by a clinician.")
            text += f"\n\n*{status}*\n"
        self.page.setMarkdown(text)

    def _follow(self, link: QUrl) -> None:
        """Links lead to other topics only: nothing outside this machine is opened."""
        self.open_topic(Path(link.path()).stem)
