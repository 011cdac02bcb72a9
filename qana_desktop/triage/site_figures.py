"""What is counted about the network at a site: the facts that go in and the figures that come out. Values only.

Where there are too few, a figure is None and its n is given: the reader is told, not misled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from qana_desktop.triage.fit import wilson
from qana_desktop.triage.measured import Method
from qana_desktop.triage.policy import Interval

FEWEST: Final = 10
"""With fewer cases or lesions no share is given."""
FEW: Final = 30
"""Below this a share is given with a warning."""
CANNOT_ASSESS: Final = "cannot_assess"
"""Beside the values of `Triage`: what no network answered."""
LOW_CONCERN: Final = "low_concern"


@dataclass(frozen=True)
class SiteImage:
    """One image by its latest reading. `month` is YYYY-MM; `quality` are measured values by name."""

    month: str
    bundle: str
    engine: str
    triage: str
    malignancy: float | None
    quality: tuple[tuple[str, float], ...]
    total_ms: float
    inference_ms: float | None
    energy: float | None
    energy_unit: str
    energy_method: Method | None
    energy_scope: str
    device: str


@dataclass(frozen=True)
class SiteCase:
    """One encounter by its most urgent image. `named` is the network's answer, `found` the clinician's class or words.

    `could_be` and `named` are class codes; both are empty when nothing was assessed.
    """

    encounter: str
    lesion: str
    month: str
    bundle: str
    triage: str
    malignancy: float | None
    named: str
    could_be: tuple[str, ...]
    assessed_by_person: bool
    found: str
    overridden: bool
    groups: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Proof:
    """What a lesion turned out to be. `malignant` is None for a diagnosis in words: nothing is counted then."""

    lesion: str
    diagnosis: str
    malignant: bool | None
    source: str


@dataclass(frozen=True)
class Share:
    """A share with its 95 % Wilson interval; None where n is below FEWEST. `n` of them all, `count` of these."""

    count: int
    n: int
    interval: Interval | None

    @property
    def few(self) -> bool:
        """Whether it must be told that n is small."""
        return self.n < FEW


def share(count: int, n: int) -> Share:
    """Return a share, or only its counts where there are too few."""
    return Share(count, n, wilson(count, n) if n >= FEWEST else None)


@dataclass(frozen=True)
class Overrides:
    """Of the cases that a clinician assessed and a network read: overridden with a reason, and another class named."""

    overridden: Share
    other_class: Share
    by_triage: tuple[tuple[str, Share], ...]


@dataclass(frozen=True)
class Against:
    """Readings against proof of one source (or of all): one reading per lesion.

    `sent` malignant lesions that were sent to a person (review or more urgent, or cannot assess), `let_go` malignant
    ones of low concern; `spared` benign ones of low concern; `right` answers with the proven class; `held` sets that
    held it. `unclassed` proofs name no class.
    """

    source: str
    lesions: int
    malignant: int
    sent: Share
    let_go: int
    spared: Share
    right: Share
    held: Share
    unclassed: int


@dataclass(frozen=True)
class CalibrationBin:
    """Proven lesions whose malignancy lies from `low` up to `high`: mean of it, and the share that was malignant."""

    low: float
    high: float
    mean: float | None
    observed: Share


@dataclass(frozen=True)
class Month:
    """One month's images: how many, their triage, the middle half of malignancy, medians of quality by name."""

    month: str
    images: int
    cannot: Share
    review: Share
    malignancy: tuple[float, float, float] | None
    quality: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Group:
    """Cases of one group of a kind (skin tone, sex, body site, device)."""

    kind: str
    name: str
    cases: int
    cannot: Share
    review: Share
    overridden: Share
    malignant_sent: Share


@dataclass(frozen=True)
class Times:
    """Milliseconds from file to answer of one engine in one month."""

    month: str
    engine: str
    readings: int
    median_ms: float
    p95_ms: float
    inference_ms: float | None


@dataclass(frozen=True)
class Energies:
    """Energy of one engine by one method, unit and scope: never averaged over two of them."""

    month: str
    engine: str
    method: Method
    unit: str
    scope: str
    readings: int
    median: float


@dataclass(frozen=True)
class SitePerformance:
    """All of it, of one version; `times`, `energies` and `not_available` are of all versions."""

    bundle: str
    bundles: tuple[tuple[str, int], ...]
    cases: int
    images: int
    first_month: str
    last_month: str
    overrides: Overrides
    against: tuple[Against, ...]
    calibration: tuple[CalibrationBin, ...]
    months: tuple[Month, ...]
    groups: tuple[Group, ...]
    times: tuple[Times, ...]
    energies: tuple[Energies, ...]
    without_energy: int
