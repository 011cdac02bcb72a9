"""The host answers with the right integers or raises; a dead or hanging child is replaced a counted number of times."""

from __future__ import annotations

import os
import signal
import sys
import threading

import numpy as np
import pytest

from qana_desktop.engines.contract import (
    BadInput,
    DeviceLost,
    EngineError,
    EngineState,
    EngineTimeout,
    ModelRefused,
    NoPermission,
)
from qana_desktop.engines.host import Limits
from qana_desktop.network.arithmetic import run
from qana_desktop.network.bundle import open_bundle
from qana_desktop.system.childprocess import BugInChild
from tests.engines.conftest import HASTY
from tests.support.bundles import small_network
from tests.support.odd_engines import Order, order

posix = pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX signals")
restarts = pytest.mark.expects_log("is started again")
SOON_S = 30.0


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def kill_between_images(host) -> None:
    """Kill the child and wait until the host has noticed."""
    noticed = threading.Event()
    unsubscribe = host.subscribe(lambda info: info.state is EngineState.LOST and noticed.set())
    os.kill(host.pid, signal.SIGKILL)
    assert noticed.wait(SOON_S)
    unsubscribe()


def kill_when_hanging(host) -> None:
    """Kill the child as soon as its mark shows that it is in the middle of the image."""
    pid, mark, again = host.pid, host._bundle.path.parent / "did-HANG_ONCE", threading.Event()
    while not mark.exists():
        again.wait(0.005)
    os.kill(pid, signal.SIGKILL)


# --- right answers ------------------------------------------------------------------------------


def test_an_open_engine_is_ready_and_gives_the_reference_integers(make_host, images):
    host = make_host().open()
    assert host.info.state is EngineState.READY
    assert np.array_equal(host.infer(images).potentials, run(small_network(), images)[-1])


def test_an_image_gets_the_same_integers_alone_and_in_a_batch(make_host, images):
    host = make_host().open()
    together = host.infer(images).potentials
    assert np.array_equal(np.concatenate([host.infer(image[None]).potentials for image in images]), together)


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((0, 32, 32, 3), np.uint8),
        np.zeros((32, 32, 3), np.uint8),
        np.zeros((1, 31, 32, 3), np.uint8),
        np.zeros((1, 32, 32, 1), np.uint8),
        np.zeros((1, 32, 32, 3), np.float32),
        np.zeros((1, 32, 32, 3), np.int8),
    ],
    ids=lambda batch: f"{batch.dtype}{batch.shape}",
)
def test_a_batch_that_does_not_fit_is_refused_and_the_engine_stays_ready(make_host, images, batch):
    host = make_host().open()
    pid = host.pid
    with pytest.raises(BadInput, match="Nothing was assessed"):
        host.infer(batch)
    assert host.info.state is EngineState.READY
    assert host.infer(images).potentials.shape == (4, 23)
    assert host.pid == pid


def test_too_little_memory_is_said_and_the_engine_stays_ready(make_host, images):
    host = make_host().open()
    with pytest.raises(EngineError, match="too little memory"):
        host.infer(order(Order.EXHAUST_MEMORY))
    assert host.info.state is EngineState.READY
    assert host.infer(images).potentials.shape == (4, 23)


def test_callers_in_several_threads_get_each_their_own_answer(make_host, images):
    host, answers = make_host().open(), {}

    def ask(index: int) -> None:
        answers[index] = host.infer(images[index : index + 1]).potentials

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(len(images))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = run(small_network(), images)[-1]
    assert all(np.array_equal(answers[index], expected[index : index + 1]) for index in range(len(images)))


# --- refusals at the start ----------------------------------------------------------------------


def test_an_engine_that_differs_in_one_integer_is_refused(make_host, images):
    host = make_host("LiesByOne")
    with pytest.raises(ModelRefused, match=r"2 of 253 differ. It is switched off"):
        host.open()
    assert host.info.state is EngineState.REFUSED
    assert host.pid is None
    with pytest.raises(ModelRefused):
        host.infer(images)


def test_wrong_golden_outputs_refuse_every_engine(make_host, tmp_path, monkeypatch):
    host = make_host()
    wrong = open_bundle(host._bundle.path).golden()
    wrong.potentials[3, 5] -= 1
    monkeypatch.setattr(type(host._bundle), "golden", lambda _bundle: wrong)
    with pytest.raises(ModelRefused, match=r"1 of 253 differ"):
        host.open()


def test_a_bundle_that_is_damaged_after_it_was_opened_is_refused_by_the_child(make_host):
    host = make_host()
    onnx = host._bundle.onnx_path
    onnx.chmod(0o644)
    onnx.write_bytes(onnx.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelRefused, match="changed after it was written"):
        host.open()
    assert host.info.state is EngineState.REFUSED


def test_a_library_that_dies_at_start_is_a_lost_device(make_host):
    host = make_host("DiesAtOpen")
    with pytest.raises(DeviceLost, match="exit code 11"):
        host.open()
    assert host.info.state is EngineState.LOST


def test_a_driver_that_hangs_at_start_is_stopped(make_host):
    host = make_host("HangsAtOpen", limits=Limits(start_s=2.0))
    with pytest.raises(EngineTimeout):
        host.open()
    assert host.info.state is EngineState.STUCK
    assert host.pid is None


def test_what_the_adapter_knows_reaches_the_person_unchanged(make_host):
    host = make_host("MayNotOpen")
    with pytest.raises(NoPermission, match=r"you may not open it. Ask for it."):
        host.open()
    assert host.info.state is EngineState.UNAVAILABLE
    assert host.info.fault is not None
    assert host.info.fault.code == "no-permission"


