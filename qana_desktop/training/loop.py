"""The training loop of every stage: sampling, augmentation, schedule, averaged weights, and a checkpoint per epoch.

Randomness of an epoch depends on the seed and the epoch number alone, so a resumed run goes on as if never stopped.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from qana_desktop.training.augment import AugmentSettings, Uint8Array, augment
from qana_desktop.training.data import CLASSES, IntArray
from qana_desktop.training.loss import adjusted_loss, log_prior, one_hot

Objective: TypeAlias = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""(model, images (n, 3, S, S) of levels, target shares (n, classes)) -> mean loss."""


@dataclass(frozen=True)
class TrainSettings:
    """What a stage does. `sizes` are (share of epochs done, side drawn) pairs: the side holds from that share on."""

    stage: str
    epochs: int
    rate: float
    seed: int = 0
    batch: int = 64
    weight_decay: float = 5e-4
    warmup_epochs: float = 2.0
    smoothing: float = 0.05
    mixup: float = 0.2
    mixup_share: float = 0.4
    averaging: float = 0.998
    sampling_power: float = 0.4
    sizes: tuple[tuple[float, int], ...] = ((0.0, 112),)
    bfloat16: bool = True
    check_every: int = 4
    optimiser: Literal["sgd", "adamw"] = "sgd"
    augmentation: AugmentSettings = field(default_factory=AugmentSettings)

    def size(self, epoch: int) -> int:
        """Input side of an epoch."""
        return [side for share, side in self.sizes if epoch >= share * self.epochs][-1]


@dataclass
class TrainState:
    """Everything that a checkpoint holds."""

    model: nn.Module
    average: nn.Module
    optimiser: torch.optim.Optimizer
    epoch: int = 0
    step: int = 0

    def save(self, path: Path) -> None:
        """Write the checkpoint as a new file and move it into place."""
        temporary = path.with_suffix(".new")
        torch.save(self._values(), temporary)
        temporary.replace(path)

    def load(self, path: Path) -> None:
        """Take over a checkpoint; only tensors and plain values are read (no code)."""
        values = torch.load(path, weights_only=True)
        self.model.load_state_dict(values["model"])
        self.average.load_state_dict(values["average"])
        self.optimiser.load_state_dict(values["optimiser"])
        self.epoch, self.step = values["epoch"], values["step"]

    def _values(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "epoch": self.epoch,
            "step": self.step,
        }


class EpochHook(Protocol):
    """Called with (epoch, settings, model) before each epoch: QAT starts its roundings with it."""

    def __call__(self, epoch: int, settings: TrainSettings, model: nn.Module) -> None: ...


def optimiser_for(model: nn.Module, settings: TrainSettings) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum, or AdamW; weight decay on weights only (no steps, norms or depthwise kernels)."""
    named = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    decayed = [p for name, p in named if name.endswith("weight") and p.ndim > 1]
    plain = [p for name, p in named if not (name.endswith("weight") and p.ndim > 1)]
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    if settings.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=settings.rate)
    return torch.optim.SGD(groups, lr=settings.rate, momentum=0.9, nesterov=True)


def draw_epoch(truth: IntArray, settings: TrainSettings, rng: np.random.Generator) -> IntArray:
    """Rows of one epoch, (n,), drawn with replacement so that class k comes up in proportion to n_k ** (1 - power)."""
    counts = np.bincount(truth, minlength=len(CLASSES)).astype(np.float64)
    weights = counts[truth] ** -settings.sampling_power
    return rng.choice(len(truth), size=len(truth), p=weights / weights.sum()).astype(np.int64)


def drawn_counts(truth: IntArray, settings: TrainSettings) -> Tensor:
    """Expected class counts under `draw_epoch`, for the logit adjustment."""
    counts = np.bincount(truth, minlength=len(CLASSES)).astype(np.float64)
    return torch.from_numpy(np.maximum(counts, 1.0) ** (1.0 - settings.sampling_power)).float()


def learning_rate(settings: TrainSettings, progress: float) -> float:
    """Linear warm-up, then a half cosine to one per cent; `progress` counts epochs."""
    if progress < settings.warmup_epochs:
        return settings.rate * (progress + 0.01) / settings.warmup_epochs
    rest = (progress - settings.warmup_epochs) / max(settings.epochs - settings.warmup_epochs, 1e-9)
    return settings.rate * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(rest, 1.0))))


def batches(
    images: Uint8Array, truth: IntArray, settings: TrainSettings, epoch: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Augmented, sometimes mixed batches of one epoch: (n, 3, S, S) float levels and (n, classes) target shares."""
    rng = np.random.default_rng((settings.seed, epoch))
    order = draw_epoch(truth, settings, rng)
    for start in range(0, len(order) - settings.batch + 1, settings.batch):
        rows = order[start : start + settings.batch]
        changed = augment(images[rows], settings.size(epoch), rng, settings.augmentation)
        levels = torch.from_numpy(changed).permute(0, 3, 1, 2).float()
        yield _mix(levels, one_hot(torch.from_numpy(truth[rows]), len(CLASSES)), settings, rng)


