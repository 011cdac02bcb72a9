"""A clinic for tests: a small network that tells drawn lesions apart by their colours, with all that it needs to learn.

The bundle is a real one: real files, read by real engines. Its lesions are coloured discs, drawn by code.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from qana_desktop.engines.registry import ADAPTERS, EngineRegistry
from qana_desktop.intake.reader import ImageReader
from qana_desktop.learning import holdouts
from qana_desktop.learning.holdouts import holdout_to_bytes
from qana_desktop.learning.protocol import Protocol, protocol_to_json
from qana_desktop.learning.rounding import round_rows
from qana_desktop.learning.site_statistics import site_statistics, statistics_to_bytes
from qana_desktop.network.arithmetic import layer_output, layer_potentials, run
from qana_desktop.network.bundle import activate
from qana_desktop.network.bundle_writer import BundleContents, write_bundle
from qana_desktop.network.layers import Activation, Conv, Dense, InputConv, IntegerNetwork, Layer, SeparableConv
from qana_desktop.network.preprocess import to_network_input, views
from qana_desktop.network.serialise import arrays_to_bytes
from qana_desktop.services.case_desk import CaseDesk
from qana_desktop.services.learning_desk import LearningDesk, NewProposal
from qana_desktop.services.learning_eye import Eye
from qana_desktop.services.learning_homes import ModelHomes
from qana_desktop.services.learning_queue import State
from qana_desktop.store import learning
from qana_desktop.store.learning import ProposalRow
from qana_desktop.store.records import Put, new_id
from qana_desktop.store.store import Store
from qana_desktop.store.users import Users
from qana_desktop.triage.access import Role
from qana_desktop.triage.calibration import probabilities_of_means, softmax
from qana_desktop.triage.case import CaseImage, Encounter, Lesion, Patient, ProofSource
from qana_desktop.triage.diagnosis import CLASS_ORDER, MALIGNANT, Diagnosis, LesionClass, SiteClass
from qana_desktop.triage.fit import (
    balanced_weights,
    fit_calibration,
    fit_conformal,
    fit_domain,
    measured_point,
    threshold_for_sensitivity,
    wilson,
)
from qana_desktop.triage.outcome import Assessed, Reading, Triage
from qana_desktop.triage.policy import MALIGNANCY, Calibration, ReadingPolicy
from qana_desktop.triage.policy_json import policy_to_json
from tests.support.stores import PASSWORD, QUICK, new_store, open_again, reading

SIDE, FEATURES, DRAWN = 16, 48, 288
IN_FULL, HOLDOUT_SEED = 7, 50_000
VIEWS = ("identity", "rotate-90")
CODES = tuple(str(dx) for dx in CLASS_ORDER)
SHARES = np.array([0.06, 0.08, 0.1, 0.03, 0.2, 0.5, 0.03])
_COLOURS = np.array(
    [(186, 76, 110), (214, 150, 170), (150, 116, 50), (200, 150, 84), (56, 56, 80), (112, 66, 44), (150, 10, 40)], float
)
_SPREAD = 7.0
LINES = Protocol(flips=0.15, recall_free_cases=2, new_class_cases=20)
Image = npt.NDArray[np.uint8]


def draw(label: int, seed: int, *, side: int = DRAWN) -> Image:
    """A disc of the class's colour on skin, (side, side, 3) uint8 RGB, with pores, so that it is sharp enough.

    A smaller side gives, but for the pores, the same image smaller.
    """
    dice = np.random.default_rng((seed, label))
    skin = np.array((224, 176, 152)) + dice.normal(0, 5, 3)
    colour = _COLOURS[label] + dice.normal(0, _SPREAD, 3)
    mask = np.zeros((side, side), np.float32)
    centre, axes = dice.uniform(0.42, 0.58, 2) * side, dice.uniform(0.2, 0.36, 2) * side
    _ellipse(mask, centre, axes, float(dice.uniform(0, 180)), 1.0)
    for _spot in range(6):
        _ellipse(
            mask, dice.uniform(0.14, 0.86, 2) * side, dice.uniform(0.03, 0.14, 2) * side, 0.0, dice.uniform(0.2, 1)
        )
    blurred = cv2.GaussianBlur(mask, (0, 0), side / 144)
    image = skin + blurred[:, :, None] * (colour - skin)
    image += dice.normal(0, 7 * side / DRAWN, image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _ellipse(
    mask: npt.NDArray[np.float32],
    centre: npt.NDArray[np.float64],
    axes: npt.NDArray[np.float64],
    angle: float,
    value: float,
) -> None:
    """With sixteenths of pixels, so that small and large drawings agree."""
    place, size = (tuple(round(float(16 * part)) for part in pair) for pair in (centre, axes))
    cv2.ellipse(mask, place, size, angle, 0, 360, float(value), -1, cv2.LINE_AA, 4)


def draw_small(label: int, seed: int) -> Image:
    """The same as the network sees it, or nearly."""
    return to_network_input(draw(label, seed, side=64), SIDE)


def png(image: Image) -> bytes:
    """The image as a file."""
    return bytes(cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1])


@dataclass(frozen=True, eq=False)
class Drawn:
    """Images as a network reads them: labels (n,), logits (n, views, C), features (n, views, F)."""

    labels: npt.NDArray[np.int64]
    logits: npt.NDArray[np.int64]
    features: npt.NDArray[np.uint8]


def _labels(count: int, seed: int) -> npt.NDArray[np.int64]:
    labels = np.random.default_rng(seed).choice(7, count, p=SHARES)
    labels[:42] = np.arange(42) % 7
    return labels


def _batch(labels: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.uint8]:
    """The first few are drawn in full, so that a test can bring the very same lesion as a file."""
    drawn = [
        to_network_input(draw(int(label), seed + n), SIDE) if n < IN_FULL else draw_small(int(label), seed + n)
        for n, label in enumerate(labels)
    ]
    return np.concatenate([views(image, VIEWS) for image in drawn])


def holdout_lesion(number: int) -> tuple[str, Image]:
    """One of the first `IN_FULL` lesions of the factory holdout: its class and its image."""
    label = int(_labels(700, 3)[number])
    return CODES[label], draw(label, HOLDOUT_SEED + number)


def _read(network: IntegerNetwork, labels: npt.NDArray[np.int64], batch: npt.NDArray[np.uint8]) -> Drawn:
    out = run(network, batch)[-1].reshape(len(labels), len(VIEWS), -1)
    return Drawn(labels, out[:, :, : network.classes].astype(np.int64), out[:, :, network.classes :].astype(np.uint8))


def _open_activation(channels: int) -> Activation:
    return Activation(4, np.zeros(channels, np.int32), np.ones(channels, np.float32))


def _backbone(images: npt.NDArray[np.uint8]) -> IntegerNetwork:
    """Random filters with thresholds that spread over the drawn images; the head says nothing yet."""
    random = np.random.default_rng(3)
    stem = random.integers(-30, 31, (12, 3, 3, 3)).astype(np.int8)
    depthwise = random.integers(-4, 8, (12, 3, 3)).astype(np.int8)
    pointwise = random.integers(-7, 8, (24, 12)).astype(np.int8)
    last = random.integers(-7, 8, (FEATURES, 24, 1, 1)).astype(np.int8)
    hidden: tuple[Layer, ...] = (
        InputConv("stem", stem, stride=2, padding_value=128, activation=_open_activation(12)),
        SeparableConv("middle", depthwise, pointwise, weight_bits=4, stride=1, activation=_open_activation(24)),
        Conv("last", last, weight_bits=4, stride=1, activation=_open_activation(FEATURES), global_sum=True),
    )
    values, fitted = images.astype(np.int32), []
    for layer in hidden:
        fitted.append(replace(layer, activation=_spread_over(layer_potentials(layer, values))))
        values = layer_output(fitted[-1], values)
    head = np.concatenate([np.zeros((7, FEATURES), np.int8), np.eye(FEATURES, dtype=np.int8)])
    return IntegerNetwork((SIDE, SIDE, 3), (*fitted, Dense("head", head, weight_bits=4)), 7, FEATURES)


def _spread_over(potentials: npt.NDArray[np.int32]) -> Activation:
    low, high = np.percentile(potentials.reshape(-1, potentials.shape[-1]), [5, 98], axis=0)
    step = np.maximum(np.round((high - low) / 15.0), 1.0)
    return Activation(4, np.round(low).astype(np.int32), step.astype(np.float32))


def _head(features: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int8]:
    """Rows of a softmax that was fitted to the features, in whole numbers."""
    centred = features - features.mean(axis=0)
    weights, targets = np.zeros((7, FEATURES)), np.eye(7)[labels]
    share = 1.0 / np.bincount(labels, minlength=7)[labels] / 7
    moment = (centred.T * share) @ centred + 1e-2 * np.eye(FEATURES)
    for _step in range(400):
        residual = (softmax(centred @ weights.T) - targets) * share[:, None]
        weights -= 2.0 * np.linalg.solve(moment, (residual.T @ centred + 2e-4 * weights).T).T
    weights -= weights.mean(axis=0)
    return round_rows(weights * (6.0 / np.quantile(np.abs(weights), 0.97)), moment, low=-7, high=7)


def _policy(calibration: Drawn, training: Drawn) -> ReadingPolicy:
    means, truth = calibration.logits.mean(axis=1), calibration.labels
    scale, bias = fit_calibration(means, truth, SHARES)
    values = Calibration(scale, tuple(map(float, bias)), "drawn", tuple(map(float, SHARES)), wilson(1, 2))
    probabilities = probabilities_of_means(means, values)
    score = probabilities[:, [n for n, dx in enumerate(CLASS_ORDER) if dx in MALIGNANT]].sum(axis=1)
    positive = np.isin(truth, [n for n, dx in enumerate(CLASS_ORDER) if dx in MALIGNANT])
    points = tuple(
        measured_point(
            f"{target:.0%} sensitivity",
            MALIGNANCY,
            threshold_for_sensitivity(score, positive, target),
            triage,
            scores=score,
            positive=positive,
        )
        for target, triage in ((0.7, Triage.REVIEW_NOW), (0.9, Triage.REVIEW))
    )
    domain = fit_domain(
        training.features.mean(axis=1),
        training.labels,
        calibration.features.mean(axis=1),
        truth,
        false_reject=0.002,
    )
    weights = tuple(map(float, balanced_weights(SHARES) ** 0.5))
    return ReadingPolicy(CLASS_ORDER, VIEWS, values, weights, points, fit_conformal(probabilities, truth, 0.9), domain)


@cache
def contents() -> BundleContents:
    """The clinic's factory version, made once for all tests of a run."""
    labels = _labels(900, 1)
    batch = _batch(labels, 10_000)
    backbone = _backbone(batch[::8])
    blank = _read(backbone, labels, batch)
    rows = _head(blank.features.mean(axis=1), labels)
    dense = backbone.layers[-1]
    assert isinstance(dense, Dense)
    weights = np.concatenate([rows, dense.weights[7:]])
    network = replace(backbone, layers=(*backbone.layers[:-1], replace(dense, weights=weights)))
    training = _read(network, labels, batch)
    calibration, holdout = (
        _read(network, some, _batch(some, start))
        for some, start in ((_labels(500, 2), 30_000), (_labels(700, 3), HOLDOUT_SEED))
    )
    memory = {"features": training.features[:, 0], "labels": training.labels.astype(np.uint8)}
    return BundleContents(
        name="drawn",
        network=network,
        classes=CODES,
        views=VIEWS,
        policy_json=policy_to_json(_policy(calibration, training)),
        evaluation_json=json.dumps({"note": "drawn lesions: nothing was evaluated"}),
        model_card="# A network that tells drawn lesions apart by colour\n",
        licence="CC0-1.0",
        features_npz=arrays_to_bytes(memory),
        protocol_json=protocol_to_json(LINES),
        channels_npz=statistics_to_bytes(site_statistics(network, batch[: 400 * len(VIEWS) : len(VIEWS)])),
        holdout_npz=holdout_to_bytes(
            [f"drawn-{n}" for n in range(len(holdout.labels))], holdout.labels, holdout.features
        ),
    )


