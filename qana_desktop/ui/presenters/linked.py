"""Two images seen as one: how the view of one follows the view of the other, as arithmetic without pixels."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_SPAN = 1e-6


@dataclass(frozen=True)
class ImageView:
    """What part of an image is seen. `x`, `y`: the point in the middle of the screen, from the image's own middle.

    In units of the image's short side, along the upright image. `span` is how many screen pixels the short side takes,
    `turns` are quarter turns clockwise, 0 to 3.
    """

    x: float
    y: float
    span: float
    turns: int


@dataclass(frozen=True)
class Link:
    """A point p of today's image lies where ``ratio * R(turns) p + (dx, dy)`` of the earlier one lies.

    Both in short sides from the middle, R a turn by quarters clockwise. The plain link lays middle on middle and short
    side on short side: both images come from the same lens.
    """

    ratio: float = 1.0
    turns: int = 0
    dx: float = 0.0
    dy: float = 0.0

    def earlier(self, today: ImageView) -> ImageView:
        """Return the view of the earlier image at which it lies as today's does."""
        x, y = turned(today.x, today.y, self.turns)
        return ImageView(
            self.ratio * x + self.dx, self.ratio * y + self.dy, today.span / self.ratio, (today.turns - self.turns) % 4
        )

    def today(self, earlier: ImageView) -> ImageView:
        """Return the view of today's image that belongs to a view of the earlier one."""
        x, y = turned((earlier.x - self.dx) / self.ratio, (earlier.y - self.dy) / self.ratio, -self.turns)
        return ImageView(x, y, earlier.span * self.ratio, (earlier.turns + self.turns) % 4)


def link_of(today: ImageView, earlier: ImageView) -> Link:
    """Return the link that holds two views as they are now: what lies on one another stays so."""
    ratio = today.span / max(LEAST_SPAN, earlier.span)
    turns = (today.turns - earlier.turns) % 4
    x, y = turned(today.x, today.y, turns)
    return Link(ratio, turns, earlier.x - ratio * x, earlier.y - ratio * y)


def link_by_scale(today_mm: float | None, earlier_mm: float | None) -> Link:
    """Return the link at which a millimetre is as long in both; the plain one unless both scales are known.

    Arguments: millimetres of each image's short side.
    """
    if today_mm is None or earlier_mm is None:
        return Link()
    return Link(ratio=today_mm / earlier_mm)


def turned(x: float, y: float, quarters: int) -> tuple[float, float]:
    """Turn a point about the origin by quarters clockwise, where y points down."""
    return ((x, y), (-y, x), (-x, -y), (y, -x))[quarters % 4]
