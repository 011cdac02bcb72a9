"""The stand-in for the vendor's library answers as the real one does, wherever the real one answers without a board."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from qana_desktop.network.arithmetic import run
from qana_desktop.network.export_akida import to_akida
from tests.support import fake_akida
from tests.support.bundles import small_network

SURFACE = {
    "": (
        "AKD1000 AKD1500 AKD1500_v1 AkidaUnsupervised BackendType Device FullyConnected HardwareDevice InputData "
        "IpVersion Model NSoC_v2 "
        "PowerEvent PowerMeter Statistics TwoNodesIPv1 TwoNodesIPv2 devices get_program_memory_infos soc"
    ),
    "Model": "map forward fit compile add_classes predict_classes sequences",
    "Device": "mesh",
    "HardwareDevice": "mesh",
    "PowerMeter": "events",
    "soc": "ClockMode",
}
"""What the program uses of the library and what the classes themselves show (fields show on objects alone)."""


@pytest.fixture(params=["fake", "real"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    if request.param == "fake":
        return fake_akida.sdk_with()
    module: ModuleType = request.getfixturevalue("akida")
    return module


@pytest.fixture
def model(library: ModuleType) -> Any:
    real = library.__version__ != "2.19.3+fake"
    return to_akida(small_network()) if real else library.Model(small_network())


@pytest.mark.parametrize("owner", SURFACE)
def test_both_have_what_the_program_uses(library, owner):
    holder = getattr(library, owner) if owner else library
    assert [name for name in SURFACE[owner].split() if not hasattr(holder, name)] == []


def test_both_compute_the_reference_integers_when_no_board_is_mapped(model):
    images = np.random.default_rng(5).integers(0, 256, (8, 32, 32, 3)).astype(np.uint8)
    outputs = model.forward(images)
    assert outputs.dtype == np.int32
    assert np.array_equal(outputs.reshape(8, -1), run(small_network(), images)[-1])


def test_both_have_no_energy_without_a_board(model):
    model.forward(np.zeros((2, 32, 32, 3), np.uint8))
    assert model.statistics.energy is None
    assert model.statistics.powers == {}
    fps = model.statistics.fps  # None where the run was too short for the clock
    assert fps is None or fps > 0


@pytest.mark.parametrize(
    ("inputs", "error", "says"),
    [
        ([1], TypeError, "incompatible function arguments"),
        (np.zeros((1, 32, 32, 3), np.float32), ValueError, "Unsupported input type float32"),
        (np.zeros((1, 31, 32, 3), np.uint8), ValueError, "Input shape must be (N,32,32,3) but got (1,31,32,3)"),
        (np.zeros((32, 32, 3), np.uint8), ValueError, "Input shape must be (N,32,32,3) but got (32,32,3)"),
        (np.zeros((0, 32, 32, 3), np.uint8), RuntimeError, "dimension 0 set to 0"),
    ],
    ids=["list", "type", "shape", "rank", "empty"],
)
def test_both_refuse_the_same_inputs_in_the_same_words(model, inputs, error, says):
    with pytest.raises(error, match=re.escape(says)):
        model.forward(inputs)


def test_both_map_to_a_virtual_board_and_do_not_run_there(library, model):
    board = library.AKD1000()
    assert len(board.mesh.nps) == 78
    model.map(board, hw_only=True)
    (sequence,) = model.sequences
    assert sequence.backend == library.BackendType.Hardware
    layers = [layer for one_pass in sequence.passes for layer in one_pass.layers]
    assert [layer.name for layer in layers] == ["stem", "middle", "last", "head"]
    assert all(layer.mapping.nps for layer in layers)
    assert layers[0].mapping.nps[0].type.name == "HRC"
    with pytest.raises(RuntimeError, match="An actual hardware device is required"):
        model.forward(np.zeros((1, 32, 32, 3), np.uint8))
    model.map(None)
    assert model.forward(np.zeros((1, 32, 32, 3), np.uint8)).size == 23


def test_both_tell_the_memory_of_a_mapped_program(library, model):
    model.map(library.AKD1500(), hw_only=True)
    infos = library.get_program_memory_infos(model.sequences[0].program)
    for name in ("input_memory", "output_memory", "program_memory", "extra_program_memory"):
        assert getattr(infos, name) >= 0


def test_both_refuse_a_board_of_another_generation(library, model):
    with pytest.raises(RuntimeError, match="The IP version of the model and device must be identical"):
        model.map(library.TwoNodesIPv2(), hw_only=True)


def test_both_name_the_layer_that_does_not_fit(library):
    network = small_network()
    wide = fake_akida.Model(network) if library.__version__.endswith("fake") else _too_wide()
    with pytest.raises(RuntimeError, match=r"Cannot map layer '\w+'. Not enough hardware components of type CNP1"):
        wide.map(library.TwoNodesIPv1(), hw_only=True)


def _too_wide() -> Any:
    """The shipped network has more than the eight processors of the smallest board."""
    from pathlib import Path

    from qana_desktop.network.bundle import active_bundle

    return to_akida(active_bundle(Path(__file__).resolve().parents[2] / "models").network())


def test_both_learn_nothing_before_they_were_told_how(library, model):
    with pytest.raises(RuntimeError, match="last layer should be compiled"):
        model.fit(np.zeros((1, 32, 32, 3), np.uint8), 0)
    with pytest.raises(RuntimeError, match="last layer must be compiled"):
        model.add_classes(1)
    with pytest.raises(ValueError, match="Only layers with binary weights can be trained"):
        model.compile(library.AkidaUnsupervised(10, 7))


def test_both_have_the_same_clock_modes(library):
    modes = {name: mode.value for name, mode in library.soc.ClockMode.__members__.items()}
    assert modes == {"Performance": 300_000_000, "Economy": 100_000_000, "LowPower": 5_000_000}


def test_both_say_that_a_file_is_missing(library):
    with pytest.raises(RuntimeError, match="File not found"):
        library.Model("/nonexistent.fbz")


def test_both_know_the_boards_by_the_same_versions(library):
    assert str(library.AKD1000().version) == str(library.NSoC_v2) == fake_akida.NSOC_V2
    assert str(library.AKD1500().version) == str(library.AKD1500_v1) == fake_akida.AKD1500_V1
