"""The lesions, cameras and networks of a simulated clinic, read with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime

from qana_desktop.learning.holdouts import FeatureHoldout, holdout_from_bytes
from qana_desktop.learning.judged import Judged, judge
from qana_desktop.learning.memory import FeatureMemory, LocalCase, memory_from_bytes
from qana_desktop.learning.new_class import class_rows
from qana_desktop.learning.protocol import Protocol, protocol_from_json
from qana_desktop.learning.site_statistics import SiteStatistics, statistics_from_bytes
from qana_desktop.network.bundle import Bundle
from qana_desktop.network.export_onnx import INPUT_NAME, to_onnx
from qana_desktop.network.layers import IntegerNetwork
from qana_desktop.network.manifest import CHANNELS, FEATURES, HOLDOUT, PROTOCOL
from qana_desktop.network.preprocess import to_network_input, views
from qana_desktop.training.data import Record, labels, read_image, read_records, split_records
from qana_desktop.training.learning_files import first_of_each_lesion
from qana_desktop.triage.policy import Conformal, ReadingPolicy
from qana_desktop.triage.policy_json import policy_from_json

Images = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]
MOST_NEVI = 250
"""Nevi among the lesions for testing: more say no more of balanced accuracy and take time."""


@dataclass(frozen=True)
class Camera:
    """``255 * ((mix @ level / 255) ** gamma) * gain`` for red, green, blue, then a blur of `blur` pixels."""

    name: str
    gains: tuple[float, float, float]
    gamma: float
    mix: tuple[tuple[float, float, float], ...] = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    blur: float = 0.0

    def photograph(self, images: Images) -> Images:
        """The images (n, S, S, 3) as this camera would give them."""
        mixed = np.clip(images / 255.0 @ np.array(self.mix, np.float64).T, 0.0, 1.0)
        levels = np.clip(np.rint(255.0 * mixed**self.gamma * np.array(self.gains)), 0, 255).astype(np.uint8)
        if not self.blur:
            return levels
        return np.stack([cv2.GaussianBlur(image, (0, 0), self.blur) for image in levels])


FACTORY = Camera("the factory's own", (1.0, 1.0, 1.0), 1.0)
CAST = Camera("colour cast and gamma", (1.12, 0.95, 0.80), 1.3)
CROSSED = Camera("crossed channels", (0.9, 1.0, 1.1), 0.75, ((0.85, 0.12, 0.03), (0.10, 0.80, 0.10), (0.0, 0.15, 0.85)))
BLURRED = Camera("warm and blurred", (1.05, 0.90, 0.75), 1.15, blur=0.7)


@dataclass(frozen=True, eq=False)
class Lesions:
    """One image of each of n lesions: names, class indices, images (n, S, S, 3) in the factory's colours."""

    names: tuple[str, ...]
    labels: Rows
    images: Images


@dataclass(frozen=True, eq=False)
class World:
    """The bundle's parts, the clinic's lesions and those for testing. No lesion is in two of these."""

    bundle: Bundle
    network: IntegerNetwork
    policy: ReadingPolicy
    memory: FeatureMemory
    holdout: FeatureHoldout
    reference: SiteStatistics
    protocol: Protocol
    clinic: Lesions
    test: Lesions

    @property
    def codes(self) -> list[str]:
        """Class codes in order."""
        return [str(known) for known in self.policy.classes]

    def judge_factory(self, network: IntegerNetwork, policy: ReadingPolicy | None = None) -> Judged:
        """The factory holdout as judged with a network's head: exact integer arithmetic on stored features."""
        return self.judge(network, self.holdout.features, self.holdout.lesions, self.holdout.labels, policy)

    def judge_site(self, network: IntegerNetwork, features: Images) -> Judged:
        """The lesions for testing, of which `features` (n, views, F) were read, as judged with a network's head."""
        return self.judge(network, features, self.test.names, self.test.labels)

    def judge(
        self,
        network: IntegerNetwork,
        features: Images,
        names: Sequence[str],
        truth: Rows,
        policy: ReadingPolicy | None = None,
    ) -> Judged:
        """Cases of which `features` (n, views, F) were read, as judged with a network's head."""
        means = (features.astype(np.float64) @ class_rows(network).T).mean(axis=1)
        return judge(names, truth, means, policy or self.policy)

    def read(self, network: IntegerNetwork, images: Images) -> Images:
        """Integer features (n, views, F) of images as the network takes them, on one thread."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(to_onnx(network), options, providers=["CPUExecutionProvider"])
        found = [session.run(None, {INPUT_NAME: views(image, self.policy.views)})[0] for image in images]
        return np.stack(found)[:, :, network.classes :].astype(np.uint8)

    def cases(self, rows: Rows, features: Images, *, said: Callable[[str], str] = str) -> tuple[LocalCase, ...]:
        """The clinic's lesions `rows` as confirmed cases, a patient each, with `features` (len(rows), views, F)."""
        return tuple(
            LocalCase(f"patient-{self.clinic.names[row]}", self.clinic.names[row], said(self.codes[label]), found)
            for row, label, found in zip(rows, self.clinic.labels[rows], features, strict=True)
        )


