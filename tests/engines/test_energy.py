"""Energy is measured, estimated or missing, and says which; counters wrap, permissions are explained."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.engines.energy import (
    BURST_S,
    FLOAT_PJ,
    INTEGER_PJ,
    Operations,
    estimated,
    measured_on_package,
    multiply_accumulates,
    not_available,
)
from qana_desktop.engines.powercap import MeterUnavailable, PowercapMeter
from qana_desktop.network.export_onnx import integer_layers
from qana_desktop.network.layers import Activation, Conv, Dense, InputConv, IntegerNetwork, SeparableConv
from qana_desktop.triage.measured import Method

RANGE_UJ = 262_143_328_850


def add_zone(root: Path, number: str, *, name: str, energy_uj: int, range_uj: int = RANGE_UJ) -> Path:
    zone = root / f"intel-rapl:{number}"
    zone.mkdir(parents=True)
    (zone / "name").write_text(f"{name}\n")
    (zone / "energy_uj").write_text(f"{energy_uj}\n")
    (zone / "max_energy_range_uj").write_text(f"{range_uj}\n")
    return zone


# --- the processor's counter --------------------------------------------------------------------


def test_packages_are_summed_and_their_parts_are_not_counted_twice(tmp_path):
    for number, name in (("0", "package-0"), ("0:0", "core"), ("0:1", "dram"), ("1", "package-1"), ("2", "psys")):
        add_zone(tmp_path, number, name=name, energy_uj=1000)
    meter = PowercapMeter.find(tmp_path)
    assert meter.read() == (1000, 1000)
    assert meter.used_joules((1000, 1000), (1_501_000, 501_000)) == pytest.approx(2.0)


@given(before=st.integers(0, RANGE_UJ - 1), used=st.integers(0, RANGE_UJ - 1))
def test_a_counter_that_started_again_gives_the_same_energy(tmp_path_factory, before, used):
    root = tmp_path_factory.mktemp("powercap")
    add_zone(root, "0", name="package-0", energy_uj=before)
    meter = PowercapMeter.find(root)
    assert meter.used_joules((before,), ((before + used) % RANGE_UJ,)) == pytest.approx(used / 1e6)


def test_a_computer_without_a_counter_says_so(tmp_path):
    with pytest.raises(MeterUnavailable, match="no energy counter") as caught:
        PowercapMeter.find(tmp_path)
    assert caught.value.fault.code == "energy-counter-missing"


def test_a_counter_that_only_root_may_read_says_how_to_allow_it(tmp_path, monkeypatch):
    add_zone(tmp_path, "0", name="package-0", energy_uj=5)
    read_text = Path.read_text

    def refuse(path: Path, *args: object, **kwargs: object) -> str:
        if path.name == "energy_uj":
            raise PermissionError(13, os.strerror(13), str(path))
        return read_text(path, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(MeterUnavailable, match="CVE-2020-8694") as caught:
        PowercapMeter.find(tmp_path)
    assert "chmod a+r" in caught.value.fault.remedy


def test_a_counter_that_holds_no_number_is_not_used(tmp_path):
    (add_zone(tmp_path, "0", name="package-0", energy_uj=5) / "energy_uj").write_text("<unknown>")
    with pytest.raises(MeterUnavailable):
        PowercapMeter.find(tmp_path)


def test_one_view_costs_the_burst_divided_by_its_images(tmp_path):
    zone = add_zone(tmp_path, "0", name="package-0", energy_uj=RANGE_UJ - 1_000_000)
    now, spent = [0.0], [RANGE_UJ - 1_000_000]

    def run_two_images() -> None:
        now[0] += 0.1
        spent[0] = (spent[0] + 4_000_000) % RANGE_UJ
        (zone / "energy_uj").write_text(f"{spent[0]}\n")

    meter = PowercapMeter.find(tmp_path)
    value = measured_on_package("onnx-cpu", meter, run_two_images, images_per_run=2, clock=lambda: now[0])
    runs = round(BURST_S / 0.1)
    assert value.method is Method.MEASURED_PACKAGE
    assert value.value == pytest.approx(2000.0)
    assert value.n == pytest.approx(2 * runs, abs=2)
    assert "idle power and other programs" in value.note


# --- the estimate -------------------------------------------------------------------------------


def activation(channels: int) -> Activation:
    return Activation(4, np.zeros(channels, np.int32), np.ones(channels, np.float32))


def test_operations_are_counted_layer_by_layer():
    network = IntegerNetwork(
        input_shape=(16, 16, 3),
        layers=(
            InputConv("a", np.zeros((8, 3, 3, 3), np.int8), 2, 0, activation(8)),
            SeparableConv("b", np.zeros((8, 3, 3), np.int8), np.zeros((12, 8), np.int8), 4, 1, activation(12), True),
            Conv("c", np.zeros((4, 12, 1, 1), np.int8), 4, 1, activation(4), global_sum=True),
            Dense("d", np.zeros((7, 4), np.int8), 4),
        ),
        classes=7,
    )
    integer, floating = 8 * 8 * (8 * 27), 8 * 8 * (8 * 9 + 12 * 8) + 4 * 4 * (4 * 12) + 7 * 4
    assert integer_layers(network) == ("a",)
    assert multiply_accumulates(network) == Operations(integer, floating)
    value = estimated("onnx-cpu", network, why_not_measured="There is no counter.")
    assert value.method is Method.ESTIMATED
    assert value.value == pytest.approx((integer * INTEGER_PJ + floating * FLOAT_PJ) * 1e-9)


def test_an_estimate_shows_its_formula_its_source_and_what_it_leaves_out(bundle):
    value = estimated("onnx-cpu", bundle.network(), why_not_measured="There is no counter.")
    for part in (
        "of 8-bit integers x 0.3 pJ",
        "floating point x 4.6 pJ",
        "Horowitz",
        "Arithmetic only",
        "There is no counter.",
    ):
        assert part in value.note


def test_what_is_not_available_has_no_number_and_a_reason():
    value = not_available("akida-simulator", "It has no meter.")
    assert (value.value, value.n, value.method) == (None, 0, Method.NOT_AVAILABLE)
