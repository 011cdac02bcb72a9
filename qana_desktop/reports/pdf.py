"""Draws a document as PDF, A4, with fpdf2: text that can be searched and copied, letters of many scripts, no display.

The same document gives the same bytes: nothing of the computer, its clock or its fonts gets in.
"""

from __future__ import annotations

import hashlib
import warnings
from datetime import UTC, datetime
from functools import singledispatchmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from qana_desktop import __version__
from qana_desktop.reports.document import (
    Bar,
    Bars,
    Beside,
    Block,
    Document,
    Facts,
    Headline,
    Paragraph,
    Picture,
    Scale,
    Section,
    Table,
    Tone,
    Urgency,
    texts,
)
from qana_desktop.reports.pdf_fonts import (
    FAMILY,
    add_fonts,
    is_east_asian,
    missing_scripts,
    missing_sentence,
    needs_shaping,
    printable,
)

if TYPE_CHECKING:
    from fpdf import FPDF
    from fpdf.enums import WrapMode

WIDTH, HEIGHT, MARGIN, FOOT = 210.0, 297.0, 16.0, 20.0
"""Millimetres: A4, the margin on all sides, and the room for the foot."""
_INNER: Final = WIDTH - 2 * MARGIN
_LINE: Final = 4.2
_GAP: Final = 2.0
_NAME_SHARE: Final = 0.24
_PICTURE: Final = 74.0
_LARGEST_PICTURE: Final = 110.0

Colour = tuple[int, int, int]
INK: Final[Colour] = (20, 22, 26)
QUIET: Final[Colour] = (92, 97, 105)
LINE: Final[Colour] = (200, 204, 210)
BENIGN: Final[Colour] = (150, 158, 170)
URGENCY: Final[dict[Urgency, tuple[str, Colour]]] = {
    Urgency.CANNOT_ASSESS: ("◆", (104, 52, 140)),
    Urgency.REVIEW_NOW: ("▲", (170, 28, 34)),
    Urgency.REVIEW: ("■", (138, 84, 0)),
    Urgency.LOW_CONCERN: ("●", (24, 104, 62)),
    Urgency.UNREAD: ("○", (70, 74, 80)),
}
"""Shape and colour: the word beside them says the same."""
_TONES: Final[dict[Tone, tuple[str, Colour]]] = {
    Tone.PLAIN: ("", INK),
    Tone.STRONG: ("B", INK),
    Tone.QUIET: ("", QUIET),
    Tone.WARNS: ("B", (150, 30, 30)),
}


def draw_pdf(document: Document) -> bytes:
    """Return the document as PDF; raises ResourcesMissing when a font is not there."""
    return _Drawer(document).bytes()


def _new_pdf() -> FPDF:
    with warnings.catch_warnings():
        # Pictures come as JPEG and are embedded as they are: what fpdf2 would need Pillow for is not used.
        warnings.filterwarnings("ignore", message="Pillow could not be imported")
        from fpdf import FPDF
    pdf = FPDF("portrait", "mm", "A4")
    pdf.set_auto_page_break(False)
    pdf.set_margins(MARGIN, MARGIN, MARGIN)
    pdf.c_margin = 0
    return pdf


