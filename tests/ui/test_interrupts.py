"""Ctrl-C and the end of the session reach a window that nobody touches."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from qana_desktop.ui.interrupts import SIGNALS, Interrupts


@pytest.fixture
def interrupts(qtbot: QtBot) -> Iterator[Interrupts]:
    listening = Interrupts()
    yield listening
    listening.end()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_window_that_nobody_touches_hears_that_it_shall_end(
    qtbot: QtBot, interrupts: Interrupts, number: signal.Signals
) -> None:
    with qtbot.waitSignal(interrupts.asked):
        signal.raise_signal(number)


def test_what_listened_before_listens_again_afterwards(qtbot: QtBot) -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    Interrupts().end()
    assert [signal.getsignal(number) for number in SIGNALS] == before
