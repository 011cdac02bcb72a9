"""A small bundle with a random legal network and a policy fitted to its range: real files for real engines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from qana_desktop.network.arithmetic import layer_output, layer_potentials, run
from qana_desktop.network.bundle_writer import BundleContents, write_bundle
from qana_desktop.network.golden import golden_images
from qana_desktop.network.layers import Activation, Conv, Dense, InputConv, IntegerNetwork, Layer, SeparableConv
from qana_desktop.network.preprocess import DIHEDRAL
from qana_desktop.triage.diagnosis import CLASS_ORDER
from qana_desktop.triage.policy import Calibration, Conformal, DomainModel, Interval, OperatingPoint, ReadingPolicy
from qana_desktop.triage.policy_json import policy_to_json

SIDE, FEATURES = 32, 16
NOTHING_MEASURED = Interval(0.5, 0.0, 1.0, 0)


def small_network(seed: int = 0) -> IntegerNetwork:
    """Three layers with thresholds in the range of the golden images; the head's last rows repeat the features."""
    random = np.random.default_rng(seed)
    head = random.integers(-7, 8, (len(CLASS_ORDER), FEATURES)).astype(np.int8)
    stem = random.integers(-40, 41, (8, 3, 3, 3)).astype(np.int8)
    depthwise, pointwise = (random.integers(-7, 8, shape).astype(np.int8) for shape in ((8, 3, 3), (12, 8)))
    last = random.integers(-7, 8, (FEATURES, 12, 1, 1)).astype(np.int8)
    hidden: tuple[Layer, ...] = (
        InputConv("stem", stem, stride=2, padding_value=128, activation=_open(8)),
        SeparableConv("middle", depthwise, pointwise, weight_bits=4, stride=1, activation=_open(12)),
        Conv("last", last, weight_bits=4, stride=1, activation=_open(FEATURES), global_sum=True),
    )
    values, fitted = golden_images((SIDE, SIDE, 3)).astype(np.int32), []
    for layer in hidden:
        fitted.append(replace(layer, activation=_spread_over(layer_potentials(layer, values))))
        values = layer_output(fitted[-1], values)
    return IntegerNetwork(
        input_shape=(SIDE, SIDE, 3),
        layers=(*fitted, Dense("head", np.concatenate([head, np.eye(FEATURES, dtype=np.int8)]), weight_bits=4)),
        classes=len(CLASS_ORDER),
        features=FEATURES,
    )


def _open(channels: int) -> Activation:
    return Activation(4, np.zeros(channels, np.int32), np.ones(channels, np.float32))


def _spread_over(potentials: np.ndarray) -> Activation:
    """Thresholds and steps that use the 16 levels on these potentials (N, H, W, C)."""
    low, high = np.percentile(potentials.reshape(-1, potentials.shape[-1]), [20, 95], axis=0)
    step = np.maximum(np.round((high - low) / 15.0), 1.0)
    return Activation(4, np.round(low).astype(np.int32), step.astype(np.float32))


def small_policy(views: int = 2) -> ReadingPolicy:
    """Any image is in the domain; the set is narrow; nothing was measured."""
    count = len(CLASS_ORDER)
    return ReadingPolicy(
        classes=CLASS_ORDER,
        views=DIHEDRAL[:views],
        calibration=Calibration(0.02, (0.0,) * count, "an even population", (1 / count,) * count, NOTHING_MEASURED),
        decision_weights=(1.0,) * count,
        operating_points=(
            OperatingPoint("now", "malignancy", 0.8, "review_now", NOTHING_MEASURED, NOTHING_MEASURED),
            OperatingPoint("look", "malignancy", 0.4, "review", NOTHING_MEASURED, NOTHING_MEASURED),
        ),
        conformal=Conformal(0.9, (0.7,) * count),
        domain=DomainModel(
            centres=((7.0,) * FEATURES,) * count,
            variances=(1.0,) * FEATURES,
            limits=(1e6,) * count,
            false_reject=NOTHING_MEASURED,
            false_rejects=(NOTHING_MEASURED,) * count,
        ),
    )


NOT_EVALUATED = {"note": "random weights: nothing was evaluated"}


def small_bundle(
    models: Path, *, policy: ReadingPolicy | None = None, seed: int = 0, evaluation: object = NOT_EVALUATED
) -> Path:
    """Write the bundle into `models` and return its folder."""
    policy = policy or small_policy()
    return write_bundle(
        models,
        BundleContents(
            name="small",
            network=small_network(seed),
            classes=tuple(policy.classes),
            views=policy.views,
            policy_json=policy_to_json(policy),
            evaluation_json=json.dumps(evaluation),
            model_card="# A random network for tests\n",
            licence="CC0-1.0",
        ),
    )


def narrow_domain(policy: ReadingPolicy) -> ReadingPolicy:
    """The policy with a domain that no image belongs to."""
    assert policy.domain is not None
    return replace(policy, domain=replace(policy.domain, centres=((-1000.0,) * FEATURES,) * 7, limits=(1e-9,) * 7))


def features_vary(network: IntegerNetwork) -> bool:
    """Whether the golden inputs give different outputs: a network that says the same of all proves nothing."""
    return len(np.unique(run(network, golden_images(network.input_shape))[-1], axis=0)) > 3
