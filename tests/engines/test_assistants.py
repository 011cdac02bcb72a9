"""The second reader and the explainer in real children: right answers, and every failure is one that is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qana_desktop.engines.assistant import RESTARTS, AssistantLimits
from qana_desktop.engines.contract import BadInput, DeviceLost, EngineError, EngineTimeout, ModelRefused
from qana_desktop.engines.explainer import Explainer
from qana_desktop.engines.second_reader import SecondReader
from qana_desktop.network.arithmetic import run
from qana_desktop.network.attribution import last_map_layer
from qana_desktop.network.bundle import open_bundle
from qana_desktop.triage.measured import Method
from tests.support import odd_assistants as odd
from tests.support.bundles import small_network
from tests.support.second_readers import SIZE, SPEC, bundle_with_second_reader, logits_of, small_second_reader

again = pytest.mark.expects_log("second-reader is started again")


@pytest.fixture(scope="module")
def bundle_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle_with_second_reader(tmp_path_factory.mktemp("models"))


@pytest.fixture
def make_reader(bundle_path: Path) -> Iterator[Callable[..., SecondReader]]:
    made: list[SecondReader] = []

    def make(name: str = "", path: Path = bundle_path, **limits: float) -> SecondReader:
        target = {"target": f"tests.support.odd_assistants:{name}"} if name else {}
        made.append(SecondReader(open_bundle(path), **target, limits=AssistantLimits(**limits)))
        return made[-1]

    yield make
    for reader in made:
        reader.close()


@pytest.fixture
def views() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (2, SIZE, SIZE, 3)).astype(np.uint8)


def test_it_gives_the_logits_of_its_model_with_time_energy_and_runtime(make_reader, views):
    reader = make_reader()
    assert reader.pid is None, "it starts with the first question"
    answer = reader.read(views)
    assert answer.logits == pytest.approx(logits_of(small_second_reader().model, views), abs=1e-4)
    assert answer.logits.dtype == np.float32
    assert answer.latency_ms > 0
    assert answer.energy.method in {Method.ESTIMATED, Method.MEASURED_PACKAGE}
    assert answer.energy.value is not None
    if answer.energy.method is Method.ESTIMATED:
        assert answer.energy.value == pytest.approx(SPEC.multiply_accumulates * 4.6e-9)
    assert answer.runtime.startswith("onnxruntime ")
    first = reader.pid
    reader.read(views)
    assert reader.pid == first


def test_what_is_no_image_of_its_size_is_refused_and_it_goes_on(make_reader, views):
    reader = make_reader()
    with pytest.raises(BadInput):
        reader.read(views[:, 1:])
    assert reader.read(views).logits.shape == (2, 7)


@again
def test_a_reader_that_dies_once_is_started_again_and_answers(make_reader, tmp_path):
    reader = make_reader("serve_odd", bundle_with_second_reader(tmp_path))
    assert reader.read(odd.order(odd.DIE_ONCE, SIZE)).logits.shape == (2, 7)


@again
def test_a_reader_that_dies_twice_is_an_error_and_no_answer(make_reader, views):
    reader = make_reader("serve_odd")
    with pytest.raises(DeviceLost):
        reader.read(odd.order(odd.DIE, SIZE))
    assert reader.read(views).logits.shape == (2, 7), "the next image meets a fresh child"


@again
def test_after_several_restarts_it_is_given_up_until_somebody_resets_it(make_reader, views):
    reader = make_reader("serve_odd")
    for _attempt in range(RESTARTS):
        with pytest.raises(DeviceLost):
            reader.read(odd.order(odd.DIE, SIZE))
    with pytest.raises(DeviceLost, match="stopped again"):
        reader.read(views)
    reader.reset()
    assert reader.read(views).logits.shape == (2, 7)


@again
def test_a_reader_that_hangs_is_ended(make_reader):
    reader = make_reader("serve_odd", call_s=1.0)
    with pytest.raises(EngineTimeout):
        reader.read(odd.order(odd.HANG, SIZE))


@pytest.mark.expects_log("nobody foresaw")
def test_a_bug_is_logged_and_said_and_blocks_it(make_reader, views):
    reader = make_reader("serve_odd")
    for batch in (odd.order(odd.BUG, SIZE), views):
        with pytest.raises(DeviceLost, match="nobody foresaw"):
            reader.read(batch)


@pytest.mark.parametrize("what", [odd.TEXT, odd.NOT_A_NUMBER])
def test_what_is_no_answer_is_never_taken_for_one(make_reader, what):
    with pytest.raises(EngineError, match="no answer"):
        make_reader("serve_odd").read(odd.order(what, SIZE))


def test_a_machine_on_which_its_logits_come_out_wrong_does_not_use_it(make_reader, views):
    with pytest.raises(ModelRefused, match="golden logit is off by 1"):
        make_reader("serve_off_by_one").read(views)


def test_a_model_that_is_none_is_refused_in_words(make_reader, tmp_path, views):
    broken = bundle_with_second_reader(tmp_path, contents=replace(small_second_reader(), model=b"no model"))
    with pytest.raises(ModelRefused, match="ONNX Runtime cannot use it"):
        make_reader(path=broken).read(views)


def test_closed_it_answers_no_more(make_reader, views):
    reader = make_reader()
    reader.close()
    with pytest.raises(DeviceLost):
        reader.read(views)


def test_the_explainer_gives_the_networks_own_integers(bundle_path):
    explainer, network = Explainer(open_bundle(bundle_path)), small_network()
    images = np.random.default_rng(5).integers(0, 256, (4, *network.input_shape)).astype(np.uint8)
    try:
        found = explainer.last_maps(images)
    finally:
        explainer.close()
    outputs = run(network, images)
    assert np.array_equal(found.potentials, outputs[-1])
    assert np.array_equal(found.maps, outputs[last_map_layer(network)])
    assert found.runtime.startswith("onnxruntime ")
