"""Boards that come and go are noticed; the engine of a board that went is lost at once, and comes back with it."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from qana_desktop.engines.contract import DeviceLost, EngineState
from qana_desktop.engines.machine import BoardPlace
from qana_desktop.engines.watch import BoardLook, BoardsChanged, BoardWatch
from qana_desktop.system.faults import Fault
from tests.support.machines import machine, plug_in, unplug
from tests.support.odd_engines import Order, order

SOON_S = 30.0
GONE = Fault("device-lost", "The board is gone. The image was not assessed.", "Put it back.")


def nodes(places: tuple[BoardPlace, ...]) -> list[str]:
    return [place.label for place in places]


# --- looking ------------------------------------------------------------------------------------


def test_nothing_changes_when_nothing_changed(tmp_path):
    look = BoardLook(machine(tmp_path, nodes=("akida0",)))
    assert look.look() is None
    assert nodes(look.seen) == ["akida0"]


def test_a_board_that_appears_and_one_that_goes_are_told_with_their_place(tmp_path):
    drawn = machine(tmp_path, nodes=("akida0",))
    look = BoardLook(drawn)
    unplug(drawn, "akida0")
    plug_in(drawn, "akd1500_0", "0000:07:00.0")
    change = look.look()
    assert change is not None
    assert nodes(change.vanished) == ["akida0"]
    assert nodes(change.appeared) == ["pci-0000:07:00.0"]
    assert look.look() is None


def test_a_board_counts_only_when_it_may_be_opened(tmp_path):
    permitted = threading.Event()
    drawn = replace(machine(tmp_path), may_open=lambda _node: permitted.is_set())
    look = BoardLook(drawn)
    plug_in(drawn, "akida0")
    assert look.look() is None
    permitted.set()
    change = look.look()
    assert change is not None
    assert nodes(change.appeared) == ["akida0"]


def test_a_rule_that_changes_the_permission_of_a_board_at_work_takes_nothing_away(tmp_path):
    permitted = threading.Event()
    permitted.set()
    drawn = replace(machine(tmp_path, nodes=("akida0",)), may_open=lambda _node: permitted.is_set())
    look = BoardLook(drawn)
    permitted.clear()
    assert look.look() is None


def test_the_same_number_in_another_slot_is_another_board(tmp_path):
    drawn = machine(tmp_path)
    plug_in(drawn, "akida0", "0000:03:00.0")
    look = BoardLook(drawn)
    unplug(drawn, "akida0")
    plug_in(drawn, "akida0", "0000:05:00.0")
    change = look.look()
    assert change is not None
    assert (nodes(change.vanished), nodes(change.appeared)) == (["pci-0000:03:00.0"], ["pci-0000:05:00.0"])


def test_the_watch_tells_from_its_own_thread_and_ends_at_once(tmp_path):
    drawn, told, heard = machine(tmp_path), threading.Event(), list[tuple[str, BoardsChanged]]()

    def listen(change: BoardsChanged) -> None:
        heard.append((threading.current_thread().name, change))
        told.set()

    watch = BoardWatch(listen, drawn, every_s=0.005).start()
    plug_in(drawn, "akida0")
    assert told.wait(SOON_S)
    watch.close()
    watch.close()
    assert heard[0][0] == "board-watch"


def test_a_watch_that_never_started_can_be_closed(tmp_path):
    BoardWatch(print, machine(tmp_path)).close()


# --- what it means for an engine ----------------------------------------------------------------


def test_an_engine_whose_device_went_is_lost_at_once_and_stays_so_until_it_is_restarted(make_host, images):
    host = make_host().open()
    host.device_gone(GONE)
    assert host.info.state is EngineState.LOST
    assert host.info.fault == GONE
    assert host.pid is None
    for _ in range(2):
        with pytest.raises(DeviceLost, match="The board is gone"):
            host.infer(images)
    assert host.restarts == 0
    assert host.restart().infer(images).potentials.shape == (4, 23)


def test_an_image_under_way_when_the_device_goes_is_not_assessed_and_not_tried_elsewhere(make_host):
    host = make_host().open()
    going = threading.Timer(0.3, lambda: host.device_gone(GONE))
    going.start()
    with pytest.raises(DeviceLost, match="The board is gone"):
        host.infer(order(Order.HANG))
    going.join()
    assert host.restarts == 0
    assert host.info.fault == GONE


def test_a_clock_that_was_set_is_set_again_after_a_restart(bundle_path):
    from qana_desktop.engines.registry import AdapterSpec, EngineRegistry

    spec = AdapterSpec("akida-board", "Fake board", "tests.support.fake_akida:one_akd1000", "fake")
    host = EngineRegistry([spec]).open("akida-board:0", bundle_path)
    try:
        host.set_clock("Economy")
        assert "clock Economy" in host.info.detail
        host.restart()
        assert "clock Economy" in host.info.detail
        assert host.status().clock == "Economy"
        assert np.array_equal(host.infer(np.zeros((1, 32, 32, 3), np.uint8)).potentials.shape, (1, 23))
    finally:
        host.close()
