"""An image of a case as DICOM for a hospital's archive: a dermoscopic photograph or a secondary capture.

Source: DICOM PS3.3 A.32.11 and C.8.12.13 (dermoscopy), A.8.1 and C.8.6 (secondary capture), C.8.12.1 (VL image). What
is not known stays empty or away: no scale, light, contact or birth date is guessed. The UIDs follow from the case, so
that the same image exported again is the same object for the archive.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from qana_desktop import __version__
from qana_desktop.reports.case_report import Identity
from qana_desktop.reports.dicom_file import DERMOSCOPY, SECONDARY_CAPTURE, UInt8Image, file_of, set_image
from qana_desktop.reports.srgb import srgb_profile
from qana_desktop.triage.case import CaptureFacts, Case, CaseImage, Contact, Filed, Patient, Polarisation, Sex

if TYPE_CHECKING:
    from pydicom import Dataset

_NAMESPACE: Final = uuid.UUID("6d6a5f3c-0a0e-5a53-9f58-2f1b6c1d7a10")
_LONGEST_LO: Final = 64
_SEXES: Final = {Sex.FEMALE: "F", Sex.MALE: "M", Sex.OTHER: "O"}
_LIGHT: Final = {Polarisation.POLARISED: "POLARIZED", Polarisation.NON_POLARISED: "NON_POLARIZED"}
_CONTACT: Final = {Contact.CONTACT: "CONTACT", Contact.NON_CONTACT: "NON_CONTACT"}


class DicomObject(StrEnum):
    """What an image becomes."""

    DERMOSCOPY = "dermoscopy"
    SECONDARY_CAPTURE = "secondary-capture"


@dataclass(frozen=True)
class Pixels:
    """The image in full: uint8 RGB, H x W x 3, upright. `icc` is a neutral profile or b"", `lossy` how it was kept.

    `burned_in` is what its file says about text inside the pixels; None when it says nothing.
    """

    rgb: UInt8Image
    icc: bytes
    lossy: bool
    burned_in: bool | None = None

    @property
    def profile(self) -> bytes:
        """The colour profile that is written: an image that names none is shown as sRGB, and says so from now on."""
        return self.icc or srgb_profile()


def case_dicom(
    case: Case, image: Filed[CaseImage], number: int, pixels: Pixels, *, kind: DicomObject, identity: Identity
) -> bytes:
    """Return one image of a case as a DICOM file. `number` counts the case's images from 1."""
    from pydicom import Dataset

    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    _set_patient(dataset, case.patient.value, identity)
    _set_study(dataset, case, identity)
    _set_equipment(dataset, image.value.facts, kind)
    _set_identity_of_image(dataset, case, image, number, kind, identity)
    _set_pixel_layout(dataset)
    if kind is DicomObject.DERMOSCOPY:
        _set_dermoscopy(dataset, case, image)
    else:
        dataset.ConversionType = "DI"
    set_image(
        dataset,
        pixels.rgb,
        pixels.profile,
        mm_per_pixel=image.value.facts.mm_per_pixel,
        lossy=pixels.lossy,
    )
    if pixels.burned_in is not None:
        dataset.BurnedInAnnotation = "YES" if pixels.burned_in else "NO"
    if kind is DicomObject.DERMOSCOPY and not pixels.lossy:
        dataset.LossyImageCompression = "00"
    return file_of(dataset)


def _set_patient(dataset: Dataset, patient: Patient, identity: Identity) -> None:
    """The pseudonym is the patient ID. A year of birth is no date of birth: none is made up from it."""
    named = identity is Identity.PATIENT
    dataset.PatientID = patient.pseudonym[:_LONGEST_LO]
    dataset.PatientName = _person_name(patient.name) if named and patient.name else ""
    dataset.PatientBirthDate = ""
    dataset.PatientSex = _SEXES.get(patient.sex, "") if named and patient.sex is not None else ""


def _person_name(name: str) -> str:
    """Return a name in DICOM's order: what stands last is taken for the family name."""
    parts = name.replace("^", " ").replace("=", " ").replace("\\", " ").split()
    return "^".join((parts[-1], " ".join(parts[:-1]))) if len(parts) > 1 else "".join(parts)


