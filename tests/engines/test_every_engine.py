"""The same questions to every engine, each in a child: ONNX Runtime, simulator, fake boards, a real board."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from qana_desktop.engines.contract import BadInput, DeviceLost, EngineError, EngineState
from qana_desktop.engines.host import EngineHost
from qana_desktop.engines.registry import ADAPTERS, AdapterSpec, EngineRegistry
from qana_desktop.engines.selftest import run_selftest
from qana_desktop.network.arithmetic import run
from qana_desktop.system.faults import Fault
from qana_desktop.triage.measured import MeasuredValue, Method
from tests.support.bundles import features_vary, small_network

FAKES = {
    "fake-akd1000": AdapterSpec("akida-board", "Fake board", "tests.support.fake_akida:one_akd1000", "fake"),
    "fake-akd1500": AdapterSpec("akida-board", "Fake board", "tests.support.fake_akida:one_akd1500", "fake"),
}
ENGINES = ("onnx-cpu", "akida-simulator", *FAKES, "akida-board")

needs_simulator = pytest.mark.skipif(
    importlib.util.find_spec("akida") is None,
    reason="the akida package is not installed, so nothing can be compared with its simulator",
)


def registry_for(engine: str) -> tuple[EngineRegistry, str]:
    """Return the registry and the id under which it has this engine."""
    return (EngineRegistry([FAKES[engine]]), "akida-board:0") if engine in FAKES else (EngineRegistry(ADAPTERS), engine)


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=needs_simulator if name == "akida-simulator" else ()) for name in ENGINES],
)
def engine(request: pytest.FixtureRequest, bundle_path: Path) -> Iterator[EngineHost]:
    """One open engine of each kind for all questions of this file."""
    if request.param == "akida-board" and not request.config.getoption("--akida-device"):
        pytest.skip("asks a real board: pass --akida-device on a machine that has one")
    registry, engine_id = registry_for(request.param)
    host = registry.open(engine_id, bundle_path)
    yield host
    host.close()


pytestmark = pytest.mark.keeps_processes


def test_it_is_ready_and_says_what_it_is(engine):
    assert engine.info.state is EngineState.READY
    assert engine.info.fault is None
    assert all((engine.info.name, engine.info.runtime, engine.info.detail))


def test_it_gives_the_golden_outputs(engine, bundle):
    assert features_vary(small_network())
    found = run_selftest(engine.infer, bundle.golden())
    assert found.passed
    assert found.integers > 200


def test_it_gives_the_integers_of_the_reference_on_random_images(engine):
    images = np.random.default_rng(11).integers(0, 256, (60, 32, 32, 3)).astype(np.uint8)
    assert np.array_equal(engine.infer(images).potentials, run(small_network(), images)[-1])


def test_it_does_not_mind_how_the_batch_lies_in_memory(engine, images):
    turned = np.asfortranarray(images)[:, ::-1]
    assert np.array_equal(engine.infer(turned).potentials, engine.infer(np.ascontiguousarray(turned)).potentials)


def test_it_says_how_long_the_batch_took(engine, images):
    assert engine.infer(images).latency_ms > 0


def test_its_potentials_are_int32_with_classes_then_features(engine, images, bundle):
    potentials = engine.infer(images).potentials
    assert potentials.dtype == np.int32
    assert potentials.shape == (4, len(bundle.manifest.classes) + bundle.manifest.features)


@pytest.mark.parametrize(
    "batch",
    [np.zeros((0, 32, 32, 3), np.uint8), np.zeros((1, 32, 33, 3), np.uint8), np.zeros((1, 32, 32, 3), np.int32)],
    ids=["empty", "shape", "type"],
)
def test_it_refuses_a_batch_that_does_not_fit_and_goes_on(engine, images, batch):
    with pytest.raises(BadInput):
        engine.infer(batch)
    with pytest.raises(BadInput):
        engine.measure_energy(batch)
    assert len(engine.infer(images).potentials) == 4


def test_energy_has_a_method_and_a_reason_when_there_is_none(engine, images):
    for value in (engine.infer(images).energy, engine.measure_energy(images)):
        assert isinstance(value, MeasuredValue)
        assert value.engine == engine.info.engine_id
        assert value.unit == "mJ"
        assert value.note
        assert value.value is None or value.value > 0
        assert (value.n == 0) == (value.method is Method.NOT_AVAILABLE)


def test_a_board_tells_its_clock_and_power_and_other_engines_say_that_they_are_none(engine):
    if not engine.info.engine_id.startswith("akida-board"):
        for ask in (engine.status, lambda: engine.set_clock("Economy")):
            with pytest.raises(EngineError, match="no board"):
                ask()
        assert engine.info.state is EngineState.READY
        return
    status = engine.status()
    assert (status.clock == "") == (status.clocks == ())
    assert status.power_mw is None or status.power_mw > 0
    for mode in status.clocks:
        assert f"clock {mode}" in engine.set_clock(mode).detail
    with pytest.raises(EngineError, match="no clock mode"):
        engine.set_clock("Turbo")
    assert engine.info.state is EngineState.READY


def test_a_device_that_went_is_lost_until_a_person_restarts(engine, images):
    engine.device_gone(Fault("device-lost", "It is gone. The image was not assessed.", "Put it back."))
    with pytest.raises(DeviceLost, match="It is gone"):
        engine.infer(images)
    engine.restart()
    assert len(engine.infer(images).potentials) == 4


def test_what_was_measured_last_is_what_the_next_images_carry(engine, images):
    assert engine.measure_energy(images) == engine.infer(images).energy
