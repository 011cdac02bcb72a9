"""The mapping report says of each board whether a network fits, on how many processors, in how many passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from qana_desktop.engines.contract import EngineError
from qana_desktop.engines.mapping import BoardMapping, map_all, mapping_report
from qana_desktop.network.bundle import active_bundle
from tests.support.fake_akida import akd1000, load, sdk_with
from tests.support.machines import machine

ROOT = Path(__file__).resolve().parents[2]


def by_board(report: list[BoardMapping]) -> dict[str, BoardMapping]:
    return {entry.board: entry for entry in report}


def test_real_and_virtual_boards_are_reported(tmp_path, bundle_path):
    report = by_board(map_all(sdk_with(akd1000()), (str(bundle_path), False), machine(tmp_path), load))
    assert list(report) == ["AKD1000", "AKD1500", "akida-board:0"]
    real = report["akida-board:0"]
    assert (real.fits, real.virtual, real.processors, real.used, real.passes) == (True, False, 78, 3, 1)
    assert [(layer.name, layer.processors) for layer in real.layers] == [
        ("stem", 0),
        ("middle", 1),
        ("last", 1),
        ("head", 1),
    ]
    assert dict(real.memory)["program"] == 4096
    assert report["AKD1500"].virtual


def test_a_board_onto_which_it_does_not_fit_says_which_layer_and_what_to_do(tmp_path, bundle_path):
    board = akd1000()
    board.processors = 1
    report = by_board(map_all(sdk_with(board), (str(bundle_path), False), machine(tmp_path), load))
    small = report["akida-board:0"]
    assert not small.fits
    assert small.fault is not None
    assert "does not fit onto akida-board:0 (Cannot map layer" in small.fault.message
    assert small.fault.remedy


def test_the_network_that_is_shipped_fits_both_boards(akida):
    del akida
    report = mapping_report(active_bundle(ROOT / "models").path, virtual_only=True)
    assert [entry.board for entry in report] == ["AKD1000", "AKD1500"]
    for entry in report:
        assert entry.fits, entry.fault
        assert entry.passes == 1
        assert 0 < entry.used <= entry.processors


def no_library():
    """For a child: the library is not there."""
    from qana_desktop.engines.akida_runtime import missing_fault
    from qana_desktop.engines.contract import SdkMissing

    raise SdkMissing(missing_fault("linux", "x86_64", (3, 11)))


def ends_at_once():
    """For a child: the library takes its process with it."""
    import os

    os._exit(13)


@pytest.mark.parametrize(
    ("target", "says"),
    [("no_library", "The Akida library is not installed"), ("ends_at_once", "exit code 13")],
)
def test_without_a_library_that_works_the_reason_is_told(bundle_path, target, says):
    with pytest.raises(EngineError, match=says):
        mapping_report(bundle_path, target=f"tests.engines.test_mapping:{target}")
