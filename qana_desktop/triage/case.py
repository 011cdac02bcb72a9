"""What a clinic keeps about a lesion: patient, lesion, visit, image, reading, opinion, proof. Values only, no storage.

A value says what was stated once. It is never changed: a correction is another value that supersedes it
(`Filed.version`), and something entered by mistake is withdrawn, not deleted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Generic, TypeAlias, TypeVar

from qana_desktop.triage.access import User
from qana_desktop.triage.diagnosis import LesionClass
from qana_desktop.triage.outcome import Reading

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def _need(condition: bool, rule: str) -> None:
    if not condition:
        raise ValueError(rule)


def _is_day(text: str) -> bool:
    return bool(_DAY.fullmatch(text))


class Sex(StrEnum):
    """As stated by the clinic."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


@dataclass(frozen=True)
class Patient:
    """A person, by pseudonym. The name is optional and stays in the encrypted store."""

    pseudonym: str
    name: str | None = None
    birth_year: int | None = None
    sex: Sex | None = None

    def __post_init__(self) -> None:
        _need(bool(self.pseudonym.strip()), "a patient has a pseudonym")
        _need(self.birth_year is None or 1850 <= self.birth_year <= 2200, "a birth year has four digits")


@dataclass(frozen=True)
class Lesion:
    """One lesion of a patient. `body_site` is what staff entered, `first_seen` a day (ISO 8601)."""

    body_site: str
    first_seen: str | None = None
    note: str = ""

    def __post_init__(self) -> None:
        _need(self.first_seen is None or _is_day(self.first_seen), "first_seen is a day like 2026-01-31")


@dataclass(frozen=True)
class Encounter:
    """A lesion looked at on one day: a case of the worklist. `opened` is ISO 8601 UTC."""

    opened: str
    reason: str = ""


class Polarisation(StrEnum):
    """Light of the dermatoscope."""

    POLARISED = "polarised"
    NON_POLARISED = "non_polarised"
    UNKNOWN = "unknown"


class Contact(StrEnum):
    """Whether the glass touched the skin."""

    CONTACT = "contact"
    NON_CONTACT = "non_contact"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class CaptureFacts:
    """How an image was taken. `mm_per_pixel` is None unless the device was calibrated: no scale is ever guessed."""

    device: str = ""
    polarisation: Polarisation = Polarisation.UNKNOWN
    contact: Contact = Contact.UNKNOWN
    mm_per_pixel: float | None = None
    captured_at: str | None = None

    def __post_init__(self) -> None:
        _need(self.mm_per_pixel is None or self.mm_per_pixel > 0, "a scale is positive")


@dataclass(frozen=True)
class CaseImage:
    """An image of an encounter. The pixels are blobs, named by the SHA-256 of the file as it was brought."""

    sha256: str
    media_type: str
    width: int
    height: int
    facts: CaptureFacts = CaptureFacts()
    thumbnail_sha256: str | None = None

    def __post_init__(self) -> None:
        _need(bool(_SHA256.fullmatch(self.sha256)), "an image is named by its SHA-256")
        _need(self.thumbnail_sha256 is None or bool(_SHA256.fullmatch(self.thumbnail_sha256)), "so is a thumbnail")
        _need(self.width > 0 and self.height > 0, "an image has pixels")


class Action(StrEnum):
    """What the clinician decided to do."""

    EXCISE = "excise"
    BIOPSY = "biopsy"
    REFER = "refer"
    MONITOR = "monitor"
    TREAT = "treat"
    NONE = "none"


@dataclass(frozen=True)
class Abcd:
    """ABCD rule of dermoscopy (Stolz et al. 1994): asymmetry 0-2, border 0-8, colours 1-6, structures 1-5."""

    asymmetry: int
    border: int
    colours: int
    structures: int

    def __post_init__(self) -> None:
        _need(0 <= self.asymmetry <= 2 and 0 <= self.border <= 8, "asymmetry is 0 to 2, border 0 to 8")
        _need(1 <= self.colours <= 6 and 1 <= self.structures <= 5, "colours are 1 to 6, structures 1 to 5")

    @property
    def total(self) -> float:
        """Total dermoscopy score: 1.3 A + 0.1 B + 0.5 C + 0.5 D."""
        return (13 * self.asymmetry + self.border + 5 * self.colours + 5 * self.structures) / 10


@dataclass(frozen=True)
class SevenPoint:
    """Seven-point checklist (Argenziano et al. 1998): three major criteria of 2 points, four minor ones of 1."""

    atypical_network: bool = False
    blue_white_veil: bool = False
    atypical_vessels: bool = False
    irregular_streaks: bool = False
    irregular_dots: bool = False
    irregular_blotches: bool = False
    regression: bool = False

    @property
    def total(self) -> int:
        """Points, 0 to 10."""
        major = self.atypical_network + self.blue_white_veil + self.atypical_vessels
        minor = self.irregular_streaks + self.irregular_dots + self.irregular_blotches + self.regression
        return 2 * major + minor


@dataclass(frozen=True)
class Finding:
    """A diagnosis: one of the network's classes or of the clinic's own, or in words when it is another one."""

    diagnosis: LesionClass | None = None
    words: str = ""

    def __post_init__(self) -> None:
        _need(self.diagnosis is not None or bool(self.words.strip()), "a finding names a class or says it in words")


@dataclass(frozen=True)
class ClinicalAssessment:
    """A clinician's own opinion. `override_reason` is filled when it departs from the reading."""

    finding: Finding
    action: Action
    note: str = ""
    abcd: Abcd | None = None
    seven_point: SevenPoint | None = None
    override_reason: str = ""


