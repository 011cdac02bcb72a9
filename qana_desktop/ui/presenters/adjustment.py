"""How an image may be changed for the screen: brightness, contrast, colour, as one matrix on R, G and B."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

LEAST, MOST = -100, 100
STEP = 10
"""What one key press changes."""

LUMA = (0.2126, 0.7152, 0.0722)
"""Share of R, G and B in brightness (ITU-R BT.709)."""

Matrix = tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True)
class Adjustment:
    """Brightness, contrast and colour, each -100 to 100, 0 for the image as it was taken. Raises ValueError outside.

    Brightness moves by up to half of the range, contrast stretches from the middle grey by 1/3 to 3, colour goes from
    grey to twice the saturation.
    """

    brightness: int = 0
    contrast: int = 0
    colour: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            if not LEAST <= getattr(self, field.name) <= MOST:
                raise ValueError(f"{field.name} is {LEAST} to {MOST}")

    @property
    def changes(self) -> bool:
        """Whether the image looks otherwise than it was taken."""
        return self != AS_TAKEN

    def stepped(self, name: str, steps: int) -> Adjustment:
        """Return the adjustment with one value moved by key presses, held inside its range."""
        value = min(MOST, max(LEAST, getattr(self, name) + STEP * steps))
        return replace(self, **{name: value})

    def matrix(self) -> Matrix:
        """Return three rows of four: (R, G, B, 1) in 0 to 255 to R, G, B; what leaves the range is cut off."""
        stretch = 3.0 ** (self.contrast / 100)
        shift = 127.5 * (1.0 - stretch) + 1.275 * self.brightness
        keep = 1.0 + self.colour / 100
        rows = []
        for row in range(3):
            grey = [stretch * (1.0 - keep) * share for share in LUMA]
            grey[row] += stretch * keep
            rows.append((grey[0], grey[1], grey[2], shift))
        return tuple(rows)


AS_TAKEN = Adjustment()
