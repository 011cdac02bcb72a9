"""What a clinic needs to learn from a bundle: the gate's lines, the factory holdout, the factory's statistics.

The holdout is the test fold, one image a lesion. Nothing of the reading policy was fitted on it (the cuts lie exactly
at scores of calibration lesions, so that those would cross them at the slightest change), and it has more than twice
the malignant lesions of the calibration part. The price is double use: the figures of the model card are of the same
lesions, so that a version which the gate chose by them cannot be reported on them afresh (docs/adr/0013).
The statistics are of training lesions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.learning.holdouts import holdout_to_bytes
from qana_desktop.learning.protocol import Protocol, protocol_to_json
from qana_desktop.learning.site_statistics import site_statistics, statistics_to_bytes
from qana_desktop.network.layers import IntegerNetwork
from qana_desktop.network.manifest import CHANNELS, HOLDOUT, PROTOCOL
from qana_desktop.training.augment import Uint8Array
from qana_desktop.training.data import Record, Split, labels

IntegerArray: TypeAlias = npt.NDArray[np.int32]
ImagesOf: TypeAlias = Callable[[tuple[Record, ...]], Uint8Array]

REFERENCE_LESIONS = 400
"""Training lesions whose images the factory's statistics are measured on."""


def learning_files(
    network: IntegerNetwork, split: Split, images_of: ImagesOf, features: IntegerArray
) -> dict[str, bytes]:
    """Return the files by name. `features` (n, views, F) are those of all images of the test fold, in its order.

    `images_of` gives images (n, S, S, 3), as the network takes them, of records.
    """
    firsts = first_of_each_lesion(split.test)
    rows = {record.image_id: row for row, record in enumerate(split.test)}
    chosen = features[[rows[record.image_id] for record in firsts]].astype(np.uint8)
    statistics = site_statistics(network, images_of(reference_records(split.train)))
    return {
        PROTOCOL: protocol_to_json(Protocol()).encode(),
        HOLDOUT: holdout_to_bytes([record.lesion_id for record in firsts], labels(firsts), chosen),
        CHANNELS: statistics_to_bytes(statistics),
    }


def first_of_each_lesion(records: Iterable[Record]) -> tuple[Record, ...]:
    """One HAM10000 image of each lesion, the first by name, in the order of the lesions' names."""
    firsts: dict[str, Record] = {}
    for record in sorted(records, key=lambda record: record.image_id):
        if record.source == "ham10000":
            firsts.setdefault(record.lesion_id, record)
    return tuple(firsts[lesion] for lesion in sorted(firsts))


def reference_records(train: Iterable[Record]) -> tuple[Record, ...]:
    """One image of each of `REFERENCE_LESIONS` training lesions: the first ones in the order of a salted hash."""
    return tuple(sorted(first_of_each_lesion(train), key=_order)[:REFERENCE_LESIONS])


def _order(record: Record) -> str:
    return hashlib.sha256(f"qana-reference:{record.lesion_id}".encode()).hexdigest()
