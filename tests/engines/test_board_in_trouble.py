"""A fake board in a real child: when it hangs, goes, refuses or returns nonsense, no wrong answer comes back."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest

from qana_desktop.engines.contract import DeviceLost, EngineState, EngineTimeout, ModelRefused
from qana_desktop.engines.host import EngineHost
from qana_desktop.engines.registry import AdapterSpec, EngineRegistry
from qana_desktop.network.arithmetic import run
from tests.engines.conftest import HASTY
from tests.support.bundles import small_network
from tests.support.fake_akida import Order

SPEC = AdapterSpec("akida-board", "Fake board", "tests.support.fake_akida:one_akd1000", "fake")


@pytest.fixture
def board(bundle_path) -> Iterator[EngineHost]:
    host = EngineRegistry([SPEC], limits=HASTY).open("akida-board", bundle_path)
    yield host
    host.close()


@pytest.mark.parametrize(
    ("what", "error", "state"),
    [
        pytest.param(
            Order.HANG,
            EngineTimeout,
            EngineState.STUCK,
            marks=pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX signals"),
        ),
        (Order.UNPLUG, DeviceLost, EngineState.LOST),
        (Order.REFUSE, DeviceLost, EngineState.LOST),
        (Order.GARBAGE, ModelRefused, EngineState.REFUSED),
        (Order.TOO_FEW, ModelRefused, EngineState.REFUSED),
    ],
)
def test_the_image_is_not_assessed_and_the_board_stays_out_of_use_until_a_person_restarts(
    board, images, what, error, state, caplog
):
    caplog.set_level("CRITICAL", logger="qana_desktop.engines.host")
    with pytest.raises(error, match="not assessed"):
        board.infer(np.full((1, 32, 32, 3), what, np.uint8))
    assert board.info.state is state
    with pytest.raises(error):
        board.infer(images)
    board.restart()
    assert np.array_equal(board.infer(images).potentials, run(small_network(), images)[-1])
    assert board.infer(images).energy.engine == "akida-board:0"


def test_two_boards_are_listed_and_each_answers_for_itself(bundle_path, images):
    registry = EngineRegistry([AdapterSpec("akida-board", "Fake", "tests.support.fake_akida:two_boards", "fake")])
    ids = [info.engine_id for info in registry.probe()]
    assert ids == ["akida-board:0", "akida-board:1"]
    first, second = (registry.open(engine_id, bundle_path) for engine_id in ids)
    try:
        assert [info.engine_id for info in registry.probe()] == ids
        for host, name in ((first, ids[0]), (second, ids[1])):
            assert host.infer(images).energy.engine == name
        first.close()
        listed = {info.engine_id: info.state for info in registry.probe()}
        assert listed == {ids[0]: EngineState.AVAILABLE, ids[1]: EngineState.READY}
    finally:
        first.close()
        second.close()
