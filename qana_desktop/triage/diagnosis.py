"""The seven diagnoses of HAM10000, their full names, and which of them are malignant."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Diagnosis(StrEnum):
    """Diagnosis codes as in the HAM10000 metadata (Tschandl et al. 2018); the values order alphabetically."""

    AKIEC = "akiec"
    BCC = "bcc"
    BKL = "bkl"
    DF = "df"
    MEL = "mel"
    NV = "nv"
    VASC = "vasc"


CLASS_ORDER: Final[tuple[Diagnosis, ...]] = tuple(Diagnosis)
"""The order of logits and probabilities everywhere, unless a bundle with more classes says otherwise."""

FULL_NAMES: Final[dict[Diagnosis, str]] = {
    Diagnosis.AKIEC: "Actinic keratosis / Bowen's disease",
    Diagnosis.BCC: "Basal cell carcinoma",
    Diagnosis.BKL: "Benign keratosis",
    Diagnosis.DF: "Dermatofibroma",
    Diagnosis.MEL: "Melanoma",
    Diagnosis.NV: "Melanocytic nevus",
    Diagnosis.VASC: "Vascular lesion",
}

MALIGNANT: Final[frozenset[Diagnosis]] = frozenset({Diagnosis.MEL, Diagnosis.BCC, Diagnosis.AKIEC})
"""Malignant and pre-malignant: the classes whose probabilities add up to the malignancy score."""
