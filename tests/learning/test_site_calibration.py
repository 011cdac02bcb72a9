"""Unlabelled images give the network back what a camera's colours took, in whole numbers on every engine."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from qana_desktop.learning.site_calibration import TooFewImages, calibrate_site, channel_statistics
from qana_desktop.network import arithmetic
from qana_desktop.network.export_onnx import INPUT_NAME, to_onnx
from qana_desktop.network.layers import IntegerNetwork
from qana_desktop.network.validate import check
from tests.support.learning_world import build_world


def network() -> IntegerNetwork:
    return build_world(holdout=200).network


def images(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 200, (count, 6, 6, 1)).astype(np.uint8)


def darker(pictures: np.ndarray) -> np.ndarray:
    return np.rint(pictures * 0.6 + 5).astype(np.uint8)


def features(found: IntegerNetwork, pictures: np.ndarray) -> np.ndarray:
    return arithmetic.run(found, pictures)[-1][:, found.classes :]


def test_the_factorys_own_images_change_nothing() -> None:
    factory = channel_statistics(network(), images(300, 1))
    same = calibrate_site(network(), factory, images(300, 1))
    for before, after in zip(network().layers, same.layers, strict=True):
        if before.activation is not None and after.activation is not None:
            assert np.array_equal(before.activation.threshold, after.activation.threshold)
            assert np.array_equal(before.activation.step, after.activation.step)


def test_a_darker_camera_looks_like_the_factorys_again() -> None:
    factory = channel_statistics(network(), images(300, 1))
    calibrated = calibrate_site(network(), factory, darker(images(100, 2)))
    fresh = images(200, 3)
    wanted = features(network(), fresh)
    lost = np.abs(features(network(), darker(fresh)) - wanted).mean()
    left = np.abs(features(calibrated, darker(fresh)) - wanted).mean()
    assert left < 0.5 * lost


def test_every_engine_gives_the_calibrated_integers() -> None:
    factory = channel_statistics(network(), images(300, 1))
    calibrated = calibrate_site(network(), factory, darker(images(100, 2)))
    check(calibrated)
    fresh = darker(images(20, 3))
    session = onnxruntime.InferenceSession(to_onnx(calibrated), providers=["CPUExecutionProvider"])
    assert np.array_equal(session.run(None, {INPUT_NAME: fresh})[0], arithmetic.run(calibrated, fresh)[-1])
    assert calibrated.layers[-1] is not None
    assert np.array_equal(calibrated.layers[-1].weights, network().layers[-1].weights)  # type: ignore[union-attr]


def test_a_channel_that_stands_still_keeps_its_threshold() -> None:
    factory = channel_statistics(network(), images(300, 1))
    flat = calibrate_site(network(), factory, np.full((60, 6, 6, 1), 90, np.uint8))
    before, after = network().layers[0].activation, flat.layers[0].activation
    assert before is not None
    assert after is not None
    assert np.array_equal(before.threshold, after.threshold)


def test_the_order_of_images_does_not_matter_and_too_few_are_refused() -> None:
    factory = channel_statistics(network(), images(300, 1))
    one, other = (calibrate_site(network(), factory, pictures) for pictures in (images(60, 2), images(60, 2)[::-1]))
    assert np.array_equal(features(one, images(20, 3)), features(other, images(20, 3)))
    with pytest.raises(TooFewImages, match="there are 49"):
        calibrate_site(network(), factory, images(49, 2))
    with pytest.raises(ValueError, match="images are"):
        channel_statistics(network(), images(60, 2)[:, :5])


def test_what_the_listener_raises_ends_the_work() -> None:
    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        assert (done, total) == (0, 1)
        raise Stopped

    factory = channel_statistics(network(), images(300, 1))
    with pytest.raises(Stopped):
        calibrate_site(network(), factory, images(60, 2), on_layer=stop)
