"""Unlabelled images give the network back what a camera's colours took, in whole numbers on every engine."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qana_desktop.learning.colour import colour_map, with_colours
from qana_desktop.learning.potentials import levels, potentials
from qana_desktop.learning.site_calibration import TooFewImages, calibrate_site, with_head_of
from qana_desktop.learning.site_statistics import (
    StatisticsRefused,
    colours_of,
    site_statistics,
    statistics_from_bytes,
    statistics_to_bytes,
)
from qana_desktop.network import arithmetic
from qana_desktop.network.export_onnx import INPUT_NAME, to_onnx
from qana_desktop.network.layers import Conv, InputConv, IntegerNetwork
from qana_desktop.network.serialise import arrays_from_bytes, arrays_to_bytes, network_to_bytes
from qana_desktop.network.validate import check
from tests.support.bundles import SIDE, small_network
from tests.support.random_networks import networks

NETWORK = small_network()


def images(count: int, seed: int) -> np.ndarray:
    """Smooth coloured blobs on a background, each image of a colour of its own."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    pictures = []
    for _ in range(count):
        centre, width = generator.uniform(0.3, 0.7, 2), generator.uniform(0.1, 0.3)
        share = np.exp(-((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2) / width**2)[:, :, None]
        skin = np.array([190.0, 150.0, 130.0]) + generator.normal(0, 10, 3)
        spot = np.array([90.0, 60.0, 50.0]) + generator.normal(0, 20, 3)
        pictures.append(skin + (spot - skin) * share + generator.normal(0, 6, (SIDE, SIDE, 3)))
    return np.clip(np.rint(pictures), 0, 255).astype(np.uint8)


def other_camera(pictures: np.ndarray) -> np.ndarray:
    """Darker, bluer, and its red sees some green."""
    mixed = pictures @ np.array([[0.7, 0.1, 0.0], [0.05, 0.75, 0.0], [0.0, 0.05, 0.9]]) + 4.0
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


FACTORY = site_statistics(NETWORK, images(150, 1))


def features(found: IntegerNetwork, pictures: np.ndarray) -> np.ndarray:
    return arithmetic.run(found, pictures)[-1][:, found.classes :]


def far(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).mean())


def test_the_factorys_own_images_change_nothing() -> None:
    same = calibrate_site(NETWORK, FACTORY, images(150, 1))
    assert network_to_bytes(same) == network_to_bytes(NETWORK)


def test_another_camera_looks_like_the_factorys_again() -> None:
    calibrated = calibrate_site(NETWORK, FACTORY, other_camera(images(100, 2)))
    fresh = images(60, 3)
    wanted = features(NETWORK, fresh)
    lost = far(features(NETWORK, other_camera(fresh)), wanted)
    assert far(features(calibrated, other_camera(fresh)), wanted) < 0.3 * lost


def test_other_images_of_the_factorys_camera_change_little() -> None:
    """What images differ by anyway is no camera."""
    calibrated = calibrate_site(NETWORK, FACTORY, images(60, 4))
    fresh = images(60, 3)
    wanted = features(NETWORK, fresh)
    lost = far(features(NETWORK, other_camera(fresh)), wanted)
    assert far(features(calibrated, fresh), wanted) < 0.15 * lost


def test_every_engine_gives_the_calibrated_integers_and_the_head_is_the_same() -> None:
    calibrated = calibrate_site(NETWORK, FACTORY, other_camera(images(100, 2)))
    check(calibrated)
    fresh = other_camera(images(20, 3))
    session = onnxruntime.InferenceSession(to_onnx(calibrated), providers=["CPUExecutionProvider"])
    assert np.array_equal(session.run(None, {INPUT_NAME: fresh})[0], arithmetic.run(calibrated, fresh)[-1])
    assert calibrated.layers[-1] is NETWORK.layers[-1]


def test_flat_images_say_nothing_of_colours_and_leave_still_channels_alone() -> None:
    flat = calibrate_site(NETWORK, FACTORY, np.full((60, SIDE, SIDE, 3), 90, np.uint8))
    first, before = flat.layers[0], NETWORK.layers[0]
    assert isinstance(first, InputConv)
    assert isinstance(before, InputConv)
    assert np.array_equal(first.weights, before.weights)


