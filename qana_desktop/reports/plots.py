"""Plots as inline SVG, in colours that the page's style sheet sets. Pure: numbers and texts in, markup out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 520
HEIGHT: Final = 400
_LEFT, _TOP, _SIDE = 60, 16, 330
_TICKS: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_CELL, _LABEL = 52, 70

STYLE: Final = """
svg { max-width: 100%; height: auto; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .quiet { fill: var(--quiet); }
svg .axis { stroke: var(--line); fill: none; }
svg .ideal { stroke: var(--quiet); stroke-dasharray: 2 4; fill: none; }
svg .curve { fill: none; stroke-width: 1.6; }
svg .strong { stroke-width: 3; }
svg .dot { stroke: none; fill-opacity: 0.75; }
svg .cell { fill: var(--c0); stroke: var(--line); }
svg .sent { fill: var(--quiet); stroke: var(--line); }
""" + "\n".join(f"svg .c{n} {{ stroke: var(--c{n}); }} svg .dot.c{n} {{ fill: var(--c{n}); }}" for n in range(8))

_DASHES: Final = ("", "7 3", "2 2", "9 3 2 3", "4 4", "1 3", "12 4", "6 2 1 2 1 2")
"""Colour never alone tells curves apart."""


@dataclass(frozen=True)
class Line:
    """One curve of a plot; `strong` ones are drawn thicker. `dots` are (x, y, share of all images, text) on it."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    strong: bool = False
    dots: tuple[tuple[float, float, float, str], ...] = ()


def plot(
    title: str, *, x_label: str, y_label: str, lines: Sequence[Line], top: float = 1.0, diagonal: bool = False
) -> str:
    """A square plot: x from 0 to 1, y from 0 to `top`, with a legend; `diagonal` draws where both are equal."""
    parts = [_frame(x_label, y_label, top)]
    if diagonal:
        parts.append(_path((0.0, 1.0), (0.0, 1.0), top, 'class="ideal"'))
    for index, line in enumerate(lines):
        parts += _curve(line, index, top)
    parts += _legend(lines)
    return _svg(title, WIDTH, HEIGHT, "".join(parts))


def matrix(title: str, rows: Sequence[str], columns: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """A table of counts, each cell as dark as its share of the row. The last column is apart: not an answer."""
    width, height = _LABEL + _CELL * len(columns) + 20, _LABEL + _CELL * len(rows)
    parts = [
        _text(_LABEL + _CELL * (index + 0.5), _LABEL - 12, name, anchor="middle") for index, name in enumerate(columns)
    ]
    for row, (name, own) in enumerate(zip(rows, counts, strict=True)):
        parts.append(_text(_LABEL - 10, _LABEL + _CELL * (row + 0.5) + 4, name, anchor="end"))
        parts += [_cell(row, column, count, sum(own), last=column == len(columns) - 1)
                  for column, count in enumerate(own)]  # fmt: skip
    parts.append(_text(_LABEL, 18, "answer →", quiet=True))
    parts.append(_text(4, _LABEL - 12, "truth ↓", quiet=True))
    return _svg(title, width, height, "".join(parts))


def _cell(row: int, column: int, count: int, total: int, *, last: bool) -> str:
    x, y = _LABEL + _CELL * column, _LABEL + _CELL * row
    share = count / total if total else 0.0
    box = (
        f'<rect class="{"sent" if last else "cell"}" x="{x}" y="{y}" width="{_CELL}" height="{_CELL}"'
        f' fill-opacity="{0.6 * share:.3f}"/>'
    )
    x_middle, y_middle = x + _CELL / 2, y + _CELL / 2
    texts = _text(x_middle, y_middle, f"{count}", anchor="middle")
    if count:
        percent = f"{100 * share:.0f} %" if share >= 0.005 else "<1 %"
        texts += _text(x_middle, y_middle + 15, percent, anchor="middle")
    return box + texts


def _frame(x_label: str, y_label: str, top: float) -> str:
    parts = [f'<rect class="axis" x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}"/>']
    for tick in _TICKS:
        x, y = _at(tick, tick * top, top)
        parts.append(_text(x, _TOP + _SIDE + 16, f"{tick:.1f}", anchor="middle"))
        parts.append(_text(_LEFT - 6, y + 4, f"{tick * top:.2f}".rstrip("0").rstrip("."), anchor="end"))
        if 0.0 < tick < 1.0:
            parts.append(f'<path class="axis" d="M{_LEFT} {y:.1f}h4M{x:.1f} {_TOP + _SIDE}v-4"/>')
    middle = _TOP + _SIDE / 2
    parts.append(_text(_LEFT + _SIDE / 2, _TOP + _SIDE + 38, x_label, anchor="middle"))
    parts.append(
        f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">{escape(y_label)}</text>'
    )
    return "".join(parts)


def _curve(line: Line, index: int, top: float) -> list[str]:
    colour = index % len(_DASHES)
    strong = " strong" if line.strong else ""
    dash = f' stroke-dasharray="{_DASHES[colour]}"' if _DASHES[colour] else ""
    parts = [_path(line.x, line.y, top, f'class="curve c{colour}{strong}"{dash}')] if line.x else []
    for x, y, share, said in line.dots:
        left, height = _at(x, y, top)
        parts.append(
            f'<circle class="dot c{colour}" cx="{left:.1f}" cy="{height:.1f}" r="{3 + 12 * share**0.5:.1f}">'
            f"<title>{escape(said)}</title></circle>"
        )
    return parts


def _legend(lines: Sequence[Line]) -> list[str]:
    x, parts = _LEFT + _SIDE + 14, list[str]()
    for index, line in enumerate(lines):
        y, colour = _TOP + 12 + 20 * index, index % len(_DASHES)
        dash = f' stroke-dasharray="{_DASHES[colour]}"' if _DASHES[colour] else ""
        strong = " strong" if line.strong else ""
        parts.append(f'<path class="curve c{colour}{strong}"{dash} d="M{x} {y}h24"/>')
        parts.append(_text(x + 30, y + 4, line.name))
    return parts


def _path(xs: Sequence[float], ys: Sequence[float], top: float, attributes: str) -> str:
    points = (_at(x, y, top) for x, y in zip(xs, ys, strict=True))
    return f'<path {attributes} d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in points)}"/>'


def _at(x: float, y: float, top: float) -> tuple[float, float]:
    return _LEFT + _SIDE * x, _TOP + _SIDE * (1.0 - min(y / top, 1.0))


def _text(x: float, y: float, text: str, *, anchor: str = "start", quiet: bool = False) -> str:
    kind = ' class="quiet"' if quiet else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>{escape(text)}</text>'


def _svg(title: str, width: int, height: int, content: str) -> str:
    return (
        f'<svg role="img" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f"><title>{escape(title)}</title>{content}</svg>"
    )
