"""A store with months of cases in it, for what counts them: answers, opinions and proof drawn by a fixed rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qana_desktop.store.records import Put, new_id
from qana_desktop.store.store import Store
from qana_desktop.triage.case import (
    Action,
    CaptureFacts,
    CaseImage,
    ClinicalAssessment,
    Encounter,
    Finding,
    Lesion,
    Patient,
    ProofSource,
    ProvenOutcome,
    Sex,
    SkinTone,
    SkinToneScale,
)
from qana_desktop.triage.diagnosis import Diagnosis
from qana_desktop.triage.measured import MeasuredValue, Method
from qana_desktop.triage.outcome import Assessed, CannotAssess, Latency, Outcome, Triage
from qana_desktop.triage.quality import QualityFinding, QualityReport
from tests.support.stores import REFUSED, picture, reading

SITES = ("left forearm", "back", "face", "lower leg")


def fill_site(store: Store, *, cases: int, months: int = 6) -> None:
    """File `cases` cases, one image each, spread over the first months of 2026."""
    random = np.random.default_rng(7)
    sha256 = store.keep_image(picture(0))
    for number in range(cases):
        month = f"2026-{1 + number * months // cases:02d}"
        malignant = random.random() < 0.3
        score = float(np.clip(random.beta(5, 3) if malignant else random.beta(1.5, 6), 0.001, 0.999))
        outcome: Outcome = REFUSED if random.random() < 0.06 else _answer(score)
        store.file(_puts(number, month, sha256, outcome, malignant, random), by="tester", what="add a case")


def _answer(score: float) -> Assessed:
    triage = Triage.REVIEW_NOW if score > 0.5 else Triage.REVIEW if score > 0.2 else Triage.LOW_CONCERN
    named = Diagnosis.MEL if score > 0.5 else Diagnosis.NV
    rest = (1 - score) / 6
    shares = dict.fromkeys(Diagnosis, rest) | {Diagnosis.MEL: score}
    return Assessed(triage, named, shares, score, (named, Diagnosis.BKL), max(score, rest), 1.0)


def _puts(
    number: int, month: str, sha256: str, outcome: Outcome, malignant: bool, random: np.random.Generator
) -> list[Put]:
    patient, lesion, visit, image = (new_id() for _ in range(4))
    truth = Diagnosis.MEL if malignant else Diagnosis.NV
    sharp = QualityFinding("sharpness", float(random.normal(12, 2)), 8, None, refuses=False)
    energy = MeasuredValue(
        float(random.normal(40, 4)), "mJ", Method.MEASURED_PACKAGE, "processor package", 1, f"{month}-01", "onnx-cpu"
    )
    latency = Latency(1.0, 2.0, 6.0 + random.random(), 9.0 + 3 * random.random())
    read = replace(
        reading(sha256, outcome), quality=QualityReport((sharp,)), latency=latency, when=f"{month}-10T12:00:00Z",
        energy=None if isinstance(outcome, CannotAssess) else energy,
    )  # fmt: skip
    seen = outcome.predicted if isinstance(outcome, Assessed) else Diagnosis.NV
    differs = random.random() < 0.15
    opinion = ClinicalAssessment(
        Finding(truth if differs else seen), Action.MONITOR, override_reason="does not fit" if differs else ""
    )
    puts = [
        Put(Patient(f"P-{number:05d}", "Erika Mustermann", 1940 + number % 60, Sex.FEMALE), patient),
        Put(SkinTone(SkinToneScale.FITZPATRICK, 1 + number % 6), new_id(), patient),
        Put(Lesion(SITES[number % len(SITES)]), lesion, patient),
        Put(Encounter(f"{month}-10T11:00:00Z"), visit, lesion),
        Put(CaseImage(sha256, "image/png", 48, 48, CaptureFacts("DermLite DL5")), image, visit),
        Put(read, new_id(), image),
        Put(opinion, new_id(), visit),
    ]
    if malignant or random.random() < 0.4:
        puts.append(Put(ProvenOutcome(Finding(truth), ProofSource.HISTOLOGY, f"{month}-20"), new_id(), lesion))
    return puts
