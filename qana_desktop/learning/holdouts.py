"""Frozen holdouts: the factory's, pinned by its hash, and the clinic's, fixed by a hash of each patient's pseudonym."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from qana_desktop.learning.memory import LARGEST_FEATURE, LocalCase
from qana_desktop.learning.protocol import Protocol
from qana_desktop.network.serialise import NetworkFileRefused, arrays_from_bytes, arrays_to_bytes
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import N_, _

NEAR: Final = 0.05
"""Features this close are of one picture: mean difference of the levels 0 to 15, averaged over views and features.

Pictures of different lesions in the factory's feature memory lie more than twice as far apart."""
_DOCUMENT: Final = N_("The holdout")
_ID_BYTES: Final = 64


class HoldoutRefused(KnownError):
    """The file is not the holdout that the protocol's hash names, or none at all."""


@dataclass(frozen=True, eq=False)
class FeatureHoldout:
    """One image of each lesion: ids (n), class indices (n,), features (n, views, F) uint8; `sha256` of the file."""

    lesions: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    features: npt.NDArray[np.uint8]
    sha256: str


class Role(StrEnum):
    """What the cases of one patient of the clinic are for, for good."""

    TRAINING = "training"
    HOLDOUT = "holdout"


@dataclass(frozen=True)
class Overlap:
    """A case for training that is not apart from the holdout: their lesions, and why, as a sentence."""

    training_lesion: str
    holdout_lesion: str
    sentence: str


@dataclass(frozen=True)
class Look:
    """One use of a holdout to judge a version: which version, when (ISO 8601 UTC)."""

    version: str
    at: str


def holdout_to_bytes(lesions: Sequence[str], labels: npt.NDArray[np.int64], features: npt.NDArray[np.uint8]) -> bytes:
    """Return a holdout as the bytes of an `.npz` file; its SHA-256 is what the protocol pins.

    Raises ValueError for cases that the reader would refuse.
    """
    ids = np.array([lesion.encode() for lesion in lesions], dtype=f"S{_ID_BYTES}")
    arrays = {"lesions": ids, "labels": labels.astype(np.uint8), "features": features}
    problem = _problem(arrays)
    if problem is not None or any(len(lesion.encode()) > _ID_BYTES for lesion in lesions):
        raise ValueError(problem or f"a lesion id has more than {_ID_BYTES} bytes")
    return arrays_to_bytes(arrays)


def holdout_from_bytes(content: bytes, *, sha256: str) -> FeatureHoldout:
    """Read a holdout after comparing its hash with the pinned one (hex digits). Raises HoldoutRefused."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise _refusal(
            _("{document} is not the one that was pinned: its SHA-256 is {found}…, not {sha256}….").format(
                document=_DOCUMENT, found=found[:12], sha256=sha256[:12]
            )
        )
    try:
        arrays = arrays_from_bytes(content, document=_DOCUMENT)
    except NetworkFileRefused as error:
        raise _refusal(error.fault.message) from error
    problem = _problem(arrays)
    if problem is not None:
        raise _refusal(_("{document} cannot be read: {problem}.").format(document=_DOCUMENT, problem=problem))
    lesions = tuple(name.decode() for name in arrays["lesions"].tolist())
    return FeatureHoldout(lesions, arrays["labels"].astype(np.int64), arrays["features"], found)


def _problem(arrays: dict[str, npt.NDArray[np.generic]]) -> str | None:
    """What is wrong with the arrays of a holdout, or None."""
    if set(arrays) != {"lesions", "labels", "features"}:
        return _("it does not hold lesions, labels and features")
    lesions, labels, features = arrays["lesions"], arrays["labels"], arrays["features"]
    if lesions.dtype.kind != "S" or labels.dtype != np.uint8 or features.dtype != np.uint8:
        return _("its arrays are of other types")
    if features.ndim != 3 or 0 in features.shape or lesions.shape != (len(features),) or labels.shape != lesions.shape:
        return _("its arrays do not fit each other")
    if len(np.unique(lesions)) != len(lesions):
        return _("a lesion comes twice, and cases must be independent")
    if np.max(features.astype(np.int64)) > LARGEST_FEATURE:
        return _("a feature is above {largest_feature}").format(largest_feature=LARGEST_FEATURE)
    return None


def role_of(patient: str, *, site_salt: str, protocol: Protocol) -> Role:
    """What a patient's cases are for: the same answer for the same pseudonym, for good, whoever asks and when.

    `site_salt` is drawn once for a clinic and never changed, so that nobody can choose pseudonyms to steer it.
    """
    digest = hashlib.sha256(f"qana-local-holdout:{site_salt}:{patient}".encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    return Role.HOLDOUT if position < protocol.local_share else Role.TRAINING


def overlaps(training: Sequence[LocalCase], holdout: Sequence[LocalCase]) -> Iterator[Overlap]:
    """Yield cases for training that share a patient, a lesion or a picture with the holdout, each with one reason.

    Pictures are compared by their features, averaged over views: with the quarter turns as views, a turned copy is
    found as well.
    """
    patients = {case.patient: case.lesion for case in reversed(holdout)}
    lesions = {case.lesion for case in holdout}
    pictures = np.stack([_mean_features(case) for case in holdout]) if holdout else None
    for case in training:
        if case.patient in patients:
            yield Overlap(case.lesion, patients[case.patient], _("The patient is one of the holdout."))
        elif case.lesion in lesions:
            yield Overlap(case.lesion, case.lesion, _("The lesion is one of the holdout."))
        elif pictures is not None:
            gaps = np.abs(pictures - _mean_features(case)).mean(axis=1)
            nearest = int(np.argmin(gaps))
            if gaps[nearest] <= NEAR:
                sentence = _("The picture is one of the holdout, or nearly: {gaps:.2f} levels apart.").format(
                    gaps=gaps[nearest]
                )
                yield Overlap(case.lesion, holdout[nearest].lesion, sentence)


def looks_warning(looks: Sequence[Look], malignant: int, protocol: Protocol) -> str | None:
    """A warning when a holdout with so many malignant cases is worn out, else None.

    The best of k looks flatters by luck alone: by about ``sqrt(2 ln k)`` standard deviations of the change in
    sensitivity, which is ``sqrt(2 churn / n)`` for cases that swap by chance. Looks at one version count once.
    """
    count = len({look.version for look in looks})
    if count <= protocol.looks:
        return None
    luck = math.sqrt(2.0 * math.log(count) * 2.0 * protocol.churn / max(malignant, 1))
    return _(
        "This holdout has judged {count} versions, and is worn out after {looks}: the best of {count} looks up "
        "to {luck:.1f} points better than it is, by luck alone. Freeze new cases before the next update."
    ).format(count=count, looks=protocol.looks, luck=100 * luck)


def _mean_features(case: LocalCase) -> npt.NDArray[np.float64]:
    return np.asarray(case.features.mean(axis=0), dtype=np.float64)


def _refusal(message: str) -> HoldoutRefused:
    remedy = _("No update can be judged with it; restore the file that came with the network.")
    return HoldoutRefused(Fault("holdout-bad", message, remedy))
