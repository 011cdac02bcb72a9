"""Two images of one lesion: what stands above each, and whether their scores may be compared at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qana_desktop.triage.outcome import Assessed, CannotAssess, Reading
from qana_desktop.ui.presenters.entries import Group, group_of
from qana_desktop.ui.presenters.reading import group_word
from qana_desktop.ui.texts import tr, two_digits

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Compared:
    """One image to compare. `when` is the day or time as it is shown ("" when nobody knows it), `title` its name.

    `taken` is the same as ISO 8601: it says which of two images is the earlier one.

    `load` decodes it in a worker: uint8 RGB (H, W, 3), upright; raises KnownError. `reading` is the one to be shown,
    None for an image that nobody read. `mm_per_pixel` is None without a known scale.
    """

    title: str
    when: str
    load: Callable[[], npt.NDArray[np.uint8]]
    reading: Reading | None = None
    mm_per_pixel: float | None = None
    taken: str = ""

    @property
    def name(self) -> str:
        """Day and name, as the list of earlier images shows them."""
        return f"{self.when} · {self.title}" if self.when else self.title


@dataclass(frozen=True)
class Side:
    """What stands above one image: its heading, its name, shape, word, network, and the malignancy number.

    The number is "" where it may not be compared.
    """

    heading: str
    name: str
    group: Group
    word: str
    number: str
    network: str


@dataclass(frozen=True)
class CompareView:
    """Both sides, and one sentence: `change` where the scores may be compared, else `banner` that says why not."""

    other: Side
    this: Side
    change: str = ""
    banner: str = ""


def compare_view(other: Compared, this: Compared) -> CompareView:
    """Return what is shown of two images. Numbers stand there only when one bundle gave both."""
    reason = why_not(other.reading, this.reading)
    sides = (
        _side(other, heading(other, this), numbers=not reason),
        _side(this, tr("This image"), numbers=not reason),
    )
    return CompareView(*sides, change="" if reason else _change(other.reading, this.reading), banner=reason)


def heading(other: Compared, this: Compared) -> str:
    """Return what the other image is, as far as both days are known."""
    if not other.taken or not this.taken or other.taken[:10] == this.taken[:10]:
        return tr("Other image")
    return tr("Earlier image") if other.taken < this.taken else tr("Later image")


def why_not(other: Reading | None, this: Reading | None) -> str:
    """Return why the scores of two readings may not be compared, "" when they may."""
    missing = [
        name
        for name, reading in ((tr("the other image"), other), (tr("this image"), this))
        if reading is None or isinstance(reading.outcome, CannotAssess)
    ]
    if missing:
        which = tr(" and ").join(missing)
        return tr("There is no score for {which}: the images can be compared, their scores cannot.", which=which)
    bundles = [_bundle(reading) for reading in (other, this)]
    if bundles[0] == bundles[1] != tr("unknown"):
        return ""
    return tr(
        "Scores are not compared: these images were read by different networks (bundle {other} and bundle {this}), "
        "whose numbers do not mean the same. Read both with the present network.",
        other=bundles[0],
        this=bundles[1],
    )


def _bundle(reading: Reading | None) -> str:
    if reading is None or reading.provenance is None:
        return tr("unknown")
    return reading.provenance.bundle[:12]


def _side(image: Compared, heading: str, *, numbers: bool) -> Side:
    reading = image.reading
    group = Group.UNREAD if reading is None else group_of(reading)
    number, network = "", ""
    if reading is not None and reading.provenance is not None:
        network = tr("bundle {bundle}", bundle=_bundle(reading))
    if numbers and reading is not None and isinstance(reading.outcome, Assessed):
        number = two_digits(reading.outcome.malignancy)
    return Side(heading, image.name, group, group_word(group), number, network)


def _change(other: Reading | None, this: Reading | None) -> str:
    scores = [r.outcome.malignancy for r in (other, this) if r is not None and isinstance(r.outcome, Assessed)]
    before, now = (two_digits(score) for score in scores)
    if before == now:
        return tr("Malignancy {now} in both, read by one network.", now=now)
    return tr("Malignancy {before} in the other image, {now} in this one, read by one network.", before=before, now=now)
