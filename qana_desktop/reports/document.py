"""A document to be read and printed: what it says and in which order. Values only: `reports.pdf` draws them.

All texts are already in the reader's language. A block knows nothing of pages, fonts or millimetres on paper.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Tone(StrEnum):
    """How a text stands out, in weight and colour; the words carry the meaning."""

    PLAIN = "plain"
    STRONG = "strong"
    QUIET = "quiet"
    WARNS = "warns"


class Urgency(StrEnum):
    """Colour and shape of a headline: the same four as on the screen, and none."""

    CANNOT_ASSESS = "cannot_assess"
    REVIEW_NOW = "review_now"
    REVIEW = "review"
    LOW_CONCERN = "low_concern"
    UNREAD = "unread"


@dataclass(frozen=True)
class Paragraph:
    """A sentence or several."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Facts:
    """Names with their values, one under the other."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """Rows below a header. `shares` are the columns' widths relative to each other; `right` are set to the right."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    shares: tuple[float, ...]
    right: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if any(len(row) != len(self.header) for row in (*self.rows, self.shares)):
            raise ValueError("every row of a table has a cell under every header")


@dataclass(frozen=True)
class Headline:
    """The answer in one word, with one line beside it."""

    urgency: Urgency
    word: str
    beside: str = ""


@dataclass(frozen=True)
class Bar:
    """One class: name, share in [0, 1], its text; `strong` for malignant classes, `note` beside the name."""

    name: str
    share: float
    text: str
    strong: bool = False
    note: str = ""


@dataclass(frozen=True)
class Bars:
    """Shares as bars."""

    rows: tuple[Bar, ...]


@dataclass(frozen=True)
class Scale:
    """A value in [0, 1] on a line, with cuts on it: (place, text)."""

    value: float
    cuts: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Picture:
    """An image, already encoded as JPEG (RGB, `width` x `height` pixels), with what stands below it.

    `mm_per_pixel` is of these pixels: a bar of so many millimetres is drawn; None draws none.
    """

    jpeg: bytes
    width: int
    height: int
    caption: str
    mm_per_pixel: float | None = None


@dataclass(frozen=True)
class Beside:
    """A picture on the left, blocks on the right of it."""

    picture: Picture
    blocks: tuple[Block, ...]


Block: TypeAlias = Paragraph | Facts | Table | Headline | Bars | Scale | Picture | Beside


@dataclass(frozen=True)
class Section:
    """A part under its own title; `together` keeps it on one page where it fits on one."""

    title: str
    blocks: tuple[Block, ...]
    together: bool = False


@dataclass(frozen=True)
class Document:
    """The whole. `foot` stands at the foot of every page, `running` at the top of every page but the first.

    `made_at` is ISO 8601 UTC: the only thing in a document that the same case does not repeat.
    """

    title: str
    running: str
    made_at: str
    made_line: str
    status: str
    foot: str
    sections: tuple[Section, ...]
    language: str = "en"
    page_of: str = "Page {page} of {pages}"


def texts(document: Document) -> Iterator[str]:
    """Every text of a document, in reading order."""
    yield from (document.title, document.status, document.made_line, document.running, document.foot)
    for section in document.sections:
        yield section.title
        for block in section.blocks:
            yield from _texts_of(block)


def _texts_of(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text=text):
            yield text
        case Facts(rows=rows):
            yield from (cell for row in rows for cell in row)
        case Table(header=header, rows=rows):
            yield from (cell for row in (header, *rows) for cell in row)
        case Headline(word=word, beside=beside):
            yield from (word, beside)
        case Bars(rows=bars):
            yield from (text for bar in bars for text in (bar.name, bar.note, bar.text))
        case Scale(cuts=cuts):
            yield from (text for _place, text in cuts)
        case Picture(caption=caption):
            yield caption
        case Beside(picture=picture, blocks=blocks):
            yield from _texts_of(picture)
            for inner in blocks:
                yield from _texts_of(inner)
