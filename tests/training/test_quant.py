"""The training graph computes exactly the integers that are exported, on every engine."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is missing: install the extra [train] to test training.")

from qana_desktop.network.arithmetic import run  # noqa: E402
from qana_desktop.network.export_onnx import INPUT_NAME, to_onnx  # noqa: E402
from qana_desktop.network.layers import STEP_GRID  # noqa: E402
from qana_desktop.network.validate import NetworkRefused, check  # noqa: E402
from qana_desktop.training.cost import cost_of  # noqa: E402
from qana_desktop.training.model import QANA_112, Architecture, FloatNetwork, LayerSpec  # noqa: E402
from qana_desktop.training.quant import (  # noqa: E402
    QuantNetwork,
    QuantWeight,
    activation_bounds,
    levels,
    limit_pooled_sums,
    settle_statistics,
    to_integer_network,
)

LAYERS = (
    LayerSpec("input", 8, 3, 2),
    LayerSpec("separable", 12, 3, 2),
    LayerSpec("conv", 16, 3, 2),
    LayerSpec("conv", 16, 1, 1, pooled=True),
)


def small_network(size: int, seed: int = 0) -> QuantNetwork:
    """A network with random batch norms, rising and falling ones, and statistics of random images."""
    torch.manual_seed(seed)
    source = FloatNetwork(Architecture("small", size, LAYERS))
    for layer in source.float_layers():
        torch.nn.init.normal_(layer.norm.weight, 0.0, 1.5)
        torch.nn.init.normal_(layer.norm.bias, 1.0, 1.0)
    model = QuantNetwork(source, activation_bounds(source, some_images(size, 8)))
    settle_statistics(model, [some_images(size, 16, seed=n) for n in range(4)])
    return model.eval()


def some_images(size: int, count: int, seed: int = 9) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, size, size), generator=torch.Generator().manual_seed(seed)).float()


def as_uint8(images: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(images.permute(0, 2, 3, 1).numpy().astype(np.uint8))


@pytest.mark.parametrize("size", [31, 32, 33, 48])
def test_the_graph_and_the_exported_integers_agree_in_every_layer(size: int) -> None:
    model, images = small_network(size, seed=size), some_images(size, 12)
    network = to_integer_network(model)
    check(network)
    expected = run(network, as_uint8(images))
    with torch.no_grad():
        found = model.activations(images)
        logits = model.integer_logits(found[-1].flatten(1))
    for layer, values in enumerate(found):
        assert np.array_equal(values.permute(0, 2, 3, 1).numpy(), expected[layer]), f"layer {layer} differs"
    assert np.array_equal(logits.numpy(), expected[-1][:, :7])
    assert 0.05 < np.mean(expected[1] > 0) < 0.95


def test_onnx_runtime_gives_the_answers_of_the_graph() -> None:
    model, images = small_network(32), some_images(32, 32)
    session = onnxruntime.InferenceSession(to_onnx(to_integer_network(model)), providers=["CPUExecutionProvider"])
    potentials = session.run(None, {INPUT_NAME: as_uint8(images)})[0]
    with torch.no_grad():
        graph = model(images)
    assert np.array_equal(potentials[:, :7].argmax(1), graph.numpy().argmax(1))


def test_the_akida_simulator_gives_the_integers_of_the_graph() -> None:
    pytest.importorskip("akida", reason="The Akida SDK is not installed here.")
    from qana_desktop.network.export_akida import to_akida

    model, images = small_network(32), some_images(32, 8)
    with torch.no_grad():
        logits = model.integer_logits(model.activations(images)[-1].flatten(1))
    found = to_akida(to_integer_network(model)).forward(as_uint8(images)).reshape(len(images), -1)
    assert np.array_equal(found[:, :7], logits.numpy())


def test_the_last_rows_of_the_head_repeat_the_features() -> None:
    model, images = small_network(32), some_images(32, 4)
    outputs = run(to_integer_network(model), as_uint8(images))
    assert np.array_equal(outputs[-1][:, 7:], outputs[-2].reshape(4, -1))


def test_a_falling_batch_norm_turns_the_signs_of_its_channel() -> None:
    model = small_network(32)
    layer = model.quant_layers()[2]
    falling = (layer.norm.weight < 0).numpy()
    assert falling.any()
    assert not falling.all()
    exported, trained = layer.integer_layer("x").weights, layer.weight.integers().numpy()
    assert np.array_equal(exported[falling], -trained[falling])
    assert np.array_equal(exported[~falling], trained[~falling])


def test_steps_lie_on_the_grid_and_the_first_layers_are_whole() -> None:
    layers = to_integer_network(small_network(32)).layers
    for index, layer in enumerate(layers[:-1]):
        steps = layer.activation.step * (1 if index == 0 else STEP_GRID)
        assert np.array_equal(steps, np.rint(steps))


def test_while_rounded_the_training_forward_uses_the_exported_constants() -> None:
    model, images = small_network(32), some_images(32, 8)
    with torch.no_grad():
        expected = model.activations(images)[-1]
        model.train()
        model.set_rounded(True)
        rounded = model.activations(images)[-1]
    assert float((rounded - expected).abs().mean()) < 0.05


def test_gradients_pass_through_both_forms_of_the_activation() -> None:
    for rounded in (False, True):
        model = small_network(32).train()
        model.set_rounded(rounded)
        model(some_images(32, 8)).square().sum().backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert bool(torch.isfinite(parameter.grad).all()), name
        assert float(model.quant_layers()[0].weight.weight.grad.abs().sum()) > 0.0


def test_levels_round_up_and_stop_at_fifteen() -> None:
    v = torch.tensor([-3.0, 0.0, 0.2, 1.0, 14.1, 99.0], requires_grad=True)
    assert levels(v).tolist() == [0.0, 0.0, 1.0, 1.0, 15.0, 15.0]
    levels(v).sum().backward()
    assert v.grad.tolist() == [0.0, 1.0, 1.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize(("bits", "top"), [(4, 7), (8, 127)])
def test_weights_are_whole_numbers_within_their_bits(bits: int, top: int) -> None:
    weight = QuantWeight(torch.randn(6, 4, 3, 3), bits)
    values = weight.integers()
    assert torch.equal(values, values.round())
    assert top / 2 < float(values.abs().max()) <= top


def test_a_channel_whose_sum_could_pass_20_bits_is_coarsened_until_it_cannot_and_the_others_stay() -> None:
    torch.manual_seed(0)
    wide = (LayerSpec("input", 16, 3, 2), LayerSpec("conv", 256, 1), LayerSpec("conv", 8, 1, 1, pooled=True))
    model = QuantNetwork(FloatNetwork(Architecture("wide", 14, wide)))
    settle_statistics(model, [some_images(14, 16)])
    last = model.quant_layers()[-1]
    last.weight.weight.data[2].fill_(1.0)
    before = last.weight.integers().clone()
    with pytest.raises(NetworkRefused, match="20 bits"):
        check(to_integer_network(model))
    limit_pooled_sums(model)
    check(to_integer_network(model))
    after = last.weight.integers()
    changed = (before != after).flatten(1).any(1)
    assert changed.tolist() == [False, False, True, False, False, False, False, False]
    assert torch.equal(before[2].sign(), after[2].sign())


def test_the_shipped_architecture_is_legal_and_under_a_megabyte() -> None:
    torch.manual_seed(0)
    source = FloatNetwork(QANA_112)
    model = QuantNetwork(source)
    settle_statistics(model, [some_images(QANA_112.size, 2)])
    network = to_integer_network(model)
    check(network)
    assert cost_of(network).weight_bytes <= 1_000_000
