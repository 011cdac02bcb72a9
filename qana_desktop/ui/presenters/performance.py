"""What the performance page does: counts in the background, puts cells into words, saves the tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from qana_desktop.reports.performance_tables import Panel, Value, panels, share_words
from qana_desktop.services.jobs import Cancelled, CancelToken, Progress
from qana_desktop.system.faults import Fault
from qana_desktop.triage.site_figures import Share, SitePerformance
from qana_desktop.ui.presenters.runner import Runner
from qana_desktop.ui.texts import grouped, tr

if TYPE_CHECKING:
    from qana_desktop.services.performance_desk import PerformanceDesk

LANE = "performance"


class PerformanceScreen(Protocol):
    """Where the presenter shows things."""

    def show_head(self, head: str, versions: Sequence[tuple[str, str]], chosen: str) -> None:
        """Show what was counted, and which versions there are (id, words); no table yet."""
        ...

    def add_panel(self, panel: Panel) -> None:
        """Show one more table."""
        ...

    def show_state(self, text: str, *, busy: bool, fault: bool) -> None:
        """Show a sentence; `busy` says that it is being counted."""
        ...


class PerformancePresenter:
    """The figures of the store, for one version at a time. `desk` is asked for in the worker."""

    def __init__(self, runner: Runner, desk: Callable[[], PerformanceDesk], screen: PerformanceScreen) -> None:
        self._runner, self._desk, self._screen = runner, desk, screen
        self._token: CancelToken | None = None
        self.found: SitePerformance | None = None

    @property
    def busy(self) -> bool:
        """Whether it is being counted."""
        return self._token is not None

    def count(self, bundle: str | None = None) -> None:
        """Count the store; a count under way is given up."""
        self.cancel()
        token = self._token = CancelToken()
        self._screen.show_state(tr("Counting …"), busy=True, fault=False)

        def work() -> tuple[SitePerformance, tuple[Panel, ...]] | None:
            try:
                found = self._desk().look(bundle, report=lambda at: self._post(token, at), token=token)
            except Cancelled:
                return None
            return found, panels(found)

        self._runner.run(LANE, work, lambda found: self._counted(token, found), lambda f: self._failed(token, f))

    def cancel(self) -> None:
        """Give up a count under way."""
        if self._token is not None:
            self._token.cancel()
            self._token = None
            self._screen.show_state(tr("Not counted to the end."), busy=False, fault=False)

    def forget(self) -> None:
        """Hold nothing of the store."""
        self.cancel()
        self.found = None

    def save(self, path: Path) -> None:
        """Save all tables as CSV."""
        found = self.found
        if found is None:
            return
        self._runner.run(
            LANE,
            lambda: self._desk().save(found, path),
            lambda _saved: self._screen.show_state(tr("Saved as {name}.", name=path.name), busy=False, fault=False),
            lambda fault: self._screen.show_state(fault.sentence(), busy=False, fault=True),
        )

    def _post(self, token: CancelToken, at: Progress) -> None:
        def tell() -> None:
            if self._token is token:
                text = tr("Counting, {done} of {total} cases …", done=grouped(at.done), total=grouped(at.total or 0))
                self._screen.show_state(text, busy=True, fault=False)

        self._runner.post(tell)

    def _counted(self, token: CancelToken, counted: tuple[SitePerformance, tuple[Panel, ...]] | None) -> None:
        if self._token is not token or counted is None:
            return
        self._token, (self.found, shown) = None, counted
        found = self.found
        versions = [(bundle, tr("{bundle} ({n} images)", bundle=bundle, n=grouped(n))) for bundle, n in found.bundles]
        self._screen.show_head(head_line(found), versions, found.bundle)
        self._screen.show_state("", busy=False, fault=False)
        for panel in shown:  # one by one: the window stays awake between them
            self._runner.post(partial(self._add, found, panel))

    def _add(self, found: SitePerformance, panel: Panel) -> None:
        if self.found is found:
            self._screen.add_panel(panel)

    def _failed(self, token: CancelToken, fault: Fault) -> None:
        if self._token is token:
            self._token = None
            self._screen.show_state(fault.sentence(), busy=False, fault=True)


def head_line(found: SitePerformance) -> str:
    """Return what was counted, in a line."""
    if not found.images:
        return tr("No image of the case store was read with this version yet.")
    return tr(
        "{images} images of {cases} cases, {first} to {last}, read with {bundle}. Other versions are counted apart.",
        images=grouped(found.images),
        cases=grouped(found.cases),
        first=found.first_month,
        last=found.last_month,
        bundle=found.bundle,
    )


def cell_words(value: Value) -> str:
    """Return a cell as a person reads it; what is not known is a dash and never zero."""
    if value is None:
        return "-"
    if isinstance(value, Share):
        return share_words(value)
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return grouped(value) if isinstance(value, int) else value
