"""A board is mapped whole, metered in bursts, and every way in which it can be missing or refuse is explained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qana_desktop.engines.akida_board import AkidaBoardAdapter
from qana_desktop.engines.contract import DeviceBusy, DeviceLost, EngineError, EngineState, ModelRefused, SdkMissing
from qana_desktop.system.faults import Fault
from qana_desktop.triage.measured import Method
from tests.support import fake_akida
from tests.support.fake_akida import ACTIVE_MW, FLOOR_MW, IMAGE_MS, IpVersion, adapter, akd1000, akd1500
from tests.support.machines import KERNEL, PCI_AKD1000, PCI_AKD1500, hold, machine, plug_in

ROOT = Path(__file__).resolve().parents[2]


# --- why none is listed -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "code", "says"),
    [
        ({}, "device-missing", "No Akida board was found"),
        ({"system": "win32"}, "device-missing", "Linux only"),
        ({"cards": (PCI_AKD1000,)}, "driver-missing", "AKD1000 is in this computer, but its driver is not loaded"),
        ({"cards": (PCI_AKD1500,)}, "driver-missing", "AKD1500"),
        ({"cards": (PCI_AKD1000,), "built_for": ("6.5.0-1", "5.15.0-2")}, "driver-other-kernel", "5.15.0-2, 6.5.0-1"),
        ({"cards": (PCI_AKD1000,), "built_for": (KERNEL,)}, "driver-missing", "not loaded"),
        ({"cards": (PCI_AKD1000,), "built_for": (KERNEL,), "loaded": True}, "driver-failed", "made no device"),
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


def test_a_board_that_another_program_holds_names_that_program(tmp_path, bundle_path):
    drawn = machine(tmp_path, nodes=("akida0",))
    hold(drawn, "akida0", pid=4711, name="akida run")
    for held in (adapter(machine=drawn), adapter(machine=drawn, error=RuntimeError("busy"))):
        (info,) = held.probe()
        assert info.fault is not None
        assert info.fault.code == "device-busy"
        assert "akida run (4711)" in info.fault.message
        with pytest.raises(DeviceBusy):
            held.open("akida-board:0", bundle_path)


def test_a_board_that_may_not_be_opened_names_the_rule_that_gives_it_to_a_group(tmp_path):
    (info,) = adapter(machine=machine(tmp_path, nodes=("akida0",), permitted=False)).probe()
    assert info.fault is not None
    rule = next(ROOT.glob("packaging/udev/*.rules"))
    assert rule.name in info.fault.remedy
    text = rule.read_text()
    assert all(part in text for part in ('GROUP:="akida"', 'MODE:="0660"', "0xbca1|0xa500", 'TAG+="uaccess"'))
    assert "0666" not in text


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


def test_a_board_is_known_by_its_slot_whatever_number_the_driver_gives_it(tmp_path, bundle_path):
    drawn = machine(tmp_path)
    plug_in(drawn, "akida0", "0000:05:00.0")
    plug_in(drawn, "akida1", "0000:03:00.0")
    devices = akd1000(0), akd1000(1)
    first, second = adapter(*devices, machine=drawn).probe()
    assert [first.engine_id, second.engine_id] == ["akida-board:pci-0000:05:00.0", "akida-board:pci-0000:03:00.0"]
    engine = adapter(*devices, machine=drawn).open(second.engine_id, bundle_path)
    assert engine.info.engine_id == second.engine_id
    assert engine.infer(np.zeros((1, 32, 32, 3), np.uint8)).energy.engine == second.engine_id
    assert adapter(*devices, machine=drawn).open("akida-board:1", bundle_path).info.engine_id == second.engine_id


def test_another_board_never_answers_for_the_one_that_was_asked_for(tmp_path, bundle_path):
    drawn = machine(tmp_path)
    plug_in(drawn, "akida0", "0000:05:00.0")
    with pytest.raises(DeviceLost, match=r"board pci-0000:03:00\.0 is not there any more"):
        adapter(akd1000(), machine=drawn).open("akida-board:pci-0000:03:00.0", bundle_path)


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
    board.processors = 1
    with pytest.raises(ModelRefused, match=r"does not fit onto the board .*Not enough hardware components"):
        adapter(board).open("akida-board:0", bundle_path)


def test_energy_comes_from_a_burst_with_floor_and_dynamic_part_apart(bundle_path, images):
    engine = adapter(akd1000()).open("akida-board:0", bundle_path)
    for value in (engine.infer(images).energy, engine.measure_energy(images)):
        assert value.method is Method.MEASURED_DEVICE
        assert value.value == pytest.approx(ACTIVE_MW * IMAGE_MS / 1000)
        assert value.n * IMAGE_MS > 2 * fake_akida.EVENT_MS
        assert f"{FLOOR_MW:.0f} mW floor" in value.note
        assert f"{ACTIVE_MW - FLOOR_MW:.0f} mW dynamic" in value.note


def test_a_clock_mode_is_set_shown_and_refused_where_there_is_none(bundle_path):
    engine = adapter(akd1000()).open("akida-board:0", bundle_path)
    assert engine.status().clocks == ("Performance", "Economy", "LowPower")
    engine.set_clock("Economy")
    assert "clock Economy" in engine.info.detail
    assert engine.status().clock == "Economy"
    with pytest.raises(EngineError, match="no clock mode “Turbo”"):
        engine.set_clock("Turbo")
    with pytest.raises(EngineError, match="no clock mode"):
        adapter(akd1500()).open("akida-board:0", bundle_path).set_clock("Economy")


def test_a_board_tells_its_power_where_it_has_a_meter_and_no_temperature(bundle_path):
    metered = adapter(akd1000()).open("akida-board:0", bundle_path).status()
    assert (metered.power_mw, metered.floor_mw, metered.temperature_c) == (ACTIVE_MW, FLOOR_MW, None)
    bare = adapter(akd1500()).open("akida-board:0", bundle_path).status()
    assert (bare.clock, bare.clocks, bare.power_mw, bare.floor_mw) == ("", (), None, None)


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