def build_world(data: Path, bundle: Bundle) -> World:
    """Decode the lesions and open the bundle's parts. Raises ValueError for a bundle that brings none for learning."""
    network = bundle.network()
    parts = {name: bundle.learning_file(name) for name in (FEATURES, HOLDOUT, CHANNELS, PROTOCOL)}
    missing = [name for name, content in parts.items() if content is None]
    if missing:
        raise ValueError(f"the bundle has no {missing[0]}: run python -m qana_desktop.training learning-files")
    contents = {name: content for name, content in parts.items() if content is not None}
    pinned = next(entry.sha256 for entry in bundle.manifest.files if entry.name == HOLDOUT)
    split = split_records(read_records(data), test_fold=0)
    side = network.input_shape[0]
    return World(
        bundle=bundle,
        network=network,
        policy=policy_from_json(bundle.policy_json()),
        memory=memory_from_bytes(contents[FEATURES], classes=network.classes, features=network.features),
        holdout=holdout_from_bytes(contents[HOLDOUT], sha256=pinned),
        reference=statistics_from_bytes(contents[CHANNELS], network),
        protocol=protocol_from_json(contents[PROTOCOL].decode()),
        clinic=_lesions(data, first_of_each_lesion(split.calibration), side),
        test=_lesions(data, _fewer_nevi(first_of_each_lesion(split.test)), side),
    )


def _lesions(data: Path, records: Sequence[Record], side: int) -> Lesions:
    images = np.stack([to_network_input(read_image(data, record), side) for record in records])
    return Lesions(tuple(record.lesion_id for record in records), labels(records), images)


def _fewer_nevi(records: Sequence[Record]) -> list[Record]:
    nevi = [record for record in records if record.dx == "nv"][:MOST_NEVI]
    return [record for record in records if record.dx != "nv"] + nevi


def arrival(world: World, seed: int) -> Rows:
    """The clinic's lesions in the order in which they are confirmed: rare classes are cut out, and come, more often."""
    return _drawn(world, seed, lean=True)


def photographed(world: World, seed: int, *, lean: bool) -> Rows:
    """The clinic's lesions as they are photographed: any, or (`lean`) mostly what will be cut out."""
    return _drawn(world, seed + 1000, lean=lean)


def _drawn(world: World, seed: int, *, lean: bool) -> Rows:
    truth = world.clinic.labels
    weights = np.bincount(truth)[truth] ** (-0.5 if lean else 0.0)
    return np.random.default_rng(seed).choice(len(truth), len(truth), replace=False, p=weights / weights.sum())


def without_class(world: World, code: str) -> World:
    """A factory that never had the class: head, memory and policy without it. The backbone has seen it all the same."""
    gone = world.codes.index(code)
    kept = [index for index in range(len(world.codes)) if index != gone]
    head = world.network.layers[-1]
    network = replace(
        world.network,
        layers=(*world.network.layers[:-1], replace(head, weights=np.delete(head.weights, gone, axis=0))),  # type: ignore[union-attr]
        classes=len(kept),
    )
    rows = world.memory.labels != gone
    renumbered = np.cumsum(np.isin(np.arange(len(world.codes)), kept)) - 1
    memory = FeatureMemory(world.memory.features[rows], renumbered[world.memory.labels[rows]])
    return replace(world, network=network, memory=memory, policy=_policy_without(world.policy, kept))


def _policy_without(policy: ReadingPolicy, kept: list[int]) -> ReadingPolicy:
    def chosen(values: Sequence[float]) -> tuple[float, ...]:
        return tuple(values[index] for index in kept)

    old = policy.calibration
    shares = np.array(chosen(old.prevalence))
    codes = {"malignancy", *(str(policy.classes[index]) for index in kept)}
    return replace(
        policy,
        classes=tuple(policy.classes[index] for index in kept),
        calibration=replace(old, bias=chosen(old.bias), prevalence=tuple(map(float, shares / shares.sum()))),
        decision_weights=chosen(policy.decision_weights),
        operating_points=tuple(point for point in policy.operating_points if point.score in codes),
        conformal=Conformal(policy.conformal.coverage, chosen(policy.conformal.quantiles)),
        domain=None,
        second_reader=None,
    )
