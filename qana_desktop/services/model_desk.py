"""What is known of the versions of the network on this computer: bundle, policy, card, where each comes from."""

from __future__ import annotations

from dataclasses import dataclass

from qana_desktop.network.bundle import Bundle
from qana_desktop.network.manifest import BundleRefused, Manifest
from qana_desktop.services.learning_homes import ModelHomes
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.json_reads import BadJson
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.triage.policy_json import policy_from_json


@dataclass(frozen=True, eq=False)
class VersionFacts:
    """One version. `fault` says why it cannot be used; then the rest may be missing. `card` is Markdown.

    `limits` is the card's own section of limits, as Markdown, "" when it has none.
    """

    identity: str
    in_use: bool
    factory: bool
    fault: Fault | None = None
    manifest: Manifest | None = None
    policy: ReadingPolicy | None = None
    card: str = ""
    limits: str = ""


class ModelDesk:
    """Looks at the versions. Opening one checks all its files: call from a worker."""

    def __init__(self, homes: ModelHomes) -> None:
        self._homes = homes

    def versions(self) -> tuple[VersionFacts, ...]:
        """Return all versions, the one in use first, then by when they were made, newest first.

        Raises BundleRefused when not even a pointer to a version is there.
        """
        active, factory = self._homes.active_id(), self._homes.factory_id()
        known = dict.fromkeys((active, *self._homes.known()))
        found = [self._facts(identity, in_use=identity == active, factory=identity == factory) for identity in known]
        return tuple(sorted(found, key=_newest_first))

    def _facts(self, identity: str, *, in_use: bool, factory: bool) -> VersionFacts:
        try:
            bundle = self._homes.open(identity)
        except BundleRefused as error:
            return VersionFacts(identity, in_use, factory, error.fault)
        try:
            policy, fault = policy_from_json(bundle.policy_json()), None
        except BadJson as error:
            policy, fault = None, error.fault
        card = _card(bundle)
        return VersionFacts(identity, in_use, factory, fault, bundle.manifest, policy, card, limits_of(card))


def _newest_first(facts: VersionFacts) -> tuple[bool, str]:
    made = facts.manifest.created if facts.manifest is not None else ""
    return not facts.in_use, "".join(chr(0x10FFFF - ord(char)) for char in made)


def _card(bundle: Bundle) -> str:
    try:
        return bundle.model_card()
    except (OSError, UnicodeDecodeError, KnownError):
        return ""


def limits_of(card: str) -> str:
    """Return the section of a card that is called Limits, without its heading; "" when there is none."""
    _before, found, after = card.partition("\n## Limits\n")
    return after.partition("\n## ")[0].strip() if found else ""
