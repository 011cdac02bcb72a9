"""Lesions on a figure of the body: what each place is called, which lesions lie there, which cannot be placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qana_desktop.triage.body_sites import Site, site_of
from qana_desktop.ui.presenters.entries import Group
from qana_desktop.ui.presenters.reading import group_word
from qana_desktop.ui.texts import said, tr


@dataclass(frozen=True)
class MappedLesion:
    """A lesion as the map shows it. `site` is the stored text, `number` the malignancy as it is printed or ""."""

    key: str
    title: str
    site: str
    group: Group
    number: str = ""

    @property
    def place(self) -> Site | None:
        """The region it is drawn in; None when the stored text is not exact enough."""
        return site_of(self.site)

    @property
    def line(self) -> str:
        """The lesion in the list beside the figure."""
        word = group_word(self.group)
        score = f" {self.number}" if self.number else ""
        return tr("{title} · {site} · {answer}", title=self.title, site=place_name(self.site), answer=f"{word}{score}")

    @property
    def spoken(self) -> str:
        """The lesion as a screen reader says it."""
        place = "" if self.place is not None else tr(". Not on the figure: the place is not exact.")
        return self.line + place


def site_name(site: Site) -> str:
    """Return a region's name for a person."""
    return {
        Site.SCALP: tr("scalp"),
        Site.FACE: tr("face"),
        Site.LEFT_EAR: tr("left ear"),
        Site.RIGHT_EAR: tr("right ear"),
        Site.NECK: tr("neck"),
        Site.CHEST: tr("chest"),
        Site.ABDOMEN: tr("abdomen"),
        Site.GENITAL: tr("genital"),
        Site.UPPER_BACK: tr("upper back"),
        Site.LOWER_BACK: tr("lower back"),
        Site.BUTTOCKS: tr("buttocks"),
        Site.LEFT_UPPER_ARM: tr("left upper arm"),
        Site.RIGHT_UPPER_ARM: tr("right upper arm"),
        Site.LEFT_FOREARM: tr("left forearm"),
        Site.RIGHT_FOREARM: tr("right forearm"),
        Site.LEFT_HAND: tr("left hand"),
        Site.RIGHT_HAND: tr("right hand"),
        Site.LEFT_THIGH: tr("left thigh"),
        Site.RIGHT_THIGH: tr("right thigh"),
        Site.LEFT_LOWER_LEG: tr("left lower leg"),
        Site.RIGHT_LOWER_LEG: tr("right lower leg"),
        Site.LEFT_FOOT: tr("left foot"),
        Site.RIGHT_FOOT: tr("right foot"),
    }[site]


def place_name(text: str) -> str:
    """Return a stored site for a person: known ones in the language in use, others as they were entered."""
    if not text.strip():
        return tr("place not stated")
    site = site_of(text)
    return site_name(site) if site is not None and text.strip().lower() == site.value else said(text)


def by_place(lesions: Sequence[MappedLesion]) -> dict[Site, list[MappedLesion]]:
    """Return the lesions of each region, the most urgent last: it is drawn on top."""
    order = list(Group)
    found: dict[Site, list[MappedLesion]] = {}
    for lesion in sorted(lesions, key=lambda lesion: -order.index(lesion.group)):
        if lesion.place is not None:
            found.setdefault(lesion.place, []).append(lesion)
    return found


def not_placed(lesions: Sequence[MappedLesion]) -> str:
    """Say how many lesions the figure cannot show, "" when it shows all."""
    count = sum(lesion.place is None for lesion in lesions)
    if not count:
        return ""
    if count == 1:
        return tr("1 lesion is not on the figure: its place is not stated exactly enough.")
    return tr("{count} lesions are not on the figure: their places are not stated exactly enough.", count=count)


def region_line(site: Site, lesions: Sequence[MappedLesion]) -> str:
    """Return the tooltip of a region."""
    if not lesions:
        return tr("{site}: no lesion", site=site_name(site))
    return "\n".join([site_name(site), *(lesion.line for lesion in lesions)])
