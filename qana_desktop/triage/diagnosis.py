"""The classes of lesions: the seven diagnoses of HAM10000, and what a clinic adds; which of them are malignant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from qana_desktop.system.language import N_

_CODE: Final = re.compile(r"[a-z][a-z0-9]{1,15}")
_WRITTEN: Final = re.compile(r"([a-z0-9]+) \((malignant|benign)\): (.+)")
_LONGEST_NAME: Final = 60


class Diagnosis(StrEnum):
    """Diagnosis codes as in the HAM10000 metadata (Tschandl et al. 2018); the values order alphabetically."""

    AKIEC = "akiec"
    BCC = "bcc"
    BKL = "bkl"
    DF = "df"
    MEL = "mel"
    NV = "nv"
    VASC = "vasc"


@dataclass(frozen=True)
class SiteClass:
    """A class that a clinic defined, such as squamous cell carcinoma: it carries with it what the seven are known for.

    `code` is 2 to 16 small letters and digits, none of the seven and not "malignancy"; `name` is one line as the
    clinic writes it; `malignant` adds its probability to the malignancy score. Raises ValueError for anything else.
    """

    code: str
    name: str
    malignant: bool

    def __post_init__(self) -> None:
        if _CODE.fullmatch(self.code) is None or self.code in {*Diagnosis, "malignancy"}:
            raise ValueError("the code of a new class is 2 to 16 small letters and digits, and not one that is taken")
        if not 1 <= len(self.name) <= _LONGEST_NAME or self.name != self.name.strip() or not self.name.isprintable():
            raise ValueError(f"the name of a new class is one line of at most {_LONGEST_NAME} characters")

    def __str__(self) -> str:
        return self.code

    @property
    def value(self) -> str:
        """The code, as of the seven."""
        return self.code


LesionClass: TypeAlias = Diagnosis | SiteClass
"""One class of a network."""

CLASS_ORDER: Final[tuple[Diagnosis, ...]] = tuple(Diagnosis)
"""The order of logits and probabilities everywhere, unless a bundle with more classes says otherwise."""


class _Names(dict[LesionClass, str]):
    """Names by class; that of a clinic's own class is as the clinic wrote it."""

    def __missing__(self, key: LesionClass) -> str:
        if isinstance(key, SiteClass):
            return key.name
        raise KeyError(key)


_NAMES: Final[dict[LesionClass, str]] = {
    Diagnosis.AKIEC: N_("Actinic keratosis / Bowen's disease"),
    Diagnosis.BCC: N_("Basal cell carcinoma"),
    Diagnosis.BKL: N_("Benign keratosis"),
    Diagnosis.DF: N_("Dermatofibroma"),
    Diagnosis.MEL: N_("Melanoma"),
    Diagnosis.NV: N_("Melanocytic nevus"),
    Diagnosis.VASC: N_("Vascular lesion"),
}

FULL_NAMES: Final = _Names(_NAMES)
"""The name of every class for a person: of the seven in English, to be translated, and of a clinic's own."""


class _Malignant(frozenset[Diagnosis]):
    """The malignant ones of the seven; a malignant class of a clinic is in it as well, so that no sum leaves it out."""

    def __contains__(self, item: object) -> bool:
        return item.malignant if isinstance(item, SiteClass) else super().__contains__(item)


MALIGNANT: Final[frozenset[Diagnosis]] = _Malignant({Diagnosis.MEL, Diagnosis.BCC, Diagnosis.AKIEC})
"""Malignant and pre-malignant: the classes whose probabilities add up to the malignancy score. `in` answers for the
classes of a clinic too; iterating gives those of the seven."""


def class_named(code: str, classes: Iterable[LesionClass]) -> LesionClass:
    """The one of `classes` with this code. Raises KeyError when there is none."""
    return {str(known): known for known in classes}[code]


def written_out(lesion_class: LesionClass) -> str:
    """A class as a record keeps it: a code of the seven, or all that the clinic said, to be read without its bundle."""
    if isinstance(lesion_class, Diagnosis):
        return lesion_class.value
    kind = "malignant" if lesion_class.malignant else "benign"
    return f"{lesion_class.code} ({kind}): {lesion_class.name}"


def read_out(text: str) -> LesionClass:
    """Read what `written_out` wrote. Raises ValueError."""
    if text in set(Diagnosis):
        return Diagnosis(text)
    parts = _WRITTEN.fullmatch(text)
    if parts is None:
        raise ValueError(f"'{text}' is no class of lesions")
    return SiteClass(parts[1], parts[3], malignant=parts[2] == "malignant")
