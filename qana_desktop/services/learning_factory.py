"""What the factory version brings for learning: network, policy, feature memory, holdout, protocol, statistics."""

from __future__ import annotations

from dataclasses import dataclass

from qana_desktop.learning.holdouts import FeatureHoldout, holdout_from_bytes
from qana_desktop.learning.memory import FeatureMemory, memory_from_bytes
from qana_desktop.learning.protocol import Protocol, protocol_from_json
from qana_desktop.network.bundle import Bundle
from qana_desktop.network.layers import IntegerNetwork
from qana_desktop.network.manifest import FEATURES, HOLDOUT, PROTOCOL
from qana_desktop.services.learning_faults import factory_lacks
from qana_desktop.services.learning_homes import ModelHomes
from qana_desktop.system.language import _
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.triage.policy_json import policy_from_json


@dataclass(frozen=True, eq=False)
class Factory:
    """The factory version, opened: what every update starts from and is held to."""

    bundle: Bundle
    network: IntegerNetwork
    policy: ReadingPolicy
    protocol: Protocol
    memory: FeatureMemory
    holdout: FeatureHoldout

    @property
    def id(self) -> str:
        """The bundle's id."""
        return self.bundle.id

    @property
    def input_size(self) -> int:
        """Side of the network's input, pixels."""
        return self.bundle.manifest.input_shape[0]


def open_factory(homes: ModelHomes) -> Factory:
    """Open the factory version for learning.

    Raises BundleRefused, LearningRefused (`learning-factory-lacks`), HoldoutRefused, MemoryRefused, BadJson.
    """
    return read_factory(homes.open(homes.factory_id()))


def read_factory(bundle: Bundle) -> Factory:
    """Read what a bundle brings for learning. Raises as `open_factory`."""
    network = bundle.network()
    memory = _part(bundle, FEATURES, _("feature memory"))
    holdout = _part(bundle, HOLDOUT, _("factory holdout"))
    pinned = next(entry.sha256 for entry in bundle.manifest.files if entry.name == HOLDOUT)
    return Factory(
        bundle=bundle,
        network=network,
        policy=policy_from_json(bundle.policy_json()),
        protocol=protocol_from_json(_part(bundle, PROTOCOL, _("protocol of the gate")).decode()),
        memory=memory_from_bytes(memory, classes=network.classes, features=network.features),
        holdout=holdout_from_bytes(holdout, sha256=pinned),
    )


def _part(bundle: Bundle, name: str, what: str) -> bytes:
    content = bundle.learning_file(name)
    if content is None:
        raise factory_lacks(what)
    return content
