"""From a trained network to a bundle: export, evaluation of every reader, policy, model card, run log."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from qana_desktop.network.bundle import activate
from qana_desktop.network.bundle_writer import BundleContents, write_bundle
from qana_desktop.network.layers import IntegerNetwork
from qana_desktop.network.manifest import CHANNELS, HOLDOUT, PROTOCOL
from qana_desktop.network.preprocess import DIHEDRAL, views
from qana_desktop.network.serialise import arrays_to_bytes, network_from_bytes, network_to_bytes
from qana_desktop.training.card import model_card
from qana_desktop.training.cost import cost_of
from qana_desktop.training.data import CLASSES, Cache, Record, Split
from qana_desktop.training.evaluation import evaluate, subgroups
from qana_desktop.training.fitting import Part, fit_policy, fit_rule, prevalence
from qana_desktop.training.learning_files import learning_files
from qana_desktop.training.metrics import FloatArray
from qana_desktop.training.model import Architecture, FloatNetwork
from qana_desktop.training.quant import QuantNetwork, limit_pooled_sums, to_integer_network
from qana_desktop.training.readings import OnnxReader
from qana_desktop.training.second_model import HeldOutImages, SecondModel, with_second_reader
from qana_desktop.training.stages import Workplace, predict
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.triage.policy_json import policy_to_json

NETWORK_FILE = "network.npz"
DEFAULT_VIEWS = ("identity", "rotate-90", "rotate-180", "rotate-270")
"""The quarter turns: the answer then does not depend on them. Mirrored views cost as much again, and on calibration
lesions they gave nothing more."""
LICENCE = "CC-BY-NC-4.0"


@dataclass(frozen=True, eq=False)
class Trained:
    """The networks of one run (None where only integers are left, as of a released bundle) and how they were made.

    `second_readers` are forms of what reads too where they are uncertain: the first, unless another is as good and
    faster.
    """

    float_network: FloatNetwork | None
    quant_network: QuantNetwork | None
    settings: dict[str, Any]
    second_readers: tuple[SecondModel, ...] = ()


def export(model: QuantNetwork, folder: Path) -> IntegerNetwork:
    """Write the integers as `network.npz` and return them as they read back."""
    folder.mkdir(parents=True, exist_ok=True)
    content = network_to_bytes(to_integer_network(model))
    (folder / NETWORK_FILE).write_bytes(content)
    return network_from_bytes(content)


@dataclass(frozen=True, eq=False)
class Images:
    """The split and the images as the product sees them."""

    split: Split
    cache: Cache

    def of(self, records: tuple[Record, ...]) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Images (n, S, S, 3) of the records."""
        return np.asarray(self.cache.images[self.cache.rows(records)])


@dataclass(frozen=True, eq=False)
class Measured:
    """A fitted policy and what was counted with it on test lesions."""

    policy: ReadingPolicy
    evaluation: dict[str, Any]
    training: Part
    learning: dict[str, bytes]
    second_reader: SecondModel | None = None


def measure(place: Workplace, trained: Trained, network: IntegerNetwork, views: tuple[str, ...]) -> Measured:
    """Fit the policy on calibration lesions and evaluate every reader on the test fold."""
    images = Images(place.split(), place.cache(network.input_shape[0]))
    shares = prevalence((*images.split.train, *images.split.calibration))
    reader = OnnxReader(network)
    held_out = {
        part: Part.of(reader.read(images.of(records), DIHEDRAL), records)
        for part, records in (("calibration", images.split.calibration), ("test", images.split.test))
    }
    own = tuple(record for record in images.split.train if record.source == "ham10000")
    training = Part.of(reader.read(images.of(own), views), own)
    chosen = [DIHEDRAL.index(view) for view in views]
    policy, rule = fit_policy(
        _with_views(held_out["calibration"], chosen),
        _with_views(held_out["test"], chosen),
        training,
        views=views,
        shares=shares,
    )
    readers = _readers(trained, images, held_out, shares, chosen, device=place.device)
    evaluation: dict[str, Any] = {
        "commit": commit(),
        "settings": trained.settings,
        "input_size": network.input_shape[0],
        "views": list(views),
        "cost": asdict(cost_of(network)),
        "data": _data(images.split, place.fold),
        "default_reader": _title("exported integers", len(views)),
        "readers": readers,
        "subgroups": subgroups(held_out["test"].readings.only(chosen).means(), images.split.test, rule),
    }
    second: SecondModel | None = None
    if models_of_second := trained.second_readers:
        policy, second, evaluation["second_reader"] = with_second_reader(
            policy,
            models_of_second,
            *(_for_both(place, models_of_second[0], part, chosen, images.split) for part in held_out.items()),
            shares=shares,
            first_macs=cost_of(network).macs,
        )
    learning = learning_files(network, images.split, images.of, held_out["test"].readings.only(chosen).features)
    return Measured(policy, evaluation, training, learning, second)


def release(
    place: Workplace, trained: Trained, network: IntegerNetwork, *, models: Path, name: str, views: tuple[str, ...]
) -> Path:
    """Measure, write the bundle, make it the active one, log the run."""
    found = measure(place, trained, network, views)
    folder = _write(models, name, network, found)
    log_run(models / "runs.jsonl", folder.name, found.evaluation)
    return folder


