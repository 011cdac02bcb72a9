"""What a reading says: `Assessed` or `CannotAssess`, two types: a missing answer never looks like a negative one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from qana_desktop.system.faults import Fault
from qana_desktop.triage.diagnosis import LesionClass
from qana_desktop.triage.measured import MeasuredValue
from qana_desktop.triage.quality import QualityReport


class Triage(StrEnum):
    """Urgency, most urgent first. Cannot-assess is not here: it is another type and sorts above all of these."""

    REVIEW_NOW = "review_now"
    REVIEW = "review"
    LOW_CONCERN = "low_concern"


@dataclass(frozen=True)
class Assessed:
    """An answer. Probabilities are calibrated at the reference prevalence that the bundle names, in its class order.

    `predicted` follows the bundle's decision rule (it need not be the most probable class); `malignancy` is the sum of
    the malignant classes' probabilities; `could_be` is the conformal set, most probable first; `confidence` is the
    calibrated probability of the most probable class; `view_agreement` the share of views whose own answer equals
    `predicted`.
    `raised_by` names the rules that made the triage more severe than the malignancy cut alone (empty: none).
    `ignored` lists refusals that a person overrode (`--ignore-quality`).
    """

    triage: Triage
    predicted: LesionClass
    probabilities: dict[LesionClass, float]
    malignancy: float
    could_be: tuple[LesionClass, ...]
    confidence: float
    view_agreement: float
    raised_by: tuple[str, ...] = ()
    ignored: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class CannotAssess:
    """No answer, and why: the image goes to a person, first in the list."""

    reason: Fault


Outcome: TypeAlias = Assessed | CannotAssess


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one reading, seen by its user. A part that did not happen is None."""

    decode: float | None
    preprocess: float | None
    inference: float | None
    total: float


@dataclass(frozen=True)
class SecondAsked:
    """The first reader was uncertain, and a second network read the image too: what each said alone.

    `uncertainty` is the normalised entropy of the first reader's probabilities, `limit` the one above which the second
    is asked. `logits` are the second's, (views, classes); `latency_ms` and `energy` are its own, for the whole image.
    The reading's outcome is what both say together.
    """

    uncertainty: float
    limit: float
    reader: str
    runtime: str
    logits: tuple[tuple[float, ...], ...]
    first: Assessed
    second: Assessed
    latency_ms: float
    energy: MeasuredValue


@dataclass(frozen=True)
class SecondSilent:
    """The first reader was uncertain and the second did not read: `reason` says why (switched off, could not)."""

    uncertainty: float
    limit: float
    reason: Fault


@dataclass(frozen=True)
class Provenance:
    """What gave the answer: enough to repeat it.

    `runtime` is name and version, `host` the machine's anonymous description.
    """

    bundle: str
    engine: str
    runtime: str
    host: str
    preprocess: str
    program: str


@dataclass(frozen=True)
class Reading:
    """One image read once. Immutable; a later reading is added, never replaced.

    `logits` are the integer potentials per view, shape (views, classes) as nested tuples; empty when nothing was
    inferred.
    `source` is the path or label under which the person brought the image; it is shown, never logged.
    `second_reader` is None where the first reader was certain enough, or the bundle has no second.
    """

    source: str
    image_sha256: str | None
    outcome: Outcome
    quality: QualityReport | None
    logits: tuple[tuple[int, ...], ...]
    latency: Latency
    energy: MeasuredValue | None
    provenance: Provenance | None
    when: str
    second_reader: SecondAsked | SecondSilent | None = None