class _Drawer:
    """One document on its way to paper: knows where the next block goes."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._pdf = _new_pdf()
        self._x, self._width = MARGIN, _INNER
        self._pictures = 0
        self._describe()
        self._start_page()
        self._head()
        for section in document.sections:
            self._section(section)
        self._foot()

    def bytes(self) -> bytes:
        """The finished file."""
        return bytes(self._pdf.output())

    def _describe(self) -> None:
        pdf, document = self._pdf, self._document
        add_fonts(pdf, (printable(text) for text in texts(document)))
        pdf.set_title(printable(document.title))
        pdf.set_subject(printable(document.running))
        pdf.set_producer(f"QANA Desktop {__version__}")
        pdf.set_creator("QANA Desktop")
        pdf.set_lang(document.language)
        pdf.set_creation_date(_moment(document.made_at))

    # --- pages

    def _start_page(self) -> None:
        pdf = self._pdf
        if pdf.page > 0:
            self._foot()
        pdf.add_page()
        pdf.set_xy(MARGIN, MARGIN)
        if pdf.page > 1:
            self._text(self._document.running, size=7.5, colour=QUIET)
            self._rule()

    def _room(self, height: float) -> None:
        """Start a new page unless `height` mm still fit on this one."""
        if self._pdf.get_y() + height > HEIGHT - FOOT and self._pdf.get_y() > MARGIN + 12:
            self._start_page()

    def _head(self) -> None:
        self._text(self._document.title, size=17, style="B")
        self._text(self._document.status, size=8.5, style="B", colour=(150, 30, 30))
        self._text(self._document.made_line, size=8.5, colour=QUIET)
        if scripts := missing_scripts(texts(self._document)):
            self._text(missing_sentence(scripts), style="B", colour=(150, 30, 30))
        self._rule()

    def _foot(self) -> None:
        """Write the foot of the page that is finished; fpdf2 puts the number of pages in at the end."""
        pdf = self._pdf
        pdf.set_draw_color(*LINE)
        pdf.line(MARGIN, HEIGHT - FOOT + 4, WIDTH - MARGIN, HEIGHT - FOOT + 4)
        numbered = self._document.page_of.format(page=pdf.page, pages=pdf.str_alias_nb_pages)
        self._foot_line(self._document.foot, numbered, HEIGHT - FOOT + 5.5)
        self._foot_line(self._document.status, "", HEIGHT - FOOT + 9.5)

    def _foot_line(self, left: str, right: str, y: float) -> None:
        pdf = self._pdf
        self._font(7.5, "", QUIET)
        self._shape(left)
        pdf.set_xy(MARGIN, y)
        pdf.cell(_INNER - 30, 4, printable(left))
        pdf.set_xy(WIDTH - MARGIN - 30, y)
        pdf.cell(30, 4, printable(right), align="R")

    # --- sections and blocks

    def _section(self, section: Section) -> None:
        height = self._height_of(section.blocks) if section.together else self._height_of(section.blocks[:1])
        self._room(min(height + 10, HEIGHT - FOOT - MARGIN - 14))
        if section.title:
            self._pdf.ln(1.5)
            self._text(section.title, size=12, style="B")
            self._pdf.ln(0.8)
        for block in section.blocks:
            self._block(block)
        self._pdf.ln(1)

    def _height_of(self, blocks: tuple[Block, ...]) -> float:
        """About how high blocks are: only where a page breaks depends on it."""
        return sum(self._about(block) for block in blocks)

    def _about(self, block: Block) -> float:
        match block:
            case Facts(rows=rows):
                return sum(self._row_height(value, self._width * (1 - _NAME_SHARE)) for _name, value in rows) + _GAP
            case Table(rows=rows):
                return _LINE * 1.3 * (len(rows) + 1) + _GAP
            case Beside(picture=picture, blocks=blocks):
                return max(self._size_of(picture)[1] + 10, sum(self._about(inner) for inner in blocks) * 1.15)
            case Picture():
                return self._size_of(block)[1] + 10
            case Bars(rows=rows):
                return 5.0 * (len(rows) + 1)
            case Paragraph(text=text):
                return self._row_height(text, self._width) + _GAP
            case _:
                return 11.0

    def _row_height(self, text: str, width: float) -> float:
        self._font(9, "", INK)
        self._shape(text)
        said = printable(text) or " "
        lines = self._pdf.multi_cell(width, _LINE, said, align="L", dry_run=True, output="LINES", wrapmode=_wrap(text))
        return _LINE * len(lines) if isinstance(lines, list) else _LINE

    @singledispatchmethod
    def _block(self, block: Any) -> None:
        raise TypeError(f"no way to draw a {type(block).__name__}")

    @_block.register
    def _(self, block: Paragraph) -> None:
        self._room(self._about(block))
        style, colour = _TONES[block.tone]
        self._text(block.text, style=style, colour=colour)
        self._pdf.ln(_GAP)

    @_block.register
    def _(self, block: Facts) -> None:
        names = self._width * _NAME_SHARE
        for name, value in block.rows:
            self._room(self._row_height(value, self._width - names))
            y = self._pdf.get_y()
            self._text(name, colour=QUIET, width=names - 2)
            low = self._pdf.get_y()
            self._pdf.set_xy(self._x + names, y)
            self._text(value, x=self._x + names, width=self._width - names)
            self._pdf.set_y(max(low, self._pdf.get_y()))
        self._pdf.ln(_GAP)

    @_block.register
    def _(self, block: Table) -> None:
        total = sum(block.shares)
        widths = [self._width * share / total for share in block.shares]
        for number, row in enumerate((block.header, *block.rows)):
            self._room(_LINE * 1.6)
            self._row(row, widths, block.right, head=number == 0)
        self._pdf.ln(_GAP)

    def _row(self, row: tuple[str, ...], widths: list[float], right: frozenset[int], *, head: bool) -> None:
        y, x, low = self._pdf.get_y(), self._x, self._pdf.get_y()
        for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
            self._pdf.set_xy(x, y)
            align = "R" if column in right else "L"
            self._text(cell, x=x, width=width - 2, size=8, style="B" if head else "", align=align)
            x, low = x + width, max(low, self._pdf.get_y())
        self._pdf.set_draw_color(*LINE)
        self._pdf.line(self._x, low + 0.4, self._x + self._width, low + 0.4)
        self._pdf.set_y(low + 0.8)

    @_block.register
    def _(self, block: Headline) -> None:
        shape, colour = URGENCY[block.urgency]
        self._text(f"{shape} {block.word}", size=15, style="B", colour=colour)
        if block.beside:
            self._text(block.beside, size=9.5, style="B")
        self._pdf.ln(_GAP / 2)

    @_block.register
    def _(self, block: Bars) -> None:
        self._pdf.ln(1)
        for bar in block.rows:
            self._bar(bar)
        self._pdf.ln(_GAP / 2)

    def _bar(self, bar: Bar) -> None:
        pdf, y, style = self._pdf, self._pdf.get_y(), "B" if bar.strong else ""
        names, number, note = self._width * 0.55, 10.0, 17.0
        room = self._width - names - number - note
        self._text(bar.name, size=8, style=style, width=names - 2)
        low = pdf.get_y()
        pdf.set_fill_color(*(URGENCY[Urgency.REVIEW_NOW][1] if bar.strong else BENIGN))
        pdf.rect(self._x + names, y + 0.9, max(0.3, room * bar.share), 2.4, style="F")
        pdf.set_y(y)
        self._text(bar.text, x=self._x + names + room, width=number, size=8, align="R", style=style)
        pdf.set_y(y)
        self._text(bar.note, x=self._x + self._width - note + 2, width=note - 2, size=7.5, colour=QUIET)
        pdf.set_y(max(low, y + _LINE) + 0.6)

    @_block.register
    def _(self, block: Scale) -> None:
        pdf, y = self._pdf, self._pdf.get_y() + 2
        pdf.set_draw_color(*QUIET)
        pdf.line(self._x, y, self._x + self._width, y)
        self._font(7, "", QUIET)
        for place, text in block.cuts:
            x = self._x + self._width * place
            pdf.line(x, y - 1.8, x, y + 1.8)
            pdf.set_xy(x - 6, y + 1.8)
            pdf.cell(12, 3.4, printable(text), align="C")
        pdf.set_fill_color(*INK)
        pdf.circle(self._x + self._width * block.value, y, 1.3, style="F")
        pdf.set_y(y + (6 if block.cuts else 3))

    @_block.register
    def _(self, block: Picture) -> None:
        self._room(self._about(block))
        self._picture(block, self._x, min(self._width, _LARGEST_PICTURE))

    @_block.register
    def _(self, block: Beside) -> None:
        self._room(self._about(block))
        x, width, y, page = self._x, self._width, self._pdf.get_y(), self._pdf.page
        self._picture(block.picture, x, _PICTURE)
        low = self._pdf.get_y()
        self._pdf.set_y(y)
        self._x, self._width = x + _PICTURE + 6, width - _PICTURE - 6
        for inner in block.blocks:
            self._block(inner)
        self._x, self._width = x, width
        self._pdf.set_y(max(low, self._pdf.get_y()) if self._pdf.page == page else self._pdf.get_y())
        self._pdf.ln(_GAP)

    # --- pictures

    def _size_of(self, picture: Picture, widest: float = _PICTURE) -> tuple[float, float]:
        scale = min(widest / picture.width, _LARGEST_PICTURE / picture.height)
        return picture.width * scale, picture.height * scale

    def _picture(self, picture: Picture, x: float, widest: float) -> None:
        """Embed the JPEG as it is. The cache is filled by hand, so that no other decoder touches the bytes."""
        from fpdf.image_datastructures import RasterImageInfo

        pdf, y = self._pdf, self._pdf.get_y()
        width, height = self._size_of(picture, widest)
        self._pictures += 1
        name = Path(f"picture-{self._pictures}")
        pdf.image_cache.images[str(name)] = RasterImageInfo(
            i=self._pictures, w=picture.width, h=picture.height, cs="DeviceRGB", bpc=8, f="DCTDecode", dp="",
            data=picture.jpeg, inverted=False, iccp_i=None, usages=0,
        )  # fmt: skip
        pdf.image(name, x, y, width, height, alt_text=printable(picture.caption))
        pdf.set_y(y + height + 1)
        if picture.mm_per_pixel is not None:
            self._ruler(x, y + height, width / (picture.width * picture.mm_per_pixel), width)
        self._text(picture.caption, x=x, width=widest, size=7.5, colour=QUIET)

    def _ruler(self, x: float, y: float, paper_per_mm: float, width: float) -> None:
        """A bar of so many millimetres on the skin, below the picture."""
        pdf = self._pdf
        length = next((mm for mm in (10, 5, 2, 1, 0.5, 0.2, 0.1) if mm * paper_per_mm <= width * 0.6), 0.1)
        pdf.set_draw_color(*INK)
        pdf.set_line_width(0.5)
        pdf.line(x, y + 2.6, x + length * paper_per_mm, y + 2.6)
        pdf.set_line_width(0.2)
        self._font(7.5, "B", INK)
        pdf.set_xy(x + length * paper_per_mm + 1.5, y + 0.8)
        pdf.cell(20, 3.6, f"{length:g} mm")
        pdf.set_y(y + 5)

    # --- text

    def _font(self, size: float, style: str, colour: Colour) -> None:
        # WORKAROUND: a line that ends in a fallback font leaves that font behind in the page, and fpdf2 takes ours for
        # set: the next line would be drawn with the other font's letters. Forgotten first, it is written each time.
        self._pdf.font_family = ""
        self._pdf.set_font(FAMILY, style, size)
        self._pdf.set_text_color(*colour)

    def _shape(self, text: str) -> None:
        """Join and order letters where a script needs it; elsewhere that only costs time."""
        self._pdf.set_text_shaping(use_shaping_engine=needs_shaping(text), direction="ltr")

    def _text(
        self,
        text: str,
        *,
        size: float = 9,
        style: str = "",
        colour: Colour = INK,
        width: float | None = None,
        x: float | None = None,
        align: str = "L",
    ) -> None:
        """Write a text from here on, as many lines as it needs; the next block starts below it."""
        self._font(size, style, colour)
        self._shape(text)
        self._pdf.set_x(self._x if x is None else x)
        self._pdf.multi_cell(
            self._width if width is None else width,
            max(_LINE, size * 0.46),
            printable(text) or " ",
            align=align,
            new_x="LMARGIN",
            new_y="NEXT",
            wrapmode=_wrap(text),
        )

    def _rule(self) -> None:
        self._pdf.ln(1.5)
        self._pdf.set_draw_color(*LINE)
        self._pdf.line(MARGIN, self._pdf.get_y(), WIDTH - MARGIN, self._pdf.get_y())
        self._pdf.ln(2.5)


def _wrap(text: str) -> WrapMode:
    from fpdf.enums import WrapMode

    return WrapMode.CHAR if is_east_asian(text) else WrapMode.WORD


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def digest(pdf: bytes) -> str:
    """The SHA-256 of a finished file."""
    return hashlib.sha256(pdf).hexdigest()
