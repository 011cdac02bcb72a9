"""What a DICOM file says about patient, study and capture, as plain values; and what of it a case takes over."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from qana_desktop.triage.case import CaptureFacts, Contact, Patient, Polarisation, Sex


class DicomKind(StrEnum):
    """The storage classes that are read (PS3.4 annex B.5), by their UIDs."""

    DERMOSCOPY = "1.2.840.10008.5.1.4.1.1.77.1.7"
    PHOTOGRAPH = "1.2.840.10008.5.1.4.1.1.77.1.4"
    SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


@dataclass(frozen=True)
class DicomFacts:
    """Attributes of one image. A text is "" and a value None where the file says nothing, or nothing that makes sense.

    Days are ISO 8601; `captured_at` is ISO 8601, with the zone only if the file names one. `mm_per_pixel` is set when
    both directions agree; `scale_source` is the attribute it comes from. `burned_in` is what the file claims about
    text inside the pixels.
    """

    kind: DicomKind
    transfer_syntax: str
    patient_id: str = ""
    patient_name: str = ""
    birth_date: str | None = None
    sex: Sex | None = None
    study_uid: str = ""
    series_uid: str = ""
    instance_uid: str = ""
    study_date: str | None = None
    study_description: str = ""
    accession_number: str = ""
    body_site: str = ""
    laterality: str = ""
    device: str = ""
    captured_at: str | None = None
    polarisation: Polarisation = Polarisation.UNKNOWN
    contact: Contact = Contact.UNKNOWN
    mm_per_pixel: float | None = None
    scale_source: str = ""
    lossy: bool = False
    burned_in: bool | None = None

    def patient(self) -> Patient | None:
        """Return the patient as a case keeps one: the patient ID is the pseudonym. None when there is no ID."""
        if not self.patient_id:
            return None
        year = int(self.birth_date[:4]) if self.birth_date else None
        return Patient(
            pseudonym=self.patient_id,
            name=self.patient_name or None,
            birth_year=year if year is not None and 1850 <= year <= 2200 else None,
            sex=self.sex,
        )

    def capture(self) -> CaptureFacts:
        """Return how the image was taken."""
        return CaptureFacts(
            device=self.device,
            polarisation=self.polarisation,
            contact=self.contact,
            mm_per_pixel=self.mm_per_pixel,
            captured_at=self.captured_at,
        )

    def site(self) -> str:
        """Return the body site with its side, as text for a lesion; "" when the file names none."""
        return " ".join(part for part in (self.body_site, _SIDES.get(self.laterality, "")) if part)


_SIDES = {"L": "left", "R": "right", "B": "both sides"}
