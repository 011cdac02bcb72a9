"""A case with everything in it, and ways to read a report back as a person or a program would."""

from __future__ import annotations

from dataclasses import replace

import pypdfium2 as pdfium

from qana_desktop.reports.case_report import Circumstances
from qana_desktop.reports.document import Picture
from qana_desktop.reports.image_files import jpeg
from qana_desktop.system.faults import Fault
from qana_desktop.triage.case import (
    Abcd,
    Action,
    CaptureFacts,
    Case,
    CaseImage,
    ClinicalAssessment,
    Contact,
    Encounter,
    Filed,
    FiledImage,
    Finding,
    Lesion,
    Patient,
    Polarisation,
    ProofSource,
    ProvenOutcome,
    SecondReading,
    SevenPoint,
    Sex,
    SignOff,
    SkinTone,
    SkinToneScale,
    Tags,
    Value,
)
from qana_desktop.triage.diagnosis import Diagnosis
from qana_desktop.triage.measured import MeasuredValue, Method
from qana_desktop.triage.outcome import Assessed, CannotAssess, Latency, Outcome, Provenance, Reading, Triage
from qana_desktop.triage.quality import QualityFinding, QualityReport
from tests.support import image_files

NAME = "Erika Mustermann"
BUNDLE = "small-0123456789ab"
HEAD = "1204-MFRG-GZDF-MZTW-Q2LK"
AT = "2026-03-01T12:00:00.000+00:00"
PROBABILITIES = {
    Diagnosis.MEL: 0.52,
    Diagnosis.NV: 0.30,
    Diagnosis.BKL: 0.10,
    Diagnosis.BCC: 0.05,
    Diagnosis.AKIEC: 0.02,
    Diagnosis.DF: 0.007,
    Diagnosis.VASC: 0.003,
}
ANSWER = Assessed(
    Triage.REVIEW_NOW, Diagnosis.MEL, PROBABILITIES, 0.59, (Diagnosis.MEL, Diagnosis.NV), 0.52, 1.0
)  # fmt: skip
REFUSAL = CannotAssess(Fault("blurred", "Cannot assess: the image is too blurred to read.", "Take it again."))
SOFT = QualityFinding("sharpness", 9, 8, Fault("soft", "The image is a little soft.", "Take it again."), refuses=False)
NO_METER = MeasuredValue(None, "mJ", Method.NOT_AVAILABLE, "one image", 0, AT, "onnx-cpu", "There is no meter here")
PROVENANCE = Provenance(BUNDLE, "onnx-cpu", "onnxruntime 1.28.0", "x86_64, 2 cores", "1", "0.1.0")


def filed(value: Value, entity: str = "e", *, seq: int = 1, by: str = "u1", at: str = AT) -> Filed:
    """A value as the store hands it out."""
    return Filed(seq, entity, 1, None, value, at, by)


def reading(outcome: Outcome = ANSWER, *, energy: MeasuredValue | None = NO_METER, bundle: str = BUNDLE) -> Reading:
    """A reading with four views."""
    source = replace(PROVENANCE, bundle=bundle)
    latency = Latency(1.2, 3.4, 5.6, 10.2)
    logits = ((1,) * 7,) * 4
    return Reading(f"{NAME}.png", "a" * 64, outcome, QualityReport((SOFT,)), logits, latency, energy, source, AT)


def full_case(*, outcome: Outcome = ANSWER, name: str | None = NAME, signed_at_seq: int = 50) -> Case:
    """Two images (one with a scale), one reading each; assessed, read second, signed, proven."""
    facts = CaptureFacts("DermLite DL5", Polarisation.POLARISED, Contact.CONTACT, 0.02, "2026-03-01T10:00:00")
    images = (
        FiledImage(
            filed(CaseImage("a" * 64, "image/png", 240, 160, facts), "i1"), (filed(reading(outcome)),)
        ),
        FiledImage(filed(CaseImage("b" * 64, "image/png", 240, 160), "i2"), (filed(reading(REFUSAL, energy=None)),)),
    )  # fmt: skip
    opinion = ClinicalAssessment(
        Finding(Diagnosis.MEL), Action.EXCISE, "irregular network at 3 h", Abcd(2, 5, 4, 3),
        SevenPoint(atypical_network=True, irregular_streaks=True), "the network did not see the veil",
    )  # fmt: skip
    return Case(
        patient=filed(Patient("P-00042", name, 1961, Sex.FEMALE), "p" * 32),
        skin_tone=filed(SkinTone(SkinToneScale.FITZPATRICK, 2)),
        lesion=filed(Lesion("left forearm", "2025-06-01", f"Mrs {NAME} says that it grows")),
        outcomes=(filed(ProvenOutcome(Finding(Diagnosis.MEL, "in situ"), ProofSource.HISTOLOGY, "2026-03-14")),),
        encounter=filed(Encounter("2026-03-01T09:55:00Z", "check-up"), "0192ab34" * 4),
        images=images,
        assessments=(filed(opinion),),
        second_readings=(filed(SecondReading(Finding(None, "Spitz nevus"), Action.EXCISE, agrees=False), by="u2"),),
        sign_offs=(filed(SignOff("I have looked at both images.", "1200-AAAA-BBBB-CCCC-DDDD"), seq=signed_at_seq),),
        tags=filed(Tags(("grows", "urgent"))),
        entered_until=40,
    )


def picture(caption: str = "Image 1") -> Picture:
    """A drawn picture, as it stands in a document."""
    rgb = image_files.picture()
    return Picture(jpeg(rgb, b""), rgb.shape[1], rgb.shape[0], caption, 0.02)


def circumstances(**changes: object) -> Circumstances:
    """Who makes a report, and when."""
    about = Circumstances(
        made_at="2026-03-02T08:00:00Z",
        made_by="Dr Clara Wolff",
        program="QANA Desktop 0.1.0",
        audit_head=HEAD,
        names={"u1": "Dr Clara Wolff", "u2": "Dr Hugo Berg"},
        pictures={"a" * 64: picture()},
    )
    return replace(about, **changes)


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page, as a reader copies it out, lines joined."""
    document = pdfium.PdfDocument(pdf)
    try:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]
    finally:
        document.close()


def text_of(pdf: bytes) -> str:
    """The text of a whole file."""
    return " ".join(pages_of(pdf))
