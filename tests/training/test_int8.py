"""The second reader in 8-bit integers says nearly what it says in float32, in a third of the bytes."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is missing: install the extra [train] to test training.")

from qana_desktop.training.efficientnet_int8 import Scale, measured_scales, to_int8_onnx  # noqa: E402
from qana_desktop.training.efficientnet_onnx import to_second_reader_onnx  # noqa: E402
from qana_desktop.training.readings import FloatReader  # noqa: E402
from tests.training.test_teacher import lively_network  # noqa: E402

SIDE = 48


def images(count: int, *, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, 6, 6, 3)).repeat(SIDE // 6, axis=1).repeat(SIDE // 6, axis=2)
    return np.clip(coarse + random.normal(0, 12, coarse.shape), 0, 255).astype(np.uint8)


def test_the_integer_form_says_what_the_float_form_says_and_needs_the_measured_ranges() -> None:
    model, fresh = lively_network(), images(16, seed=2)
    whole, scales = to_second_reader_onnx(model, SIDE), measured_scales(model, images(24, seed=1))
    expected = FloatReader(whole).logits(fresh)

    def off(given: dict[str, Scale]) -> float:
        small = to_int8_onnx(model, SIDE, given)
        assert len(small) < 0.35 * len(whole)
        return float(np.abs(FloatReader(small).logits(fresh) - expected).mean() / expected.std())

    assert off(scales) < 0.05
    assert off(dict.fromkeys(scales, Scale.over(-0.3, 0.3))) > 0.2


def test_a_scale_holds_zero_and_covers_its_range() -> None:
    for low, high in ((0.0, 6.0), (-3.0, 1.0), (0.5, 2.0), (-2.0, -1.0), (0.0, 0.0)):
        scale = Scale.over(low, high)
        assert 0 <= scale.zero <= 255
        assert scale.scale * (0 - scale.zero) <= min(low, 0.0) + scale.scale
        assert scale.scale * (255 - scale.zero) >= max(high, 0.0) - scale.scale
