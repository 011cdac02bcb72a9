"""The class activation map: its places add up to the logit, on every network that has one."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
import onnxruntime
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from qana_desktop.network.arithmetic import activate, run
from qana_desktop.network.attribution import (
    FINER,
    NotAttributable,
    attribute,
    drawn,
    gains,
    last_map_layer,
)
from qana_desktop.network.export_akida import to_akida
from qana_desktop.network.export_onnx import INPUT_NAME, OUTPUT_NAME, layer_output_name, to_onnx
from qana_desktop.network.golden import golden_images
from qana_desktop.network.layers import Activation, Conv, Dense, InputConv, IntegerNetwork
from qana_desktop.network.preprocess import DIHEDRAL, views
from qana_desktop.network.shapes import convolved_size
from tests.support.bundles import small_network
from tests.support.random_networks import images_for, networks

SLOW = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


@given(st.data())
@SLOW
def test_the_places_and_the_rounding_add_up_to_each_logit(data: st.DataObject) -> None:
    network = data.draw(networks())
    try:
        index = last_map_layer(network)
    except NotAttributable:
        assume(False)
    images = data.draw(images_for(network))
    outputs = run(network, images)
    for image in range(len(images)):
        found = attribute(network, outputs[index][image])
        logits = outputs[-1][image, : network.classes]
        assert found.maps.shape == (network.classes, *_places(network, index, outputs[index].shape[1:]))
        assert found.maps.sum(axis=(1, 2)) + found.remainder == pytest.approx(logits, abs=1e-6)
        assert np.all(np.abs(found.remainder) <= _most_rounding(network) + 1e-9), "only rounding has no place"


def _places(network: IntegerNetwork, index: int, shape: tuple[int, ...]) -> tuple[int, int]:
    """Where the layer after the last map adds up: it may still step over places, as a stride of two does."""
    following = network.layers[index + 1]
    height, width, channels = shape
    return (height, width) if isinstance(following, Dense) else convolved_size(following, (height, width, channels))


def _most_rounding(network: IntegerNetwork) -> np.ndarray:
    """What rounding up to whole levels can be worth to each class: below one level in each channel."""
    head = network.layers[-1]
    assert isinstance(head, Dense)
    return np.abs(head.weights[: network.classes].astype(float)).sum(axis=1)


@given(st.integers(-5000, 5000), st.integers(1, 4000), st.integers(-3000, 3000), st.sampled_from((1, 2, 4)))
def test_a_channel_gives_back_its_level_but_for_rounding(p: int, sixteenths: int, threshold: int, bits: int) -> None:
    sixteenths = sixteenths // 4 * 4 + 4
    activation = Activation(bits, np.array([threshold], np.int32), np.array([sixteenths / 16], np.float32))
    level = int(activate(activation, np.array([p], np.int32))[0])
    given_back = float(gains(activation, np.array([p - threshold], np.int64))[0] * (p - threshold))
    top = (1 << bits) - 1
    if level == 0:
        assert given_back == 0.0
    elif (p - threshold) * 16 > top * sixteenths or bits == 1:
        assert given_back == pytest.approx(top), "what was clipped counts nowhere"
    else:
        assert level - 1 < given_back <= level + 1e-9


def test_a_network_with_more_behind_its_last_map_has_no_such_map() -> None:
    network = small_network()
    between = Dense("between", np.eye(16, dtype=np.int8), 4, Activation(4, np.zeros(16, np.int32), np.ones(16, "f4")))
    deeper = replace(network, layers=(*network.layers[:-1], between, network.layers[-1]))
    with pytest.raises(NotAttributable):
        last_map_layer(deeper)


def spot_finder(side: int = 32) -> IntegerNetwork:
    """Finds bright pixels: two strided layers that pass the brightness on, and a head of one class that adds it up."""
    wide = Activation(4, np.zeros(1, np.int32), np.array([900.0], np.float32))
    stem = np.zeros((1, 3, 3, 3), np.int8)
    stem[0, :, :, :] = 2
    middle = np.ones((1, 1, 3, 3), np.int8)
    return IntegerNetwork(
        (side, side, 3),
        (
            InputConv("stem", stem, 2, 0, wide),
            Conv("middle", middle, 4, 2, replace(wide, step=np.array([8.0], np.float32))),
            Conv(
                "last", np.ones((1, 1, 1, 1), np.int8), 4, 1, replace(wide, step=np.array([4.0], "f4")), global_sum=True
            ),
            Dense("head", np.array([[1]], np.int8), 4),
        ),
        classes=1,
    )


@pytest.mark.parametrize("where", [(6, 9), (20, 8), (25, 25), (12, 22)])
def test_the_map_points_at_the_place_that_speaks(where: tuple[int, int]) -> None:
    network, image = spot_finder(), np.zeros((32, 32, 3), np.uint8)
    image[where[0] - 2 : where[0] + 3, where[1] - 2 : where[1] + 3] = 255
    index = last_map_layer(network)
    outputs = run(network, image[None])
    maps = drawn(network, attribute(network, outputs[index][0]).maps, "identity")[0]
    weights = np.maximum(maps - maps.mean(), 0.0)
    scale = 32 / maps.shape[0]
    centre = [
        float(((np.arange(maps.shape[axis]) + 0.5) * weights.sum(axis=1 - axis)).sum() / weights.sum()) * scale
        for axis in (0, 1)
    ]
    assert centre == pytest.approx([where[0] + 0.5, where[1] + 0.5], abs=1.5), (
        "within a few pixels, not half a cell off"
    )


@pytest.mark.parametrize("view", DIHEDRAL)
def test_a_map_of_a_turned_view_is_turned_back(view: str) -> None:
    network = small_network()
    maps = np.arange(16 * 16, dtype=np.float64).reshape(1, 16, 16)
    as_seen, back = drawn(network, maps, "identity")[0], drawn(network, maps, view)[0]
    assert back.shape == (16 * FINER, 16 * FINER)
    assert np.array_equal(views(back[:, :, None], (view,))[0], as_seen[:, :, None]), "turned again it is what was seen"


def test_an_unknown_view_is_refused() -> None:
    with pytest.raises(KeyError):
        drawn(small_network(), np.zeros((1, 16, 16)), "sideways")


def test_onnx_runtime_gives_the_last_map_of_the_reference() -> None:
    network = small_network()
    index = last_map_layer(network)
    images = golden_images(network.input_shape)
    session = onnxruntime.InferenceSession(to_onnx(network, also=(index,)), providers=["CPUExecutionProvider"])
    outputs = run(network, images)
    potentials, last_map = session.run([OUTPUT_NAME, layer_output_name(index)], {INPUT_NAME: images})
    assert np.array_equal(potentials, outputs[-1])
    assert np.array_equal(last_map, outputs[index])
    assert last_map.max() > 0


def test_the_akida_simulator_gives_the_same_last_map(akida: ModuleType) -> None:
    network = small_network()
    index = last_map_layer(network)
    images = golden_images(network.input_shape)
    model = to_akida(network)
    while len(model.layers) > index + 1:
        model.pop_layer()
    session = onnxruntime.InferenceSession(to_onnx(network, also=(index,)), providers=["CPUExecutionProvider"])
    (last_map,) = session.run([layer_output_name(index)], {INPUT_NAME: images})
    assert np.array_equal(np.asarray(model.forward(images), np.int32).reshape(last_map.shape), last_map)
