"""Windows' energy meters: what drivers publish is read from bytes as documented; parts are not counted twice."""

from __future__ import annotations

import struct
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.engines import emi
from qana_desktop.engines.emi import EmiMeter, parse_metadata
from qana_desktop.engines.emi_windows import open_devices
from qana_desktop.engines.energy import measured_on_package, package_meter
from qana_desktop.engines.powercap import MeterUnavailable
from qana_desktop.triage.measured import Method

INTEL = ("RAPL_Package0_PKG", "RAPL_Package0_PP0", "RAPL_Package0_PP1", "RAPL_Package0_DRAM")
AMD = ("VDDCR_VDD Power", "VDDCR_SOC Power", "Current Socket Power", "Apu Power")


def wide(text: str, size: int | None = None) -> bytes:
    encoded = (text + "\0").encode("utf-16-le")
    return encoded if size is None else encoded.ljust(size, b"\0")


def metadata_v2(*names: str, unit: int = 0) -> bytes:
    head = wide("Maker", 32) + wide("Model", 32) + struct.pack("<HH", 1, len(names))
    return head + b"".join(struct.pack("<IH", unit, len(wide(name))) + wide(name) for name in names)


def metadata_v1(name: str, unit: int = 0) -> bytes:
    return (
        struct.pack("<I", unit)
        + wide("Maker", 32)
        + wide("Model", 32)
        + struct.pack("<HH", 1, len(wide(name)))
        + wide(name)
    )


class FakeDevice:
    """A meter whose counters the test sets, in picowatt-hours."""

    def __init__(self, metadata: bytes, counters: list[int], version: int = 2) -> None:
        self.metadata, self.counters, self.version = metadata, counters, version
        self.broken = False

    def ask(self, code: int, size: int) -> bytes:
        if self.broken:
            raise OSError("the device is gone")
        answers = {
            emi.GET_VERSION: struct.pack("<H", self.version),
            emi.GET_METADATA_SIZE: struct.pack("<I", len(self.metadata)),
            emi.GET_METADATA: self.metadata,
            emi.GET_MEASUREMENT: b"".join(struct.pack("<QQ", value, 1) for value in self.counters),
        }
        return answers[code][:size]


@pytest.mark.parametrize(("names", "package"), [(INTEL, 0), (AMD, 2)])
def test_only_the_whole_package_is_counted(names, package):
    device = FakeDevice(metadata_v2(*names), [10, 20, 30, 40])
    assert EmiMeter.find([device]).read() == ((package + 1) * 10,)


def test_two_packages_are_added():
    devices = [FakeDevice(metadata_v2(name), [5]) for name in ("RAPL_Package0_PKG", "RAPL_Package1_PKG")]
    meter = EmiMeter.find(devices)
    assert meter.used_joules((5, 5), (5 + 10**9, 5 + 10**9)) == pytest.approx(7.2)


def test_a_meter_of_the_first_version_is_read():
    device = FakeDevice(metadata_v1("RAPL_Package0_PKG"), [77], version=1)
    assert EmiMeter.find([device]).read() == (77,)


@pytest.mark.parametrize(
    "device",
    [
        FakeDevice(metadata_v2("RAPL_Package0_PP0"), [1]),
        FakeDevice(metadata_v2("RAPL_Package0_PKG", unit=1), [1]),
        FakeDevice(metadata_v2("RAPL_Package0_PKG"), [1], version=3),
        FakeDevice(metadata_v2("RAPL_Package0_PKG")[:-6], [1]),
        FakeDevice(b"", [1]),
    ],
    ids=["a part", "another unit", "another version", "cut off", "empty"],
)
def test_what_is_no_package_counter_is_not_used(device):
    with pytest.raises(MeterUnavailable, match="no energy counter"):
        EmiMeter.find([device])


def test_a_meter_that_stops_answering_is_said_to_be_unreadable():
    device = FakeDevice(metadata_v2("RAPL_Package0_PKG"), [1])
    meter = EmiMeter.find([device])
    device.broken = True
    with pytest.raises(MeterUnavailable, match="the device is gone"):
        meter.read()


@given(st.binary(max_size=300), st.integers(0, 3))
def test_no_bytes_of_a_driver_break_the_program(data, version):
    with pytest.raises(MeterUnavailable):
        EmiMeter.find([FakeDevice(data, [1], version=version)])


def test_one_view_costs_the_burst_divided_by_its_images():
    device, now = FakeDevice(metadata_v2("RAPL_Package0_PKG"), [0]), [0.0]

    def run_two_images() -> None:
        now[0] += 0.1
        device.counters[0] += round(4 / emi.JOULES_PER_PWH)

    value = measured_on_package(
        "onnx-cpu", EmiMeter.find([device]), run_two_images, images_per_run=2, clock=lambda: now[0]
    )
    assert value.method is Method.MEASURED_PACKAGE
    assert value.value == pytest.approx(2000.0)
    assert "Windows Energy Meter Interface" in value.note


@pytest.mark.skipif(sys.platform == "win32", reason="asks what other systems do")
def test_elsewhere_than_on_windows_there_is_no_such_device():
    assert open_devices() == []
    with pytest.raises(MeterUnavailable):
        package_meter("win32")


def test_channels_have_their_names():
    assert [channel.name for channel in parse_metadata(2, metadata_v2(*INTEL))] == list(INTEL)