def _mix(levels: Tensor, targets: Tensor, settings: TrainSettings, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Mixup (Zhang et al., ICLR 2018) of the batch with itself in another order; levels stay whole numbers."""
    if settings.mixup <= 0.0 or rng.random() >= settings.mixup_share:
        return levels, targets
    share = float(rng.beta(settings.mixup, settings.mixup))
    order = torch.from_numpy(rng.permutation(len(levels)))
    mixed = (share * levels + (1.0 - share) * levels[order]).round_()
    return mixed, share * targets + (1.0 - share) * targets[order]


def update_average(state: TrainState, decay: float) -> None:
    """Move the averaged weights and statistics a step towards the model's; faster in the first steps."""
    decay = min(decay, (1.0 + state.step) / (10.0 + state.step))
    with torch.no_grad():
        for kept, new in zip(state.average.state_dict().values(), state.model.state_dict().values(), strict=True):
            if kept.dtype.is_floating_point:
                kept.lerp_(new, 1.0 - decay)
            else:
                kept.copy_(new)


def train(
    state: TrainState,
    images: Uint8Array,
    truth: IntArray,
    settings: TrainSettings,
    folder: Path,
    *,
    check: Callable[[nn.Module], dict[str, float]],
    objective: Objective | None = None,
    before_epoch: EpochHook | None = None,
    until: int | None = None,
    device: str = "cpu",
) -> None:
    """Run the epochs that are left (up to `until`), writing `last.pt` after each and a line to `log.jsonl`.

    `check` measures the averaged model on calibration lesions; no test image comes near this function. `objective` is
    the loss; without one it is that of `hard_objective`.
    """
    objective = objective or hard_objective(truth, settings, device)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.json").write_text(json.dumps(asdict(settings), indent=1), encoding="utf-8")
    while state.epoch < min(settings.epochs, until if until is not None else settings.epochs):
        if before_epoch is not None:
            before_epoch(state.epoch, settings, state.model)
            before_epoch(state.epoch, settings, state.average)
        started = time.monotonic()
        loss = _train_epoch(
            state, batches(images, truth, settings, state.epoch), settings, objective, len(truth), device
        )
        state.epoch += 1
        line: dict[str, float] = {"epoch": state.epoch, "loss": loss, "seconds": time.monotonic() - started}
        if state.epoch % settings.check_every == 0 or state.epoch == settings.epochs:
            line |= check(state.average)
        state.save(folder / "last.pt")
        _log(folder / "log.jsonl", line)


def hard_objective(truth: IntArray, settings: TrainSettings, device: str) -> Objective:
    """Cross-entropy with the labels, adjusted by how often each class is drawn."""
    prior = log_prior(drawn_counts(truth, settings)).to(device)

    def loss(model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
        with torch.autocast(device, torch.bfloat16, enabled=settings.bfloat16):
            logits = model(images)
        return adjusted_loss(logits, targets, prior, smoothing=settings.smoothing)

    return loss


def _train_epoch(
    state: TrainState,
    source: Iterator[tuple[Tensor, Tensor]],
    settings: TrainSettings,
    objective: Objective,
    rows: int,
    device: str,
) -> float:
    """One pass; returns the mean loss."""
    torch.manual_seed(settings.seed * 100_003 + state.epoch)
    state.model.train()
    steps = max(rows // settings.batch, 1)
    total = 0.0
    for index, (levels, targets) in enumerate(source):
        rate = learning_rate(settings, state.epoch + index / steps)
        for group in state.optimiser.param_groups:
            group["lr"] = rate
        images = levels.to(device).contiguous(memory_format=torch.channels_last)
        loss = objective(state.model, images, targets.to(device))
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(state.model.parameters(), 5.0)
        state.optimiser.step()
        state.step += 1
        update_average(state, settings.averaging)
        total += loss.item()
    return total / steps


def _log(path: Path, line: dict[str, float]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({k: round(v, 5) for k, v in line.items()}) + "\n")
