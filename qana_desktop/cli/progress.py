"""Progress on stderr, only where a person sees it: into a file or a pipe nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from qana_desktop.cli.terminal import console
from qana_desktop.services.jobs import Progress

Shows: TypeAlias = Callable[[Progress], None]


@contextmanager
def progress_bar() -> Iterator[Shows]:
    """Give a function that shows how far the work is; the bar is gone afterwards."""
    screen = console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("Starting", total=None)

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.done, total=progress.total, description=progress.what)

        yield show
