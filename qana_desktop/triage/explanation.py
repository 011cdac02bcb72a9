"""Where in the image the network's own integers speak for a class: a heat-map as a value, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from qana_desktop.system.faults import Fault
from qana_desktop.triage.diagnosis import LesionClass

# Not at the top of the module: the window knows these values, and its first paint does not wait for numpy.
if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Explanation:
    """Class activation maps of one reading, averaged over its views turned back. Of the network that gave the answer.

    `maps` is float64 (classes, G, G) in the order of `classes`, first row on top, over the centre square of the upright
    image (`frame`). A value is what that place adds to the log-odds of the class against the mean of all classes, in
    nats for one cell of the network's last map: above 0 it speaks for the class, below 0 against it. Colours go from
    ``-scale`` to ``scale``, the same for every class, so that a faint map looks faint. `shown` is the class that the
    network names, the first reader where two were asked. `computed_by` says how, for a person. `compared` is how many
    integers of the reading were computed again for this, and found equal.
    """

    classes: tuple[LesionClass, ...]
    maps: FloatArray
    shown: LesionClass
    scale: float
    computed_by: str
    compared: int

    def of(self, dx: LesionClass) -> FloatArray:
        """The map (G, G) of one class. Raises ValueError for a class that the network does not know."""
        found: FloatArray = self.maps[self.classes.index(dx)]
        return found

    @staticmethod
    def frame(width: int, height: int) -> tuple[int, int, int]:
        """Return (left, top, side) of the square that the network saw in an upright image of this size, in pixels."""
        side = min(width, height)
        return (width - side) // 2, (height - side) // 2, side


@dataclass(frozen=True)
class NoExplanation:
    """There is no heat-map, and why: none is ever shown of another network, or of other pixels."""

    reason: Fault


def explanation(
    maps: FloatArray,
    classes: tuple[LesionClass, ...],
    shown: LesionClass,
    *,
    nats: float,
    computed_by: str,
    compared: int,
) -> Explanation:
    """Make the value from `maps` (views, classes, G, G) in units of integer logits, each view already turned back.

    `nats` is what a unit of a logit is worth (the calibration's scale). The mean over classes is taken off, because a
    softmax does not see what all classes share.
    """
    mean = maps.mean(axis=0) * nats
    against = mean - mean.mean(axis=0, keepdims=True)
    return Explanation(classes, against, shown, float(abs(against).max(initial=0.0)), computed_by, compared)