def _set_study(dataset: Dataset, case: Case, identity: Identity) -> None:
    opened = _moment(case.encounter.value.opened)
    dataset.StudyInstanceUID = _uid("study", case.encounter.entity, identity)
    dataset.StudyDate = opened.strftime("%Y%m%d") if opened else ""
    dataset.StudyTime = opened.strftime("%H%M%S") if opened else ""
    dataset.StudyID = case.encounter.entity[:16]
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = "Dermoscopy"
    dataset.SeriesInstanceUID = _uid("series", case.encounter.entity, identity)
    dataset.SeriesNumber = 1
    dataset.Laterality = ""


def _set_equipment(dataset: Dataset, facts: CaptureFacts, kind: DicomObject) -> None:
    dataset.Modality = "DMS" if kind is DicomObject.DERMOSCOPY else "OT"
    dataset.Manufacturer = facts.device[:_LONGEST_LO] or "unknown"
    dataset.ManufacturerModelName = facts.device[:_LONGEST_LO] or "unknown"
    dataset.DeviceSerialNumber = "unknown"
    dataset.SoftwareVersions = f"QANA Desktop {__version__}"


def _set_identity_of_image(
    dataset: Dataset, case: Case, image: Filed[CaseImage], number: int, kind: DicomObject, identity: Identity
) -> None:
    from pydicom.uid import UID

    dataset.SOPClassUID = UID(DERMOSCOPY if kind is DicomObject.DERMOSCOPY else SECONDARY_CAPTURE)
    dataset.SOPInstanceUID = _uid(f"image {kind} {image.value.sha256}", image.entity, identity)
    dataset.InstanceNumber = number
    dataset.ImageType = ["ORIGINAL", "PRIMARY"] if kind is DicomObject.DERMOSCOPY else ["DERIVED", "SECONDARY"]
    dataset.PatientOrientation = ""
    captured = _moment(image.value.facts.captured_at or "") or _moment(case.encounter.value.opened)
    dataset.ContentDate = captured.strftime("%Y%m%d") if captured else ""
    dataset.ContentTime = captured.strftime("%H%M%S") if captured else ""
    if image.value.facts.captured_at and captured:
        whole = len(image.value.facts.captured_at) > len("2026-01-31")
        dataset.AcquisitionDateTime = captured.strftime("%Y%m%d%H%M%S%z" if whole else "%Y%m%d")


def _set_pixel_layout(dataset: Dataset) -> None:
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0


def _set_dermoscopy(dataset: Dataset, case: Case, image: Filed[CaseImage]) -> None:
    """Modules of the dermoscopic photograph. A close view of a lesion shows no one's face: no recognizable features."""
    facts = image.value.facts
    dataset.RecognizableVisualFeatures = "NO"
    dataset.LightSourcePolarization = _LIGHT.get(facts.polarisation, "")
    dataset.EmitterColorTemperature = None
    dataset.ContactMethod = _CONTACT.get(facts.contact, "")
    if facts.contact is Contact.CONTACT:
        dataset.ImmersionMedia = None
    dataset.OpticalMagnificationFactor = None
    dataset.FrameOfReferenceUID = _uid("frame", image.entity, Identity.PSEUDONYM)
    dataset.PositionReferenceIndicator = ""
    dataset.TrackingID = case.lesion.entity
    dataset.TrackingUID = _uid("lesion", case.lesion.entity, Identity.PSEUDONYM)
    dataset.AcquisitionContextSequence = []
    dataset.AnatomicRegionSequence = [_site(case.lesion.value.body_site)]


def _site(body_site: str) -> Dataset:
    """The site as staff entered it, under a coding scheme of our own: words are not turned into codes by guessing."""
    from pydicom import Dataset

    code = Dataset()
    if body_site.strip():
        code.CodeValue, code.CodingSchemeDesignator = "SITE", "99QANA"
        code.CodeMeaning = body_site.strip()[:_LONGEST_LO]
    else:
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "39937001", "SCT", "Skin"
    return code


def _uid(what: str, entity: str, identity: Identity) -> str:
    """A UID that the same object always gets (PS3.5 annex B.2); the two identities make two objects."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, f'{what} {entity} {identity}').int}"


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