def test_a_bug_at_start_is_raised_as_a_bug_and_shown_as_a_fault(make_host):
    host = make_host("HasABugAtOpen")
    with pytest.raises(BugInChild, match="nobody expected this at start"):
        host.open()
    assert host.info.state is EngineState.LOST
    assert host.info.fault is not None


# --- failures at work ---------------------------------------------------------------------------


@restarts
def test_a_child_that_dies_once_is_replaced_and_the_image_is_still_assessed(make_host):
    host = make_host().open()
    pid, batch = host.pid, order(Order.DIE_ONCE)
    assert np.array_equal(host.infer(batch).potentials, run(small_network(), batch)[-1])
    assert host.pid != pid
    assert host.restarts == 1
    assert host.info.state is EngineState.READY


@restarts
@posix
def test_a_child_that_hangs_once_is_killed_and_replaced(make_host):
    host = make_host(limits=HASTY).open()
    pid, batch = host.pid, order(Order.HANG_ONCE)
    assert np.array_equal(host.infer(batch).potentials, run(small_network(), batch)[-1])
    assert is_gone(pid)


@restarts
@posix
def test_a_child_killed_from_outside_in_the_middle_of_an_image_is_replaced(make_host, images):
    host = make_host().open()
    pid, batch = host.pid, order(Order.HANG_ONCE)
    killer = threading.Thread(target=kill_when_hanging, args=(host,))
    killer.start()
    assert np.array_equal(host.infer(batch).potentials, run(small_network(), batch)[-1])
    killer.join()
    assert is_gone(pid)


@restarts
@pytest.mark.parametrize(
    ("what", "error", "state"),
    [
        (Order.DIE, DeviceLost, EngineState.LOST),
        (Order.HANG, EngineTimeout, EngineState.STUCK),
        (Order.LOSE_DEVICE, DeviceLost, EngineState.LOST),
    ],
)
def test_a_second_failure_on_the_same_image_blocks_until_a_person_restarts(make_host, images, what, error, state):
    host = make_host(limits=HASTY).open()
    with pytest.raises(error):
        host.infer(order(what))
    assert host.info.state is state
    assert host.pid is None
    for _ in range(2):
        with pytest.raises(error):
            host.infer(images)
    assert host.pid is None
    host.restart()
    assert host.info.state is EngineState.READY
    assert host.infer(images).potentials.shape == (4, 23)


@restarts
@posix
def test_three_restarts_are_made_and_no_fourth_until_a_person_clears_them(make_host, images):
    host = make_host().open()
    for count in (1, 2, 3):
        kill_between_images(host)
        assert host.infer(images).potentials.shape == (4, 23)
        assert host.restarts == count
    kill_between_images(host)
    for _ in range(2):
        with pytest.raises(DeviceLost, match="stopped again after 3 restarts"):
            host.infer(images)
    assert host.info.state is EngineState.LOST
    assert host.pid is None
    host.restart()
    assert host.restarts == 0
    assert host.infer(images).potentials.shape == (4, 23)


@posix
def test_a_child_that_dies_between_two_images_is_shown_as_lost_at_once(make_host):
    host = make_host().open()
    kill_between_images(host)
    assert host.info.state is EngineState.LOST
    assert host.info.fault is not None
    assert "between two images" in host.info.fault.message


@pytest.mark.parametrize("what", [Order.RETURN_TEXT, Order.RETURN_FLOATS, Order.RETURN_TOO_FEW])
def test_an_answer_that_no_engine_of_this_bundle_can_give_is_never_passed_on(make_host, what):
    host = make_host().open()
    with pytest.raises(DeviceLost, match="no answer"):
        host.infer(order(what))
    assert host.info.state is EngineState.LOST
    assert host.pid is None


def test_a_bug_at_work_is_raised_as_a_bug_and_blocks_the_engine(make_host, images):
    host = make_host().open()
    with pytest.raises(BugInChild, match="nobody expected this"):
        host.infer(order(Order.BUG))
    assert host.info.state is EngineState.LOST
    with pytest.raises(DeviceLost, match="nobody foresaw"):
        host.infer(images)


# --- closing and listening ----------------------------------------------------------------------


@posix
def test_close_ends_the_child_also_in_the_middle_of_an_image(make_host):
    host = make_host().open()
    pid = host.pid
    busy = threading.Timer(0.3, host.close)
    busy.start()
    with pytest.raises(DeviceLost):
        host.infer(order(Order.HANG))
    busy.join()
    assert is_gone(pid)
    assert host.pid is None
    with pytest.raises(DeviceLost, match="was closed"):
        host.infer(order(Order.HANG))


def test_close_may_be_called_twice_and_before_open(make_host):
    host = make_host()
    host.close()
    host.close()
    with pytest.raises(DeviceLost, match="was closed"):
        host.open()


@restarts
@posix
def test_listeners_hear_every_change_but_the_short_ones(make_host, images):
    host, heard = make_host(), []
    unsubscribe = host.subscribe(lambda info: heard.append(info.state))
    host.open()
    host.infer(images)
    kill_between_images(host)
    host.infer(images)
    host.close()
    unsubscribe()
    host.close()
    ready = [EngineState.STARTING, EngineState.READY]
    assert heard == [*ready, EngineState.LOST, *ready, EngineState.AVAILABLE]
