"""Measures the Cases page over a store of many cases: how soon rows are there, and how long the window stands still.

    python -m tests.benchmarks.bench_cases_page --cases 100000 --folder /somewhere/empty

The first cases are whole ones, filed as `bench_store` does; the others are further lines of the worklist, which is all
that the page reads of cases that are not open. The window is the real one on small desks, drawn offscreen. Prints JSON:
`ms` from the command to the moment when the page is as it was asked for, `stall_ms` the longest time in between in
which the window's thread did nothing else (measured by a timer of one millisecond).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import sqlalchemy as sa
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QApplication

from qana_desktop.app import Options, build
from qana_desktop.services.clinic import Clinic
from qana_desktop.services.store_state import StoreState
from qana_desktop.store.records import new_id
from qana_desktop.store.schema import ENTITY, WORKLIST
from qana_desktop.store.store import Store
from qana_desktop.store.users import Users
from qana_desktop.system.paths import Paths
from qana_desktop.triage.access import Role
from qana_desktop.ui.desks import Desks
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.views.cases import CasesPage
from qana_desktop.ui.window import MainWindow
from tests.benchmarks.bench_store import fill
from tests.support.fake_desks import FakeDeviceDesk, FakeTriageDesk
from tests.support.stores import PASSPHRASE, PASSWORD, QUICK, new_store

WHOLE = 2000
"""Cases that are filed whole."""


def more_lines(store: Store, count: int) -> None:
    """Add lines to the worklist, copied from those that are there, each with an encounter of its own."""
    with store.reading() as connection:
        lines = [dict(row._mapping) for row in connection.execute(sa.select(WORKLIST))]
        entities = {row.id: dict(row._mapping) for row in connection.execute(sa.select(ENTITY))}
    with store.transaction("filler") as action:
        for start in range(0, max(0, count), len(lines)):
            some = [{**line, "encounter": new_id()} for line in lines[: min(len(lines), count - start)]]
            for number, line in enumerate(some):
                line["pseudonym"] = f"P-{WHOLE + start + number:06d}"
                line["words"] = line["words"].replace(
                    lines[number]["pseudonym"].casefold(), line["pseudonym"].casefold()
                )
            below = [
                {**entities[old["encounter"]], "id": new["encounter"]} for old, new in zip(lines, some, strict=False)
            ]
            action.connection.execute(sa.insert(ENTITY), below)
            action.connection.execute(sa.insert(WORKLIST), some)


class Pulse:
    """Beats every millisecond in the window's thread, and remembers the longest pause."""

    def __init__(self) -> None:
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(1)
        self._timer.timeout.connect(self._beat)
        self._timer.start()
        self.longest, self._last = 0.0, time.perf_counter()

    def begin(self) -> None:
        self.longest, self._last = 0.0, time.perf_counter()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.longest, self._last = max(self.longest, now - self._last), now


def wait_until(condition: Callable[[], bool]) -> None:
    loop, timer = QEventLoop(), QTimer()
    timer.timeout.connect(lambda: loop.quit() if condition() else None)
    timer.start(1)
    loop.exec()


def measure(folder: Path, count: int) -> dict[str, Any]:
    """Fill, open, do what a person does, and return all figures."""
    if not (folder / "d" / "store").exists():
        (folder / "d").mkdir(parents=True)
        store, _code = new_store(folder / "d" / "store")
        fill(store, min(WHOLE, count))
        more_lines(store, count - WHOLE)
        Users(store, cost=QUICK).add("Clara", Role.CLINICIAN, PASSWORD, by="system")
        store.close()
    app = QApplication([])
    devices = FakeDeviceDesk()
    triage = FakeTriageDesk(devices)
    paths = Paths(*(folder / name for name in "dcal")).make()
    desks = Desks(triage, devices, lambda: folder, lambda: (triage.close(), devices.close()))  # type: ignore[func-returns-value]
    clinic = Clinic(paths.data / "store", cost=QUICK)
    program = build(app, paths, lambda _paths, _engine: desks, theme="light", clinic=lambda: clinic)
    program.open(Options((), demo=False, theme=None, screenshot=None, size=(1440, 900)))
    wait_until(lambda: program.window.idle)
    clinic.open(passphrase=PASSPHRASE)
    clinic.sign_in("Clara", PASSWORD)
    try:
        return _measured(program.window, count)
    finally:
        program.window.close()


def _measured(window: MainWindow, count: int) -> dict[str, Any]:
    pulse = Pulse()
    found: dict[str, Any] = {"cases": count, "processors": os.cpu_count(), "load_average": os.getloadavg()[0]}
    page = window.deck.page(Command.CASES)
    assert isinstance(page, CasesPage)
    assert window.store.state is StoreState.OPEN

    def timed(what: str, deed: Callable[[], object]) -> None:
        pulse.begin()
        start = time.perf_counter()
        deed()
        wait_until(lambda: page.idle and window.idle)
        found[what] = {"ms": _ms(time.perf_counter() - start), "stall_ms": _ms(pulse.longest)}

    bar = page.list.list.verticalScrollBar()
    timed("page_opened", lambda: window.deck.go(Command.CASES))
    timed("next_case", lambda: page.list.step(1))
    timed("jump_to_the_middle", lambda: bar.setValue(bar.maximum() // 2))
    timed("jump_to_the_end", lambda: bar.setValue(bar.maximum()))
    took = sorted(_draw(page, bar, place * bar.maximum() // 200) for place in range(200))
    found["redraw_while_dragging"] = {"n": 200, "median_ms": _ms(took[100]), "p95_ms": _ms(took[190])}
    timed("drag_let_go", lambda: None)
    timed("view_all_cases", lambda: page.list.choose_view("All cases"))
    timed("search", lambda: page.list.search.setText("scalp p-0"))
    timed("search_cleared", lambda: page.list.search.clear())
    found["rows"] = page.model.rowCount()
    return found


def _draw(page: CasesPage, bar: Any, value: int) -> float:
    start = time.perf_counter()
    bar.setValue(value)
    page.list.list.viewport().repaint()
    return time.perf_counter() - start


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)


def main() -> int:
    """Run from the command line."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--cases", type=int, default=100_000)
    options.add_argument("--folder", type=Path, required=True)
    given = options.parse_args()
    json.dump(measure(given.folder, given.cases), sys.stdout, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
