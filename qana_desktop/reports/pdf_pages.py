"""The pages of a finished report as pixels, for a preview and for a printer: what is seen is what was saved.

Only files of our own are given to PDFium. It is not safe between threads: one page is drawn at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

UInt8Image = npt.NDArray[np.uint8]
_POINTS_PER_INCH: Final = 72.0
_ONE_AT_A_TIME: Final = threading.Lock()


@dataclass(frozen=True, eq=False)
class PageImage:
    """One page: uint8 RGB, H x W x 3, and its text as a screen reader says it."""

    rgb: UInt8Image
    text: str


def draw_pages(pdf: bytes, *, dots_per_inch: float) -> Iterator[PageImage]:
    """Yield the pages in order."""
    import pypdfium2 as pdfium

    with _ONE_AT_A_TIME:
        document = pdfium.PdfDocument(pdf)
        count = len(document)
    try:
        for number in range(count):
            with _ONE_AT_A_TIME:
                yielded = _draw(document[number], dots_per_inch)
            yield yielded
    finally:
        with _ONE_AT_A_TIME:
            document.close()


def _draw(page: object, dots_per_inch: float) -> PageImage:
    bitmap = page.render(scale=dots_per_inch / _POINTS_PER_INCH, rev_byteorder=True)  # type: ignore[attr-defined]
    rgb = np.array(bitmap.to_numpy()[..., :3], dtype=np.uint8, order="C")
    text = page.get_textpage().get_text_range()  # type: ignore[attr-defined]
    return PageImage(rgb, "\n".join(text.splitlines()))
