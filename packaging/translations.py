"""Extracts the program's sentences, updates the catalogues of assets/locale and compiles them.

`python3 tasks.py translations` runs this after a sentence was added or changed. New sentences then stand without a
translation in each `qana.po`; the tests fail until somebody writes them. The compiled `qana.mo` lie beside them in the
repository, so that a checkout speaks all languages without this step.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "qana_desktop"
LOCALE = ROOT / "assets" / "locale"
DOMAIN = "qana"
LANGUAGES = ("de", "es", "fr", "zh_CN")
KEYWORDS = {"tr": None, "trn": (2, 3), "_": None, "N_": None, "ngettext": (1, 2)}
NOT_SPOKEN = ("cli/", "training/")
"""The command line and the training speak English."""

STATUS = "machine-assisted, not yet reviewed"
"""Stands in each catalogue's header until a clinician who speaks the language has read it; the program says so."""

HEADER = f"""\
# Sentences of QANA Desktop. English is the source and the key.
# {STATUS.capitalize()}: take this line and X-Review away when a clinician who speaks the language has read all.
"""


@dataclass(frozen=True)
class Gap:
    """One sentence that is not good in one language, and why."""

    language: str
    sentence: str
    why: str


def extract() -> Catalog:
    """Return all sentences of the program, in the order of the alphabet so that two people's changes seldom meet."""
    catalogue = Catalog(domain=DOMAIN, project="QANA Desktop", charset="utf-8", header_comment=HEADER)
    found = extract_from_dir(PACKAGE, [("**.py", "python")], keywords=KEYWORDS, comment_tags=("Translators:",))
    for name, _line, sentence, comments, _context in found:
        if name.startswith(NOT_SPOKEN) or not sentence or sentence == "":
            continue
        catalogue.add(sentence, locations=[(f"qana_desktop/{name}", None)], auto_comments=comments)
    for message in catalogue:
        message.locations = sorted(set(message.locations))
        message.flags.discard("python-format")
    return catalogue


def po_file(language: str) -> Path:
    """Return the path of a language's catalogue."""
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(language: str) -> Catalog:
    """Read a language's catalogue; an empty one when there is none yet."""
    file = po_file(language)
    if not file.is_file():
        return Catalog(locale=language, domain=DOMAIN, header_comment=HEADER, fuzzy=False)
    with file.open("rb") as stream:
        return read_po(stream, locale=language, domain=DOMAIN)


def update(language: str, sentences: Catalog) -> Catalog:
    """Bring a language's catalogue to the present sentences. Nothing is guessed; what is no longer said goes."""
    catalogue = read(language)
    catalogue.update(deepcopy(sentences), no_fuzzy_matching=True, update_header_comment=True)
    catalogue.obsolete.clear()
    for message in catalogue:
        message.flags.discard("python-format")
    return catalogue


def po_bytes(catalogue: Catalog) -> bytes:
    """Return a catalogue as a PO file: the same sentences give the same bytes, no dates, no lines of code."""
    stream = io.BytesIO()
    write_po(
        stream, catalogue, width=120, sort_output=True, ignore_obsolete=True, include_lineno=False, omit_header=True
    )
    language = str(catalogue.locale) if catalogue.locale else "en"
    plural = f'"Plural-Forms: {catalogue.plural_forms}\\n"\n' if catalogue.locale else ""
    review = f'"X-Review: {STATUS}\\n"\n' if catalogue.locale else ""
    header = (
        f'{HEADER}msgid ""\nmsgstr ""\n"Project-Id-Version: QANA Desktop\\n"\n"Language: {language}\\n"\n'
        f'"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
        f"{plural}{review}\n"
    )
    return header.encode() + stream.getvalue()


class _Compiled(Catalog):
    """A catalogue whose header holds no date: the same sentences give the same bytes."""

    plural = ""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """Return what a reader needs, and that nobody has reviewed it."""
        return [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Plural-Forms", self.plural),
            ("X-Review", STATUS),
        ]


def mo_bytes(catalogue: Catalog) -> bytes:
    """Return a catalogue compiled: the sentences that have a translation."""
    bare = _Compiled(locale=catalogue.locale, domain=DOMAIN)
    bare.plural = catalogue.plural_forms
    for message in catalogue:
        if message.id and message.string and all(_forms(message)):
            bare.add(message.id, message.string)
    stream = io.BytesIO()
    write_mo(stream, bare)
    return stream.getvalue()


def gaps(language: str, catalogue: Catalog, sentences: Catalog) -> Iterator[Gap]:
    """Find what is missing or wrong in a language: no translation, other fields than the English sentence has."""
    for sentence in sentences:
        if not sentence.id:
            continue
        message = catalogue.get(_first(sentence))
        if message is None or message.fuzzy or not message.string or not all(_forms(message)):
            yield Gap(language, _first(sentence), "has no translation")
            continue
        english = sentence.id if isinstance(sentence.id, tuple | list) else (sentence.id,)
        allowed = [fields(text) for text in english]
        for form in _forms(message):
            try:
                fits = fields(form) in allowed
            except ValueError:
                fits = False
            if not fits:
                yield Gap(language, _first(sentence), f"has other fields in {form!r}")


def fields(text: str) -> list[str]:
    """Return the fields of a sentence with their formats, sorted; raises ValueError for a brace that is not closed."""
    parsed = Formatter().parse(text)
    return sorted(f"{name}:{spec}!{conversion}" for _text, name, spec, conversion in parsed if name is not None)


def _first(message: Message) -> str:
    return message.id[0] if isinstance(message.id, tuple | list) else message.id


def _forms(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, tuple | list) else (message.string or "",)


def unmarked(sentences: Catalog) -> list[str]:
    """Return sentences that cannot be translated well: joined from pieces, or with fields that have no name."""
    return [_first(m) for m in sentences if m.id and re.search(r"\{[\d:!}]", _first(m))]


def main() -> int:
    """Extract, update, compile; returns 1 when a sentence lacks a good translation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, only say what is missing")
    options = parser.parse_args()
    sentences = extract()
    missing: list[Gap] = []
    if not options.check:
        LOCALE.mkdir(parents=True, exist_ok=True)
        (LOCALE / f"{DOMAIN}.pot").write_bytes(po_bytes(sentences))
    for language in LANGUAGES:
        catalogue = update(language, sentences)
        missing += gaps(language, catalogue, sentences)
        if not options.check:
            file = po_file(language)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(po_bytes(catalogue))
            file.with_suffix(".mo").write_bytes(mo_bytes(catalogue))
    for gap in missing:
        print(f"{gap.language}: {gap.sentence!r} {gap.why}")
    print(f"{len(sentences)} sentences, {len(LANGUAGES)} languages, {len(missing)} gaps")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