def test_the_order_of_images_does_not_matter_and_too_few_are_refused() -> None:
    pictures = other_camera(images(60, 2))
    one, other = (calibrate_site(NETWORK, FACTORY, order) for order in (pictures, pictures[::-1]))
    assert np.array_equal(features(one, images(20, 3)), features(other, images(20, 3)))
    with pytest.raises(TooFewImages, match="there are 49"):
        calibrate_site(NETWORK, FACTORY, images(49, 2))
    with pytest.raises(ValueError, match="images are"):
        site_statistics(NETWORK, images(60, 2)[:, :5])


def test_what_the_listener_raises_ends_the_work() -> None:
    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        assert (done, total) == (0, 2)
        raise Stopped

    with pytest.raises(Stopped):
        calibrate_site(NETWORK, FACTORY, images(60, 2), on_layer=stop)


def test_a_camera_and_a_lesson_come_together() -> None:
    calibrated = calibrate_site(NETWORK, FACTORY, other_camera(images(100, 2)))
    taught = small_network(seed=3)
    both = with_head_of(calibrated, taught)
    assert both.layers[:-1] == calibrated.layers[:-1]
    assert both.layers[-1] is taught.layers[-1]
    with pytest.raises(ValueError, match="another network"):
        with_head_of(calibrated, replace(taught, features=3))


def test_a_map_of_colours_in_the_kernels_is_that_map_on_the_image() -> None:
    """But for rounding to 8 bits: the levels that come out of the first layer differ by less than one in the mean."""
    first = NETWORK.layers[0]
    assert isinstance(first, InputConv)
    mapped = colour_map(colours_of(images(100, 1)), colours_of(other_camera(images(100, 2))))
    moved, factor = with_colours(first, mapped)
    seen = other_camera(images(20, 3))
    shown = np.clip(np.rint(seen @ mapped.gain.T + mapped.offset), 0, 255).astype(np.uint8)
    inside = slice(None), slice(1, -1), slice(1, -1)
    there = levels(first.activation, potentials(first, shown))[inside].astype(int)
    assert far(levels(moved.activation, potentials(moved, seen))[inside].astype(int), there) < 0.25
    assert factor.min() > 0


@settings(max_examples=20, deadline=None)
@given(networks(), st.integers(0, 2**32 - 1))
def test_the_fast_potentials_are_those_of_the_reference(network: IntegerNetwork, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 256, (2, *network.input_shape)).astype(np.uint8)
    for layer in network.layers[:-1]:
        wanted = arithmetic.layer_potentials(layer, values.astype(np.int32))
        found = potentials(layer, values)
        assert np.array_equal(found, wanted)
        assert layer.activation is not None
        values = levels(layer.activation, found)
        assert np.array_equal(values, arithmetic.activate(layer.activation, wanted))


def test_the_statistics_are_written_and_read_back() -> None:
    content = statistics_to_bytes(FACTORY)
    read = statistics_from_bytes(content, NETWORK)
    assert statistics_to_bytes(read) == content
    assert hashlib.sha256(content).digest() == hashlib.sha256(statistics_to_bytes(FACTORY)).digest()


@pytest.mark.parametrize("name", ["schema", "images", "colour.covariance", "1.deviation", "9.mean"])
def test_statistics_that_lack_something_or_are_of_another_network_are_refused(name: str) -> None:
    arrays = arrays_from_bytes(statistics_to_bytes(FACTORY), document="channels.npz")
    arrays[name] = np.zeros(3)
    with pytest.raises(StatisticsRefused, match=r"channels\.npz"):
        statistics_from_bytes(arrays_to_bytes(arrays), NETWORK)


def test_statistics_that_are_no_file_of_arrays_are_refused() -> None:
    with pytest.raises(StatisticsRefused):
        statistics_from_bytes(b"PK nothing", NETWORK)


def test_kernels_of_a_first_layer_alone_take_the_colours() -> None:
    calibrated = calibrate_site(NETWORK, FACTORY, other_camera(images(100, 2)))
    for before, after in zip(NETWORK.layers[1:], calibrated.layers[1:], strict=True):
        if isinstance(before, Conv) and isinstance(after, Conv):
            assert np.array_equal(before.weights, after.weights)
