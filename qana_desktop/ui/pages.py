"""The pages of the window: what a page is, how one is registered, and the deck that shows them.

To add a page: (1) write a `Page` in `views/<name>.py`; its constructor takes the `PageContext`. (2) Add one line to
`page_list.page_list()`: a `PageSpec` whose `make` imports the view and calls it, so that it costs nothing before the
first visit. (3) Its `key` is the value of its command in `shortcuts.Command` (Triage, Cases, Learning, Performance and
Model have theirs: Ctrl+1 to Ctrl+5); rail, menu and keys follow by themselves. (4) `entered` is called at each visit,
`attach` once there are desks, `store_changed` when someone signs in, locks, or the case store has something new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from qana_desktop.ui.presenters.runner import NoticeBoard
from qana_desktop.ui.settings import WindowSettings
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.theme.manager import Theme

if TYPE_CHECKING:
    from qana_desktop.ui.actions import Actions
    from qana_desktop.ui.bridge import Bridge
    from qana_desktop.ui.desks import Desks
    from qana_desktop.ui.store_session import StoreSession


@dataclass(frozen=True, eq=False)
class PageContext:
    """What a page is made with.

    `bridge` runs slow work in a lane of its own and brings the result back; `store` is the case store with who is
    signed in; `desks()` is None until the program is ready; `go` shows another page; `notices` shows banners.
    """

    theme: Theme
    bridge: Bridge
    actions: Actions
    settings: WindowSettings
    notices: NoticeBoard
    store: StoreSession
    desks: Callable[[], Desks | None]
    go: Callable[[Command], None]


class Page(QWidget):
    """One page. What is not needed stays as it is here."""

    commands_changed = Signal()

    def entered(self) -> None:
        """The page is shown, at each visit."""

    def attach(self, desks: Desks) -> None:
        """The desks are there; also called for a page that is made later."""

    def store_changed(self) -> None:
        """Someone signed in or out, the screen was locked or unlocked, or the case store has something new."""

    @property
    def idle(self) -> bool:
        """Whether nothing is still to be drawn, besides what the bridge knows."""
        return True

    def handlers(self) -> Mapping[Command, Callable[[], object]]:
        """Return what this page does for commands while it is shown; the window does the others."""
        return {}

    def enabled(self) -> Mapping[Command, bool]:
        """Return which of those can be done now. Send `commands_changed` when that changes."""
        return dict.fromkeys(self.handlers(), True)


@dataclass(frozen=True)
class PageSpec:
    """A page that can be visited. `icon` names a file of assets/icons; `name` and `hint` are translated already."""

    key: Command
    name: str
    hint: str
    icon: str
    make: Callable[[PageContext], Page]


class PageDeck(QStackedWidget):
    """Shows one page; each is made at its first visit and stays."""

    shown = Signal(object)
    commands_changed = Signal()

    def __init__(self, specs: Sequence[PageSpec], context: PageContext) -> None:
        super().__init__()
        self.specs = {spec.key: spec for spec in specs}
        self._context = context
        self._pages: dict[Command, Page] = {}
        self._key: Command | None = None

    @property
    def key(self) -> Command | None:
        """The page that is shown."""
        return self._key

    def page(self, key: Command) -> Page:
        """Return a page, made now if nobody has been there."""
        if key not in self._pages:
            page = self.specs[key].make(self._context)
            self._pages[key] = page
            self.addWidget(page)
            page.commands_changed.connect(self.commands_changed)
            desks = self._context.desks()
            if desks is not None:
                page.attach(desks)
        return self._pages[key]

    @property
    def current(self) -> Page | None:
        """The page that is shown, as a widget."""
        return None if self._key is None else self._pages[self._key]

    def made(self) -> list[Page]:
        """Return the pages that were visited."""
        return list(self._pages.values())

    def go(self, key: Command) -> None:
        """Show a page; one that is not registered is not shown."""
        if key not in self.specs:
            return
        page = self.page(key)
        self._key = key
        self.setCurrentWidget(page)
        page.entered()
        self.shown.emit(key)