@dataclass(frozen=True)
class SecondReading:
    """Another clinician's opinion on the same encounter."""

    finding: Finding
    action: Action
    agrees: bool
    note: str = ""


@dataclass(frozen=True)
class SignOff:
    """Someone answers for the encounter as it stood at `audit_head` (printed form of the audit record's head)."""

    statement: str
    audit_head: str = ""


class ProofSource(StrEnum):
    """Where a proven outcome comes from, strongest first."""

    HISTOLOGY = "histology"
    CONFOCAL = "confocal"
    FOLLOW_UP = "follow_up"
    TWO_EXPERTS = "two_experts"
    SINGLE_OPINION = "single_opinion"


@dataclass(frozen=True)
class ProvenOutcome:
    """What the lesion turned out to be, on which proof, reported on which day (ISO 8601)."""

    finding: Finding
    source: ProofSource
    reported: str
    note: str = ""

    def __post_init__(self) -> None:
        _need(_is_day(self.reported), "reported is a day like 2026-01-31")


class SkinToneScale(StrEnum):
    """Fitzpatrick's six phototypes, or Monk's ten tones."""

    FITZPATRICK = "fitzpatrick"
    MONK = "monk"


@dataclass(frozen=True)
class SkinTone:
    """As entered by staff; never guessed from pixels. Fitzpatrick 1-6, Monk 1-10."""

    scale: SkinToneScale
    value: int

    def __post_init__(self) -> None:
        top = 6 if self.scale is SkinToneScale.FITZPATRICK else 10
        _need(1 <= self.value <= top, f"the {self.scale} scale goes from 1 to {top}")


@dataclass(frozen=True)
class Tags:
    """Labels of an encounter, sorted, without doubles."""

    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        _need(tuple(sorted(set(self.labels))) == self.labels, "tags are sorted and different")
        _need(all(label.strip() and "\n" not in label for label in self.labels), "a tag is one line of text")


Value: TypeAlias = (
    Patient
    | Lesion
    | Encounter
    | CaseImage
    | Reading
    | ClinicalAssessment
    | SecondReading
    | SignOff
    | ProvenOutcome
    | SkinTone
    | Tags
    | User
)


class Kind(StrEnum):
    """Kinds of records, as they are named in the store and in the audit record."""

    PATIENT = "patient"
    LESION = "lesion"
    ENCOUNTER = "encounter"
    IMAGE = "image"
    READING = "reading"
    ASSESSMENT = "assessment"
    SECOND_READING = "second_reading"
    SIGN_OFF = "sign_off"
    OUTCOME = "outcome"
    SKIN_TONE = "skin_tone"
    TAGS = "tags"
    USER = "user"


TYPES: Final = MappingProxyType[Kind, type[Value]](
    {
        Kind.PATIENT: Patient,
        Kind.LESION: Lesion,
        Kind.ENCOUNTER: Encounter,
        Kind.IMAGE: CaseImage,
        Kind.READING: Reading,
        Kind.ASSESSMENT: ClinicalAssessment,
        Kind.SECOND_READING: SecondReading,
        Kind.SIGN_OFF: SignOff,
        Kind.OUTCOME: ProvenOutcome,
        Kind.SKIN_TONE: SkinTone,
        Kind.TAGS: Tags,
        Kind.USER: User,
    }
)
"""The type of each kind's values."""

KIND_OF: Final = MappingProxyType[type[object], Kind]({value: kind for kind, value in TYPES.items()})
"""The kind of a value, by its type."""

PARENTS: Final = MappingProxyType[Kind, Kind | None](
    {
        Kind.PATIENT: None,
        Kind.USER: None,
        Kind.LESION: Kind.PATIENT,
        Kind.SKIN_TONE: Kind.PATIENT,
        Kind.ENCOUNTER: Kind.LESION,
        Kind.OUTCOME: Kind.LESION,
        Kind.IMAGE: Kind.ENCOUNTER,
        Kind.ASSESSMENT: Kind.ENCOUNTER,
        Kind.SECOND_READING: Kind.ENCOUNTER,
        Kind.SIGN_OFF: Kind.ENCOUNTER,
        Kind.TAGS: Kind.ENCOUNTER,
        Kind.READING: Kind.IMAGE,
    }
)
"""What each kind belongs to."""

V_co = TypeVar("V_co", bound=Value, covariant=True)


@dataclass(frozen=True)
class Filed(Generic[V_co]):
    """A value as the store keeps it: version `version` of `entity`, entered at `at` (ISO 8601 UTC) by user `by`.

    `seq` orders all records of the store. `withdrawn` says that this version takes the entity back.
    """

    seq: int
    entity: str
    version: int
    parent: str | None
    value: V_co
    at: str
    by: str
    withdrawn: bool = False


@dataclass(frozen=True)
class FiledImage:
    """An image with its readings, oldest first."""

    image: Filed[CaseImage]
    readings: tuple[Filed[Reading], ...]


@dataclass(frozen=True)
class Case:
    """One encounter with all that belongs to it, in its current versions, oldest first.

    `entered_until` is the `seq` of the last thing entered, changed or withdrawn in what a sign-off answers for: the
    encounter, its images, readings, assessments and second readings.
    """

    patient: Filed[Patient]
    skin_tone: Filed[SkinTone] | None
    lesion: Filed[Lesion]
    outcomes: tuple[Filed[ProvenOutcome], ...]
    encounter: Filed[Encounter]
    images: tuple[FiledImage, ...]
    assessments: tuple[Filed[ClinicalAssessment], ...]
    second_readings: tuple[Filed[SecondReading], ...]
    sign_offs: tuple[Filed[SignOff], ...]
    tags: Filed[Tags] | None
    entered_until: int
