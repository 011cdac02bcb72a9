"""The heat-map of a reading in words and colours: which class it speaks of, how strongly, how it was computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qana_desktop.triage.diagnosis import FULL_NAMES, LesionClass
from qana_desktop.triage.explanation import Explanation
from qana_desktop.ui.texts import said, tr

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FOR, AGAINST = (255, 214, 10), (20, 90, 255)
"""Yellow and blue: told apart with every kind of colour vision, and neither is a colour of skin."""

FAINTEST = 0.06
"""Shares of the scale below this are not coloured: the image stays bare where the network sees nothing special."""


@dataclass(frozen=True)
class HeatChoice:
    """A class whose map can be shown."""

    diagnosis: LesionClass
    name: str


def choices(explanation: Explanation) -> tuple[HeatChoice, ...]:
    """Return the classes that have a map, the one that the reading names first."""
    ordered = sorted(explanation.classes, key=lambda dx: (dx != explanation.shown, tr(FULL_NAMES[dx])))
    return tuple(HeatChoice(dx, tr(FULL_NAMES[dx])) for dx in ordered)


def legend(diagnosis: LesionClass) -> tuple[str, str]:
    """Return what the two ends of the colours mean."""
    name = tr(FULL_NAMES[diagnosis])
    return tr("speaks against {name}", name=name), tr("speaks for {name}", name=name)


def sentence(explanation: Explanation) -> str:
    """Return what the map is and is not."""
    return tr(
        "Where the network that gave this answer drew it from, not where a lesion begins or ends. "
        "It saw the square with the dashed edge. The map was {how}.",
        how=said(explanation.computed_by),
    )


def coloured(values: npt.NDArray[np.float64], scale: float) -> npt.NDArray[np.uint8]:
    """Return a map (H, W) as B, G, R, A with alpha multiplied in: uint8 (H, W, 4), full colour at `scale`."""
    import numpy as np

    share = np.clip(values / scale, -1.0, 1.0) if scale > 0 else np.zeros_like(values)
    strength = np.clip((np.abs(share) - FAINTEST) / (1 - FAINTEST), 0.0, 1.0)
    colours = np.where(share[..., None] >= 0, np.array(FOR[::-1]), np.array(AGAINST[::-1]))
    made = np.concatenate([colours * strength[..., None], 255 * strength[..., None]], axis=-1)
    return np.ascontiguousarray(np.rint(made).astype(np.uint8))
