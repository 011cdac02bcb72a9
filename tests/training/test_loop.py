"""Training: the loss, the sampling, the schedule, and a resumed run that ends where an unbroken one does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is missing: install the extra [train] to test training.")

from qana_desktop.training.loop import (  # noqa: E402
    TrainSettings,
    batches,
    draw_epoch,
    drawn_counts,
    learning_rate,
    train,
)
from qana_desktop.training.loss import adjusted_loss, log_prior, one_hot  # noqa: E402
from qana_desktop.training.model import Architecture, LayerSpec, convolve, pad_same  # noqa: E402
from qana_desktop.training.stages import float_state  # noqa: E402

TINY = Architecture("tiny", 16, (LayerSpec("input", 4, 3, 2), LayerSpec("conv", 8, 1, 1, pooled=True)))
SETTINGS = TrainSettings(stage="test", epochs=4, rate=0.05, batch=8, sizes=((0.0, 16),), bfloat16=False)
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (40, 20, 20, 3)).astype(np.uint8)
TRUTH = np.array([5] * 20 + [4] * 8 + [0, 1, 2, 3, 6, 0, 1, 2, 3, 6, 0, 1])


def no_check(_: object) -> dict[str, float]:
    return {}


def test_the_loss_of_adjusted_logits_is_the_one_worked_by_hand() -> None:
    logits, prior = torch.tensor([[1.0, 0.0]]), torch.log(torch.tensor([0.8, 0.2]))
    weights = np.exp([1.0, 0.0]) * [0.8, 0.2]
    expected = -np.log(weights[1] / weights.sum())
    loss = adjusted_loss(logits, torch.tensor([[0.0, 1.0]]), prior, smoothing=0.0)
    assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_logits_equal_to_the_class_likelihoods_are_optimal_under_adjustment() -> None:
    prior = log_prior(torch.tensor([90.0, 10.0]))
    labels = one_hot(torch.tensor([0] * 90 + [1] * 10), 2)
    flat = torch.zeros(2, requires_grad=True)
    adjusted_loss(flat.expand(100, 2), labels, prior, smoothing=0.0).backward()
    assert flat.grad is not None
    assert torch.allclose(flat.grad, torch.zeros(2), atol=1e-6)


def test_smoothing_keeps_the_target_shares_adding_to_one() -> None:
    logits = torch.tensor([[30.0, 0.0, 0.0]])
    loss = adjusted_loss(logits, torch.tensor([[1.0, 0.0, 0.0]]), torch.zeros(3), smoothing=0.3)
    assert float(loss) == pytest.approx(2 * 0.1 * 30.0, rel=1e-4)


def test_rare_classes_are_drawn_more_often_than_they_occur_and_counts_say_how_often() -> None:
    settings = TrainSettings(stage="test", epochs=1, rate=0.1, sampling_power=0.5)
    truth = np.repeat(np.arange(7), (1600, 100, 100, 100, 100, 100, 100))
    drawn = np.bincount(truth[draw_epoch(truth, settings, np.random.default_rng(0))], minlength=7)
    shares = drawn_counts(truth, settings) / drawn_counts(truth, settings).sum()
    assert drawn / drawn.sum() == pytest.approx(shares.numpy(), abs=0.03)
    assert float(shares[0]) == pytest.approx(0.4, abs=1e-6)


def test_mixed_images_stay_whole_levels_and_targets_add_to_one() -> None:
    settings = TrainSettings(stage="test", epochs=1, rate=0.1, batch=8, mixup=1.0, mixup_share=1.0, sizes=((0, 16),))
    for levels, targets in batches(IMAGES, TRUTH, settings, 0):
        assert torch.equal(levels, levels.round())
        assert torch.allclose(targets.sum(1), torch.ones(8))


def test_the_rate_warms_up_and_ends_near_nothing() -> None:
    settings = TrainSettings(stage="test", epochs=10, rate=1.0, warmup_epochs=2.0)
    assert learning_rate(settings, 0.0) < 0.01
    assert learning_rate(settings, 2.0) == pytest.approx(1.0)
    assert learning_rate(settings, 10.0) == pytest.approx(0.01)


def test_the_input_grows_at_the_stated_shares_of_the_epochs() -> None:
    settings = TrainSettings(stage="test", epochs=10, rate=1.0, sizes=((0.0, 80), (0.3, 96), (0.6, 112)))
    assert [settings.size(epoch) for epoch in (0, 2, 3, 5, 6, 9)] == [80, 80, 96, 96, 112, 112]


def test_a_resumed_run_ends_in_the_same_state_as_an_unbroken_one(tmp_path: Path) -> None:
    whole = float_state(SETTINGS, TINY, "cpu")
    train(whole, IMAGES, TRUTH, SETTINGS, tmp_path / "whole", check=no_check)
    first = float_state(SETTINGS, TINY, "cpu")
    train(first, IMAGES, TRUTH, SETTINGS, tmp_path / "parts", check=no_check, until=2)
    second = float_state(SETTINGS, TINY, "cpu")
    second.load(tmp_path / "parts" / "last.pt")
    train(second, IMAGES, TRUTH, SETTINGS, tmp_path / "parts", check=no_check)
    for model, other in ((whole.model, second.model), (whole.average, second.average)):
        for name, value in model.state_dict().items():
            assert torch.equal(value, other.state_dict()[name]), name


def test_each_epoch_leaves_a_line_in_the_log(tmp_path: Path) -> None:
    train(float_state(SETTINGS, TINY, "cpu"), IMAGES, TRUTH, SETTINGS, tmp_path, check=lambda _: {"figure": 1.0})
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4]
    assert [line.get("figure") for line in lines] == [None, None, None, 1.0]


@pytest.mark.parametrize(("size", "kernel", "stride"), [(8, 3, 2), (7, 3, 2), (8, 3, 1), (8, 5, 1), (9, 1, 1)])
def test_padding_adds_the_odd_row_and_column_after_the_map(size: int, kernel: int, stride: int) -> None:
    x, weight = torch.randn(1, 2, size, size), torch.randn(3, 2, kernel, kernel)
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    padded = torch.zeros(1, 2, size + total, size + total)
    padded[:, :, total // 2 : total // 2 + size, total // 2 : total // 2 + size] = x
    expected = torch.nn.functional.conv2d(padded, weight, stride=stride)
    assert torch.equal(pad_same(x, kernel, stride), padded)
    assert torch.allclose(convolve(x, weight, stride), expected, atol=1e-5)
