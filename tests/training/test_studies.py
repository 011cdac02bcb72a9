"""The studies measure what they say, on small drawn networks."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: training tests need it")

from qana_desktop.network.arithmetic import run  # noqa: E402
from qana_desktop.training.model import Architecture, FloatNetwork, LayerSpec  # noqa: E402
from qana_desktop.training.quant import QuantNetwork, settle_statistics, to_integer_network  # noqa: E402
from qana_desktop.training.studies.bits import potential_bits, signed_bits, with_weight_bits  # noqa: E402
from qana_desktop.training.studies.events import count_events  # noqa: E402
from qana_desktop.training.studies.leak import leaking_split  # noqa: E402
from qana_desktop.training.studies.rate_coded import convert  # noqa: E402
from qana_desktop.training.studies.reference import ABLATIONS, ReferenceNetwork  # noqa: E402

SMALL = Architecture(
    "small",
    32,
    (
        LayerSpec("input", 8, 3, 2),
        LayerSpec("conv", 12, 3, 2),
        LayerSpec("conv", 16),
        LayerSpec("conv", 16, 1, 1, pooled=True),
    ),
)


@pytest.fixture
def images() -> torch.Tensor:
    torch.manual_seed(2)
    return torch.nn.functional.interpolate(torch.rand(24, 3, 4, 4) * 255, (32, 32), mode="bilinear").round()


@pytest.fixture
def float_network(images: torch.Tensor) -> FloatNetwork:
    torch.manual_seed(1)
    model = FloatNetwork(SMALL)
    for layer in model.float_layers():
        layer.norm.bias.data.fill_(0.3)
        layer.norm.momentum = None
    model.train()
    with torch.no_grad():
        model(images)
    return model.eval()


@pytest.fixture
def quantised(float_network: FloatNetwork, images: torch.Tensor) -> QuantNetwork:
    model = QuantNetwork(float_network)
    settle_statistics(model, [images])
    return model.eval()


def as_uint8(images: torch.Tensor) -> np.ndarray:
    return images.permute(0, 2, 3, 1).numpy().astype(np.uint8)


def test_rates_come_to_the_logits_of_the_float_network_as_time_goes_on(
    float_network: FloatNetwork, images: torch.Tensor
) -> None:
    with torch.no_grad():
        wanted = float_network(images).numpy()
    logits, _ = convert(float_network, images).run(images, (4, 256))

    errors = {steps: np.abs(found.numpy() - wanted).mean() for steps, found in logits.items()}
    assert errors[256] < 0.25 * errors[4]
    assert errors[256] < 0.15 * np.abs(wanted).mean()


def test_spikes_grow_with_the_time_steps(float_network: FloatNetwork, images: torch.Tensor) -> None:
    _, spikes = convert(float_network, images).run(images, (2, 8))
    assert 0.0 < spikes[2] < spikes[8]


def test_events_are_the_activations_that_are_not_zero(quantised: QuantNetwork, images: torch.Tensor) -> None:
    network = to_integer_network(quantised)
    rows = count_events(network, as_uint8(images))
    outputs = run(network, as_uint8(images))

    for row, maps, following in zip(rows, outputs, network.layers[1:], strict=False):
        assert row.active_share == pytest.approx(np.count_nonzero(maps) / maps.size)
        assert row.activations == maps[0].size
        reached = np.count_nonzero(maps) / len(maps)
        assert row.operations == pytest.approx(reached * len(following.weights) * _reach(following))


def _reach(layer: object) -> float:
    stride = getattr(layer, "stride", 1)
    kernel = layer.weights.shape[2] if layer.weights.ndim == 4 else 1
    return kernel * kernel / stride**2


def test_what_is_seen_fits_in_what_is_possible(quantised: QuantNetwork, images: torch.Tensor) -> None:
    for row in potential_bits(to_integer_network(quantised), as_uint8(images)):
        assert 1 < row.seen <= row.worst


@pytest.mark.parametrize(("magnitude", "bits"), [(0, 1), (1, 2), (127, 8), (128, 9)])
def test_signed_bits(magnitude: int, bits: int) -> None:
    assert signed_bits(magnitude) == bits


def test_a_layer_of_two_bits_holds_three_values_and_the_others_are_untouched(
    quantised: QuantNetwork, images: torch.Tensor
) -> None:
    before = to_integer_network(quantised)
    after = to_integer_network(with_weight_bits(quantised, 2, 2, [images]))

    assert set(np.unique(after.layers[2].weights)) <= {-1, 0, 1}
    np.testing.assert_array_equal(before.layers[1].weights, after.layers[1].weights)


def test_the_first_layer_keeps_its_eight_bits(quantised: QuantNetwork, images: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="8-bit"):
        with_weight_bits(quantised, 0, 2, [images])


@pytest.mark.parametrize("name", sorted(ABLATIONS))
def test_each_variant_of_the_reference_network_learns(name: str) -> None:
    torch.manual_seed(4)
    model = ReferenceNetwork(ABLATIONS[name])
    images = torch.rand(8, 3, 32, 32) * 255
    loss = torch.nn.functional.cross_entropy(model(images), torch.arange(8) % 7)
    loss.backward()
    used = [value for key, value in model.named_parameters() if "squeeze" not in key and "excite" not in key]
    assert all(value.grad is not None and bool(value.grad.abs().sum() > 0) for value in used)


def test_the_paper_says_265_thousand_parameters() -> None:
    count = sum(value.numel() for value in ReferenceNetwork().parameters())
    assert 200_000 < count < 330_000


def test_evening_before_splitting_leaks_and_the_share_is_counted() -> None:
    truth = np.repeat(np.arange(7), [20, 30, 60, 8, 70, 400, 9])
    split = leaking_split(truth, np.random.default_rng(1), per_class=100)

    assert len(split.training) + len(split.test) == 700
    assert len(split.test) == 140
    expected = [row in set(split.training.tolist()) for row in split.test.tolist()]
    np.testing.assert_array_equal(split.copied().astype(bool), expected)
    assert split.copied()[truth[split.test] != 5].mean() > 0.5
