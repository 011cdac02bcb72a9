"""A float network taken up again from exported integers reads as they do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: training tests need it")

from qana_desktop.network.layers import Dense  # noqa: E402
from qana_desktop.training.model import Architecture, FloatNetwork, LayerSpec  # noqa: E402
from qana_desktop.training.quant import QuantNetwork, settle_statistics, to_integer_network  # noqa: E402
from qana_desktop.training.warm_start import float_from_integers  # noqa: E402

SMALL = Architecture(
    "small",
    32,
    (
        LayerSpec("input", 8, 3, 2),
        LayerSpec("conv", 16, 3, 2),
        LayerSpec("conv", 16),
        LayerSpec("conv", 16, 1, 1, pooled=True),
    ),
)


@pytest.fixture
def images() -> torch.Tensor:
    torch.manual_seed(2)
    coarse = torch.rand(48, 3, 4, 4) * 255
    return torch.nn.functional.interpolate(coarse, (32, 32), mode="bilinear").round()


@pytest.fixture
def quantised(images: torch.Tensor) -> QuantNetwork:
    torch.manual_seed(1)
    model = QuantNetwork(FloatNetwork(SMALL))
    settle_statistics(model, [images])
    return model.eval()


def test_the_logits_follow_those_of_the_integers(quantised: QuantNetwork, images: torch.Tensor) -> None:
    with torch.no_grad():
        expected = quantised(images).numpy()
        gain = float(quantised.gain())
        taken_up = float_from_integers(to_integer_network(quantised), SMALL, images, gain=gain)
        found = taken_up(images).numpy()

    assert np.corrcoef(expected.ravel(), found.ravel())[0, 1] > 0.95
    assert np.abs(found - expected).mean() < 0.35 * np.abs(expected).mean()


def test_another_architecture_is_refused(quantised: QuantNetwork, images: torch.Tensor) -> None:
    network = to_integer_network(quantised)
    shorter = replace(SMALL, layers=SMALL.layers[:2] + SMALL.layers[3:])
    with pytest.raises(ValueError, match="other layers"):
        float_from_integers(network, shorter, images, gain=1.0)
    assert isinstance(network.layers[-1], Dense)
