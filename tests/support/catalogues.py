"""Catalogues made on the spot: small ones for tests of the mechanism, and pseudo-languages for tests of the layout."""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from qana_desktop.system.language import SOURCE, use_catalogue

ACCENTS = str.maketrans("aeiouAEIOUnc", "åéîøüÅÉÎØÜñç")


def compiled(words: Mapping[tuple[str, ...], list[str]], plural: str) -> bytes:
    """Return a compiled catalogue of (sentence,) or (singular, plural) to their forms."""
    catalogue = Catalog(locale="de", domain="qana")
    catalogue.mime_headers = [("Plural-Forms", plural)]
    for key, forms in words.items():
        catalogue.add(key if len(key) > 1 else key[0], tuple(forms) if len(key) > 1 else forms[0])
    stream = io.BytesIO()
    write_mo(stream, catalogue)
    return stream.getvalue()


class Pseudo(gettext.NullTranslations):
    """Every sentence of the program, longer by `more` and with foreign letters: what is not translated shows."""

    def __init__(self, more: float, before: str = "", after: str = "") -> None:
        super().__init__()
        self._more, self._before, self._after = more, before, after

    def gettext(self, message: str) -> str:
        """Return the sentence in the pseudo-language, its fields as they are."""
        parts = re.split(r"(\{[^{}]*\}|;;.*|\*\.\w+)", message)
        foreign = "".join(part if number % 2 else part.translate(ACCENTS) for number, part in enumerate(parts))
        letters = sum(len(part) for part in parts[::2])
        padding = "".join(" lorem"[i % 6] for i in range(round(letters * self._more)))
        return f"{self._before}{foreign}{padding}{self._after}"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return the plural as English has it."""
        return self.gettext(msgid1 if n == 1 else msgid2)


@contextmanager
def speaking(language: str, catalogue: gettext.NullTranslations) -> Iterator[None]:
    """Speak from a catalogue for a while."""
    use_catalogue(language, catalogue)
    try:
        yield
    finally:
        use_catalogue(SOURCE, gettext.NullTranslations())