def factory_models(folder: Path) -> Path:
    """Write the factory's folder of models, with its version active, and return it."""
    written = write_bundle(folder, contents())
    activate(folder, written.name)
    return folder


def add_lesion(
    store: Store,
    label: int,
    seed: int,
    *,
    image: Image | None = None,
    patient: str | None = None,
    reading: Reading | None = None,
) -> str:
    """File a lesion of that class, of a new patient unless told otherwise, and return its image's id."""
    own, lesion, encounter, picture = (new_id() for _ in range(4))
    content = png(draw(label, seed) if image is None else image)
    sha256 = store.keep_image(content)
    puts = [] if patient else [Put(Patient(f"P-{label}-{seed}"), own)]
    puts += [
        Put(Lesion("left forearm"), lesion, patient or own),
        Put(Encounter("2026-01-01T00:00:00Z"), encounter, lesion),
        Put(CaseImage(sha256, "image/png", DRAWN, DRAWN), picture, encounter),
    ]
    if reading is not None:
        puts.append(Put(replace(reading, image_sha256=sha256), new_id(), picture))
    store.file(puts, by="tester", what="add a case")
    return picture


class Clinic:
    """A clinic with a store, the network that came with the program, and staff who may sign in; close it at the end."""

    def __init__(
        self, folder: Path, *, models: Path | None = None, all_engines: bool = False, again: bool = False
    ) -> None:
        self.folder = folder
        self.store = open_again(folder / "store") if again else new_store(folder / "store")[0]
        self.homes = ModelHomes(models or factory_models(folder / "factory"), folder / "models")
        self.users = Users(self.store, cost=QUICK)
        for name, role in STAFF.items() if not again else ():
            self.users.add(name, role, PASSWORD, by="system")
        adapters = ADAPTERS if all_engines else [spec for spec in ADAPTERS if spec.kind == "onnx-cpu"]
        self.reader, self.registry = ImageReader(), EngineRegistry(adapters)
        self.eye = Eye(self.reader, self.registry)

    def desk(self, name: str = "Clara") -> LearningDesk:
        """The learning desk with this person signed in."""
        return LearningDesk(self.store, self.signed_in(name).allowed, self.homes, self.eye)

    def signed_in(self, name: str) -> CaseDesk:
        """A case desk with this person signed in."""
        desk = CaseDesk(self.store, self.users)
        desk.sign_in(name, PASSWORD)
        return desk

    def add(self, label: str, seed: int, **more: Any) -> str:
        """File a drawn lesion of a class, and return its image's id."""
        return add_lesion(self.store, CODES.index(label), seed, **more)

    def learn(self, labels: Sequence[str], *, start: int = 1, said: str | LesionClass = "") -> list[str]:
        """Propose lesions of these classes (called `said` instead), confirm them all; returns the proposals.

        Those that are refused, as every tenth or so may be for its quality, are left out. Chance gives patients to the
        holdout: where it takes all of them, the same classes come again, so that there is something to learn from.
        """
        proposals: list[str] = []
        for again in range(20):
            first = start + 10_000 * again
            news = [proven(self.add(label, first + number), said or label) for number, label in enumerate(labels)]
            proposed = self.desk("Clara").propose_all(news)
            self.confirm_all()
            proposals += [each.proposal for each in proposed if each.proposal is not None]
            if any(
                each.role is holdouts.Role.TRAINING and each.state is State.READY for each in self.desk("Clara").queue()
            ):
                break
        return proposals

    def confirm_all(self) -> None:
        """A second person says yes to everything that waits."""
        carl = self.desk("Carl")
        for each in carl.queue():
            if each.state is State.WAITING:
                carl.confirm(each.row.id, agrees=True)

    def patient_of(self, proposal: str) -> str:
        """The patient of a proposal."""
        with self.store.reading() as connection:
            return learning.find(connection, ProposalRow, id=proposal)[0].row.patient

    def close(self) -> None:
        """End engines and readers, and the store."""
        self.eye.close()
        self.reader.close()
        self.store.close()


STAFF = {
    "Clara": Role.CLINICIAN,
    "Carl": Role.CLINICIAN,
    "Ada": Role.APPROVER,
    "Viola": Role.VIEWER,
}


def proven(image: str, label: str | LesionClass, **more: Any) -> NewProposal:
    """A proposal with histology and consent."""
    given: dict[str, Any] = {"source": ProofSource.HISTOLOGY, "reported": "2026-02-03", "consent": True}
    named = label if isinstance(label, SiteClass) else Diagnosis(str(label))
    return NewProposal(image, named, **(given | more))


def said(answer: str, confidence: float = 0.9) -> Reading:
    """A reading that is that sure of its answer."""
    rest = (1 - confidence) / 6
    shares = dict.fromkeys(Diagnosis, rest) | {Diagnosis(answer): confidence}
    outcome = Assessed(Triage.REVIEW, Diagnosis(answer), shares, 0.1, (Diagnosis(answer),), confidence, 1.0)
    return replace(reading(), outcome=outcome)
