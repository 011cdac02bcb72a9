"""Places on the body: the words of the store, of HAM10000 and of ISIC, and which regions of a figure they mean.

Source of the words: Tschandl et al., Sci Data 2018 (HAM10000, `localization`); ISIC Archive (`anatom_site_general`).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Site(StrEnum):
    """A region of the body. The value is what the store keeps as a lesion's site; left and right are the patient's."""

    SCALP = "scalp"
    FACE = "face"
    LEFT_EAR = "left ear"
    RIGHT_EAR = "right ear"
    NECK = "neck"
    CHEST = "chest"
    ABDOMEN = "abdomen"
    GENITAL = "genital"
    UPPER_BACK = "upper back"
    LOWER_BACK = "lower back"
    BUTTOCKS = "buttocks"
    LEFT_UPPER_ARM = "left upper arm"
    RIGHT_UPPER_ARM = "right upper arm"
    LEFT_FOREARM = "left forearm"
    RIGHT_FOREARM = "right forearm"
    LEFT_HAND = "left hand"
    RIGHT_HAND = "right hand"
    LEFT_THIGH = "left thigh"
    RIGHT_THIGH = "right thigh"
    LEFT_LOWER_LEG = "left lower leg"
    RIGHT_LOWER_LEG = "right lower leg"
    LEFT_FOOT = "left foot"
    RIGHT_FOOT = "right foot"


_ARMS: Final = (Site.LEFT_UPPER_ARM, Site.RIGHT_UPPER_ARM, Site.LEFT_FOREARM, Site.RIGHT_FOREARM)
_HANDS: Final = (Site.LEFT_HAND, Site.RIGHT_HAND)
_LEGS: Final = (Site.LEFT_THIGH, Site.RIGHT_THIGH, Site.LEFT_LOWER_LEG, Site.RIGHT_LOWER_LEG)
_FEET: Final = (Site.LEFT_FOOT, Site.RIGHT_FOOT)
_BACK: Final = (Site.UPPER_BACK, Site.LOWER_BACK)
_HEAD: Final = (Site.SCALP, Site.FACE, Site.LEFT_EAR, Site.RIGHT_EAR)

WORDS: Final[dict[str, tuple[Site, ...]]] = {
    **{site.value: (site,) for site in Site},
    "abdomen": (Site.ABDOMEN,),
    "acral": (*_HANDS, *_FEET),
    "back": _BACK,
    "chest": (Site.CHEST,),
    "ear": (Site.LEFT_EAR, Site.RIGHT_EAR),
    "foot": _FEET,
    "hand": _HANDS,
    "lower extremity": (*_LEGS, *_FEET),
    "upper extremity": (*_ARMS, *_HANDS),
    "trunk": (Site.CHEST, Site.ABDOMEN, *_BACK, Site.BUTTOCKS),
    "unknown": (),
    "anterior torso": (Site.CHEST, Site.ABDOMEN),
    "posterior torso": (*_BACK, Site.BUTTOCKS),
    "lateral torso": (Site.CHEST, Site.ABDOMEN, *_BACK),
    "torso": (Site.CHEST, Site.ABDOMEN, *_BACK, Site.BUTTOCKS),
    "head/neck": (*_HEAD, Site.NECK),
    "head": _HEAD,
    "palms/soles": (*_HANDS, *_FEET),
    "oral/genital": (Site.FACE, Site.GENITAL),
    "arm": _ARMS,
    "upper arm": (Site.LEFT_UPPER_ARM, Site.RIGHT_UPPER_ARM),
    "forearm": (Site.LEFT_FOREARM, Site.RIGHT_FOREARM),
    "leg": _LEGS,
    "thigh": (Site.LEFT_THIGH, Site.RIGHT_THIGH),
    "lower leg": (Site.LEFT_LOWER_LEG, Site.RIGHT_LOWER_LEG),
    "calf": (Site.LEFT_LOWER_LEG, Site.RIGHT_LOWER_LEG),
    "nape": (Site.NECK,),
    "forehead": (Site.FACE,),
    "cheek": (Site.FACE,),
    "nose": (Site.FACE,),
    "shoulder": _ARMS[:2],
    "buttock": (Site.BUTTOCKS,),
}
"""Regions that a word may mean, in lower case."""


def sites_of(text: str) -> tuple[Site, ...]:
    """Return the regions that a stored text may mean: one when it is exact, several when coarse, none when unknown."""
    words = re.sub(r"[^\w/ ]", " ", text.lower()).split()
    side = next((word for word in words if word in ("left", "right")), "")
    plain = " ".join(word for word in words if word != side)
    found = WORDS.get(" ".join(words), WORDS.get(plain, ()))
    if side:
        found = tuple(site for site in found if not site.value.startswith(_other(side)))
    return found


def site_of(text: str) -> Site | None:
    """Return the one region that a stored text means; None when it is coarse or unknown: no place is guessed."""
    found = sites_of(text)
    return found[0] if len(found) == 1 else None


def _other(side: str) -> str:
    return "right" if side == "left" else "left"
