"""What an evaluation says: values only, each with its interval and its n. `triage.scoring` makes them from readings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from qana_desktop.triage.held_out import HeldOut
from qana_desktop.triage.measured import MeasuredValue
from qana_desktop.triage.policy import Interval
from qana_desktop.triage.resampling import Figure

SCHEMA: Final = "1.1"
"""1.1 adds `second_reader`."""

SPECIFICITIES: Final = (0.85, 0.90)
"""Specificities at which sensitivities are read from the ROC curves."""

INTENDED_USE: Final = "Research use, decision support for trained clinicians, not a medical device."
AKIDA_NOTE: Final = (
    "These readings were made with the Akida runtime. Its licence does not let you publish figures that were measured"
    " with it without BrainChip's written consent: keep this report to yourself. ONNX Runtime gives the same integers,"
    " and so the same figures, without that limit."
)

BALANCED_ACCURACY: Final = "balanced_accuracy"
MACRO_F1: Final = "macro_f1"
ACCURACY: Final = "accuracy"

TITLES: Final[dict[str, str]] = {
    BALANCED_ACCURACY: "Balanced accuracy (mean recall of the classes)",
    MACRO_F1: "Macro F1",
    **{
        f"{who}_sensitivity_at_{at:.2f}_specificity": f"{who.capitalize()} sensitivity at {at:.2f} specificity"
        for who in ("melanoma", "malignant")
        for at in SPECIFICITIES
    },
    "malignant_answer_sensitivity": "Malignant images answered with a malignant class",
    "malignant_answer_specificity": "Benign images answered with a benign class",
    "malignant_review_sensitivity": "Malignant images sent to review or more urgent",
    "malignant_review_specificity": "Benign images of low concern",
    "malignant_auroc": "AUROC, malignant or benign",
    "auroc_macro": "AUROC, one class against the others, mean",
    ACCURACY: "Accuracy (two thirds are nevi: not a headline)",
    "ece": "Expected calibration error, 15 bins",
    "aurc": "Error rate over all coverages (AURC, lower is better)",
}
"""What each figure is called."""


@dataclass(frozen=True)
class ClassFigures:
    """One class. All but `false_reject` are over assessed images.

    `coverage` and `set_size` are of the conformal sets of this class's images. `false_reject` is the share of them that
    quality or domain refused.
    """

    dx: str
    images: int
    lesions: int
    recall: Figure
    precision: Figure
    auroc: Figure
    coverage: Figure
    set_size: Figure
    false_reject: Figure


@dataclass(frozen=True)
class PointFigures:
    """One operating point of the bundle: what the bundle states, and what was counted here.

    `sensitivity` and `specificity` are over assessed images; in those `_with_refused` an image that cannot be assessed
    counts as reaching the cut, because it goes to a person first of all.
    """

    name: str
    score: str
    threshold: float
    triage: str
    stated_sensitivity: Interval
    stated_specificity: Interval
    sensitivity: Figure
    specificity: Figure
    sensitivity_with_refused: Figure
    specificity_with_refused: Figure


@dataclass(frozen=True)
class GroupFigures:
    """One subgroup; `figures` is None where n is too small to say anything."""

    by: str
    group: str
    images: int
    lesions: int
    classes_present: int
    figures: dict[str, Figure] | None


@dataclass(frozen=True)
class Refusal:
    """Why images were not assessed: a fault's code, its sentence, and how many of each class."""

    code: str
    message: str
    images: int
    by_class: dict[str, int]


@dataclass(frozen=True)
class ReliabilityBin:
    """Images whose confidence lies from `low` up to `high`: their mean confidence and the share of right answers."""

    low: float
    high: float
    images: int
    confidence: float | None
    right: float | None


@dataclass(frozen=True)
class Curve:
    """Points of a curve, thinned where it has very many."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Scores:
    """All figures of one evaluation. `confusion` has the truth by row, and "not assessed" as its last column.

    `assessed` is over assessed images; `refusals_as_errors` over all that could be decoded, a refused one counting as
    a wrong answer; `refusals_to_a_person` over the same, a refused one counting as sent to a person.
    `triage` counts malignant and benign images by where they were sent.
    """

    classes: tuple[ClassFigures, ...]
    assessed: dict[str, Figure]
    refusals_as_errors: dict[str, Figure]
    refusals_to_a_person: dict[str, Figure]
    points: tuple[PointFigures, ...]
    confusion: tuple[tuple[int, ...], ...]
    triage: dict[str, dict[str, int]]
    reliability: tuple[ReliabilityBin, ...]
    roc: tuple[Curve, ...]
    risk_coverage: tuple[Curve, ...]
    refusals: tuple[Refusal, ...]
    subgroups: tuple[GroupFigures, ...]


@dataclass(frozen=True)
class Counts:
    """Images of the split: what the table lists, what was there, what could be decoded, what was assessed.

    `missing` and `unreadable` are image ids: neither is in any figure.
    """

    listed: int
    chosen: int
    read: int
    assessed: int
    lesions: int
    missing: tuple[str, ...]
    unreadable: tuple[str, ...]


@dataclass(frozen=True)
class Method:
    """How it was done: enough to do it again."""

    when: str
    program: str
    bundle: str
    engine: str
    runtime: str
    preprocess: str
    views: tuple[str, ...]
    host: str
    table_sha256: str
    split: str
    limit: int | None
    rule: str
    decision_weights: dict[str, float]
    prevalence_name: str
    conformal_target: float
    seed: int
    rounds: int


@dataclass(frozen=True)
class TwoReaders:
    """What a second reader changed. The evaluation's scores are of both, `first_alone` of the same images without it.

    `asked` counts images that both read, `silent` those of which the first was uncertain and the second did not read,
    by the code of the reason. `median_ms` and `energy` are the second's own, for an image; None where it read none.
    """

    reader: str
    asked: int
    silent: dict[str, int]
    passed_on: float
    first_alone: dict[str, Figure]
    first_alone_triage: dict[str, dict[str, int]]
    median_ms: float | None
    energy: MeasuredValue | None


@dataclass(frozen=True)
class Evaluation:
    """An evaluation with everything that a reader must know to judge it. `notes` are sentences about the data.

    `second_reader` is None where the bundle has none.
    """

    schema: str
    intended_use: str
    method: Method
    held_out: HeldOut
    notes: tuple[str, ...]
    counts: Counts
    scores: Scores
    second_reader: TwoReaders | None = None
