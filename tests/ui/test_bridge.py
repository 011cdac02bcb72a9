"""The bridge: results arrive in the window's thread, in order, in slices; known errors as faults, others as bugs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.ui.bridge import Bridge
from tests.support.fake_desks import LOST

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def bugs() -> list[BaseException]:
    return []


@pytest.fixture
def bridge(bugs: list[BaseException]) -> Iterator[Bridge]:
    bridge = Bridge(bugs.append)
    yield bridge
    bridge.close()
    assert bridge.join(10)


def test_work_runs_elsewhere_and_its_result_arrives_here(qtbot: QtBot, bridge: Bridge) -> None:
    seen: list[threading.Thread] = []
    bridge.run("a", threading.current_thread, lambda worker: seen.extend((worker, threading.current_thread())))
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen[0] is not seen[1]
    assert seen[1] is threading.main_thread()
    assert bridge.idle


def test_a_lane_keeps_its_order(qtbot: QtBot, bridge: Bridge) -> None:
    seen: list[int] = []
    for number in range(50):
        bridge.run("a", lambda n=number: n, seen.append)
    qtbot.waitUntil(lambda: len(seen) == 50)
    assert seen == list(range(50))


def test_pictures_of_what_was_asked_last_come_first(qtbot: QtBot, bridge: Bridge) -> None:
    started, go, seen = threading.Event(), threading.Event(), list[int]()
    bridge.run("pictures", lambda: (started.set(), go.wait(10)), lambda _done: None)
    started.wait(10)
    for number in range(3):
        bridge.run("pictures", lambda n=number: n, seen.append)
    go.set()
    qtbot.waitUntil(lambda: len(seen) == 3)
    assert seen == [2, 1, 0]


def test_a_known_error_arrives_as_its_fault(qtbot: QtBot, bridge: Bridge) -> None:
    faults: list[Fault] = []

    def fails() -> None:
        raise KnownError(LOST)

    bridge.run("a", fails, lambda _nothing: None, faults.append)
    qtbot.waitUntil(lambda: faults == [LOST])


def test_any_other_error_is_a_bug(qtbot: QtBot, bridge: Bridge, bugs: list[BaseException]) -> None:
    bridge.run("a", lambda: 1 // 0, lambda _nothing: None)
    qtbot.waitUntil(lambda: len(bugs) == 1)
    assert isinstance(bugs[0], ZeroDivisionError)
    assert bridge.idle


def test_posts_from_many_threads_all_arrive_in_the_order_of_each(qtbot: QtBot, bridge: Bridge) -> None:
    seen: list[tuple[int, int]] = []

    def post(sender: int) -> None:
        for number in range(200):
            bridge.post(lambda n=number: seen.append((sender, n)))

    threads = [threading.Thread(target=post, args=(sender,)) for sender in range(4)]
    for thread in threads:
        thread.start()
    qtbot.waitUntil(lambda: len(seen) == 800)
    for thread in threads:
        thread.join()
    for sender in range(4):
        assert [number for who, number in seen if who == sender] == list(range(200))


def test_nothing_arrives_after_closing(qtbot: QtBot, bridge: Bridge) -> None:
    seen: list[int] = []
    bridge.post(lambda: seen.append(1))
    bridge.close()
    bridge.post(lambda: seen.append(2))
    bridge.run("a", lambda: 3, seen.append)
    label = QLabel()
    qtbot.addWidget(label)
    with qtbot.waitSignal(label.destroyed, raising=True):
        label.deleteLater()
    assert seen == []


def test_calls_of_qt_that_return_nothing_leave_none_alone(qtbot: QtBot) -> None:
    """PySide6 6.12.0 gave back a reference to None that it never took; Python 3.11 then dies (docs/adr/0006)."""
    label = QLabel()
    qtbot.addWidget(label)
    before = sys.getrefcount(None)
    for _ in range(500):
        label.setText("a")
    assert sys.getrefcount(None) > before - 400
