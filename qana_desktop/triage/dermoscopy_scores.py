"""What the clinician's own scores amount to: the ABCD rule and the seven-point checklist, as arithmetic.

Both are rules for melanocytic lesions, counted by a person who looks through the dermatoscope. No network is in them.

- ABCD: Stolz W, Riemann A, Cognetta AB, et al. ABCD rule of dermatoscopy: a new practical method for early recognition
  of malignant melanoma. Eur J Dermatol 1994;4:521-527. Weights 1.3, 0.1, 0.5, 0.5; cuts 4.75 and 5.45.
- Seven points: Argenziano G, Fabbrocini G, Carli P, et al. Epiluminescence microscopy for the diagnosis of doubtful
  melanocytic skin lesions. Arch Dermatol 1998;134:1563-1570. Major criteria 2 points, minor ones 1; cut 3.
- The same, revised: Argenziano G, Catricala C, Ardigo M, et al. Seven-point checklist of dermoscopy revisited.
  Br J Dermatol 2011;164:785-790. One criterion is enough for excision: cut 1.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from enum import StrEnum
from typing import Final

from qana_desktop.triage.case import Abcd, SevenPoint

ABCD_TENTHS: Final = (13, 1, 5, 5)
"""Weights of asymmetry, border, colours and structures, in tenths: sums of them are exact."""

SUSPICIOUS_FROM: Final = 4.75
HIGH_ABOVE: Final = 5.45
"""Cuts of the total dermoscopy score. Totals are whole tenths, so none lies on a cut."""

ABCD_LEAST: Final = Abcd(0, 0, 1, 1)
ABCD_MOST: Final = Abcd(2, 8, 6, 5)

SEVEN_POINT_CUT: Final = 3
REVISED_CUT: Final = 1

SEVEN_POINT_WEIGHTS: Final = {
    "atypical_network": 2,
    "blue_white_veil": 2,
    "atypical_vessels": 2,
    "irregular_streaks": 1,
    "irregular_dots": 1,
    "irregular_blotches": 1,
    "regression": 1,
}
"""Points of each criterion, by the names of `SevenPoint`."""


class AbcdVerdict(StrEnum):
    """What Stolz calls a melanocytic lesion with this score."""

    BENIGN = "benign"
    SUSPICIOUS = "suspicious"
    HIGHLY_SUSPICIOUS = "highly_suspicious"


@dataclass(frozen=True)
class Points:
    """A count against its cut."""

    total: int
    most: int
    cut: int

    @property
    def reached(self) -> bool:
        """Whether the cut is reached."""
        return self.total >= self.cut


def total_dermoscopy_score(abcd: Abcd) -> float:
    """Return 1.3 A + 0.1 B + 0.5 C + 0.5 D, between 1.0 and 8.9."""
    tenths: int = sum(weight * count for weight, count in zip(ABCD_TENTHS, astuple(abcd), strict=True))
    return tenths / 10


def abcd_verdict(abcd: Abcd) -> AbcdVerdict:
    """Return what the score amounts to: benign below 4.75, highly suspicious above 5.45."""
    score = total_dermoscopy_score(abcd)
    if score < SUSPICIOUS_FROM:
        return AbcdVerdict.BENIGN
    return AbcdVerdict.HIGHLY_SUSPICIOUS if score > HIGH_ABOVE else AbcdVerdict.SUSPICIOUS


def seven_points(found: SevenPoint) -> Points:
    """Return the checklist of 1998: 0 to 10 points; 3 and more speak for melanoma."""
    total = sum(weight for name, weight in SEVEN_POINT_WEIGHTS.items() if getattr(found, name))
    return Points(total, sum(SEVEN_POINT_WEIGHTS.values()), SEVEN_POINT_CUT)


def revised_seven_points(found: SevenPoint) -> Points:
    """Return the checklist as revised in 2011: criteria that are there, 0 to 7; with one, excision is advised."""
    return Points(sum(astuple(found)), len(SEVEN_POINT_WEIGHTS), REVISED_CUT)