def _for_both(
    place: Workplace, second: SecondModel, part: tuple[str, Part], chosen: list[int], split: Split
) -> HeldOutImages:
    """One held-out part as both readers see it."""
    name, held = part
    larger = Images(split, place.cache(second.spec.input_size)).of(_records(split, name))
    first = held.readings.only(chosen).logits.astype(np.float64)
    return HeldOutImages(first, larger, held.truth, held.lesions)


def _with_views(part: Part, chosen: list[int]) -> Part:
    return Part(part.readings.only(chosen), part.truth, part.lesions)


def _title(name: str, count: int) -> str:
    return f"{name}, {count} view{'s' if count > 1 else ''}"


def _readers(
    trained: Trained,
    images: Images,
    exported: dict[str, Part],
    shares: FloatArray,
    chosen: list[int],
    *,
    device: str,
) -> dict[str, Any]:
    """Figures of float network, training graph and exported integers, each with its own calibration and rule."""
    made_by = {"float": trained.float_network, "training graph": trained.quant_network}
    sources: dict[str, dict[str, FloatArray]] = {
        name: {part: all_views(model, images.of(_records(images.split, part)), device=device) for part in exported}
        for name, model in made_by.items()
        if model is not None
    }
    sources["exported integers"] = {part: value.readings.logits.astype(np.float64) for part, value in exported.items()}
    figures: dict[str, Any] = {}
    for name, logits in sources.items():
        for members in _view_sets(chosen):
            means = {part: values[:, members].mean(axis=1) for part, values in logits.items()}
            rule = fit_rule(means["calibration"], exported["calibration"].truth, shares)
            test = exported["test"]
            figures[_title(name, len(members))] = evaluate(means["test"], test.truth, test.lesions, rule)
    return figures


def _view_sets(chosen: list[int]) -> Iterable[list[int]]:
    """One view, the views of a reading, all eight."""
    return list({len(members): members for members in ([0], chosen, list(range(len(DIHEDRAL))))}.values())


def _records(split: Split, part: str) -> tuple[Record, ...]:
    return split.calibration if part == "calibration" else split.test


def all_views(model: nn.Module, images: np.ndarray[Any, np.dtype[np.uint8]], *, device: str) -> FloatArray:
    """Logits (n, 8, classes) of a PyTorch network for the eight views of each image."""
    turned = np.stack([views(image, DIHEDRAL) for image in images], axis=1)
    return np.stack([predict(model, view, device=device) for view in turned], axis=1)


def _data(split: Split, fold: int) -> dict[str, int]:
    counts: dict[str, int] = {"test_fold": fold}
    for part, records in (("train", split.train), ("calibration", split.calibration), ("test", split.test)):
        counts[f"{part}_images"] = len(records)
        counts[f"{part}_lesions"] = len({record.lesion_id for record in records})
    return counts


def _write(models: Path, name: str, network: IntegerNetwork, found: Measured) -> Path:
    contents = BundleContents(
        name=name,
        network=network,
        classes=CLASSES,
        views=found.policy.views,
        policy_json=policy_to_json(found.policy),
        evaluation_json=json.dumps(found.evaluation, indent=1, allow_nan=False) + "\n",
        model_card=model_card(found.evaluation, found.policy),
        licence=LICENCE,
        features_npz=feature_memory(found.training),
        protocol_json=found.learning[PROTOCOL].decode(),
        holdout_npz=found.learning[HOLDOUT],
        channels_npz=found.learning[CHANNELS],
        second_reader=None if found.second_reader is None else found.second_reader.contents(),
    )
    folder = write_bundle(models, contents)
    activate(models, folder.name)
    return folder


def feature_memory(training: Part) -> bytes:
    """Integer features of the first view of each training image (n, F) uint8, with class index and lesion number."""
    _, lesions = np.unique(np.array(training.lesions), return_inverse=True)
    return arrays_to_bytes(
        {
            "features": training.readings.features[:, 0].astype(np.uint8),
            "labels": training.truth.astype(np.uint8),
            "lesions": lesions.astype(np.int32),
        }
    )


def log_run(path: Path, bundle: str, evaluation: dict[str, Any]) -> None:
    """Append one JSON line: settings, seed, commit and the headline figures of each reader."""
    headline = {
        reader: {
            key: round(value["value"], 4)
            for key, value in figures.items()
            if isinstance(value, dict) and "value" in value
        }
        for reader, figures in evaluation["readers"].items()
    }
    line = {
        "bundle": bundle,
        "commit": evaluation["commit"],
        "settings": evaluation["settings"],
        "data": evaluation["data"],
        "metrics": headline,
    }
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def commit() -> str:
    """The commit of the code, with a mark when training code was changed since; "unknown" outside a checkout."""
    here = Path(__file__).parent
    try:
        head = _git("rev-parse", "HEAD", folder=here)
        changed = _git("status", "--porcelain", "--", ".", folder=here)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}{' with changes' if changed else ''}"


def _git(*arguments: str, folder: Path) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)  # noqa: S603, S607
    return done.stdout.strip()


def load_float(folder: Path, architecture: Architecture) -> FloatNetwork:
    """The averaged float network of a checkpoint folder."""
    model = FloatNetwork(architecture)
    model.load_state_dict(torch.load(folder / "last.pt", weights_only=True)["average"])
    return model.eval()


def load_quant(folder: Path, source: FloatNetwork) -> QuantNetwork:
    """The averaged quantised network of a checkpoint folder, its pooled sums within what Akida adds exactly."""
    model = QuantNetwork(source)
    model.load_state_dict(torch.load(folder / "last.pt", weights_only=True)["average"])
    limit_pooled_sums(model)
    return model.eval()
