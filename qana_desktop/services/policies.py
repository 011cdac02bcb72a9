"""The reading policies of all versions that are on this computer, by the bundle that a reading names."""

from __future__ import annotations

import threading

from qana_desktop.network.manifest import BundleRefused
from qana_desktop.services.learning_homes import ModelHomes
from qana_desktop.system.json_reads import BadJson
from qana_desktop.system.resources import ResourcesMissing
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.triage.policy_json import policy_from_json


class PolicyShelf:
    """Opens each version once. Safe between threads; the first look at a version checks its files, which takes long."""

    def __init__(self, homes: ModelHomes) -> None:
        self._homes = homes
        self._guard = threading.Lock()
        self._known: dict[str, ReadingPolicy | None] = {}

    def of(self, identity: str) -> ReadingPolicy | None:
        """Return the policy of a version; None when it is not here or not whole: its cut can then not be named."""
        with self._guard:
            if identity not in self._known:
                self._known[identity] = self._read(identity)
            return self._known[identity]

    def _read(self, identity: str) -> ReadingPolicy | None:
        try:
            return policy_from_json(self._homes.open(identity).policy_json())
        except (BundleRefused, BadJson, ResourcesMissing, OSError):
            return None
