"""What a head is trained on: integer features of the factory's training cases, and of the clinic's confirmed cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from qana_desktop.network.manifest import FEATURES
from qana_desktop.network.serialise import NetworkFileRefused, arrays_from_bytes
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _

LARGEST_FEATURE: Final = 15
"""The largest level of a 4-bit activation."""


class MemoryRefused(KnownError):
    """The feature memory of a bundle cannot be learnt from."""


@dataclass(frozen=True, eq=False)
class FeatureMemory:
    """Features (n, F) uint8 of the first view of each factory training image, with its class index (n,)."""

    features: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LocalCase:
    """One confirmed image of the clinic: pseudonyms, the class code that was confirmed, features (views, F) uint8."""

    patient: str
    lesion: str
    label: str
    features: npt.NDArray[np.uint8]

    @property
    def picture(self) -> bytes:
        """The features as bytes, whatever the order of the views: the same for a copy by a turn that is a view."""
        return b"".join(sorted(view.tobytes() for view in self.features))


def memory_from_bytes(content: bytes, *, classes: int, features: int) -> FeatureMemory:
    """Read `features.npz` of a bundle with so many classes and features.

    Raises MemoryRefused for a file that is damaged, empty, does not fit the network, or lacks a class.
    """
    try:
        arrays = arrays_from_bytes(content, document=FEATURES)
    except NetworkFileRefused as error:
        raise _refusal(error.fault.message) from error
    levels, labels = arrays.get("features"), arrays.get("labels")
    if levels is None or labels is None or levels.dtype != np.uint8 or labels.dtype != np.uint8:
        raise _refusal(_("{features} holds no features and labels.").format(features=FEATURES))
    if levels.ndim != 2 or levels.shape[1] != features or labels.shape != (len(levels),):
        raise _refusal(
            _("{features} holds features {shape} and labels {shape2}, for {features2} features.").format(
                features=FEATURES, shape=levels.shape, shape2=labels.shape, features2=features
            )
        )
    if set(np.unique(labels)) != set(range(classes)) or levels.max() > LARGEST_FEATURE:
        raise _refusal(
            _("{features} does not hold cases of each of the {classes} classes, and no others.").format(
                features=FEATURES, classes=classes
            )
        )
    return FeatureMemory(levels, labels.astype(np.int64))


def without_patients(cases: tuple[LocalCase, ...], withdrawn: frozenset[str]) -> tuple[LocalCase, ...]:
    """The cases of all other patients: what the head is trained on, from the same parent, after a withdrawal."""
    return tuple(case for case in cases if case.patient not in withdrawn)


def true_lesions(cases: Sequence[LocalCase]) -> dict[str, str]:
    """The lesion that each lesion of `cases` really is: those that share a picture are one, the first by name."""
    found = {case.lesion: case.lesion for case in cases}

    def root(lesion: str) -> str:
        while found[lesion] != lesion:
            lesion = found[lesion]
        return lesion

    shown: dict[bytes, str] = {}
    for case in cases:
        first, second = sorted((root(case.lesion), root(shown.setdefault(case.picture, case.lesion))))
        found[second] = first
    return {lesion: root(lesion) for lesion in found}


def _refusal(message: str) -> MemoryRefused:
    remedy = _("The clinic's cases cannot be learnt with this version of the network; take another bundle.")
    return MemoryRefused(Fault("feature-memory-bad", message, remedy))
