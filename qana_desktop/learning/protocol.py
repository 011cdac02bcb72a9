"""The lines that an update of the network may not cross, as values and as validated JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Final

from qana_desktop.network.schema import reads_strictly
from qana_desktop.system.json_reads import JsonNode

SCHEMA: Final = "1.0"
_CODE: Final = "protocol-bad"
_REMEDY: Final = "No update can be judged with it; take the protocol file that came with the network."


@dataclass(frozen=True)
class Protocol:
    """Shares are from 0 to 1. Losses are measured against the factory version on the same cases.

    `malignant_loss`, `melanoma_loss`, `specificity_loss`: largest loss at each printed malignancy cut. `recall_loss`:
    largest loss of recall of any class; `recall_free_cases` cases may always be lost, because in a class of a dozen a
    single one is many points. `ratchet_loss`: largest distance from the best figures that any version ever reached.
    `ece_floor`, `ece_rise`: the calibration error may be up to the larger of the floor and factory + rise. `flips`:
    largest share of changed answers on the factory holdout. `alpha`: level of the one-sided exact McNemar test.
    `fewest_malignant`: malignant cases without which the factory holdout shows nothing. `shown_loss` and `churn`: the
    true loss, and the share of cases swapped each way by chance, that the power statement speaks of. `looks`: uses
    after which a holdout is worn out. `local_share`: share of the clinic's patients that are kept for testing.
    `new_class_cases`: lesions without which a new class is not learnt.
    """

    malignant_loss: float = 0.02
    melanoma_loss: float = 0.02
    recall_loss: float = 0.05
    recall_free_cases: int = 1
    ratchet_loss: float = 0.02
    specificity_loss: float = 0.05
    ece_floor: float = 0.05
    ece_rise: float = 0.01
    flips: float = 0.10
    alpha: float = 0.05
    fewest_malignant: int = 50
    shown_loss: float = 0.05
    churn: float = 0.01
    looks: int = 20
    local_share: float = 0.3
    new_class_cases: int = 30


_COUNTS: Final = {"recall_free_cases": 0, "fewest_malignant": 1, "looks": 1, "new_class_cases": 1}
"""The whole numbers, with the least that each may be."""
_POSITIVE: Final = ("alpha", "shown_loss", "local_share")
"""Shares of which 0 would switch off what they are for."""
_SMALLEST_SHARE: Final = 1e-6
_LARGEST_SHARE: Final = 0.5


def protocol_to_json(protocol: Protocol) -> str:
    """Return the protocol as JSON text, every line in it."""
    return json.dumps({"schema": SCHEMA, **asdict(protocol)}, indent=1, allow_nan=False) + "\n"


def protocol_from_json(text: str) -> Protocol:
    """Read what `protocol_to_json` wrote; nothing has a default here. Raises `BadJson` (code `protocol-bad`)."""
    root = JsonNode.parse(text, document="protocol.json", code=_CODE, remedy=_REMEDY)
    names = [field.name for field in fields(Protocol)]
    if reads_strictly(root.key("schema"), SCHEMA):
        root.only(("schema", *names))
    counts = {name: root.key(name).integer(low=least) for name, least in _COUNTS.items()}
    shares = {name: _share(root.key(name), name) for name in names if name not in _COUNTS}
    if shares["shown_loss"] + 2 * shares["churn"] > 1.0:
        root.key("churn").refuse("and the shown loss are more than all cases together")
    return Protocol(**shares, **counts)  # type: ignore[arg-type]


def _share(node: JsonNode, name: str) -> float:
    return node.number(low=_SMALLEST_SHARE if name in _POSITIVE else 0.0, high=_LARGEST_SHARE)
