"""A board is mapped whole, metered in bursts, and every way in which it can be missing or refuse is explained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qana_desktop.engines.akida_board import AkidaBoardAdapter
from qana_desktop.engines.contract import DeviceBusy, DeviceLost, EngineState, ModelRefused, SdkMissing
from qana_desktop.engines.probing import Machine
from qana_desktop.system.faults import Fault
from qana_desktop.triage.measured import Method
from tests.support import fake_akida
from tests.support.fake_akida import ACTIVE_MW, FLOOR_MW, IMAGE_MS, IpVersion, adapter, akd1000, akd1500

PCI_AKD1000 = ("0x1e7c", "0xbca1")


def machine(
    tmp_path: Path,
    *,
    nodes: tuple[str, ...] = (),
    cards: tuple[tuple[str, str], ...] = (),
    kernel: str = "6.1.0-13-amd64",
    system: str = "linux",
    permitted: bool = True,
) -> Machine:
    """A machine drawn in a folder."""
    dev, pci = tmp_path / "dev", tmp_path / "pci"
    dev.mkdir()
    for node in nodes:
        (dev / node).touch()
    for number, (vendor, device) in enumerate((("0x8086", "0x1234"), *cards)):
        slot = pci / f"0000:0{number}:00.0"
        slot.mkdir(parents=True)
        (slot / "vendor").write_text(f"{vendor}\n")
        (slot / "device").write_text(f"{device}\n")
    return Machine(system=system, kernel=kernel, dev=dev, pci=pci, may_open=lambda _node: permitted)


# --- why none is listed -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "code", "says"),
    [
        ({}, "device-missing", "No Akida board was found"),
        ({"system": "win32"}, "device-missing", "Linux only"),
        ({"cards": (PCI_AKD1000,)}, "driver-missing", "AKD1000 is in this computer, but its driver is not loaded"),
        ({"cards": (("0x1e7c", "0xa500"),)}, "driver-missing", "AKD1500"),
        ({"cards": (("0x1e7c", "0xffff"),)}, "driver-missing", "Akida card"),
        ({"cards": (PCI_AKD1000,), "kernel": "6.12.3"}, "driver-kernel", "5.4 to 6.8; this is 6.12.3"),
        ({"cards": (PCI_AKD1000,), "kernel": "4.19.0"}, "driver-kernel", "4.19.0"),
        ({"cards": (PCI_AKD1000,), "kernel": "6.8.0-45"}, "driver-missing", "not loaded"),
        ({"cards": (PCI_AKD1000,), "nodes": ("akida0",), "permitted": False}, "no-permission", "you may not open it"),
        ({"nodes": ("akd1500_0",), "permitted": False}, "no-permission", "akd1500_0"),
        ({"nodes": ("akida0",)}, "device-silent", "another program holds it, or it stopped answering"),
    ],
)
def test_a_missing_board_is_listed_with_the_reason_and_a_remedy(tmp_path, facts, code, says):
    (info,) = adapter(machine=machine(tmp_path, **facts)).probe()
    assert info.engine_id == "akida-board:0"
    assert info.state is EngineState.UNAVAILABLE
    assert info.runtime.startswith("akida")
    assert info.fault is not None
    assert info.fault.code == code
    assert says in info.fault.message
    assert info.fault.remedy


def test_opening_a_missing_board_raises_the_same_reason(tmp_path, bundle_path):
    with pytest.raises(DeviceLost, match="No Akida board was found"):
        adapter(machine=machine(tmp_path)).open("akida-board:0", bundle_path)


def test_opening_the_second_of_one_board_says_that_it_is_gone(bundle_path):
    with pytest.raises(DeviceLost, match="board 1 is not there any more"):
        adapter(akd1000()).open("akida-board:1", bundle_path)


def test_a_board_that_another_program_holds_is_listed_as_busy(bundle_path):
    busy = adapter(error=RuntimeError("Cannot open /dev/akida0: Device or resource busy"))
    (info,) = busy.probe()
    assert info.fault is not None
    assert info.fault.code == "device-busy"
    with pytest.raises(DeviceBusy):
        busy.open("akida-board:0", bundle_path)


def test_a_library_that_cannot_be_loaded_is_listed_with_its_fault():
    def missing():
        raise SdkMissing(Fault("sdk-missing", "The Akida library is not installed.", "Install it."))

    (info,) = AkidaBoardAdapter(sdk=missing).probe()
    assert info.runtime == ""
    assert info.fault is not None
    assert info.fault.code == "sdk-missing"


# --- what is listed -----------------------------------------------------------------------------


def test_each_board_is_listed_with_its_name_and_meter():
    first, second = adapter(akd1000(), akd1500()).probe()
    assert (first.engine_id, first.name) == ("akida-board:0", "Akida board (AKD1000)")
    assert first.detail == "PCIe/NSoC_v2/0, power meter, clock Performance"
    assert (second.engine_id, second.name) == ("akida-board:1", "Akida board (AKD1500)")
    assert "no power meter" in second.detail
    assert {first.state, second.state} == {EngineState.AVAILABLE}


def test_a_board_of_the_second_generation_is_listed_and_refused(bundle_path):
    board = akd1000()
    board.ip_version = IpVersion.v2
    (info,) = adapter(board).probe()
    assert info.fault is not None
    assert info.fault.code == "ip-version"
    with pytest.raises(ModelRefused, match="Akida 2"):
        adapter(board).open("akida-board:0", bundle_path)


# --- at work ------------------------------------------------------------------------------------


def test_a_network_that_does_not_fit_is_refused_with_the_librarys_words(bundle_path):
    board = akd1000()
    board.processors = 2
    with pytest.raises(ModelRefused, match=r"does not fit onto the board .*not enough hardware resources"):
        adapter(board).open("akida-board:0", bundle_path)


def test_energy_comes_from_a_burst_with_floor_and_dynamic_part_apart(bundle_path, images):
    engine = adapter(akd1000()).open("akida-board:0", bundle_path)
    for value in (engine.infer(images).energy, engine.measure_energy(images)):
        assert value.method is Method.MEASURED_DEVICE
        assert value.value == pytest.approx(ACTIVE_MW * IMAGE_MS / 1000)
        assert value.n * IMAGE_MS > 2 * fake_akida.EVENT_MS
        assert f"{FLOOR_MW:.0f} mW floor" in value.note
        assert f"{ACTIVE_MW - FLOOR_MW:.0f} mW dynamic" in value.note


def test_a_board_without_a_meter_has_no_energy_and_says_why(bundle_path, images):
    engine = adapter(akd1500()).open("akida-board:0", bundle_path)
    value = engine.measure_energy(images)
    assert value.method is Method.NOT_AVAILABLE
    assert "no power meter" in value.note
    engine.close()


def test_a_meter_that_never_gives_a_value_is_said_to_be_silent(bundle_path, images, monkeypatch):
    monkeypatch.setattr(fake_akida, "EVENT_MS", 1e9)
    value = adapter(akd1000()).open("akida-board:0", bundle_path).measure_energy(images)
    assert value.method is Method.NOT_AVAILABLE
    assert "gave no value during a burst" in value.note


def test_the_meter_runs_while_the_board_is_open_and_no_longer(bundle_path):
    board = akd1000()
    engine = adapter(board).open("akida-board:0", bundle_path)
    assert board.soc.power_measurement_enabled
    engine.close()
    assert not board.soc.power_measurement_enabled


def test_a_board_that_vanishes_is_lost_and_the_image_is_not_assessed(bundle_path, images):
    engine = adapter(akd1000()).open("akida-board:0", bundle_path)
    with pytest.raises(DeviceLost, match="The image was not assessed"):
        engine.infer(np.full((1, 32, 32, 3), fake_akida.UNPLUG, np.uint8))
    with pytest.raises(DeviceLost):
        engine.infer(images)
